# Warren: `make` lists what there is.  Everything it sets up stays inside this checkout (.venv, .tools, .state).

WARREN := .
include platform.mk

# In the order of pyproject.toml: a file of tests shares what it has set up.
FAST := -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: test check pythons parts conformance live node cluster bench generate lock caches

test: setup ## run the tests that need no cluster (tiers 1 and 2)
	@$(RUN) $(FAST)

check: setup ## format, lint, types, tests: what CI runs
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) $(FAST)

pythons: setup ## what another Python could break, with every other supported one that is here
	@$(RUN) -m scripts.pythons

parts: ## build the real programs that the next three targets run, once (15 to 20 minutes, needs Go)
	@$(FOUND) -m scripts.parts

conformance: setup parts ## tests on a real API server, oldest and newest Kubernetes (tier 3)
	@cd tools/reach && go vet ./...
	@$(RUN) -m pytest tests/cluster -n 4 --dist loadgroup

live: setup parts ## tests of the real request path, in a network of their own (tier 4)
	@cd tools/standins && go vet ./... && go test ./...
	@$(RUN) -m tests.live

node: setup parts ## tests on two real kubelets, with real containers and packets (tier 5, needs root)
	@$(RUN) -m tests.node

cluster: export WARREN_STACK = $(if $(filter file,$(origin STACK)),home,$(value STACK))
cluster: export WARREN_EMPTY = $(call typed,EMPTY)
cluster: setup parts ## keep such a cluster until Ctrl-C, with a kubeconfig: make cluster [STACK=everything] [EMPTY=1]
	@$(RUN) -m tests.node.keep

bench: setup ## time and memory of previews, beside a bare program with the same resources
	@$(RUN) -m bench $(SIZES)

generate: setup ## write again what follows from the models: schemas, reference pages, the messages of mistakes
	@$(RUN) -m config.files.editors
	@$(RUN) -m config.files.reference
	@$(RUN) -m tests.config.mistakes

lock: ## make requirements*.txt again from requirements*.in (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	  requirements.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	  requirements-dev.in -o requirements-dev.txt

clean: caches

caches: ## remove what tests and tools keep for the next time
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +
