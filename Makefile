# Belfry. `make run` starts it, `make test` proves it; both need Python 3.11 and make, nothing else.

PYTHON := .venv/bin/python
.DEFAULT_GOAL := help

help: ## shows this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

run: venv ## starts everything on http://127.0.0.1:8000 (PORT, DATA_DIR and others: docs/configuration.md)
	@exec $(PYTHON) manage.py up

demo: venv ## fills the installation in DATA_DIR with example jobs and a month of history; `make demo-remove` takes them away
	$(PYTHON) manage.py demo

demo-remove: venv
	$(PYTHON) manage.py demo --remove

test: lint migrations-check ## all checks, and the tests that start no real processes; types are checked beside the tests
	@$(MAKE) --no-print-directory -j2 types test-quick

test-acceptance: venv-dev ## the real processes: started, killed, started again
	$(PYTHON) -m pytest -n 2 --dist loadfile tests_acceptance

test-quick: venv-dev ## the tests that start no real processes
	$(PYTHON) -m pytest -n 3 --dist worksteal -m "not acceptance and not browser"

test-browser: venv-dev ## the pages in headless Chromium, which must be installed
	$(PYTHON) -m pytest -n 2 --dist loadfile tests_browser

test-services: venv-dev ## the tests on the PostgreSQL, MariaDB, Redis and RabbitMQ that can be reached (docs/development.md)
	$(PYTHON) -m tests_services

test-contract: venv-dev ## schemathesis against a running Belfry, for SECONDS (60)
	$(PYTHON) -m tests_contract --seconds $(or $(SECONDS),60)

sbom: venv ## what Belfry is made of, as CycloneDX, in var/sbom.cdx.json
	$(PYTHON) deploy/supply_chain.py sbom

audit: venv ## known vulnerabilities of what is installed; skipped where the advisory service cannot be reached
	$(PYTHON) deploy/supply_chain.py audit

lint: venv-dev ## style of code and templates
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 --check {} +

format: venv-dev ## rewrites code and templates in that style
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format
	-find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} +

types: venv-dev ## mypy --strict
	$(PYTHON) -m mypy .

migrations-check: venv-dev ## no model was changed without its migration
	$(PYTHON) manage.py makemigrations --check --dry-run

venv: ## the virtual environment with what Belfry runs on
	@sh deploy/venv.sh requirements.txt $(if $(filter run,$(MAKECMDGOALS)),,--compile)

venv-dev: ## and with what it is developed with
	@sh deploy/venv.sh requirements-dev.txt --compile

clean: ## removes the virtual environment and caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run demo demo-remove test test-quick test-acceptance test-browser test-services test-contract lint format types migrations-check venv venv-dev clean
