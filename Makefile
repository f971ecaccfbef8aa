# Every command sets up what it needs; a new machine needs git, make and Python 3.11 or newer.
PYTHON ?= python3
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo up test test-kafka check format bench logs generate lock clean bootstrap

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: bootstrap ## Start the whole stack, walk a booking through all eight services, stop
	@$(RUN) -m demo

up: bootstrap ## Start the whole stack and keep it up; Ctrl-C stops it
	@$(RUN) -m demo.up

test: bootstrap ## Run every test that this machine can run
	@$(RUN) -m pytest $(ARGS)

test-kafka: bootstrap ## Run the event tests against a real Apache Kafka (needs a JDK 17 and Maven)
	@$(RUN) -m tools.test_kafka $(ARGS)

check: bootstrap ## Check format, lint, types, import rules and the contract
	@$(RUN) -m tools.check

format: bootstrap ## Format the code
	@$(RUN) -m ruff format --quiet . && $(RUN) -m ruff check --quiet --fix .

bench: bootstrap ## Measure: start, memory, interceptor chain, edge, events
	@$(RUN) -m bench $(ARGS)

logs: ## Follow the log of one process of `make up`: make logs SERVICE=booking (all of them without SERVICE)
	@tail -n 50 -F .local/up/logs/$(or $(SERVICE),*).log

generate: bootstrap ## Make generated/ from protos/ (every other command does it too when a proto is newer)
	@$(RUN) -m tools.generate --force

lock: bootstrap ## Resolve requirements.in into requirements.lock again
	@.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--quiet --output-file requirements.lock requirements.in

clean: ## Remove what make up has stored, all logs and all generated code
	@rm -rf .local generated .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

bootstrap:
	@$(PYTHON) tools/bootstrap.py
