# `make` lists what there is. Works with GNU make 3.81 and newer; needs Python 3.11 or newer, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help

EXAMPLE := examples/customers.csv
FILE ?= $(EXAMPLE)
PORT ?= 3000
WORKERS ?= 3
FULL_WORKERS ?= 2
# The environment of Python; `.ci/run` makes one for each further version of Python.
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

# The first of these that is Python 3.11 or newer makes the environment; `make PYTHON=/path/to/python …` chooses another.
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3 python

.PHONY: help import pull test faults fuzz mutate lint format ui bench contract scale pictures lock sbom clean environment development

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

import: environment ## Import FILE (examples/customers.csv) into the target database.
	@if [ "$(FILE)" = "$(EXAMPLE)" ] && $(BIN)/etl-customers settings | grep -Eq '^company\.country .*default *$$'; then \
		echo "the example's company is in Australia: company.country is AU for this import only"; \
		export ETL_CUSTOMERS_COMPANY__COUNTRY=AU; \
	fi; \
	$(BIN)/etl-customers import "$(FILE)" || { code=$$?; [ $$code -eq 1 ] || exit $$code; } # 1: some rows failed

pull: environment ## Try pulls from QuickBooks Online and Xero, without an account (PULL_HOME=folder to keep).
	@$(BIN)/python -m examples.pull_demo

test: development ## Run every test, PostgreSQL included (from a wheel).
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: development ## Kill imports at every call, fill every disk, drop every connection, run everything (an hour).
	@ETL_CUSTOMERS_FULL_TESTS=1 $(BIN)/python -m pytest -q -n $(FULL_WORKERS) tests/faults tests/browser $(ARGS)

fuzz: development ## Read, check and write thousands of generated files, rows and settings.
	@ETL_CUSTOMERS_FULL_TESTS=1 $(BIN)/python -m pytest -q -n $(FULL_WORKERS) -m hypothesis tests $(ARGS)

mutate: development ## Remove each check of each contract: a test must fail (ARGS=word for some).
	@$(BIN)/python -m tests.schemas.mutate $(ARGS)

lint: development ## Check style, types and the direction of imports.
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted; run: make format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said"; exit 1; }
	@echo "lint: style, types and imports are as they should be"

format: development ## Format the code and fix what ruff can fix.
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .

ui: environment ## Open the Dagster UI on the same home (PORT=3000).
	@$(BIN)/etl-customers ui --port $(PORT)

bench: development ## Measure the speed against limits and peers, about an hour (ARGS=--quick; ARGS="small peers").
	@$(BIN)/python -m benchmarks $(ARGS)

scale: development ## Import 50 files with two run workers on PostgreSQL storage (ARGS="--celery" for Celery workers).
	@$(BIN)/python -m benchmarks.scale $(ARGS)

contract: development ## Check our requests to Xero against its OpenAPI file SPEC (needs Node.js and the file).
	@$(BIN)/python -m tests.contract.xero "$(SPEC)"

pictures: development ## Make the pictures in docs/pictures from the running program (needs chromium).
	@$(BIN)/python -m tools.pictures

# $(1): a lock. $(2): the file to write, the same each time for the same lock.
bill = mkdir -p dist && PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements $(1) --pyproject pyproject.toml --mc-type application \
	--output-reproducible --spec-version 1.6 --output-format JSON --output-file $(2)

COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --no-strip-extras
lock: development ## Write the lock files from pyproject.toml (ARGS=--upgrade for newer versions).
	@$(COMPILE) $(ARGS) --group build --output-file requirements.lock
	@$(COMPILE) $(ARGS) --group deploy --constraint requirements.lock --output-file requirements-deploy.lock
	@$(COMPILE) $(ARGS) --group dev --constraint requirements-deploy.lock --output-file requirements-dev.lock
	@echo "requirements.lock, requirements-deploy.lock and requirements-dev.lock are written"

sbom: development ## Write dist/sbom.cdx.json and dist/sbom-deploy.cdx.json: what the locks install, as CycloneDX.
	@$(call bill,requirements.lock,dist/sbom.cdx.json)
	@$(call bill,requirements-deploy.lock,dist/sbom-deploy.cdx.json)
	@echo "dist/sbom.cdx.json and dist/sbom-deploy.cdx.json are written"

clean: ## Remove the environment and caches; never a home with customers.
	@rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment: ## Make or update the environment in .venv (the others do this themselves).
	@$(call install,requirements.lock,requirements.lock requirements-dev.lock)

development:
	@$(call install,requirements-dev.lock,requirements-dev.lock)

# $(1): the lock to install from. $(2): the locks of which any, once installed, will do.
# With PYTHON given, an environment of another version of Python is made anew.
version = "$$($(1) -c 'import sys; print(sys.version)' 2>/dev/null)"
usable = { [ -x $(1) ]$(if $(PYTHON), && [ $(call version,$(1)) = $(call version,$(PYTHON)) ]); }

# A stamp holds the folder and the checksum of the lock and pyproject.toml: another clone, lock or version installs anew.
define install
set -eu; \
sum() { echo "$$(pwd) $$(cat pyproject.toml "$$1" | cksum)"; }; \
for lock in $(2); do \
	if $(call usable,$(BIN)/python) && [ "$$(cat $(VENV)/$$lock.stamp 2>/dev/null || true)" = "$$(sum $$lock)" ]; then exit 0; fi; \
done; \
if ! $(call usable,$(BIN)/python) || ! $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	python=; \
	for name in $(or $(PYTHON),$(PYTHONS)); do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "no Python 3.11 or newer found (tried: $(or $(PYTHON),$(PYTHONS)));" >&2; \
		echo "install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
		echo "$$python has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$python" --version)" >&2; \
	"$$python" -m venv --clear $(VENV); \
fi; \
echo "installing $(1) into $(VENV) (a minute or two the first time)" >&2; \
$(PIP) install --require-hashes -r $(1); \
$(PIP) install --no-deps --no-build-isolation -e .; \
sum $(1) >$(VENV)/$(1).stamp
endef
