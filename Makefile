# make demo            try the quiz
# make test            run all tests
# make install         install everything, the image generator included
# make lint            check the style
# make pool            make the demo's images anew (installs the generator; 5 minutes of two cores)
# make benchmark-page  measure the trial page in a browser
# make benchmark-load  measure the server under 200 observers (10 minutes, idle machine)
# make benchmark-faults  kill the server 50 times, and worse: nothing confirmed may be lost
# make benchmark-fuzz  send 10,500 odd requests to every address
.DEFAULT_GOAL := help
SHELL := /bin/bash
PORT ?= 8050
VENV := .venv
BIN := $(VENV)/bin
# The first of these that is Python 3.11 or newer; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)

.PHONY: help demo test lint install pool browser benchmark-page benchmark-load benchmark-faults benchmark-fuzz

help:
	@grep -h '^# make' Makefile | cut -c3-

demo: $(VENV)/.web
	@PORT=$(PORT) $(BIN)/flask demo

test: $(VENV)/.dev browser
	$(BIN)/pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/biome lint --error-on-warnings static tests/js

benchmark-page: $(VENV)/.dev browser
	PYTHONPATH=.:tests $(BIN)/python benchmarks/trial_page.py

benchmark-load benchmark-faults benchmark-fuzz: benchmark-%: $(VENV)/.dev
	PYTHONPATH=.:tests $(BIN)/python benchmarks/$*.py

install: $(VENV)/.all

# The file .anew says for which weights and phantoms the pools were cleared: a run that was stopped goes on with them, and
# clears again for others.
POOLS := quiz_data/pools
MAKERS := cat generator/weights/*.safetensors generator/phantom/*.py | cksum
pool: $(VENV)/.all
	@$(MAKERS) | cmp -s - $(POOLS)/.anew || { rm -rf $(addprefix $(POOLS)/,demo-real demo-synthetic warm-up) && $(MAKERS) > $(POOLS)/.anew; }
	@$(BIN)/flask render-phantoms warm-up --count 1 --seed 3 --look film --quality 80
	@$(BIN)/flask render-phantoms demo-real --count 100 --seed 1 --look wide --truth real --quality 80
	@$(BIN)/flask generate-pool demo-synthetic --quality 80
	@rm $(POOLS)/.anew

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: install it, or name it as in 'make PYTHON=python3.12 demo'."; exit 1; }
	@PYTHON="$(PYTHON)" ./requirements/make-venv $(VENV)

$(VENV)/.web: requirements/web.txt requirements/analysis.txt requirements/constraints.txt | $(VENV)/bin/pip
	@echo "Installing what the web application needs ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/web.txt && touch $@

$(VENV)/.all: requirements.txt requirements/generator.txt requirements/basicsr.txt $(VENV)/.web
	@echo "Installing what the image generator needs (torch, several gigabytes) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -r requirements/basicsr.txt && touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.all
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt && touch $@

browser:
	@./requirements/get-browser
