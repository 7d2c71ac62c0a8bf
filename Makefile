# On a machine with only Python (3.11 to 3.14) and make, this file is all the set-up there is.
#
#   make run      a brief from the documents in docs/, or:  make run QUESTION="..." DOCUMENTS=path/to/folder
#   make test     every test             one of them:       make test TESTS="tests/test_architecture.py -v"
#   make check    lint, format, types, import direction
#   make format   let the formatter and the linter's safe fixes write
#   make bench    the benchmarks, one JSON line each
#   make clean    remove the environment, caches and builds; a workspace's data (.agentops/) stays
#
# Everything is installed into .venv, at the versions in constraints.txt. Another Python:  make test PYTHON=python3.13

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Candidates: the first that is a supported Python and can make environments is taken.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
BIN := .venv/bin
# One process per core up to two; `make test TESTS=` for one process.
TESTS ?= -q -n 2

export QUESTION ?= How can a run be replayed without calling a model or a tool again?
export DOCUMENTS ?= docs

# The build backend is pinned too: pip reads the first name up to 25.2, the second one since.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(BIN)/python -m pip --quiet install

.PHONY: help run test check check-lint check-format check-imports check-types format bench environment clean

help:
	@sed -n 's/^# \{0,1\}//; /^Everything/q; 1,/^$$/d; p' Makefile

run: $(BIN)/.installed
	@$(BIN)/agentops run research-brief -i "question=$$QUESTION" -i "documents=$$DOCUMENTS"

test: $(BIN)/.installed-dev
	$(BIN)/python -m pytest $(TESTS)

# `make -k check` goes on after the first that fails.
check: check-lint check-format check-imports check-types

check-lint: $(BIN)/.installed-dev
	$(BIN)/ruff check .

check-format: $(BIN)/.installed-dev
	$(BIN)/ruff format --check .

check-imports: $(BIN)/.installed-dev
	$(BIN)/lint-imports

check-types: $(BIN)/.installed-dev
	$(BIN)/mypy

format: $(BIN)/.installed-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(BIN)/.installed-dev
	@$(BIN)/python -m benchmarks

environment: $(BIN)/.installed-dev
	@$(BIN)/python -c "import sqlite3, sys; print('Python', sys.version); print('SQLite', sqlite3.sqlite_version)"

clean:
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find agentops agents benchmarks playbooks tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# An environment that has no pip, as uv makes them, is made anew.
$(BIN)/.made:
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    for python in $(PYTHON); do \
	        if "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	            >/dev/null 2>&1; then found=$$python; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "No usable Python among: $(PYTHON)" >&2; \
	        echo "  Python 3.11 to 3.14 with the modules venv and ensurepip is needed (on Debian and Ubuntu: the" >&2; \
	        echo "  package python3-venv). Say where it is with: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
	        exit 1; \
	    fi; \
	    echo "Making .venv with $$("$$found" --version)" >&2; \
	    "$$found" -m venv --clear .venv; \
	fi
	@touch $@

$(BIN)/.installed: $(BIN)/.made pyproject.toml constraints.txt
	@echo "Installing agentops and what it needs into .venv" >&2
	@$(PIP) -e ".[documents,pdf]"
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.made pyproject.toml constraints.txt
	@echo "Installing agentops, what it needs and the tools of its house into .venv" >&2
	@$(PIP) -e ".[dev]"
	@touch $@ $(BIN)/.installed
