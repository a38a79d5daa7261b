# make lab     open the lessons in JupyterLab (the first time: install)
# make test    everything that must hold, as CI runs it
# make test-colab  every lesson and control with Google Colab's own versions; COLAB_PYTHON=… names a Python 3.13
# make test-browser  every lesson in a browser (make test opens a few)
# make test-faults  every lesson without network, writable home, GPU, threads and UTF-8, from a path in Japanese
# make test-arithmetic  every lesson, picture and recorded run as other processors and numbers of threads compute them
# make bench   side-by-side timings against other tools; writes the README's table
# make mutate  small faults, each of which a test must find
# make site    the lessons as a folder of pages that open from disk, checked: site/index.html
# TORCH_INDEX=… takes torch and torchvision from another wheel index; LAB_FLAGS=… is passed on to JupyterLab.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(if $(shell command -v uv),uv pip install --quiet --python .venv,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
TORCH := torch torchvision $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
# the newest Python up to Colab's: one on PATH, or pyenv's
COLAB_PYTHON ?= $(shell for version in 3.13 3.12 3.11; do for python in python$$version $$(pyenv prefix $$version 2>/dev/null)/bin/python; do \
	$$python -c '' 2>/dev/null && echo $$python && exit; done; done)
COLAB_PIP := $(subst --python .venv,--python .venv-colab,$(subst $(BIN)/,.venv-colab/bin/,$(PIP)))
PYTEST := $(BIN)/python -m pytest -q --maxprocesses=2
export OMP_NUM_THREADS ?= 1
# what a student runs, and what is timed as if by one; an empty value would be a complaint in the lessons' outputs
ALL_CORES := env -u OMP_NUM_THREADS

.PHONY: lab test lint unit lessons browser test-browser test-colab test-faults test-arithmetic notebooks site bench mutate clean

lab: .venv/ready-lab
	$(BIN)/jupyter trust notebooks/*.ipynb
	$(ALL_CORES) $(BIN)/jupyter lab $(LAB_FLAGS) notebooks/00_start_here.ipynb

test: lint unit lessons browser

lint: .venv/ready-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/oxlint vlmteach docs/static
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

unit: .venv/ready-test
	$(PYTEST) -n auto -m "not browser and not site and not faults" --ignore=tests/notebooks tests

lessons: .venv/ready-test
	$(PYTEST) -n auto tests/notebooks
	$(PYTEST) -n auto --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with=tests/notebooks/nbval_sanitize.cfg notebooks

browser: .venv/ready-test
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -m browser tests

test-browser: export ALL_LESSONS := 1
test-browser: browser

test-colab: export JUPYTER_PATH := $(CURDIR)/.venv-colab/share/jupyter
test-colab: export LESSON_KERNEL := colab
test-colab: .venv/ready-test .venv-colab/ready
	rm -rf build && mkdir -p build/colab/empty && cp notebooks/*.ipynb build/colab/empty
	$(BIN)/python -m pip wheel --quiet . --no-deps --no-build-isolation --wheel-dir build/colab
	$(COLAB_PIP) --no-deps --force-reinstall build/colab/*.whl
	.venv-colab/bin/python -c "from vlmteach import course; course.doctor()"
	$(PYTEST) -n auto tests/notebooks/test_lessons.py
	cd build/colab/empty && ../../../$(PYTEST) -c /dev/null --rootdir . -p no:cacheprovider -n auto --dist loadfile --maxprocesses=2 \
		--nbval-lax --nbval-kernel-name=colab --nbval-cell-timeout=300 .

test-faults: .venv/ready-test
	$(PYTEST) -n auto -m faults tests/faults

test-arithmetic: .venv/ready-test
	$(BIN)/python tests/arithmetic/run.py

notebooks: .venv/ready-test
	$(ALL_CORES) $(BIN)/python notebooks/build_lessons.py $(if $(ALL),--all) $(LESSONS)
	$(BIN)/python -m benchmarks.lessons

site: .venv/ready-site .venv/ready-test
	$(BIN)/python docs/build_site.py
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -n auto -m site tests/site

# bertviz alone: what it brings along does not fit beside python-dateutil 4, and its pages are written without it
bench: .venv/ready-bench .venv/ready-test
	$(PIP) --constraint constraints.txt --no-deps bertviz
	$(BIN)/python tests/support/browser.py
	$(BIN)/python -m benchmarks

mutate: .venv/ready-test
	$(BIN)/python tests/mutations/run.py

clean:
	rm -rf .venv .venv-colab build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/ready-%: pyproject.toml constraints.txt | .venv/made
	$(PIP) --constraint constraints.txt $(TORCH)
	$(PIP) --constraint constraints.txt --editable '.[$*]' && touch $@

.venv-colab/ready: tests/colab.txt
	$(COLAB_PYTHON) -m venv --clear .venv-colab
	$(COLAB_PIP) --requirement tests/colab.txt
	.venv-colab/bin/python -m ipykernel install --prefix .venv-colab --name colab && touch $@

.venv/made:
	$(PYTHON) -m venv .venv && touch $@
