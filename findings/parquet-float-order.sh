#!/usr/bin/env bash
# pyarrow sees no bounds of the float columns that the Rust crate parquet 60 writes, so that a filter reads the whole file.
# Found 2026-11-30 with the crate parquet 60.1.0 and pyarrow 26.0.1.
#
# Expected: a double column written with the crate's defaults has a smallest and a largest value for each row group, and pyarrow passes
#   over the groups that a filter excludes, as it does for an integer column of the same file.
# Seen: the crate marks float columns with the new column order IEEE_754_TOTAL_ORDER. pyarrow does not know that order and drops the
#   bounds: has_min_max is False for the doubles and True for the integers. A dataset's filter on the doubles keeps all row groups.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p writer/src
cat >writer/Cargo.toml <<'TOML'
[package]
name = "writer"
version = "0.0.0"
edition = "2021"

[dependencies]
parquet = { version = "=60.1.0", default-features = false }
TOML
cat >writer/src/main.rs <<'RUST'
use std::{fs::File, sync::Arc};

use parquet::data_type::{DoubleType, Int64Type};
use parquet::file::{properties::WriterProperties, writer::SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

fn main() {
    let schema = parse_message_type("message row { required double t; required int64 k; }").unwrap();
    let file = File::create("two-groups.parquet").unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(WriterProperties::builder().build())).unwrap();
    for group in 0..2i64 {
        let numbers: Vec<i64> = (group * 100..group * 100 + 100).collect();
        let times: Vec<f64> = numbers.iter().map(|&k| k as f64).collect();
        let mut rows = writer.next_row_group().unwrap();
        let mut column = rows.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        let mut column = rows.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();
        rows.close().unwrap();
    }
    writer.close().unwrap();
}
RUST
cargo run --quiet --manifest-path writer/Cargo.toml
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1
venv/bin/python - <<'PYTHON'
import pyarrow.compute as compute
import pyarrow.dataset as dataset
import pyarrow.parquet as parquet

group = parquet.ParquetFile("two-groups.parquet").metadata.row_group(0)
bounds = [bool(group.column(k).statistics and group.column(k).statistics.has_min_max) for k in range(2)]
[file] = dataset.dataset("two-groups.parquet").get_fragments()
kept = [len(file.subset(compute.field(name) >= 150).row_groups) for name in ("t", "k")]
print("bounds of t, k:", bounds, "groups kept by a filter on t, k:", kept)
assert bounds == [False, True], "pyarrow sees the bounds of the doubles now"
assert kept == [2, 1]
PYTHON
