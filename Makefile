# 知音:所有日常动作都在这里。 `make` lists them.
# Only Python 3.11+ and make are assumed; uv comes from the package index into .tools/.
SHELL := /bin/bash
PYTHON ?= python3
TOOLS := .tools
UV := $(TOOLS)/bin/uv
BIN := .venv/bin
TRIALS ?= 50
CODEC ?= hj212
SECONDS ?= 600
SEED ?= 1

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	@echo "zhiyin: fetching uv into $(TOOLS)/ …"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"zhiyin: {sys.executable} is Python {sys.version.split()[0]}; it should be 3.11 or newer. Set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'

.venv/.synced: pyproject.toml requirements.lock | $(UV)
	@echo "zhiyin: installing Python packages into .venv/ …"
	@test -x .venv/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@.venv/bin/python -m compileall -q src packs
	@touch $@

.PHONY: lock
lock: $(UV)  ## choose the versions anew, with hashes, for every platform
	$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --upgrade --quiet --output-file requirements.lock

.PHONY: web
web: .venv/.synced  ## build the front end when it is stale
	@$(BIN)/python tools/web.py

.PHONY: setup
setup: .venv/.synced web  ## install everything into this folder

.PHONY: demo
demo: setup  ## start a demonstration district, print its address
	@exec .venv/bin/zhiyin demo $(ARGS)

.PHONY: fmt
fmt: .venv/.synced  ## format the code
	$(BIN)/ruff format src tests benchmarks tools packs
	$(BIN)/ruff check --fix --quiet src tests benchmarks tools packs

.PHONY: check
check: setup  ## lint, types, contracts and packs, without the tests
	$(BIN)/ruff format --check src tests benchmarks tools packs
	$(BIN)/ruff check src tests benchmarks tools packs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zhiyin pack check

.PHONY: test
test: setup  ## every check and every test
	@bash tools/chromium.sh
	$(MAKE) --no-print-directory check
	$(BIN)/python tools/web.py --check
	$(BIN)/pytest $(ARGS)

.PHONY: faults
faults: setup  ## TRIALS=n SEED=s: kill, fill, reorder, and count what is lost
	$(BIN)/python -m tests.faults --trials $(TRIALS) --seed $(SEED)

.PHONY: fuzz
fuzz: setup  ## CODEC=hj212 SECONDS=600: any bytes at all through a codec, guided by coverage
	@$(UV) pip install --quiet --group fuzz
	$(BIN)/python -m tests.fuzz $(CODEC) --seconds $(SECONDS)

.PHONY: bench
bench: setup  ## measure, beside what a user would pick instead
	$(BIN)/python -m benchmarks

.PHONY: clean
clean:  ## remove what was built (not the data)
	rm -rf .venv $(TOOLS) src/zhiyin/static web/node_modules
