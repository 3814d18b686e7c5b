# Everything goes through two commands: `make localnet` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ENV := . localnet/env.sh &&
# Cargo is always asked for the whole workspace: with other selections it picks other features and builds dependencies again.

.PHONY: help tools tools-test localnet localnet-stop localnet-reset build test lint test-rust test-slow test-web test-e2e proto descriptors bench fmt

help: ## Show this list
	@printf 'Cairn\n\n'; grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

tools: ## Install what is missing to build and run
	@localnet/tools.sh run
tools-test:
	@localnet/tools.sh test

build: tools ## Build the node, the gateway and the driver
	@$(ENV) cargo build --locked --workspace --bins

localnet: build ## Start four validators, run the main job on real data, leave the network running
	@$(ENV) localnet/localnet.sh start
localnet-stop: ## Stop the local network; its data stays
	@$(ENV) localnet/localnet.sh stop
localnet-reset: ## Stop the local network and delete its data
	@$(ENV) localnet/localnet.sh reset

test: tools-test lint test-rust test-e2e ## Run every check and test, e2e included

lint:
	@docs/check-commands.sh
	@$(ENV) cargo fmt --all --check
	@$(ENV) cargo clippy --locked --workspace --all-targets -- -D warnings

test-rust:
	@$(ENV) cargo test --locked --workspace --exclude cairn-e2e --lib --bins --tests

test-slow: ## Run the long tests: 10^6 steps of schedules of leases, 100,000 leases that end in one block, a job of a million labels
	@$(ENV) cargo test --locked --workspace --exclude cairn-e2e --lib -- --ignored --nocapture

test-e2e: build
	@cmp -s e2e/js/package-lock.json e2e/js/node_modules/.installed || { npm ci --prefix e2e/js --no-audit --no-fund --loglevel=error && \
	  cp e2e/js/package-lock.json e2e/js/node_modules/.installed; }
	@$(ENV) CAIRN_DIGITS=$$(localnet/digits/fetch.sh) cargo test --locked --workspace --test e2e -- --test-threads=2 --nocapture

proto: ## Regenerate the wire types after a change of a .proto
	@$(ENV) cargo run -q -p cairn-codegen
descriptors: ## Take the Cosmos descriptors anew from the published Go types
	@cd proto/descriptors && go run . cosmos.binpb

bench: tools ## Measure throughput side by side with simd and kvstore, and blocks over a million accounts
	@localnet/tools.sh bench
	@$(ENV) bench/run.sh

fmt: ## Format the code
	@$(ENV) cargo fmt --all
