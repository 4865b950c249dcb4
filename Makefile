# The commands of a checkout. `make demo` deploys to a Kubernetes of its own, or to one that is named:
#   make demo KUBE_CONTEXT=kind-kind STORE=s3://... IMAGE=registry/image@sha256:... ROUTE_ADDRESS=http://...

PYTHON := .venv/bin/python
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bluegrid

.DEFAULT_GOAL := help
.PHONY: help tour openstef demo test check check-types check-tests check-floors endurance bench-one-service bench-openstef bench-registry bench-server bench-several-stacks bench-stack bench-switches bench-transfer bench-updates clean distclean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' Makefile

tour: ## From training to answers on this machine, Python packages only: half a minute
	@tools/bootstrap tour
	@.venv/bin/bluegrid tour

openstef: ## Forecasts for a grid by OpenSTEF, from training to answers, TARGETS=20 of them; needs Python 3.12 or later: two minutes
	@[ ! -e .bluegrid/openstef-example ] || rm -rf .bluegrid/openstef-example
	@python3 -m tools.openstef examples.openstef --out .bluegrid/openstef-example $(if $(TARGETS),--targets $(TARGETS))

demo: ## From a bare machine to a live switch under load; leaves the service running
	@tools/bootstrap
	@$(PYTHON) -m tools.demo

test: ## All tests, on real parts
	@tools/bootstrap tests
	@$(PYTHON) -m tools.demo prepare
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 40 tests

check: ## What needs no root and no Go: format, lint, types, unit and program tests
	@tools/bootstrap python
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check-types check-tests

check-types:
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy __main__.py

# A process has a core: threads of frameworks would only wait for each other.
check-tests:
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --dist loadfile tests/unit tests/program

check-floors: ## Unit and program tests with the oldest dependencies that pyproject.toml allows
	@tools/floors

endurance: ## The tests at full size: half an hour each, an hour for the model server's soak
	@tools/bootstrap tests
	@$(PYTHON) -m tools.demo prepare
	BLUEGRID_ENDURANCE=1 $(PYTHON) -m pytest tests

bench-switches: ## Ten switches there and back under load, on the service that `make demo` left running
	@$(PYTHON) -m benchmarks.switches

bench-registry: ## Reading and editing registries of any size; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap python
	@$(PYTHON) -m benchmarks.registry

bench-stack: ## Many services, switches, Argo Rollouts beside them; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap peers
	@$(PYTHON) -m benchmarks.stack

bench-one-service: ## A change of one service among hundreds; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap peers
	@$(PYTHON) -m benchmarks.one_service $(if $(BEFORE),--before $(BEFORE))

bench-several-stacks: ## Services of a region in several stacks; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap peers
	@$(PYTHON) -m benchmarks.one_service --divided

bench-transfer: ## Push and fetch beside other tools; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap peers
	@$(PYTHON) -m benchmarks.transfer

bench-server: ## The model server beside others, a core each; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap peers
	@$(PYTHON) -m benchmarks.server

bench-openstef: ## Beside OpenSTEF's MLflow storage, with 1,000 pipelines; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap
	@$(PYTHON) -m benchmarks.openstef $(if $(TARGETS),--targets $(TARGETS))

bench-updates: ## The update server and its page, by services and rows; rewrites docs/benchmarks and benchmarks/results
	@tools/bootstrap python
	@$(PYTHON) -m benchmarks.updates

clean: ## Stop what the demo has started and remove its state
	@if [ -d .bluegrid ]; then \
		{ [ -x $(PYTHON) ] || tools/bootstrap python; } && $(PYTHON) -m tools.demo clean && rm -rf .bluegrid; \
	fi

distclean: clean ## Remove also the Python environment and the caches of all checkouts
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@[ ! -d "$(CACHE)" ] || { chmod -R u+rwX "$(CACHE)" && rm -rf "$(CACHE)"; }
