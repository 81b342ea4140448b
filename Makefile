# Warren: `make` lists what there is.  Everything it sets up stays inside this checkout (.venv, .tools, .state).

STACK ?= sandbox
# What is in STACK and ARGS is passed on as it was typed: neither make nor a shell looks into it.
unexport STACK ARGS
export WARREN_STACK = $(value STACK)
# The first Python that runs and that the tests run with.
ifndef PYTHON
PYTHON := $(shell for p in .venv/bin/python python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; done)
endif
FOUND = $(or $(PYTHON),$(error Python 3.11, 3.12 or 3.13 is needed and not here: install one, or name one: \
  make setup PYTHON=/path/to/python3.13))
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup preview up destroy config pulumi test check pythons parts conformance live smoke bench lock clean

help: ## list the targets
	@echo "make <target> [STACK=<stack>]   (stack: $$WARREN_STACK; the sandbox needs no cluster, no account and no credentials)"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Python packages, the Pulumi engine, the sandbox's stand-ins
	@$(FOUND) -m scripts.setup </dev/null

preview: setup ## show what `up` would do: the resource tree and the route table
	@$(RUN) -m scripts.stack preview "$$WARREN_STACK"

up: setup ## create or change the stack; the sandbox leaves its manifests in .state/sandbox/manifests
	@$(RUN) -m scripts.stack up "$$WARREN_STACK"

destroy: setup ## remove everything the stack made
	@$(RUN) -m scripts.stack destroy "$$WARREN_STACK"

config pulumi: export WARREN_ARGS = $(value ARGS)

config: setup ## set a secret or a setting: make config ARGS="set --secret --path 'secrets.NAME'"
	@$(RUN) -m scripts.stack config "$$WARREN_STACK"

pulumi: setup ## run any Pulumi command on the stack: make pulumi ARGS='stack output routes'
	@$(RUN) -m scripts.stack pulumi "$$WARREN_STACK"

test: setup ## run the tests that need no cluster (tiers 1 and 2)
	@$(RUN) -m pytest -n 2 --dist loadfile

check: setup ## format, lint, types, tests: what CI runs
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m pytest -n 2 --dist loadfile

pythons: setup ## the same tests with every other supported Python that is here
	@$(RUN) -m scripts.pythons

parts: ## build the real programs that the next two targets run, once (15 to 20 minutes, needs Go)
	@$(FOUND) -m scripts.parts

conformance: setup parts ## tests on a real API server, oldest and newest Kubernetes (tier 3)
	@cd tools/reach && go vet ./...
	@$(RUN) -m pytest tests/cluster -n 2 --dist loadfile

live: setup parts ## tests of the real request path, in a network of their own (tier 4)
	@cd tools/standins && go vet ./... && go test ./...
	@$(RUN) -m tests.live

smoke: setup ## check a running stack from outside: make smoke STACK=home
	@$(RUN) -m smoke --stack "$$WARREN_STACK"

bench: setup ## time and memory of previews, beside a bare program with the same resources
	@$(RUN) -m bench $(SIZES)

lock: ## make requirements*.txt again from requirements*.in (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	  requirements.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	  requirements-dev.in -o requirements-dev.txt

clean: ## remove the sandbox's state and the caches; .venv and .tools stay, other stacks' state is never here
	rm -rf .state .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +
