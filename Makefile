# `make run` starts a community on this machine; `make test` is what CI runs. Both set up what they need first.
# The work is done in scripts/, so that it reads and fails as a script does.

# HOST counts only as `make run HOST=...`: some shells have a variable of that name, with the machine's name in it.
RUN_HOST = $(or $(if $(filter command line,$(origin HOST)),$(HOST)),$(PEERCHAT_HOST),127.0.0.1)
RUN_PORT = $(or $(PORT),$(PEERCHAT_PORT),8000)

.NOTPARALLEL:
.PHONY: help run test lint format build generate lock bench interop crowd hostile-frames soak test-hostile fuzz test-escalation-chaos setup clean

help:
	@echo "make run       build and start peerchat on http://$(RUN_HOST):$(RUN_PORT) (PORT=, HOST=)"
	@echo "make test      set up everything and run every check (PARTS=\"ruff pytest\", PYTEST_ARGS=\"-k word\")"
	@echo "make lint      the checks that run no code"
	@echo "make format    write the code in the house style"
	@echo "make build     build the front end into frontend/dist"
	@echo "make generate  write what is made from the wire contract"
	@echo "make lock      write the lock files (UPGRADE=1 takes the newest versions)"
	@echo "make bench     what a delivery costs, beside two other servers (BENCH_ARGS=\"--quick\")"
	@echo "make interop   our MLS core and an independent one in a long random walk (STEPS=500 SEED=)"
	@echo "make crowd     25 devices come into a room within 10 s while 5 talk: how long it takes (SEED=)"
	@echo "make hostile-frames  a million hostile frames against each server (FRAMES_ARGS=\"--frames 20000 --seed 1\")"
	@echo "make soak      kill, crash and cut under load, on both databases (KILLS=100 FAULT_SEED=)"
	@echo "make test-escalation-chaos  kill keepers and break receivers under 10,000 calls for help (CASES=)"
	@echo "make test-hostile  every attack by name, on the app as it is and with the guard against it cut out"
	@echo "make fuzz      a million spoilt entries, certificates, frames and headers (CASES= SEED=)"
	@echo "make setup     only set up"
	@echo "make clean     remove what was made, but not var/, where data lives"

run:
	@scripts/setup runtime
	@scripts/build
	@PEERCHAT_DEBUG=1 PEERCHAT_HOST='$(RUN_HOST)' PEERCHAT_PORT='$(RUN_PORT)' exec .venv/bin/peerchat demo

test:
	@scripts/setup dev
	@scripts/check all

lint:
	@scripts/setup dev
	@scripts/check lint

format:
	@scripts/setup dev
	@scripts/format

build:
	@scripts/setup runtime
	@scripts/build

generate:
	@scripts/setup dev
	.venv/bin/peerchat generate

lock:
	@scripts/setup dev
	@scripts/lock

bench:
	@scripts/setup dev
	.venv/bin/python -m bench $(BENCH_ARGS)

fuzz:
	@scripts/setup dev
	.venv/bin/python -m tests.fuzz.logs --cases $(or $(CASES),1000000) $(if $(SEED),--seed $(SEED))

test-hostile:
	@scripts/setup dev
	@bash -c 'source scripts/node.sh && cd frontend && exec node tests/hostile/main.mjs'

interop:
	@scripts/setup dev
	@bash -c 'source scripts/node.sh && exec .venv/bin/python -m tests.interop.walk --steps $(or $(STEPS),500) $(if $(SEED),--seed $(SEED))'

crowd:
	@scripts/setup dev
	.venv/bin/python -m tests.scenarios $(SEED)

hostile-frames:
	@scripts/setup dev
	.venv/bin/python -m tests.faults.hostile $(FRAMES_ARGS)

test-escalation-chaos:
	@scripts/setup dev
	ESCALATIONS=$(or $(CASES),10000) .venv/bin/python -m pytest -q -s tests/faults/test_escalation.py \
		tests/moderation/escalation/test_crashes.py

soak:
	@scripts/setup dev
	FAULT_KILLS=$(or $(KILLS),100) .venv/bin/python -m pytest -q -s tests/faults/test_kill.py tests/faults/test_soak.py

setup:
	@scripts/setup dev

clean:
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		frontend/node_modules frontend/dist
	find peerchat rooms moderation tests -name __pycache__ -type d -prune -exec rm -rf {} +
