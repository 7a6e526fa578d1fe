#!/usr/bin/env bash
# Feeds changed files to every reader of foreign bytes: `tools/fuzz.sh SECONDS [TARGET...]`, SECONDS for each target. A crash
# stops the run with the input's place; the corpora in fuzz/corpus/ are read and never grown here.
# libFuzzer's coverage feedback needs only flags that the stable compiler has; our code is safe Rust, so no sanitiser is asked for.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?seconds for each target}
shift
targets=${*:-headers weights container picture set tables}
out=$PWD/target/fuzz
level='-Cllvm-args=-sanitizer-coverage-level=4'
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module $level -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/host: //p')
# With --target the flags are not those of build scripts.
cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$out"
seeds() {
  case $1 in
    weights) echo goldens ;;
    *) ;;
  esac
}
for target in $targets; do
  mkdir -p "$out/found/$target" "$out/grown/$target"
  # shellcheck disable=SC2046
  "$out/$host/release/$target" "$out/grown/$target" "fuzz/corpus/$target" $(seeds "$target") -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=3000 -max_len=1000000 -artifact_prefix="$out/found/$target/" -print_final_stats=1 -verbosity=0 2>"$out/$target.log" ||
    { tail -30 "$out/$target.log" >&2; exit 1; }
  echo "$target: $(grep -oP 'number_of_executed_units: \K\d+' "$out/$target.log") executions, nothing found"
done
rm -rf /dev/shm/est-fuzz-*
