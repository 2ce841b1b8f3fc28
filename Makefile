# Everything a newcomer types.  Needs Python 3.11 or newer, git and make; no root, no server.
PYTHON ?= python3
VENV ?= .venv
INTEL ?=
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types fmt docs docs-check scoreboard proofs bench bench-formats bench-storage soak wheel clean python

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Says the one line that helps where Python is too old or cannot make environments.
python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "make: $(PYTHON) is not installed; install Python 3.11 or newer, or say which: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $$($(PYTHON) --version) is too old, 3.11 or newer is needed; say which: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' >/dev/null 2>&1 || { \
	  echo "make: $(PYTHON) cannot make environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(BIN)/python: | python
	@echo "making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,dev]'
	@touch $@

setup: $(VENV)/.base ## Make the environment in .venv; then .venv/bin/yetictl --help

demo: $(VENV)/.base ## Import the samples (or INTEL=<folder>), export them to var/exports, show what came out
	@$(BIN)/python examples/demo.py $(if $(INTEL),--intel '$(INTEL)')

test: $(VENV)/.test ## Run the tests; those whose server is missing are skipped and say so; ARGS= goes to pytest
	@$(BIN)/python -m pytest $(ARGS)

check: lint types docs-check test ## What has to pass before a change is handed in

lint: $(VENV)/.dev ## Look for faults (ruff) and for imports against the flow (import-linter)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(VENV)/.dev ## Check the types of core and of the example package (mypy, strict)
	@$(BIN)/mypy
	@$(BIN)/mypy --strict examples/storage-client/yeti_git_storage

fmt: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.base ## Write the generated pages of docs/reference again
	@$(BIN)/python docs/generate.py

docs-check: $(VENV)/.base ## Fail if a generated page is not up to date
	@$(BIN)/python docs/generate.py --check

proofs: $(VENV)/.test ## Write core/exports/formats/proofs.json again, from the tests that prove it; needs the consumers' tools
	@$(BIN)/python -m pytest -q --proofs tests/formats

bench: $(VENV)/.test ## Measure against the sqlite3 command line, then each format; ROWS=100000 for a quick one
	@$(BIN)/python -m bench $(if $(ROWS),--rows $(ROWS))
	@$(BIN)/python -m bench.formats $(if $(ROWS),--rows $(ROWS)) $(ARGS)

bench-formats: $(VENV)/.test ## Measure the formats alone; ARGS="--only rpz stix" for some, --page writes the page
	@$(BIN)/python -m bench.formats $(ARGS)

scoreboard: $(VENV)/.test ## Write docs/reference/scoreboard.md again, from the tests that prove it
	@$(BIN)/python -m pytest -q -m scoreboard --scoreboard tests/clients/test_storage_*.py tests/clients/test_s3_*.py tests/clients/test_local_*.py

bench-storage: $(VENV)/.test ## Measure publishing beside six other libraries; ARGS=--quick for a quick one
	@$(BIN)/python -m bench.storage $(ARGS)

soak: $(VENV)/.test ## Load the services, and kill their parts in turn for minutes; ARGS=--quick is short, --page writes the page
	@$(BIN)/python -m bench.services $(ARGS)

wheel: $(VENV)/.dev ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel --outdir dist . >/dev/null && ls dist

clean: ## Remove the environment and everything that was made
	@rm -rf $(VENV) var build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
