# What a person asks of a platform.  The Makefile of a platform repository sets WARREN to the folder of this file and
# includes it; Warren's own Makefile does the same for the reference platform.

PLATFORM := $(lastword $(MAKEFILE_LIST))
STACK ?= sandbox
# What is in these is passed on as it was typed: neither make nor a shell looks into it.
unexport STACK ARGS DIR NAME DOMAIN NODES FROM VERSION
export WARREN_STACK = $(value STACK)
export WARREN_PROJECT = $(CURDIR)

# Without CDPATH, in which `cd` would look for another folder of that name first, and print it.
IN := CDPATH= cd $(WARREN) &&
RUN := $(IN) .venv/bin/python
# The first Python that runs and that the tests run with.
ifndef PYTHON
PYTHON := $(shell $(IN) for p in .venv/bin/python python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; done)
endif
FOUND = $(or $(PYTHON),$(error Python 3.11, 3.12 or 3.13 is needed and not here: install one, or name one: \
  make setup PYTHON=/path/to/python3.13))

.DEFAULT_GOAL := help
.PHONY: help new setup workspace check-files preview secret k3s up smoke upgrade destroy config pulumi clean .packages

# Only what was typed: a login shell may well have a NAME of its own.
typed = $(if $(findstring command line,$(origin $(1))),$(value $(1)))

check-files config pulumi smoke: export WARREN_ARGS = $(value ARGS)
new secret workspace: export WARREN_NAME = $(call typed,NAME)
new: export WARREN_DIR = $(call typed,DIR)
new: export WARREN_DOMAIN = $(call typed,DOMAIN)
new: export WARREN_NODES = $(call typed,NODES)
new workspace: export WARREN_FROM = $(call typed,FROM)
upgrade: export WARREN_VERSION = $(call typed,VERSION)
# Where nobody named a stack these mean all of them.
check-files workspace k3s: export WARREN_STACK = $(if $(filter file,$(origin STACK)),,$(value STACK))

# In the order in which a person needs them, as in README.md and docs/commands.md.

help: ## list the commands
	@echo "make <command> [STACK=<stack>]   (stack: $$WARREN_STACK; the sandbox needs no cluster, no account and no credentials)"
	@awk -F ':.*## ' 'FNR == 1 { head = NR > 1 ? "\nIn " FILENAME ":" : "" } \
	  /^[a-z0-9-]+:.*## / { if (head) print head; head = ""; printf "  %-11s %s\n", $$1, $$2 }' \
	  $(PLATFORM) $(filter-out $(PLATFORM),$(MAKEFILE_LIST))

new: ## write a platform repository of your own: make new DIR=../casa [NAME= DOMAIN= NODES=pi-1=192.168.1.11,...]
	@$(IN) $(FOUND) -m scripts.new

setup: ## install what is missing: Python packages, the Pulumi engine, the sandbox's stand-ins
	@$(IN) $(FOUND) -m scripts.setup </dev/null

# What needs no engine does not wait for one to be built.
.packages:
	@$(IN) $(FOUND) -m scripts.setup packages </dev/null

workspace: .packages ## begin a workspace and list it, in every stack or in STACK: make workspace NAME=club [FROM=immich]
	@$(RUN) -m scripts.workspace "$$WARREN_STACK"

check-files: .packages ## say in a second what a preview would refuse, in every stack or in STACK
	@$(RUN) -m scripts.check_files "$$WARREN_STACK"

preview: setup ## show what `up` would do: the resource tree, the route table, and what changes by workspace
	@$(RUN) -m scripts.stack preview "$$WARREN_STACK"

secret: setup ## set a secret, asked for or read from a pipe: make secret NAME=web-db-password STACK=home
	@$(RUN) -m scripts.secret "$$WARREN_STACK"

k3s: .packages ## print how k3s is installed on each node, of every real stack or of STACK
	@$(RUN) -m scripts.k3s "$$WARREN_STACK"

up: setup ## create or change the stack; the sandbox leaves its manifests in .state/sandbox/manifests
	@$(RUN) -m scripts.stack up "$$WARREN_STACK"

smoke: setup ## check a running stack from outside: make smoke STACK=home
	@$(RUN) -m smoke --root "$$WARREN_PROJECT" --stack "$$WARREN_STACK"

upgrade: ## move to the newest Warren, or to VERSION=v0.2.0: shows what changed, and previews
	@$(IN) $(FOUND) -m scripts.upgrade

destroy: setup ## remove everything the stack made
	@$(RUN) -m scripts.stack destroy "$$WARREN_STACK"

config: setup ## read or change the stack's settings: make config ARGS='get warren:domain'
	@$(RUN) -m scripts.stack config "$$WARREN_STACK"

pulumi: setup ## run any Pulumi command on the stack: make pulumi ARGS='stack output routes'
	@$(RUN) -m scripts.stack pulumi "$$WARREN_STACK"

clean: ## remove the sandbox's state; .venv and .tools stay, other stacks' state is never here
	rm -rf .state
