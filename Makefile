# Duradesk. `make help` lists what this file can do.
# The virtual environment is made from plain python3 (3.11 or later); nothing has to be installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
RELEASE ?= HEAD

.DEFAULT_GOAL := help
.PHONY: help up test fuzz check lock format bench chaos clean docs record release-fixture audit

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Duradesk needs Python 3.11 or later; set PYTHON=." if sys.version_info < (3, 11) else 0)'
	@echo "Installing what $@ needs; this happens once."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || $(MAKE) --no-print-directory venv-without-ensurepip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Some systems package python3 without ensurepip; their own pip fills the environment then.
.PHONY: venv-without-ensurepip
venv-without-ensurepip:
	@$(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install pip

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

up: $(VENV)/.runtime ## start the whole desk in the foreground; Ctrl-C stops it
	@exec $(BIN)/duradesk up

test: $(VENV)/.dev ## run all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

fuzz: $(VENV)/.dev ## try every hostile value everywhere, and requests made of the description; SEED=; a quarter of an hour
	DURADESK_TEST_FUZZ=long $(BIN)/python -m pytest -n $(WORKERS) --timeout=3600 tests/api/test_hostile_input.py tests/api/test_description.py

bench: $(VENV)/.dev ## measure speed and memory; BENCH_SIZE=short (some minutes) or long
	$(BIN)/python -m benchmarks

record: $(VENV)/.dev ## record the histories that replays are held against (docs/changing-workflows.md)
	$(BIN)/python -m pytest tests/replay/record.py

chaos: $(VENV)/.dev ## kill everything under load and prove that nothing is lost; CHAOS_SIZE=short (two minutes) or long, SEED=
	$(BIN)/python -m tests.chaos

release-fixture: $(VENV)/.dev ## keep the code of RELEASE=, a commit, for the upgrade test (docs/upgrading.md)
	@tree=$$(mktemp -d) && trap 'rm -rf "$$tree"' EXIT && git archive $(RELEASE) | tar -x -C "$$tree" && \
	rm -f tests/upgrade/released/*.whl && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --wheel-dir tests/upgrade/released "$$tree"
	@sha256sum tests/upgrade/released/*.whl

check: $(VENV)/.dev ## lint, types and the stairs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: $(VENV)/.dev ## ask whether a locked dependency has a known vulnerability
	@$(BIN)/python -m tests.security.audit

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## write the generated parts of the documentation anew
	$(BIN)/python -m docs.generate

lock: ## write both lock files anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --group build --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove the virtual environment (never your data)
	rm -rf $(VENV)
