# Two commands do the work: `make run` colors a video, `make test` checks everything. `make` lists all.

PYTHON ?= python3
VIDEO ?= samples/sample.mp4
OUT ?=
DATA ?= cifar-10-batches-py
MINUTES ?= 60
STATE ?=

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# File names reach the recipes through the environment, taken literally: spaces, quotes and $ in them are safe.
override VIDEO := $(value VIDEO)
override OUT := $(value OUT)
override DATA := $(value DATA)
override STATE := $(value STATE)
export VIDEO OUT DATA STATE

VENV := .venv
RUN_VENV := .venv-run
BIN := $(VENV)/bin
PACKAGES := pyproject.toml constraints.txt

.PHONY: help run bench paper-table quality gpu-check docs test test-live test-rest lint format clean
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo '  PYTHON=python3.12 chooses the Python (3.10 or newer) for the virtual environments'

run: $(RUN_VENV)/.installed ## color the sample video, or VIDEO=in.mp4; the result goes into out/, or OUT=out.mp4
	@mkdir -p out
	@$(RUN_VENV)/bin/cgan-run --video "$$VIDEO" -o "$${OUT:-out}" --overwrite --resume

bench: $(VENV)/.installed ## measure on this machine and update the figures in the docs; the page is out/bench.html
	@mkdir -p out
	$(BIN)/cgan-bench --all --json benchmarks/results/bench-cpu.json --html out/bench.html
	$(BIN)/python scripts/update_docs.py

paper-table: $(VENV)/.installed ## train the paper's recipes on CIFAR-10 for MINUTES more, DATA=its folder
	$(BIN)/python -m cgan_benchmarks.studies.paper_table --data "$$DATA" --minutes $(MINUTES) $(if $(STATE),--state "$$STATE") \
		--json benchmarks/results/paper-table.json --image docs/images/paper-curve.png
	$(BIN)/python scripts/update_docs.py

quality: $(VENV)/.installed ## measure colors on all sets; DATA=the folders with photos-val.tar, photos-held-out.tar and the clips
	$(BIN)/python scripts/measure_quality.py $(DATA)

gpu-check: ## on a machine with an NVIDIA GPU: build, compare, color and measure with TensorRT, in 10 minutes at most
	$(PYTHON) scripts/gpu_check.py

docs: $(VENV)/.installed ## build the documentation site into site/ (Python 3.11 or newer)
	$(BIN)/zensical build --strict

test: $(VENV)/.installed ## run linter, type checker, import rules and all tests
	@$(MAKE) --no-print-directory -j2 test-live test-rest

# Tests with a screen, a browser and cameras mostly wait, so all others run beside them, and give way to them.
test-live: lint ## run the linters, then the tests of cameras, the web page and the window
	$(BIN)/python -m pytest tests/runtime/live

test-rest: $(VENV)/.installed ## run all other tests, on several processes
	nice -n 5 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder --ignore tests/runtime/live

lint: $(VENV)/.installed ## check with linter, formatter, type checker and import rules; change nothing
	$(BIN)/ruff check
	$(BIN)/ruff check --quiet --preview --select PLW1514 --exclude tests  # text without an encoding differs on Windows
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed ## format the code and fix what the linter can fix
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean: ## remove the virtual environments, caches and results
	rm -rf $(VENV) $(RUN_VENV) out build dist site .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_VENV)/.installed: $(PACKAGES)
	$(call install,$(RUN_VENV),.[cpu],the edge runtime)

$(VENV)/.installed: $(PACKAGES)
	$(call install,$(VENV),.[dev],everything for development)

# install(environment, requirement, words): the stamp is written last, so a broken installation is done again.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	{ echo "error: $(PYTHON) is missing or older than 3.10; run make PYTHON=/path/to/python3.10-or-newer" >&2; exit 1; }
@echo "installing $(3) into $(1) (only the first time takes long)"
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
@for what in pip "-e $(2)"; do $(1)/bin/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt $$what || exit; done
@touch $@
endef
