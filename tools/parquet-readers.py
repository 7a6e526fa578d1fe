"""How much of two hours of results other programs read for one minute.

python tools/parquet-readers.py TWO-HOURS.parquet: exits with 1 where pyarrow, DuckDB or polars reads more than the row
groups that hold the minute. `make test-full` writes the file and runs this.
"""

import os
import subprocess
import sys

import duckdb
import pyarrow
import pyarrow.compute as compute
import pyarrow.dataset as dataset
import pyarrow.parquet as parquet

MINUTE = (3600.0, 3660.0)
POLARS = """
import sys, polars
rows = polars.scan_parquet(sys.argv[1]).filter(polars.col("pts_s").is_between(3600.0, 3660.0)).select("p_happy").collect()
print(rows.height)
"""


def by_pyarrow(path):
    wanted = (compute.field("pts_s") >= MINUTE[0]) & (compute.field("pts_s") <= MINUTE[1])
    [file] = dataset.dataset(path).get_fragments()
    return len(file.subset(wanted).row_groups), dataset.dataset(path).to_table(filter=wanted).num_rows


def by_duckdb(path):
    question = f"select p_happy from '{path}' where pts_s between {MINUTE[0]} and {MINUTE[1]}"
    plan = duckdb.sql(f"explain analyze {question}").fetchall()[0][1]
    line = next(line for line in plan.splitlines() if "Row Groups Scanned" in line)
    return int(line.split(":")[1].split("/")[0]), len(duckdb.sql(question).fetchall())


def by_polars(path):
    environment = dict(os.environ, POLARS_VERBOSE="1")
    done = subprocess.run([sys.executable, "-c", POLARS, path], env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in done.stderr.splitlines() if "Predicate pushdown: reading" in line)
    return int(line.split("reading")[1].split("/")[0]), int(done.stdout)


def main(path):
    about = parquet.ParquetFile(path).metadata
    groups = [about.row_group(k) for k in range(about.num_row_groups)]
    at = about.schema.names.index("pts_s")
    bounds = [group.column(at).statistics for group in groups]
    if not all(bound.has_min_max for bound in bounds):
        sys.exit("pyarrow sees no bounds of pts_s")
    least = sum(bound.min <= MINUTE[1] and bound.max >= MINUTE[0] for bound in bounds)
    print(f"{about.num_rows} rows in {len(groups)} groups, the minute lies in {least}; {os.path.getsize(path)} bytes")
    failed = False
    for name, read in [("pyarrow", by_pyarrow), ("duckdb", by_duckdb), ("polars", by_polars)]:
        count, rows = read(path)
        print(f"{name}: {count} of {len(groups)} groups, {rows} rows")
        failed |= count > least or rows != 1501
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1])
