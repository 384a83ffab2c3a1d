# otel-fmd: `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help run test check format docs bench bench-ingest bench-queries bench-overhead bench-api \
  bench-profiler bench-pages bench-grouping mutants soak screenshots constraints release clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml .constraints.txt | $(VENV)/bin/python
	$(PIP) install -c .constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml .constraints.txt | $(VENV)/bin/python
	$(PIP) install 'pip>=25.1'
	$(PIP) install -c .constraints.txt -e '.[server,demo,postgresql,mariadb,oidc]' --group dev
	@touch $@ $(VENV)/.demo

run: $(VENV)/.demo ## start the demo: a shop under traffic, the receiver and the dashboard
	@mkdir -p build
	$(BIN)/otel-fmd demo --database-url sqlite:///build/demo.db

test: $(VENV)/.dev ## run the tests, in three processes; what needs a missing server or browser is skipped
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --durations=10

check: $(VENV)/.dev ## format, lint, types, imports between packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## format, and fix what can be fixed automatically
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## build the documentation into build/docs
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

bench: bench-ingest bench-queries bench-overhead bench-profiler bench-pages bench-api bench-grouping ## every benchmark

bench-ingest: $(VENV)/.dev ## cost of storing a span, spans per second, memory
	$(BIN)/python -m tests.benchmarks.ingest

bench-queries: $(VENV)/.dev ## every query of a page at 1 and 10 million requests
	$(BIN)/python -m tests.benchmarks.queries

bench-overhead: $(VENV)/.dev ## what monitoring adds to a request, compared with FMD 5.1.0
	$(BIN)/python -m tests.benchmarks.overhead

bench-profiler: $(VENV)/.dev ## how accurate profiles are, compared with FMD 5.1.0
	$(BIN)/python -m tests.benchmarks.profiler

bench-pages: $(VENV)/.dev ## how long a page takes in a browser, at ten million requests
	$(BIN)/python -m tests.benchmarks.pages

bench-api: $(VENV)/.dev ## what a route of the API adds to its query, exports, at ten million requests
	$(BIN)/python -m tests.benchmarks.api

bench-grouping: $(VENV)/.dev ## how well exceptions are grouped, beside Sentry's documented rules and FMD's
	$(BIN)/python -m tests.benchmarks.grouping

mutants: $(VENV)/.dev ## change the code of analysis, requests and ingest a little: do the unit tests notice?
	$(BIN)/python -m tests.benchmarks.mutants

soak: $(VENV)/.dev ## long runs: 500 kills, a Collector, a minute of overload, a million requests
	OTEL_FMD_TEST_KILLS=500 OTEL_FMD_TEST_EXPORT_INTERVAL_S=60 OTEL_FMD_TEST_OVERLOAD_SECONDS=60 OTEL_FMD_TEST_LOCK_SECONDS=30 \
	  OTEL_FMD_TEST_COLLECTOR_KILLS=12 OTEL_FMD_TEST_SOAK_REQUESTS=1000000 OTEL_FMD_TEST_PPROF=1 $(BIN)/python -m pytest -q -o timeout=7200 \
	  tests/integration/test_kill.py tests/integration/test_collector.py \
	  tests/integration/test_faults.py \
	  tests/integration/test_harmless.py tests/integration/test_languages.py \
	  tests/unit/analysis/test_stacks.py

screenshots: $(VENV)/.dev ## take the pictures of the documentation
	OTEL_FMD_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/browser/test_screenshots.py

constraints: ## pin what is installed now
	(echo '# The reproducible development environment; made by `make constraints`.'; \
	  $(BIN)/python -m pip freeze --exclude-editable) > .constraints.txt

release: $(VENV)/.dev ## build sdist and wheel into dist, check and try both, write the SBOM
	rm -rf dist
	$(BIN)/python -m build -q
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	OTEL_FMD_TEST_DIST=dist $(BIN)/python -m pytest -q tests/integration/test_release.py
	rm -rf build/sbom && $(BIN)/uv venv -q build/sbom
	$(BIN)/uv pip install -q -p build/sbom/bin/python "$$(ls dist/*.whl)[server,demo,postgresql,mariadb,oidc]"
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type library \
	  --of JSON -o dist/otel-fmd.cdx.json build/sbom/bin/python
	$(BIN)/python -c "import json, pathlib, sys; from otel_fmd import __version__ as version; \
	  path = pathlib.Path('dist/otel-fmd.cdx.json'); bom = json.loads(path.read_text()); \
	  bom['metadata']['component'] |= {'version': version, 'purl': f'pkg:pypi/otel-fmd@{version}'}; \
	  path.write_text(json.dumps(bom, indent=2))"

clean: ## remove what was built, but not the environment
	rm -rf build dist mutants *.egg-info
