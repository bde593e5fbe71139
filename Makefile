# One entry for everything; `make` alone lists it. Needs Python 3.11 or 3.12 and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
LOOP ?= newswire
LABELING ?= files
PORT ?= 8080
MLFLOW_PORT ?= 5001
GATEWAY_PORT ?= 8090
STUDIO_PORT ?= 8085
CMD ?=
# What fetches the locked packages, and what `make audit` runs.
UV := 0.13.9
BANDIT := 1.9.4
PIP_AUDIT := 2.10.1
UPGRADE ?= --upgrade
# Files are given out in the order of collection, which begins with the longest; xdist's own order begins with the most tests.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
VENV := .venv
PY := $(VENV)/bin/python
STUDIO := .label-studio
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup demo up down status shell mlflow gateway label-studio check test test-fast lint dag-docs bench bench-peers mutants lock audit suite clean

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/run.stamp ## Make the environment from the lock

demo: $(VENV)/run.stamp $(if $(filter label_studio,$(LABELING)),$(STUDIO)/installed) ## Play a loop's story through a real Airflow and gateway (LOOP=newswire or digits, LABELING=files or label_studio)
	@$(PY) -m demo.story --loop $(LOOP) --port $(PORT) --labeling $(LABELING) --studio-port $(STUDIO_PORT)

up: $(VENV)/run.stamp ## Start Airflow with its UI on loopback and print the login (PORT=8080)
	@$(PY) -m demo up --port $(PORT)

down: $(VENV)/run.stamp ## Stop that Airflow
	@$(PY) -m demo down

status: $(VENV)/run.stamp ## Say how each part of that Airflow is, and what ended
	@$(PY) -m demo status

shell: $(VENV)/run.stamp ## Open a shell where the command `airflow` works on it (CMD="airflow dags list" runs one command)
	@$(PY) -m demo shell --run '$(subst ','\'',$(CMD))'

mlflow: $(VENV)/run.stamp ## Open MLflow's UI on its runs and models (MLFLOW_PORT=5001)
	@$(PY) -m demo mlflow --mlflow-port $(MLFLOW_PORT)

gateway: $(VENV)/run.stamp ## Serve the champions of loops and log what they answer (LOOP=newswire GATEWAY_PORT=8090)
	@$(PY) -m gateway --loops $(LOOP) --port $(GATEWAY_PORT)

label-studio: $(VENV)/run.stamp $(STUDIO)/installed ## Start a Label Studio on loopback in an environment of its own and print the login (STUDIO_PORT=8085)
	@$(PY) -m demo.label_studio_server --port $(STUDIO_PORT)

check: $(VENV)/run.stamp ## Validate every loop file
	@$(PY) -m include check

test: $(VENV)/dev.stamp $(STUDIO)/installed ## Run every test, the real Airflow, MLflow and Label Studio among them
	@$(PY) -m pytest $(WORKERS)

test-fast: $(VENV)/dev.stamp ## Run the tests that start no server
	@$(PY) -m pytest $(WORKERS) -m "not integration"

# What is type-checked.
TYPED = include gateway observability demo plugins/feedback_loop tests benchmarks $(wildcard plugins/*.py dags/*.py)

lint: $(VENV)/dev.stamp ## Check style and types
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy $(TYPED)

.PHONY: loop-file-docs
loop-file-docs: $(VENV)/run.stamp ## Write docs/loop-file.md again from the configuration's own help texts
	@$(PY) -m include reference > docs/loop-file.md

# A module in benchmarks/ with a main function is a benchmark; the others are what they share.
BENCHMARKS = $(filter-out mutants,$(basename $(notdir $(shell grep -l '^def main' benchmarks/*.py))))
PEERS = $(basename $(notdir $(wildcard benchmarks/peers/*.txt)))

dag-docs: $(VENV)/dev.stamp ## Write docs/dags.md anew from the DAGs
	@PYTHONPATH=.:plugins AIRFLOW_HOME=$(CURDIR)/.airflow/docs $(PY) -m feedback_loop.dag_docs

bench: $(VENV)/dev.stamp $(STUDIO)/installed ## Run the benchmarks; each prints JSON lines
	@for name in $(BENCHMARKS); do $(PY) -m benchmarks.$$name || exit 1; done

mutants: $(VENV)/dev.stamp ## Break the code at random and see whether tests notice (ROOM=stages/gate COUNT=40 SEED=0)
	@$(PY) -m benchmarks.mutants $(ROOM:%=--room %) --count $(or $(COUNT),40) --seed $(or $(SEED),0)

bench-peers: $(PEERS:%=data/cache/peers/%/made) ## Make the environments of what the benchmarks compare with

# Bytecode is compiled now, or importing a peer would be most of what is measured.
data/cache/peers/%/made: benchmarks/peers/%.txt | $(VENV)/bin/uv
	@echo "Installing $* …"; $(VENV)/bin/uv venv --quiet --clear --python $(PY) $(@D)
	@$(VENV)/bin/uv pip install --quiet --python $(@D)/bin/python --compile-bytecode -r $<
	@touch $@

LOCKS := requirements requirements-dev requirements-image requirements-label-studio

lock: $(VENV)/dev.stamp ## Resolve the requirements*.in again into the locks, to the newest versions (UPGRADE= keeps them)
	@for name in $(LOCKS); do \
	  $(VENV)/bin/uv pip compile -q --universal --generate-hashes $(UPGRADE) --python-version 3.11 $$name.in -o $$name.txt || exit 1; done

# Each tool is fetched for this run alone; what the locks pin is compared with public advisories, so this needs a network.
audit: $(VENV)/dev.stamp ## Look for known weaknesses in the locks and in the code
	@$(VENV)/bin/uv tool run --quiet bandit==$(BANDIT) --quiet --configfile pyproject.toml --recursive include gateway plugins dags demo
	@for name in $(LOCKS); do \
	  $(VENV)/bin/uv tool run --quiet pip-audit==$(PIP_AUDIT) --strict --disable-pip --require-hashes \
	    --requirement $$name.txt || exit 1; done

suite: $(VENV)/run.stamp ## Write a loop's expectations to include/expectations, to be edited (LOOP=newswire)
	@$(PY) -m include suite $(LOOP)

clean: ## Remove the environment, the demo's data and every cache (not your loops)
	@test ! -x $(PY) || $(PY) -m demo down || true
	rm -rf $(VENV) .airflow $(STUDIO)/venv $(STUDIO)/installed $(STUDIO)/template data/cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/uv:
	@for python in python3.12 python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "No Python 3.11 or 3.12 runs here; install one" >&2; exit 1; fi; \
	echo "Making the environment with $$($$found --version) …"; \
	$$found -m venv $(VENV) && $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV)

# The development lock contains the run-time one, so setting up for tests never takes anything away from a run.
$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/uv
	@if [ ! -e $(VENV)/dev.stamp ]; then \
	  echo "Installing …"; $(VENV)/bin/uv pip sync --quiet --python $(PY) --compile-bytecode requirements.txt; fi
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(VENV)/bin/uv
	@echo "Installing …"; $(VENV)/bin/uv pip sync --quiet --python $(PY) --compile-bytecode requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

# Its packages and the loop's exclude each other. The tables are made once, and copied by each server that is started.
$(STUDIO)/installed: requirements-label-studio.txt | $(VENV)/run.stamp
	@echo "Installing Label Studio …"; mkdir -p $(@D); rm -rf $(@D)/template
	@$(VENV)/bin/uv venv --quiet --clear --python $(PY) $(@D)/venv
	@$(VENV)/bin/uv pip sync --quiet --python $(@D)/venv/bin/python --compile-bytecode $<
	@$(PY) -m demo.label_studio_server template
	@touch $@
