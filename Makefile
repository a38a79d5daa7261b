# make lab     open the lessons in JupyterLab (the first time: install)
# make test    everything that must hold, as CI runs it
# make site    the lessons as a folder of pages that open from disk, checked: site/index.html
# TORCH_INDEX=… takes torch and torchvision from another wheel index; LAB_FLAGS=… is passed on to JupyterLab.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(if $(shell command -v uv),uv pip install --quiet --python .venv,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
TORCH := torch torchvision $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
PYTEST := $(BIN)/python -m pytest -q --maxprocesses=2
export OMP_NUM_THREADS ?= 1

.PHONY: lab test lint unit lessons browser notebooks site bench clean

lab: export OMP_NUM_THREADS :=
lab: .venv/ready-lab
	$(BIN)/jupyter trust notebooks/*.ipynb
	$(BIN)/jupyter lab $(LAB_FLAGS) notebooks/00_start_here.ipynb

test: lint unit lessons browser

lint: .venv/ready-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy && $(BIN)/lint-imports

unit: .venv/ready-test
	$(PYTEST) -n auto -m "not browser and not site" --ignore=tests/notebooks tests

lessons: .venv/ready-test
	$(PYTEST) -n auto tests/notebooks
	$(PYTEST) -n auto --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with=tests/notebooks/nbval_sanitize.cfg notebooks

browser: .venv/ready-test
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -m browser tests

notebooks: .venv/ready-test
	$(BIN)/python notebooks/build_lessons.py $(if $(ALL),--all) $(LESSONS)

site: .venv/ready-site .venv/ready-test
	$(BIN)/python docs/build_site.py
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -n auto -m site tests/site

bench: .venv/ready-bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/ready-%: pyproject.toml constraints.txt | .venv/made
	$(PIP) --constraint constraints.txt $(TORCH)
	$(PIP) --constraint constraints.txt --editable '.[$*]' && touch $@

.venv/made:
	$(PYTHON) -m venv .venv && touch $@
