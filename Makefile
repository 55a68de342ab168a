# FairGate: `make run` does the main job, `make test` passes the tests. `make help` lists the rest.

# The newest locked target is not the first choice: 3.11 runs on every Debian from 12 on, 3.12 and 3.13 from 13 on.
PYTHON ?= $(firstword $(foreach version,3.11 3.13 3.12,$(shell command -v python$(version) 2>/dev/null)) python3.11)
UV     := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
VENV   := .venv/bin/python
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup data run frontier tune compile submit watch cancel unschedule image image-pin test test-fast wheel lint format settings notebooks tensorboard docs figures examples peers suite duals bench scale experiment promise drill clean distclean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ARGS="..."        passes arguments on: make run ARGS="--set gate.limit=0.02"'

setup: .venv/.locked  ## make .venv from the lock file (uv is fetched when missing)

.venv/.locked: pyproject.toml uv.lock
	@command -v uv >/dev/null 2>&1 || $(PYTHON) tools/fetch_uv.py .uv/bin/uv
	@echo "Installing what uv.lock names into .venv (about 1.5 GB to download the first time) ..."
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

data: setup  ## make the synthetic stand-in for CelebA (ARGS="--set data.stand_in.images=20000")
	@./fairgate data $(ARGS)

run: setup  ## run the whole pipeline: data, training, gate, push; ends with a verdict
	@./fairgate run $(ARGS)

compile: setup  ## write what Vertex AI and Kubeflow Pipelines run (ARGS="--settings mine.yaml")
	@$(VENV) kubeflow/compile.py $(ARGS)

submit: setup  ## submit a run (ARGS="--target vertex --settings mine.yaml --watch", --dry-run, --schedule '0 3 * * 1')
	@$(VENV) kubeflow/submit.py run $(ARGS)

watch: setup  ## say how a run stands until it ends (RUN=... ARGS="--target vertex --settings mine.yaml")
	@$(VENV) kubeflow/submit.py watch $(RUN) $(ARGS)

cancel: setup  ## end a run (RUN=... ARGS="--target vertex --settings mine.yaml")
	@$(VENV) kubeflow/submit.py cancel $(RUN) $(ARGS)

unschedule: setup  ## end a recurring run (SCHEDULE=... ARGS="--target vertex --settings mine.yaml")
	@$(VENV) kubeflow/submit.py unschedule $(SCHEDULE) $(ARGS)

image:  ## build the images (IMAGE=registry/name:tag; CUDA as :tag-cuda, Beam workers as :tag-beam)
	docker build -f kubeflow/Dockerfile --target cpu -t $(IMAGE) .
	docker build -f kubeflow/Dockerfile --target cuda -t $(IMAGE)-cuda .
	docker build -f kubeflow/Dockerfile --target beam -t $(IMAGE)-beam .

image-pin:  ## print the digests that the base images have now, for kubeflow/Dockerfile
	docker buildx imagetools inspect debian:bookworm-slim
	docker buildx imagetools inspect apache/beam_python3.11_sdk:2.77.0

frontier: setup  ## draw accuracy against the constraint (ARGS="--limits 0.1,0.05,0.02")
	@./fairgate frontier $(ARGS)

tune: setup  ## search for better settings within a budget (ARGS="--seconds 600")
	@./fairgate tune $(or $(ARGS),--trials 20)

test: setup  ## run all tests (ARGS="-k gate" for some)
	@$(VENV) -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: setup  ## run the tests that take seconds
	@$(VENV) -m pytest -m "not slow and not e2e" $(ARGS)

wheel: setup  ## build the wheel and try it in clean environments (ARGS=--tensorflow)
	@$(VENV) tools/try_wheel.py $(ARGS)

lint: setup  ## ruff, mypy, and import-linter on which room may import which
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@$(VENV) -m mypy --python-version 3.10 -p fairgate  # the oldest Python that the package is for
	@walls=$$(.venv/bin/lint-imports --no-logo --no-cache) || { echo "$$walls"; exit 1; }

format: setup  ## let ruff put the code in order
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

settings: setup  ## print every setting and its value
	@./fairgate settings $(ARGS)

notebooks: setup  ## open the notebooks in JupyterLab: inspect a run, a tutorial, why a run was blocked
	@# A container's root is asked for by JupyterLab to say so.
	@cd notebooks && ../$(VENV) -m jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

docs: setup  ## make the pages a site: build/site/index.html, which opens offline (ARGS=--quiet)
	@NO_MKDOCS_2_WARNING=1 $(VENV) -m mkdocs build $(ARGS)

tensorboard: setup  ## watch training: objective, violations, multipliers of every run
	@$(VENV) -m tensorboard.main --logdir runs $(ARGS)

figures: setup  ## measure the figures of the first page anew, and write what measured all pages' (ARGS=--pages)
	@$(VENV) -m benchmarks.figures $(ARGS)

examples: setup  ## run the constrained-optimization examples (ARGS="churn --data FOLDER --seeds 2")
	@$(VENV) -m benchmarks.examples $(ARGS)

peers: setup  ## compare with fairlearn, Cooper and TFCO, installed into .peers (ARGS="--data FOLDER")
	@$(VENV) -m benchmarks.peers fairness $(ARGS)

suite: setup  ## the trainer on many tasks, next to other libraries (ARGS="--tasks law-fpr-race --contenders ours")
	@$(VENV) -m benchmarks.suite $(ARGS)

duals: setup  ## which way to move multipliers settles, on problems with known solutions
	@$(VENV) -m benchmarks.duals $(ARGS)

bench: setup  ## how fast training is, next to others (ARGS="--only overhead --repeats 3")
	@$(VENV) -m benchmarks.training $(ARGS)

scale: setup  ## time and memory of every component against the number of examples (ARGS="--examples 20000 80000")
	@$(VENV) -m benchmarks.scale $(ARGS)

experiment: setup  ## draw what a promise costs against the amount of data (ARGS="--data smiles --trials 5")
	@$(VENV) -m benchmarks.experiments $(ARGS)

promise: setup  ## how often the gate passes what it must not, and what it passes (ARGS="--draws 20000", ARGS=monitor)
	@$(VENV) -m benchmarks.gate $(ARGS)

drill: setup  ## kill runs of a small pipeline again and again, and look what they leave (ARGS="--kills 300")
	@$(VENV) -m benchmarks.drill $(ARGS)

clean:  ## remove runs, served models and made data
	rm -rf runs serving data/celeba-synthetic*

distclean: clean  ## remove the environment too
	rm -rf .venv .uv .peers
