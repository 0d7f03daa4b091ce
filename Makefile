# `make help` lists what can be done; the work is in scripts/
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: run dev test build setup ui lint fmt test-ui test-rust test-e2e bench bench-queue bench-cleanup bench-health bench-export bench-ui bench-api soak fuzz-api check-platforms types icons clean help

run: ## build Upkeep and open the console (RELEASE=1: optimised; RUN_SECONDS=N: end after N seconds)
	@scripts/run.sh

dev: ## open the console on Vite's development server, which shows changes of the UI at once
	@scripts/setup.sh run
	@scripts/ui.sh deps
	@ui/node_modules/.bin/tauri dev --config tauri.dev.conf.json

test: ## every check and test: format, lints, UI, Rust, the app in its real window
	@scripts/test.sh all

build: ## build the UI, the app, the worker and the command line (RELEASE=1: optimised)
	@scripts/build.sh

setup: ## check rustc, node and npm, and install the system packages that building and testing need
	@scripts/setup.sh test

ui: ## build the UI into ui/dist
	@scripts/ui.sh build

lint: ## format and lints only
	@scripts/test.sh lint

fmt: ## format all code
	@scripts/ui.sh deps
	@cargo fmt --all
	@npm --prefix ui run --silent format

test-ui: ## lints and tests of the UI
	@scripts/test.sh ui

test-rust: ## unit and integration tests of Rust
	@scripts/test.sh rust

test-e2e: ## tests of the app in its real window, under Xvfb
	@scripts/test.sh e2e

check-platforms: ## check the crates that clean for macOS and Windows (Rust's libraries for them come by rustup)
	@scripts/platforms.sh

soak: ## kill workers hundreds of times, attack cleanups, count what is lost (PARTS="queue kills attacks dashboard": some of it; sizes: scripts/soak.sh)
	@scripts/soak.sh $(PARTS)

bench: bench-queue bench-cleanup bench-health bench-export bench-ui bench-api ## every benchmark

bench-queue: ## how fast the queue is here, both engines, release build (PARTS="drain pages": some of it; docs/benchmarks.md)
	@scripts/bench.sh queue $(PARTS)

bench-cleanup: ## how fast cleaning is here, compared with find and others (PARTS="wide clean", SIZE=200000, ROUNDS=3, PEERS=no: some of it)
	@SIZE='$(SIZE)' ROUNDS='$(ROUNDS)' PEERS='$(PEERS)' scripts/bench.sh cleanup $(PARTS)

bench-health: ## what looking at a host takes, compared with psutil (PARTS="sample dashboard", DURATION=60: seconds of the dashboard)
	@DURATION='$(DURATION)' scripts/bench.sh health $(PARTS)

bench-export: ## time and peak memory of reports of 1,000,000 tasks in each form (SIZE=1000000, KEEP=folder)
	@SIZE='$(SIZE)' KEEP='$(KEEP)' scripts/bench.sh export

bench-ui: ## what the window takes, beside a trivial one: start, idle CPU, memory, frames (PARTS="start idle screen", ROUNDS=10, DURATION=30)
	@ROUNDS='$(ROUNDS)' DURATION='$(DURATION)' scripts/bench.sh ui $(PARTS)

bench-api: ## load on the HTTP front door over loopback, with wrk (PARTS="trigger list", DURATION=30, CONNECTIONS=32, DEBUG=1)
	@DURATION='$(DURATION)' CONNECTIONS='$(CONNECTIONS)' DEBUG='$(DEBUG)' scripts/bench-api.sh $(PARTS)

fuzz-api: ## thousands of sound and unsound requests to a running server, from its OpenAPI document (CASES=60 for each route)
	@CASES='$(CASES)' scripts/api-fuzz.sh

types: ## write anew what is made from the types: the UI's TypeScript, the schema of the statistics log, docs/openapi.json
	@UPKEEP_UPDATE_GENERATED=1 cargo test --quiet -p upkeep-contract --test generated_types
	@UPKEEP_UPDATE_GENERATED=1 cargo test --quiet -p upkeep-operations --lib the_schema_that_is_written_down
	@UPKEEP_UPDATE_GENERATED=1 cargo test --quiet -p upkeep-api --test http the_committed_document

icons: ## draw all icons anew from icons/upkeep.svg
	@scripts/icons.sh

clean: ## remove everything that was built
	@cargo clean
	@rm -rf ui/dist ui/node_modules

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
