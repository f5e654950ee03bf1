# Everything from a clean clone. Each command makes .venv and installs what it needs, once.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: help demo test dev lint bench sample clean

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# A stamp for each set of packages: pip runs again only when they change.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "$(PYTHON) is not Python 3.11 to 3.13: call make PYTHON=python3.12, say" >&2; exit 1; }
	@echo "Installing into .venv (once; takes a minute or two)"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) '.[demo]'
	@touch $@

.venv/installed-dev: .venv/installed
	@$(INSTALL) '.[dev]'
	@touch $@

# The labels are bought of an API on loopback that ends with the command; its ledger stays, so that it shows what was
# bought twice.
demo: .venv/installed  ## the sample crawl through every layer, labels bought once, and a summary
	@$(BIN)/python -m html_classification_tests.labelling_api --labels data/labels.jsonl --folder data/labelling-api \
		-- $(BIN)/html-classification run --from 2026-03-01 --to 2026-03-14
	@echo
	@$(BIN)/html-classification lake ls --summary
	@echo
	@$(BIN)/html-classification models ls

test: .venv/installed-dev  ## all tests, with a coverage report
	@$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder --cov --cov-report=term:skip-covered

dev: .venv/installed  ## the Dagster UI on :3000 and the MLflow UI on :5000
	@$(BIN)/html-classification dev

lint: .venv/installed-dev  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/installed-dev  ## the benchmarks against the peers, as ratios; takes some minutes
	@$(BIN)/python -m benchmarks

sample: .venv/installed  ## write data/crawl again with its seeded generator
	@$(BIN)/python -m data.generator

clean:  ## delete what was made by running; the sample stays
	rm -rf data/lake data/mlflow data/dagster data/labelling-api .bench
