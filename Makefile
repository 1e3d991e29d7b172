# Everything happens in .venv; a second call does nothing twice.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3 python,$(shell $(p) -c 'import sys; (3, 11) <= sys.version_info < (3, 13) and print(sys.executable)' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made
DEMO := runs/demo

.PHONY: help env demo test fuzz check format clean
.DEFAULT_GOAL := help

help:
	@echo "make env     the environment in $(VENV)"
	@echo "make demo    a suite of over 100 cases, with report, in $(DEMO)"
	@echo "make test    the whole test suite"
	@echo "make fuzz    the suite with fresh random examples in its property tests"
	@echo "make check   format, lint, types and tests"
	@echo "make clean   remove what was made (records in runs/ stay)"

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; name one: make env PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/twin sweep demo --out $(DEMO) || test $$? -eq 1
	@echo
	@echo "Look at $(DEMO)/report.html (results.parquet, junit.xml and records/ lie beside it)."

test: $(STAMP)
	@$(BIN)/twin doctor --compile
	$(BIN)/pytest --numprocesses auto --dist worksteal

fuzz: $(STAMP)
	HYPOTHESIS_PROFILE=explore $(BIN)/pytest --numprocesses auto --dist worksteal

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(BIN)/twin doctor --compile
	$(BIN)/pytest --numprocesses auto --dist worksteal

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
