# What one types while working on headway. Every target does the set-up that it needs, and does it once.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
KERNEL := .venv/kernel
KERNEL_SOURCES := $(wildcard kernel/Cargo.* kernel/pyproject.toml kernel/src/*.rs kernel/src/*/*.rs)

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage check interop bench docs fuzz sim mutants soak lock clean

help:
	@echo 'make demo      a sync from five peers on this machine, three of them faulty'
	@echo 'make test      every test, real nodes included'
	@echo 'make coverage  which branches the tests of modules leave out'
	@echo 'make check     lint, format, types, and the import rules; the kernel too, where Rust is'
	@echo 'make interop   only the tests that talk to real nodes'
	@echo 'make bench     how fast headway is, beside its limit and beside others: bench/report.json'
	@echo 'make docs      draw docs/design/peer-states.md anew from the tables of the peer machine'
	@echo 'make fuzz      coverage-guided fuzzing, FUZZ_SECONDS a target (60)'
	@echo 'make sim       a node among hostile peers in virtual time, SEEDS of them (2000)'
	@echo 'make mutants   headway broken on purpose, and whether the simulator notices'
	@echo 'make soak      the long tests, which `make test` leaves out'
	@echo 'make setup     the environment alone: .venv, and the real nodes under .cache'
	@echo 'make lock      write requirements/dev.txt anew from pyproject.toml'
	@echo 'make clean     remove everything that was built, fetched or cached'

setup: $(INSTALLED) $(KERNEL)
	@tests/interop/install

$(INSTALLED): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The native kernel, where Rust is. Without it headway is complete and slower.
$(KERNEL): $(KERNEL_SOURCES) $(INSTALLED)
	@if command -v cargo >/dev/null; then \
		echo 'building the native kernel' && \
		PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/pip install --quiet --disable-pip-version-check --no-deps \
			--no-build-isolation --force-reinstall ./kernel; \
	else \
		echo 'no native kernel: cargo (Rust) is not here, so the hot loops run in pure Python'; \
	fi
	@touch $@

demo: $(INSTALLED) $(KERNEL)
	@$(BIN)/headway demo

# The hot loops exist twice: what rests on them runs with the native kernel and, once more, in pure Python.
test: setup
	$(BIN)/python -m pytest -n 3 --dist loadfile
	@if command -v cargo >/dev/null; then $(MAKE) --no-print-directory test-kernel; fi

test-kernel: $(KERNEL)
	cd kernel && cargo test --quiet --locked
	HEADWAY_PURE=1 $(BIN)/python -m pytest -q -n 3 --dist loadfile tests/unit/chain tests/unit/kernel tests/unit/networks tests/unit/node tests/unit/sync tests/prop/test_node.py

# Whole stories are left out: they do not say which branches of a module its own tests miss, and counting makes them four
# times as slow.
coverage: setup
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --cov --cov-report term tests/unit tests/prop

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py
	@if command -v cargo >/dev/null; then cd kernel && cargo fmt --check && \
		cargo clippy --quiet --locked --all-targets --features python -- --deny warnings; fi

interop: setup
	$(BIN)/python -m pytest -m interop tests/interop

# The libraries that are measured beside headway have an environment of their own.
BENCH := .cache/bench/venv/installed

bench: setup $(BENCH)
	@$(BIN)/python -m bench.report

$(BENCH): requirements/bench.txt
	$(PYTHON) -m venv --clear .cache/bench/venv
	.cache/bench/venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements/bench.txt
	@touch $@

docs: $(INSTALLED)
	$(BIN)/python -m docs.design.peer_states

# The engine of fuzzing has wheels for Linux on x86-64 alone, so it is installed here and not by `make setup`.
FUZZ_SECONDS ?= 60

fuzz: setup
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements/fuzz.txt
	$(BIN)/python -m tests.fuzz all --seconds $(FUZZ_SECONDS)

SEEDS ?= 2000

sim: $(INSTALLED) $(KERNEL)
	$(BIN)/headway simulate --seeds $(SEEDS)

mutants: $(INSTALLED) $(KERNEL)
	$(BIN)/python -m tests.mutants

soak: setup
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -m soak --timeout 3600

lock:
	$(PYTHON) -m venv --clear .cache/lock
	.cache/lock/bin/pip install --quiet --upgrade pip
	.cache/lock/bin/pip install --quiet --group dev --editable .
	{ sed -n '/^#/p' requirements/dev.txt; .cache/lock/bin/pip freeze --exclude-editable; } > .cache/lock/dev.txt
	mv .cache/lock/dev.txt requirements/dev.txt

clean:
	rm -rf .venv .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
