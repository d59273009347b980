# Everything happens in .venv, which is made on first use. PYTHON names the interpreter it is made with.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-all lint bench clean

demo: $(STAMP)  ## train the quickstart on real digits and say where the result lies
	$(BIN)/vicreg train vision/quickstart --out runs/quickstart --overwrite

test: $(STAMP) lint  ## style, types, import contracts and the fast tests
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto

test-all: $(STAMP) lint  ## every test
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## the benchmarks of docs/benchmarks.md
	$(BIN)/pip install -q '.[bench]'
	$(BIN)/python benchmarks/loss.py
	$(BIN)/python benchmarks/augment.py

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"vicreg-suite needs Python 3.11 or newer, {sys.executable} is {v[0]}.{v[1]}; run: make $(MAKECMDGOALS) PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
