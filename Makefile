# What a person types. Needs python3 (3.11 or later), make and a Python package index, nothing else;
# the dashboard is built with what npm's registry has, and a run goes on without it.
PYTHON    ?= python3
JOBS      ?= auto
GPU_EXTRA ?= gpu
VENV      := .venv
BIN       := $(VENV)/bin
STAMP     := $(VENV)/.stamp
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "liveopt needs Python 3.11 or later, and $(PYTHON) is not that." >&2; \
	echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
PIP       := $(BIN)/python -m pip --disable-pip-version-check
# the tests of a browser's module share one service, so one worker runs them
WORKERS   := -n $(JOBS) --maxprocesses 4 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help setup ui ui-soft ui-test run test test-all check format bench gpu gpu-test gpu-bench \
        bench-peers bench-feed bench-journal bench-live bench-search bench-rounds bench-optimize bench-web bench-portfolio \
        attack fuzz-api soak-feed soak-live fuzz-frames kill crash stop-trials gate-study lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv from requirements.lock (the other targets do it when needed)

ui: $(STAMP)  ## build the dashboard (run and test do it when needed; ARGS=--anew even so)
	$(BIN)/python hatch_build.py $(ARGS)

ui-test: $(STAMP)  ## the dashboard's own tests, which need no browser
	$(BIN)/python hatch_build.py --test

ui-soft: $(STAMP)
	@$(BIN)/python hatch_build.py --soft

run: ui-soft  ## the demonstration: a live run on a simulated exchange
	$(BIN)/liveopt demo

test: ui-soft  ## the quick tests
	$(BIN)/python -m pytest -q $(WORKERS) -m "not slow and not bench and not gpu"

test-all: ui-soft  ## the slow tests too, with branch coverage
	$(BIN)/python -m pytest -q $(WORKERS) -m "not bench and not gpu" --cov

check: $(STAMP)  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMP)  ## let ruff lay out the code and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak-feed: $(STAMP)  ## the feed through 10,000 cuts and all the rest (ARGS="cuts --share 0.1")
	$(BIN)/python -m tests.soak.feed $(ARGS)

fuzz-frames: $(STAMP)  ## a million broken frames into the feed
	$(BIN)/python -m tests.fuzz.frames --frames 1000000 $(ARGS)

bench-feed: $(STAMP)  ## how many ticks a second the feed takes, and how late they are
	$(BIN)/python -m tests.bench.feed --flood 10000000 $(ARGS)

kill: $(STAMP)  ## kill -9 the service 500 times, studies 200, searches 200; stop it during each fault
	$(BIN)/python -m tests.kill.service --kills 500 $(ARGS)
	$(BIN)/python -m tests.kill.stop --each 10 $(ARGS)
	$(BIN)/python -m tests.kill.study --kills 200 $(ARGS)
	$(BIN)/python -m tests.kill.rounds --kills 200 $(ARGS)

crash: $(STAMP)  ## ten million power-loss states of a journal, every bit flip, 5,000 kills
	$(BIN)/python -m tests.crash.power --states 10000000 $(ARGS)
	$(BIN)/python -m tests.crash.bits $(ARGS)
	$(BIN)/python -m tests.crash.kill --kills 5000 $(ARGS)

attack: $(STAMP)  ## floods, a million guesses of keys, a million ids that want to be paths, canary secrets
	$(BIN)/python -m tests.attack.flood
	$(BIN)/python -m tests.attack.flood --near --clients 2000 --seconds 20
	$(BIN)/python -m tests.attack.brute
	$(BIN)/python -m tests.attack.paths --ids 1000000
	$(BIN)/python -m tests.attack.secrets --events 10000000

fuzz-api: $(STAMP) .venv-fuzz/.stamp  ## schemathesis against the real service (ARGS="--seconds 60")
	$(BIN)/python -m tests.attack.api $(ARGS)

stop-trials: $(STAMP)  ## 2,000 emergency stops of a saturated engine
	$(BIN)/python -m tests.guard.trials $(ARGS)

soak-live: $(STAMP)  ## ten million ticks through the service
	$(BIN)/python -m tests.soak.live --ticks 10000000 --rate 15000 $(ARGS)

bench-journal: $(STAMP)  ## records a second, acknowledgements beside the disk's own, a long journal's start
	$(BIN)/python -m tests.bench.journal $(ARGS)

bench-live: $(STAMP)  ## the live run under load: lateness, processor, memory, replay, stop
	$(BIN)/liveopt bench live --seconds 60 --trials 2000 $(ARGS)
	$(BIN)/liveopt bench live --variants 100 --rate 10000 --seconds 60 --trials 0 $(ARGS)

bench-search: $(STAMP)  ## the search algorithms beside those of pymoo and SciPy
	$(BIN)/python -m tests.bench.search $(ARGS)

bench-rounds: $(STAMP)  ## what a search beside a run costs its ticks
	$(BIN)/python -m tests.bench.rounds $(ARGS)

bench-optimize: $(STAMP)  ## studies: what is not the engine, evaluations a second, beside Optuna
	$(BIN)/python -m tests.bench.optimize $(ARGS)

bench-portfolio: $(STAMP)  ## portfolios a second and correlations beside pandas, whole runs, an import
	$(BIN)/python -m tests.bench.portfolio evaluations
	$(BIN)/python -m tests.bench.portfolio correlation
	$(BIN)/python -m tests.bench.portfolio_run --strategies 25544 --sessions 82
	$(BIN)/python -m tests.bench.portfolio_run --strategies 100000 --sessions 250
	$(BIN)/python -m tests.bench.panel --strategies 100000 --sessions 250

bench-web: $(STAMP)  ## the API's requests a second, what they cost the ticks, a thousand dashboards
	$(BIN)/python -m tests.bench.api $(ARGS)
	$(BIN)/python -m tests.bench.telemetry frames
	$(BIN)/python -m tests.bench.telemetry clients --variants 1000
	$(BIN)/python -m tests.bench.telemetry service
	$(BIN)/python -m tests.bench.tail

gate-study: $(STAMP)  ## what the promotion gate lets through and misses: an hour (ARGS="--only lives")
	$(BIN)/liveopt gate study --all --json $(ARGS)

bench: $(STAMP)  ## how many variant-bars a second this machine does
	$(BIN)/liveopt bench engine
	$(BIN)/python -m tests.bench.metrics
	$(BIN)/python -m tests.bench.looks
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.bench.spa

gpu: $(VENV)/.stamp-gpu  ## add CuPy and cuDF to .venv (GPU_EXTRA=gpu-cu13 for CUDA 13)

gpu-test: $(STAMP)  ## the tests that need a CUDA device (make gpu first)
	$(BIN)/python -m pytest -q -m gpu

gpu-bench: $(STAMP)  ## the same benches on the CUDA device (make gpu first)
	$(BIN)/liveopt bench engine --device gpu
	$(BIN)/python -m tests.bench.portfolio_device

bench-peers: $(STAMP) .venv-peers/.stamp  ## liveopt beside other back-testers (ARGS=--quick)
	.venv-peers/bin/python -m tests.bench.peers $(ARGS)

lock:  ## renew requirements.lock
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check install -q --upgrade uv
	.venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --extra dev \
	  --generate-hashes --upgrade --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:  ## remove everything that make made
	rm -rf .venv .venv-peers .venv-fuzz .venv-lock .venv-node liveopt/web/static liveopt/web/ui/node_modules
	rm -rf build dist *.egg-info htmlcov .coverage .coverage.*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find liveopt tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q --require-hashes -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.stamp-gpu: $(STAMP)
	$(PIP) install --no-build-isolation -e ".[$(GPU_EXTRA)]"
	@touch $@

.venv-fuzz/.stamp: tests/attack/requirements-fuzz.txt
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip --disable-pip-version-check install -q -r $<
	@touch $@

.venv-peers/.stamp: tests/bench/requirements-peers.txt
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check install -q -r $<
	@touch $@
