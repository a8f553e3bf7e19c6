# Everything a person runs. Each target sets up what it needs; nothing is installed outside .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help serve test check format lock clean

help:  ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Protostar needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

serve: $(READY)  ## start Protostar on its embedded stack
	@exec $(BIN)/protostar serve

test: check  ## everything that a change must pass
	$(BIN)/pytest -n 4 --dist loadfile

.PHONY: test-examples
test-examples: $(READY)  ## the examples: their own tests, then against a real Protostar; needs node and npm
	cd examples/nestjs && npm ci --no-audit --no-fund && npm test
	$(BIN)/pytest tests/examples -m example

.PHONY: test-browser
test-browser: $(READY)  ## the web pages in a real browser: Debian's Chromium, which it installs where it may
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } \
		|| { echo "There is no chromium, and it could not be installed: apt-get install chromium fonts-noto-cjk"; exit 2; }
	$(BIN)/pytest tests/browser -m browser -n 2 --dist loadfile

.PHONY: test-s3
test-s3: $(READY)  ## the object store against a real S3 server: PROTOSTAR_TEST_S3_{ENDPOINT,ACCESS_KEY_ID,SECRET_ACCESS_KEY,BUCKET}
	@test -n "$$PROTOSTAR_TEST_S3_ENDPOINT" || { echo "Set PROTOSTAR_TEST_S3_ENDPOINT, _ACCESS_KEY_ID, _SECRET_ACCESS_KEY and _BUCKET (an empty bucket)."; exit 2; }
	$(BIN)/pytest tests/objects -m s3

.PHONY: drills drills-long
drills: $(READY)  ## kill, freeze and cut every part of the running stack and count what is lost (DRILL_DOCUMENTS=50 DRILL_QUESTIONS=50)
	$(BIN)/pytest tests/drills -m drill

drills-long: $(READY)  ## the same, with models away for ten minutes
	DRILL_LONG=1 $(BIN)/pytest tests/drills -m drill

.PHONY: bench
bench: $(READY)  ## measure uploads, ingest, search, answers (ARGS="--quick", see ARGS=--help)
	$(BIN)/python -m bench $(ARGS)

# $(1)/.venvs/NAME for each NAME of $(2), with what $(1)/NAME.txt lists.
define environments
	for name in $(2); do \
	  $(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(1)/.venvs/$$name && \
	  $(BIN)/uv pip sync --quiet --link-mode copy --python $(1)/.venvs/$$name/bin/python $(1)/$$name.txt || exit 1; done
endef

.PHONY: bench-alternatives
bench-alternatives: $(READY)  ## install what the benchmark compares with, each into an environment of its own
	$(call environments,bench/alternatives,langchain llamaindex)

.PHONY: eval-models
eval-models: $(READY)  ## install the real models that are evaluated with (ARGS="--what minilm", "--what smollm2"), as above
	$(call environments,bench/real_models,minilm smollm2)

.PHONY: eval
eval: $(READY)  ## hold the search to its floors on the sets in PROTOSTAR_EVAL_DIR (../shared/eval; ARGS="--sample 150")
	$(BIN)/python -m bench.evaluate $(ARGS)

check: $(READY)  ## format, lint, types, layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

format: $(READY)  ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)  ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -o requirements-dev.lock

clean:  ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
