# make run    a causal network of the example data set, from nothing
# make test   everything that proves the code
# make docs   the site of all pages, notebooks run; EXECUTE=off leaves them as they are
# make fuzz   damaged inputs by the thousand on every road that reads (INPUTS=10000 of each; hours)
# make chaos  failing disks, ended processes and random problems: the counts of docs/reliability.md (hours)
# make paper  the table of a paper, remade: NAME=dream4, with its files in DATA (docs/results/papers.md)
# make clean  take away what both have made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

CORES ?= 2
INPUTS ?= 1000
DATA ?= ../shared/data
BENCH ?= ../shared/bench
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
EXECUTE ?= force
# numba's, because a parallel kernel of scanpy's or anndata's sets OpenMP, and with it torch, to its number for good.
# Bytecode is kept, as kernels are: without it each of a hundred processes compiles all sources anew.
ENV := PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=
REPORT := results/pbmc68k_reduced/report.html
SOURCES := workflow/Snakefile Snakefile workflow/rules workflow/papers/Snakefile

.DEFAULT_GOAL := run
.PHONY: run test docs fuzz chaos paper clean lint typecheck workflow-check pytest schema

run: $(VENV)/.installed-run
	@$(ENV) snakemake --cores $(CORES) --quiet host reason -- $(REPORT)
	@echo
	@echo "The report is here: file://$(CURDIR)/$(REPORT)"
	@echo "The network is here: $(dir $(REPORT))edges.tsv.gz (how to read it: README.md)"

test: $(VENV)/.installed-test
	@$(MAKE) --no-print-directory --jobs=4 lint typecheck workflow-check pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/.installed-test
	$(BIN)/mypy

workflow-check: $(VENV)/.installed-test
	$(ENV) snakefmt --check $(SOURCES)
	$(ENV) snakemake --lint

pytest: $(VENV)/.installed-test
	$(ENV) pytest --quiet --numprocesses=$(CORES) --dist=loadfile --no-loadscope-reorder

docs: $(VENV)/.installed-docs
	$(ENV) EXECUTE=$(EXECUTE) sphinx-build --quiet --fresh-env --fail-on-warning --keep-going --jobs $(CORES) -c docs . build/site
	@echo "The site is here: file://$(CURDIR)/build/site/index.html"

fuzz: $(VENV)/.installed-test
	$(ENV) python -m benchmarks.fuzzing --inputs $(INPUTS) --jobs $(CORES)

chaos: $(VENV)/.installed-test
	$(ENV) python -m benchmarks.chaos --jobs $(CORES)

paper: $(VENV)/.installed-test
	$(ENV) snakemake --snakefile workflow/papers/Snakefile --workflow-profile none --cores $(CORES) --quiet all \
	  --config name=$(NAME) data=$(DATA) bench=$(BENCH)

schema: $(VENV)/.installed-test
	$(BIN)/python workflow/schemas/generate.py
	$(BIN)/python workflow/schemas/rulegraph.py

clean:
	rm -rf $(VENV) .snakemake results resources logs .pytest_cache .ruff_cache .mypy_cache .hypothesis build docs/generated
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/*.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later was not found; install it, or: make PYTHON=/path/to/python3 ..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11; install a newer one, or: make PYTHON=/path/to/python3 ..."; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing acyclome and what it needs into $(VENV): once, some minutes ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[workflow,report]'
	@touch $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing acyclome and what its site needs into $(VENV): once, some minutes ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[report,docs]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing acyclome and what its tests need into $(VENV): once, some minutes ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[workflow,report,dask,test]'
	@touch $@ $(VENV)/.installed-run
