# Two commands are enough on a machine with Python >= 3.11, Rust and make: `make demo`, `make test`.
# An active virtual environment is used; without one, .venv is made.

PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
DEPS := $(VENV)/.phantom-dependencies
BUILD := $(VENV)/.phantom-build
# The inputs of Rust's property tests; `large_cycles_are_never_beaten_by_dense_search` is meant for this one.
PROPTEST_RNG_SEED ?= 20220406
# How many times the usual number of inputs `make soak` tries.
SOAK ?= 50
# How long `make fuzz` gives every target.
FUZZ_SECONDS ?= 60
# How many runs `make kill` makes.
KILLS ?= 1000
FUZZ_TARGETS := $(sort $(basename $(notdir $(wildcard src_rust/fuzz/fuzz_targets/*.rs))))
# The dashboard's pages. Only they need Node; without it everything else works.
PAGES := src/phantom_arbiter/galaxy/static/index.html
PAGES_SOURCES := $(shell find galaxy -name node_modules -prune -o -type f -print)
NODE_PACKAGES := galaxy/node_modules/.package-lock.json
HAS_NODE := command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
TRY_PAGES = if $(HAS_NODE); then $(MAKE) --no-print-directory web || echo "the dashboard's pages could not be built: phantom dashboard goes without (make web says why)" >&2; \
	else echo "Node >= 20.19 with npm is missing: phantom dashboard goes without its pages" >&2; fi
# $(call IN_PAGES,what,script): runs it; left out without Node, or where the packages' registry is out of reach.
IN_PAGES = if ! { $(HAS_NODE); }; then echo "$(1) of the dashboard's pages are left out: they need Node >= 20.19 with npm" >&2; \
	elif $(MAKE) --no-print-directory --silent $(NODE_PACKAGES); then cd galaxy && npm run --silent $(2); \
	elif npm ping --fetch-retries=0 --fetch-timeout=10000 >/dev/null 2>&1; then echo "$(1) of the dashboard's pages: npm ci failed, though npm's registry answers" >&2; exit 1; \
	else echo "$(1) of the dashboard's pages are left out: npm's registry cannot be reached" >&2; fi
RUST_SOURCES := Cargo.toml Cargo.lock src_rust/Cargo.toml $(shell find src_rust/src -name '*.rs')

.DEFAULT_GOAL := help
.PHONY: help install build web demo test test-rust test-python test-web soak fuzz kill lint lint-web fmt bench heap check clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

install: $(DEPS) ## Make the virtual environment, install the development tools, build the dashboard's pages where Node is present
	@$(TRY_PAGES)

web: $(PAGES) ## Build the dashboard's pages (needs Node >= 20.19 and npm)

$(PAGES): $(PAGES_SOURCES) $(NODE_PACKAGES)
	cd galaxy && npm run --silent build
	@touch $@

$(NODE_PACKAGES): galaxy/package.json galaxy/package-lock.json
	@$(HAS_NODE) || { echo "Node >= 20.19 with npm is missing: install it, then run make again" >&2; exit 1; }
	cd galaxy && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(DEPS): pyproject.toml
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust >= 1.90 (rustup), then run make again" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(PYTHON) is missing or older than 3.11: install Python >= 3.11, or say which with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

build: $(BUILD) ## Build the native module (release) and install the package in place

$(BUILD): $(DEPS) $(RUST_SOURCES) pyproject.toml
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked
	@touch $@

demo: build ## Replay the shipped recording: one real day of nine pools, paper trades
	$(BIN)/phantom run

test: test-rust test-python test-web ## Run every test

test-rust: $(DEPS)
	PROPTEST_RNG_SEED=$(PROPTEST_RNG_SEED) cargo test --locked --workspace

test-python: build
	@$(TRY_PAGES)
	$(BIN)/python -m pytest

test-web: ## The dashboard's pages; left out without Node or npm's registry
	@$(call IN_PAGES,tests,test)

soak: ## Rust's property tests on many inputs, other ones each time (SOAK=50 times as many)
	env -u PROPTEST_RNG_SEED PHANTOM_SOAK=$(SOAK) cargo test --locked --workspace --tests

fuzz: ## Fuzz every decoder, quote and the strategy language (FUZZ_SECONDS=60 each; needs the nightly toolchain and cargo-fuzz)
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz or the nightly toolchain is missing: rustup toolchain install nightly && cargo install cargo-fuzz" >&2; exit 1; }
	cd src_rust/fuzz && cargo run --quiet --release --example seeds -- ../../tests/data/vectors corpus
	cd src_rust && for target in $(FUZZ_TARGETS); do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=5 -malloc_limit_mb=64 || exit 1; \
	done

kill: build ## Kill live runs at every step and compare journal with chain (KILLS=1000 runs; takes 20 minutes)
	$(BIN)/python tests/kill_harness.py --runs $(KILLS)

lint: build ## rustfmt, clippy, ruff, mypy, stubs against the binary, import contracts
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features python -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest phantom_core --ignore-disjoint-bases
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory lint-web

lint-web: ## Types of the dashboard's pages; left out without Node or npm's registry
	@$(call IN_PAGES,types,check)

fmt: $(DEPS) ## Format Rust and Python
	cargo fmt --all
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

bench: build ## Python reference against Rust, per hot path, answers compared first
	$(BIN)/python benchmark_rust.py

heap: ## Heap profile of the native engine over the demo recording (needs valgrind)
	cargo build --locked --profile profiling --bin phantom_core
	valgrind --tool=massif --massif-out-file=target/massif.out target/profiling/phantom_core src/phantom_arbiter/data/whirlpool-2022-04-06.phrec
	ms_print target/massif.out | head -40

# Hypothesis then tries the same inputs each time.
check: export CI := true
check: lint test ## Everything that CI runs

clean: ## Remove what builds left
	cargo clean
	rm -rf $(BUILD) $(dir $(PAGES)) galaxy/node_modules .mypy_cache .ruff_cache .pytest_cache
