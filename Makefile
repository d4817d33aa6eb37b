# Each target sets up .venv, with all extras, when it is missing or older than pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test lint docs results bench release clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[generate,acts,geant4,equivariant,lorentz,flows,trees,explain,export,integration,generation,halos,docs,dev]'
# their requirements conflict with ours; those that escnn really needs are in the extra
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps escnn==1.0.11 brevitas==0.13.4 dependencies==2.0.1 unfoldNd==0.2.3
	touch $@

demo: $(STAMP)
	$(BIN)/hepexp train model=lorentznet data=qg trainer=quick name=demo dataset.n_train=2400

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/sphinx-build -W --keep-going -q docs build/docs
	@echo open build/docs/index.html

# Hours on two cores; the same command again goes on where it was stopped. RESULTS_SCALE=smoke|cpu|gpu, J runs at a time
RESULTS_SCALE ?= cpu
J ?= 2
STUDY := every_task$(if $(filter-out gpu,$(RESULTS_SCALE)),_$(RESULTS_SCALE))
results: $(STAMP)
	-$(BIN)/hepexp study $(STUDY) -j $(J)
	$(BIN)/python -m hepexp.bench.results --section "Every task: $(RESULTS_SCALE)" --study $${HEPEXP_RUNS_DIR:-runs}/studies/$(STUDY)

bench: $(STAMP)
	$(BIN)/hepexp bench

# An sdist and a wheel in dist/, the wheel made from the sdist; a training from it in a new environment, away from the repository
release: $(STAMP)
	@git diff --quiet HEAD || { echo "release: there are changes that are not committed" >&2; exit 1; }
	rm -rf dist build/release
	$(BIN)/python -m build --no-isolation
	$(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet --disable-pip-version-check dist/hepexp-*.whl
	cd build/release && bin/hepexp doctor && bin/hepexp train model=pfn data=qg trainer=quick
	@ls -l dist

clean:
	rm -rf .venv build dist docs/generated *.egg-info .pytest_cache .ruff_cache .hypothesis
	find hepexp tests -name __pycache__ -type d -prune -exec rm -rf {} +
