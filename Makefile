# `make demo` shows Tidings, `make test` proves it; both set up what they need in .venv first.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# Modules are compiled once, and not by each of the processes that the tests start, wherever that is switched off.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check format soak bench bench-peers lock clean

demo: .venv/.runtime ## start everything on this machine and show the page's address
	@$(BIN)/tidings demo $(ARGS)

test: .venv/.dev ## run all tests that this machine allows; says at the end what it skipped
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

check: .venv/.dev ## formatting, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: .venv/.dev ## the long counts in full: kills, simulations, fuzzing
	SOAK=1 $(BIN)/python -m pytest -n 2 --dist worksteal --timeout=3600 tests $(ARGS)

bench: .venv/.dev ## measure against the floors; prints a table and writes bench/results
	$(BIN)/python -m bench $(ARGS)

bench-peers: .venv/.dev ## measure against peers, each in an environment of its own
	$(BIN)/python -m bench.peers $(ARGS)

lock: .venv/.dev ## renew the hash-locked requirements from requirements/*.in
	$(BIN)/python -m pip install -q uv
	for kind in runtime dev; do $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --no-header requirements/$$kind.in -o requirements/$$kind.txt; done

clean:
	rm -rf .venv build dist *.egg-info

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Tidings needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.runtime: requirements/runtime.txt pyproject.toml | .venv/bin/python
	@echo "Setting up .venv (once; about a minute) ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	@echo "Setting up the test tools (once) ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@
