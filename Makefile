# Two commands do everything: make demo, make test. Both set up .venv from the locked dependencies first.
# The quickest Python of the version that `python3` is; see the file.
PYTHON ?= $(shell python3 requirements/python.py)
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
# One worker more than cores: a quarter of the time a test waits, for a process, a browser or PostgreSQL.
# In the order of the files: the last ones are short, so all workers end together.
WORKERS ?= $(shell python3 -c "import os; print((os.cpu_count() or 1) + 1)")
PYTEST  ?= -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# What is started again and again is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test torture check bench bench-full lock format clean

demo: $(VENV)/.run-ready
	@$(BIN)/gateway demo $(ARGS)

test: $(VENV)/.dev-ready
	@$(BIN)/python tests/machine.py
	@$(BIN)/python -m pytest -q $(PYTEST) -m "not torture" $(ARGS)

# The long tests, and each that draws its examples at random with all of them.
torture: $(VENV)/.dev-ready
	@TONGQU_TEST_EXAMPLES=all $(BIN)/python -m pytest -q -m "torture or hypothesis" $(ARGS)

# What the peers need (nginx, packages of Node.js) is installed before if it may be; what is missing is left out with a word.
bench: $(VENV)/.dev-ready
	@$(BIN)/python -m bench.peers.machine
	@$(BIN)/python -m bench run $(ARGS)

bench-full: $(VENV)/.dev-ready
	@$(BIN)/python -m bench.peers.machine
	@$(BIN)/python -m bench run --full $(ARGS)
	@$(BIN)/python -m bench growth

check: $(VENV)/.dev-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd clients/python && ../../$(BIN)/mypy --strict src/tongqu_client
	cd clients/witness && ../../$(BIN)/mypy --strict src/tongqu_witness
	$(BIN)/lint-imports
	$(BIN)/gateway openapi --check
	$(BIN)/python -m tests.licences

format: $(VENV)/.dev-ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev-ready
	rm -f requirements/dev.lock requirements/run.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-header --universal --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-header --universal --python-version 3.11 --extra postgres --extra valkey -c requirements/dev.lock pyproject.toml requirements/build.in -o requirements/run.lock

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than its lock when what the lock names is installed.
$(VENV)/.run-ready: requirements/run.lock pyproject.toml clients/python/pyproject.toml clients/witness/pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e . -e clients/python -e clients/witness
	@touch $@

$(VENV)/.dev-ready: requirements/dev.lock $(VENV)/.run-ready
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements/dev.lock
	@touch $@

clean:
	rm -rf $(VENV) .cache dist
