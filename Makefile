# Everything runs in .venv, made from the hashed requirements. On a bare machine: Python 3.11 or later with venv, and make.

PYTHON ?= python3
# A test starts a process of the program hundreds of times: without compiled modules each start takes three times as long.
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin
COMPOSE := docker compose -f docker/compose.yaml
MONITORED := $(COMPOSE) --profile monitoring
# What is imported is compiled then; of the rest there is three times as much.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile
# Pins stay as they are where they fit; `make lock UPGRADE=--upgrade` takes the newest.
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock" $(UPGRADE)
# Libraries of libraries that nothing here imports: Litestar's for examples of its own, and for the page's package to be a
# plugin of MkDocs.
UNUSED := polyfactory faker tomlkit rich-click litestar-htmx beautifulsoup4 soupsieve
LEAN = $(foreach name,$(UNUSED),--no-emit-package $(name))

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Show the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp for each set of requirements says that the environment holds it. The files name every library, so pip need not
# resolve anything; left to do so, it stumbles over a release newer than the pin of a library that another wants with extras.
$(VENV)/.run: requirements.txt requirements-build.txt pyproject.toml | $(BIN)/python
	$(PIP) --no-deps --require-hashes -r requirements.txt
	$(PIP) --no-deps --require-hashes -r requirements-build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(PIP) --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: run
run: $(VENV)/.run  ## Serve on http://127.0.0.1:8000 with the embedded database
	$(BIN)/balancer serve

# Files that take long begin first, so that both processes end together.
.PHONY: test
test: check prometheus chromium console-packages  ## Run every check, and all tests but the long ones
	$(BIN)/pytest tests/integration tests/faults tests/attacks tests/unit -m "not timed and not long" --numprocesses=$(if $(BALANCER_TEST_DATABASE_URL),1,2) --dist=loadfile --no-loadscope-reorder $(MEASURED)
	$(BIN)/pytest tests/integration tests/faults tests/attacks tests/players tests/console -m "timed and not long" $(if $(MEASURED),--cov --cov-branch --cov-append --cov-report=term --cov-fail-under=95)

# To measure makes everything half as slow again.
.PHONY: coverage
coverage:  ## Do the same, and see that the tests cover the code
	$(MAKE) test MEASURED="--cov --cov-branch --cov-report="

# Debian's Prometheus, which reads real workers in the tests of the dashboard and of the alerts: that of the machine, or
# the package unpacked beside the libraries. Where neither can be had, those tests say so and are skipped.
.PHONY: prometheus
prometheus: $(BIN)/python
	@command -v prometheus >/dev/null || test -x $(VENV)/debian/usr/bin/prometheus || { mkdir -p $(VENV)/debian && cd $(VENV)/debian && \
		apt-get download prometheus && dpkg-deb --extract prometheus_*.deb . ; } >/dev/null 2>&1 || \
		echo "No Prometheus here: the tests of the dashboard and of the alerts are skipped" >&2

# Chromium, in which the console and players are tried: that of the machine, whose names tests/console/browser.py knows too.
# Where there is none, root installs Debian's, as its libraries are too many to be unpacked; what fails is not tried again.
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
APT := DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=20
INSTALL_CHROMIUM := $(APT) install --yes --no-install-recommends chromium
.PHONY: chromium
chromium: $(BIN)/python
	@for name in $(BROWSERS); do if command -v $$name >/dev/null; then exit 0; fi; done; \
	if test "$$(id -u)" = 0 && test ! -e $(VENV)/.chromium; then \
		touch $(VENV)/.chromium; \
		{ $(INSTALL_CHROMIUM) || { $(APT) update && $(INSTALL_CHROMIUM); }; } </dev/null >/dev/null 2>&1 && exit 0; \
	fi; \
	echo "No Chromium here: the tests of the console and of the players are skipped" >&2

# What the console's tests check it with comes from npm. Where that cannot be had, those tests say so and are skipped.
CONSOLE := tests/console
$(CONSOLE)/node_modules/.package-lock.json: $(CONSOLE)/package.json $(CONSOLE)/package-lock.json
	npm ci --prefix $(CONSOLE)
	@touch $@

.PHONY: console-install
console-install: $(CONSOLE)/node_modules/.package-lock.json  ## Install what checks the console's types and who can use it

.PHONY: console-packages
console-packages:
	@$(MAKE) --no-print-directory console-install >/dev/null 2>&1 || \
		echo "No npm packages here: four checks of the console are skipped" >&2

.PHONY: console-test
console-test: $(VENV)/.dev console-install  ## Try the console in Chromium
	$(BIN)/pytest tests/console

.PHONY: screenshots
screenshots: $(VENV)/.dev  ## Show the console in docs/console/
	$(BIN)/python -m tests.console

.PHONY: check
check: $(VENV)/.dev  ## Lint, format, types, import contracts and the OpenAPI document
	$(MAKE) --no-print-directory --jobs=2 --output-sync typing style

.PHONY: typing
typing: $(VENV)/.dev
	$(BIN)/mypy

.PHONY: style
style: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.openapi

.PHONY: unit
unit: $(VENV)/.dev  ## Run the unit tests: seconds, no servers
	$(BIN)/pytest tests/unit --numprocesses=2 --dist=worksteal

.PHONY: integration
integration: $(VENV)/.dev  ## Run the tests against real PostgreSQL, Redis protocol and uvicorn
	$(BIN)/pytest tests/integration tests/faults tests/attacks

.PHONY: client
client: $(VENV)/.dev  ## Generate the Python client and the schema of balancer.yaml from the OpenAPI document
	$(BIN)/python -m tests.client
	$(BIN)/python -m tests.schema

.PHONY: types
types: $(VENV)/.dev console-install  ## Generate what the console's scripts take for types from the OpenAPI document
	$(BIN)/python -m tests.console.typescript

.PHONY: format
format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: $(VENV)/.dev  ## Compile the hashed requirements from pyproject.toml
	$(COMPILE) --group pyproject.toml:build -o requirements-build.txt
	$(COMPILE) $(LEAN) --constraint requirements-build.txt pyproject.toml -o requirements.txt
	$(COMPILE) $(LEAN) --extra tracing --constraint requirements.txt pyproject.toml -o requirements-tracing.txt
	$(COMPILE) --group dev --extra tracing --constraint requirements-tracing.txt pyproject.toml -o requirements-dev.txt

.PHONY: audit
audit: $(VENV)/.dev  ## Look for known faults in the pinned libraries
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements-tracing.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements-dev.txt

.PHONY: dist
dist: $(VENV)/.dev  ## Build the wheel and the source archive into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build

.PHONY: hooks
hooks: $(VENV)/.dev  ## Check before each commit and push what `make check` checks
	$(BIN)/pre-commit install

.PHONY: migrate
migrate: $(VENV)/.run  ## Bring the database of BALANCER_DATABASE_URL to the newest schema
	$(BIN)/balancer migrate

.PHONY: migrate-down
migrate-down: $(VENV)/.run  ## Take that database one schema revision back
	$(BIN)/balancer migrate --to=-1

.PHONY: demo
demo: $(VENV)/.dev  ## Play a real HLS stream through the balancer and count where it went
	$(BIN)/python -m tests.demo

# The players come from npm, in the versions of the lock file, into a folder that is ignored.
PLAYERS := tests/players
$(PLAYERS)/node_modules/.package-lock.json: $(PLAYERS)/package.json $(PLAYERS)/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or later with npm is needed" >&2; exit 1; }
	npm ci --prefix $(PLAYERS)
	@touch $@

.PHONY: players-install
players-install: $(PLAYERS)/node_modules/.package-lock.json  ## Install the players that `make players` runs

.PHONY: players-test
players-test: $(VENV)/.dev players-install  ## Play with two of them, in two minutes
	$(BIN)/pytest tests/players

.PHONY: players
players: $(VENV)/.dev players-install  ## Play with real players in Chromium, and write docs/players.md
	$(BIN)/python -m tests.players $(WITH)

.PHONY: load
load: $(VENV)/.dev  ## Load a running balancer with Locust; its web page is on http://127.0.0.1:8089
	$(BIN)/locust -f tests/load/locustfile.py --host http://127.0.0.1:8000 --web-host 127.0.0.1 --web-port 8089

.PHONY: dashboard
dashboard: $(VENV)/.dev prometheus  ## Play four minutes of load and trouble, and draw docs/dashboard.svg from what Prometheus saw
	$(BIN)/python -m tests.monitoring

.PHONY: bench
bench: $(VENV)/.dev  ## Compare with HAProxy, nginx and others on this machine; writes docs/benchmarks.md
	$(BIN)/python -m tests.bench

.PHONY: simulate
simulate: $(VENV)/.dev  ## Simulate the loop against fixed weights, round robin and a bandit; writes docs/loop.md
	$(BIN)/python -m tests.simulation

.PHONY: docs
docs: $(VENV)/.dev  ## Write docs/settings.md from the code; with MEASURE=sizing, measure for docs/sizing.md
	$(BIN)/python -m tests.pages $(MEASURE)

.PHONY: site
site: $(VENV)/.dev  ## Build the documentation into build/site; links lead to the source at BALANCER_REPOSITORY
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: long
long: $(VENV)/.dev prometheus  ## Run the tests that take long: commands, restarts, fail-overs, the last release
	$(BIN)/pytest tests -m long

.PHONY: faults
faults: long  ## Run them, and write what players and admins get during faults to docs/reliability.md
	$(BIN)/python -m tests.faults

.PHONY: fuzz
fuzz: $(VENV)/.dev  ## Send odd bytes to both lanes of the edge for a minute, and compare their answers
	$(BIN)/python -m tests.attacks.fuzz

# The first admin's key and Grafana's password, generated once and kept out of the repository. A file that is there
# already keeps what it has, and gets what it lacks.
.PHONY: docker/.env
docker/.env:
	@umask 077; touch $@; $(PYTHON) -c 'import pathlib, secrets; file = pathlib.Path("$@"); text = file.read_text(); \
	new = {"BALANCER_BOOTSTRAP_API_KEY": "vbk_" + secrets.token_urlsafe(32), "GRAFANA_PASSWORD": secrets.token_urlsafe(16)}; \
	lacking = {name: value for name, value in new.items() if f"{name}=" not in text}; \
	file.write_text(text + "".join(f"{name}={value}\n" for name, value in lacking.items())); \
	[print(f"{name} is generated: see $@") for name in lacking]'

.PHONY: up
up: docker/.env  ## Containers: PostgreSQL, Redis, the migration, the balancer and Locust
	$(COMPOSE) up --build --detach --wait

.PHONY: monitor
monitor: docker/.env  ## Containers: the same with Prometheus and Grafana on http://127.0.0.1:3000
	$(MONITORED) up --build --detach --wait

.PHONY: down
down:  ## Containers: stop them, keep the data
	$(MONITORED) down

.PHONY: logs
logs:  ## Containers: follow what they say
	$(MONITORED) logs --follow

.PHONY: clean
clean:  ## Containers: stop them and delete their data and image
	$(MONITORED) down --volumes --rmi local
