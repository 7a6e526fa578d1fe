#!/usr/bin/env bash
# polars passes over row groups by the upper bound of a float column only; `is_between` uses both bounds.
# Found 2026-11-30 with polars 2.1.0 and pyarrow 26.0.1.
#
# Expected: (t >= a) & (t <= b) and t.is_between(a, b) are the same question, so that scan_parquet reads the same row groups for both:
#   2 of 22 for one minute of two hours, sorted by t.
# Seen: of a double column the first form reads 12 of 22 groups and the second 2; of an integer column both read 2. `t >= a` alone
#   passes over no group of doubles. (polars holds NaN to be greater than any number, and the bounds in a Parquet file do not say
#   whether there is a NaN, so a lower limit proves nothing; is_between with its upper limit does.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 pyarrow==26.0.1
venv/bin/python - <<'PYTHON'
import os
import re
import subprocess
import sys

import pyarrow
import pyarrow.parquet

rows = 22 * 8192
table = pyarrow.table({"t": [k / 25.0 for k in range(rows)], "k": list(range(rows))})
pyarrow.parquet.write_table(table, "two-hours.parquet", row_group_size=8192)
minute = {"t": (3600.0, 3660.0), "k": (90000, 91500)}


def groups(column, question):
    low, high = minute[column]
    code = (
        "import polars; from polars import col; "
        f"print(polars.scan_parquet('two-hours.parquet').filter({question.format(c=f'col({column!r})', low=low, high=high)}).collect().height)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ, POLARS_VERBOSE="1"), capture_output=True, text=True, check=True
    )
    read = re.search(r"Predicate pushdown: reading (\d+) / 22 row groups", done.stderr)
    return int(read[1]) if read else 22


both, between, lower = "({c} >= {low}) & ({c} <= {high})", "{c}.is_between({low}, {high})", "{c} >= {low}"
seen = {column: [groups(column, question) for question in (both, between, lower)] for column in minute}
print("groups read by two comparisons, is_between, the lower limit alone:", seen)
assert seen["t"] == [12, 2, 22], "polars passes over other groups of floats now"
assert seen["k"] == [2, 2, 12]
PYTHON
