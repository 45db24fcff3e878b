# saikoku: `make help` lists what can be done here. The two commands to know are `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests share the cores, a file a worker; live and browser tests come last, when nothing else runs beside them.
SHARED := --numprocesses auto --maxprocesses 4 --dist loadfile
# live tests start a process some hundreds of times; without bytecode each reads its sources anew
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test check unit integration live havoc browser bench assets install install-dev lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: install  ## install what is needed, start the office, the carrier and a synthetic city, print the address
	deploy/system-packages demo
	$(BIN)/saikoku demo $(ARGS)

test: install-dev  ## everything: style, types, arrows, unit, integration, live and browser tests
	deploy/system-packages test
	$(MAKE) --no-print-directory check $(SMSC)
	$(BIN)/pytest $(SHARED) tests/unit tests/integration
	$(BIN)/pytest $(SHARED) tests/live tests/browser

check: install-dev  ## style, types and the direction of the arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: install-dev  ## unit tests only: no network, no clock, no services
	$(BIN)/pytest tests/unit

integration: install-dev  ## the register on SQLite and on PostgreSQL
	deploy/system-packages test
	$(BIN)/pytest $(SHARED) tests/integration

live: install-dev  ## real Asterisk, real calls; real SMSCs
	deploy/system-packages test
	$(MAKE) --no-print-directory $(SMSC)
	$(BIN)/pytest tests/live

havoc: install-dev  ## 20 rounds of 200 calls while every part is killed and frozen (an hour or more; ARGS=--faults: a campaign)
	deploy/system-packages test
	$(BIN)/python -m tests.live.havoc $(ARGS)

browser: install-dev  ## the panel in Chromium
	deploy/system-packages test
	$(BIN)/pytest tests/browser

bench: install-dev  ## measure and print the speed figures (see bench/README.md)
	deploy/system-packages test
	$(BIN)/python -m bench $(ARGS)

TOKENS := webpanel/assets/node_modules/@digital-go-jp/design-tokens

SMSC := tests/live/smsc/node_modules/.installed

$(SMSC): tests/live/smsc/package-lock.json
	npm ci --prefix tests/live/smsc --ignore-scripts --no-audit --no-fund
	touch $@

assets:  ## make the panel's colours and sizes again from the Digital Agency's design tokens (needs npm)
	npm ci --prefix webpanel/assets --ignore-scripts --no-audit --no-fund
	{ echo '/* Made by `make assets` from @digital-go-jp/design-tokens.'; cat $(TOKENS)/LICENSE; echo '*/'; \
	  cat $(TOKENS)/dist/tokens.css; } > webpanel/static/tokens.css

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	deploy/system-packages python
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: requirements/dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	touch $@

lock:  ## pin the dependencies again (needs uv)
	uv pip compile pyproject.toml --extra build --extra lab --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/run.lock
	uv pip compile pyproject.toml --extra build --extra lab --extra dev -c requirements/run.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/dev.lock

clean:  ## remove the environment, caches and the demo's data
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
