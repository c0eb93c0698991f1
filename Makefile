# What can be done here. `make help` lists it.
#
# QUARREL_TARGET is where cargo builds (default: target). CI sets it to a
# folder outside of the clone, so that a build is not from nothing each time.

QUARREL_TARGET ?= $(CURDIR)/target
export CARGO_TARGET_DIR := $(QUARREL_TARGET)
QUARREL := $(QUARREL_TARGET)/debug/quarrel
GOBIN_DIR := $(QUARREL_TARGET)/go-bin
STAGE := .ci/stage
PUBLISHED := quarrel quarrel-engine quarrel-storage quarrel-planner quarrel-functions \
	quarrel-matchers quarrel-chunks quarrel-compliance

.PHONY: help
help: ## Lists all tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## Builds the program for development
	cargo build -p quarrel-server

.PHONY: release
release: ## Builds the program for use
	cargo build --release -p quarrel-server

.PHONY: demo
demo: ## Runs a query on the bundled demo data
	cargo run --release -- query 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'

.PHONY: test
test: test-rust test-datafusion test-go ## Passes all tests (needs Rust and Go)

.PHONY: test-rust
test-rust: ## Passes the Rust tests alone
	$(STAGE) "cargo test" cargo test --workspace --all-targets --exclude quarrel-benches
	$(STAGE) "doc tests" cargo test --workspace --doc

# A workspace of its own, since DataFusion is heavy. It shares the target folder.
.PHONY: test-datafusion
test-datafusion: ## Passes the tests of PromQL in DataFusion
	$(STAGE) "DataFusion" cargo test --manifest-path datafusion/Cargo.toml --all-targets
	$(STAGE) "DataFusion doc tests" cargo test --manifest-path datafusion/Cargo.toml --doc
	$(STAGE) "DataFusion example" cargo run --quiet --manifest-path datafusion/Cargo.toml --example join

.PHONY: test-go
test-go: build ## Compares with Prometheus: needs Go, which brings Prometheus along
	@command -v go >/dev/null || { echo "Go is missing: the comparison with Prometheus cannot run" >&2; exit 1; }
	$(STAGE) "storage beside Prometheus" cargo test -p quarrel-peer-tests --tests -- --ignored --skip faster
	$(STAGE) "Go module" sh -c 'bindings/go/build.sh && cd bindings/go && go test ./...'
	$(STAGE) "comparison with Prometheus" compliance/go/ci.sh $(QUARREL) $(GOBIN_DIR)

.PHONY: lint
lint: ## rustfmt, clippy, features, docs, packages, licenses, gofmt, go vet
	$(STAGE) "rustfmt" cargo fmt --all --check
	$(STAGE) "rustfmt of DataFusion's crate" cargo fmt --manifest-path datafusion/Cargo.toml --check
	$(STAGE) "clippy" cargo clippy --workspace --all-targets -- -D warnings
	$(STAGE) "clippy of DataFusion's crate" cargo clippy --manifest-path datafusion/Cargo.toml --all-targets -- -D warnings
	$(STAGE) "features of the facade" .ci/features
	$(STAGE) "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	$(STAGE) "packages" cargo package --workspace --no-verify --allow-dirty --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny check licenses bans sources && cargo deny --manifest-path datafusion/Cargo.toml check --config deny.toml licenses sources; else echo "cargo-deny is not installed: licenses are not checked"; fi
	@test -z "$$(gofmt -l compliance bindings)" || { gofmt -l compliance bindings; echo "not formatted by gofmt" >&2; exit 1; }
	cd compliance/go && go vet ./...
	cd bindings/go && go vet ./...

.PHONY: api
api: ## Lists the public API anew in docs/api (needs nightly Rust and cargo-public-api)
	@for crate in $(PUBLISHED); do \
		echo "docs/api/$$crate.txt"; \
		cargo +nightly public-api -sss -p $$crate --all-features >docs/api/$$crate.txt || exit 1; \
	done

.PHONY: fmt
fmt: ## Formats all code
	cargo fmt --all
	cargo fmt --manifest-path datafusion/Cargo.toml
	gofmt -w compliance bindings

.PHONY: ci
ci: lint test ## What CI runs

.PHONY: bench
bench: ## Runs the criterion benches of all crates (needs Go for the benchmark block)
	cargo bench --workspace

.PHONY: bench-table
bench-table: ## Times quarrel beside the Prometheus and the Thanos engine, prints the table of docs/benchmarks.md
	cargo run --release -p quarrel-benches --bin peers

.PHONY: difftest
difftest: build ## Compares random queries with Prometheus: make difftest ARGS='-seed 7 -n 20000'
	cd compliance/go && go run ./cmd/difftest -quarrel $(QUARREL) $(ARGS)
