# Every command sets up what it needs; a new machine needs git, make and Python 3.11 or newer.
PYTHON ?= python3
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo up logs test test-long test-kafka replay check bench format generate contract openapi lock clean bootstrap

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: bootstrap ## Start everything, walk one booking through all eight services, stop everything
	@$(RUN) -m demo

up: bootstrap ## Start everything and keep it: edge on 8080 (EDGE_PORT), mail on 8025 (MAILBOX_PORT), Ctrl-C stops it
	@$(RUN) -m demo.up

logs: bootstrap ## List the logs of `make up`; ARGS="booking" follows one
	@$(RUN) -m demo.logs $(ARGS) $(PART)

test: bootstrap ## Run every test that this machine can run
	@$(RUN) -m pytest $(ARGS)

test-long: bootstrap ## Throw thousands of requests at the whole stack (about six minutes)
	@$(RUN) -m pytest -m long tests/long $(ARGS)

test-kafka: bootstrap ## Run the events' tests against Apache Kafka (needs Java 17 and Maven)
	@$(RUN) -m tests.kafka $(ARGS)

check: bootstrap ## Check format, lint, types, import rules and the contract
	@$(RUN) -m tools.check

bench: bootstrap ## Measure start and memory, the chain, the edge, REST beside FastAPI, log-ins and events
	@$(RUN) -m bench $(ARGS)

format: bootstrap ## Format the code
	@$(RUN) -m ruff format --quiet . && $(RUN) -m ruff check --quiet --fix .

generate: bootstrap ## Make generated/ from protos/ (every other command does it too when a proto is newer)
	@$(RUN) -m tools.generate --force

contract: bootstrap ## Print every method with its policy; ARGS="booking" shows a part
	@$(RUN) -m tools.contract $(ARGS)

openapi: bootstrap ## Print the edge's OpenAPI document
	@$(RUN) -m gateway openapi

replay: bootstrap ## List dead letters at KAFKA_BOOTSTRAP; send them again with ARGS="--handler booking/rating --send"
	@$(RUN) -m mesh.events.replay $(ARGS)

lock: bootstrap ## Resolve requirements.in into requirements.lock again
	@.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--quiet --output-file requirements.lock requirements.in

clean: ## Remove all generated code, caches and local data
	@rm -rf .local generated .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

bootstrap:
	@$(PYTHON) tools/bootstrap.py
