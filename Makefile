# Audio Flamingo, minimal. `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python3.13 python3.14; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
  echo $$p && exit; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NOTEBOOKS = $(sort $(wildcard notebooks/*.ipynb))

# one thread: faster than two for models this small, and the same sums every time
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false
export WANDB_MODE ?= disabled
export HF_HUB_OFFLINE ?= 1

# tests side by side; a notebook's cells share a kernel, so a file is never divided
WORKERS ?= 2
BY_FILE = -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-browser notebooks clean-nb site timings \
  lint loc eval train findings benchmarks million

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## make .venv and install everything (again only when the pins change)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	  f"This project needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. " \
	  "Install one and run: make setup PYTHON=python3.11")'
	@if command -v uv >/dev/null; then set -ex; \
	  [ -x $(BIN)/python ] || uv venv --python "$$(command -v $(PYTHON))" $(VENV); \
	  uv pip install --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else set -ex; \
	  [ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

lab: setup  ## open JupyterLab on the first notebook
	$(BIN)/jupyter lab notebooks/00_meet_the_model.ipynb \
	  --ServerApp.tornado_settings='{"websocket_max_message_size": 104857600}'

test: setup  ## run the tests, then every notebook from top to bottom
	$(BIN)/python -m pytest $(BY_FILE) -m 'not gpu and not browser' tests
	$(if $(NOTEBOOKS),$(BIN)/python -m pytest $(BY_FILE) --nbval-lax --nbval-current-env \
	  --nbval-cell-timeout=300 $(NOTEBOOKS),@echo 'no notebooks yet')

# what matters most comes first, in case the time runs out
BROWSER = widgets.py notebooks.py site.py

test-browser: setup  ## drive notebooks in a browser (ONLY='00 or 09', ONLY=widget)
	@$(BIN)/python tests/browser/chromium.py
	$(BIN)/python -m pytest -rs -n $(WORKERS) --dist loadgroup --no-loadscope-reorder \
	  -m browser $(addprefix tests/browser/test_,$(BROWSER)) $(if $(ONLY),-k '$(ONLY)')

notebooks: setup  ## run the notebooks in place and clean them (NOTEBOOKS=... for one)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.timeout=300 $(NOTEBOOKS)
	$(MAKE) clean-nb NOTEBOOKS='$(NOTEBOOKS)'

clean-nb: setup  ## drop widget state, run times and audio from the notebooks
	$(BIN)/nbstripout --keep-output --keep-count --extra-keys \
	  "metadata.widgets metadata.language_info.version cell.metadata.execution" \
	  $(NOTEBOOKS)
	$(BIN)/python af_minimal/course/clean.py $(NOTEBOOKS)

timings: setup  ## time what TUTOR.md plans with, add up its routes; saves no notebook
	$(BIN)/python docs/timings.py $(NOTEBOOKS)

site: setup  ## build the pages to read without running anything, in runs/site
	@$(BIN)/python docs/build_site.py

lint: setup  ## ruff: rules and layout, notebooks included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

loc: setup  ## count the lines of the core
	@$(BIN)/python tests/test_repository.py

eval: setup  ## score the shipped model (RECORDINGS=folder of ESC-10 or ESC-50)
	$(BIN)/python -m af_minimal eval --out runs/eval.json \
	  $(if $(RECORDINGS),--recordings '$(RECORDINGS)')

train: setup  ## train mini from nothing, or go on (RECORDINGS=folder of ESC-10)
	$(BIN)/python -m af_minimal train --preset mini --stage all --out runs/mini \
	  --resume $(if $(RECORDINGS),--recordings '$(RECORDINGS)')

findings: setup  ## measure what is missing of the papers' findings, in miniature: findings/README.md
	$(BIN)/python -m af_minimal findings

benchmarks: setup  ## time what is claimed to be fast; writes runs/benchmarks.json
	@for one in generation few_shot reference sound datastore; do \
	  echo "== $$one"; $(BIN)/python benchmarks/$$one.py || exit 1; done

million: setup  ## time the datastore's indexes at 10^6 vectors (long; needs 8 GB)
	$(BIN)/python benchmarks/datastore.py --sizes 1000000 --vectors clustered \
	  --queries 60 --name datastore-million
	$(BIN)/python benchmarks/datastore.py --sizes 1000000 --vectors uniform \
	  --kinds flat ivf --queries 60 --name datastore-million-uniform
