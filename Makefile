# What can be done here. `make help` lists it.
#
# QUARREL_TARGET is where cargo builds (default: target). CI sets it to a
# folder outside of the clone, so that a build is not from nothing each time.

QUARREL_TARGET ?= $(CURDIR)/target
export CARGO_TARGET_DIR := $(QUARREL_TARGET)
QUARREL := $(QUARREL_TARGET)/debug/quarrel
GOBIN_DIR := $(QUARREL_TARGET)/go-bin
STAGE := .ci/stage
TOOLS := $(QUARREL_TARGET)/tools
DENY := $(TOOLS)/bin/cargo-deny
# Where tests and benches of the Go module have its library, and the flags for it.
GO_LIB := $(QUARREL_TARGET)/go-lib
go_link = CGO_LDFLAGS="$$(sed -n s/^Libs://p $(1)/lib/pkgconfig/quarrel.pc)"
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# Of the long random runs; they print it.
SEED ?= $(shell date +%s)
# Queries that Prometheus and quarrel may answer differently, see compliance/go/ci.sh.
# Sums near the ends of the floats depend on their order, which is another one on
# fast paths; last digits of exponentials are seen where they become text, or are
# magnified; Go's logarithm of the tiniest numbers is wrong.
MAGNIFIED := (sin|cos|tan)h?\(.*(predict_linear|exp|sinh|cosh)|(ln|log10)\(.*special|count_values[^(]*\([^(]*\(|(sum|avg)_over_time\(special|histogram_quantiles\(.*odd_bucket|absent.*kind.*kind
PUBLISHED := quarrel quarrel-engine quarrel-storage quarrel-planner quarrel-functions \
	quarrel-matchers quarrel-chunks quarrel-compliance

.PHONY: help
help: ## Lists all tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# What is built for development is picked from the whole workspace, not by its package:
# the features of dependencies are those of all packages then, and each is built once.
.PHONY: build
build: ## Builds the program for development
	cargo build --workspace --bin quarrel

.PHONY: release
release: ## Builds the program for use
	cargo build --release -p quarrel-server

.PHONY: demo
demo: ## Runs a query on the bundled demo data
	cargo run --release -- query 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'

.PHONY: test
test: test-rust test-datafusion test-go test-python test-stack ## Passes all tests (needs Rust, Go and Python)

.PHONY: test-rust
test-rust: ## Passes the Rust tests alone
	$(STAGE) "cargo test" cargo test --workspace --lib --bins --tests --examples
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
	$(STAGE) "storage beside Prometheus" cargo test --workspace --test head --test tsdb -- --ignored --skip faster
	$(STAGE) "Go module" sh -c 'bindings/go/install-lib.sh $(GO_LIB) dev && cd bindings/go && $(call go_link,$(GO_LIB)) go test ./... && cd examples && $(call go_link,$(GO_LIB)) go test ./...'
	$(STAGE) "C example" bindings/c/test.sh $(GO_LIB)
	$(STAGE) "comparison with Prometheus" compliance/go/ci.sh $(QUARREL) $(GOBIN_DIR)

# Thanos, vmalert and Prometheus are built in $(GOBIN_DIR) once for each version.
STACK = compliance/go/stack/run.sh $(QUARREL) $(GOBIN_DIR)

.PHONY: test-stack
test-stack: build ## Compares with real Thanos programs around quarrel: make test-stack ARGS='-only store -v'
	$(STAGE) "Thanos stack" $(STACK) $(ARGS)

.PHONY: stack
stack: build ## Starts a whole Thanos stack with quarrel in it, from the demo data, to look at until control-C
	@$(STACK) -show $(ARGS)

# Prints Markdown for docs/benchmarks.md.
.PHONY: bench-stack
bench-stack: release ## Times quarrel beside Thanos Query over the same stores: make bench-stack ARGS='-rounds 15'
	@compliance/go/stack/run.sh $(QUARREL_TARGET)/release/quarrel $(GOBIN_DIR) -bench $(ARGS)

.PHONY: bench-bucket
bench-bucket: release ## Times quarrel straight over a slow bucket beside thanos store and query, and counts requests: make bench-bucket
	@compliance/go/stack/run.sh $(QUARREL_TARGET)/release/quarrel $(GOBIN_DIR) -bench-bucket -targets 20 $(ARGS)

.PHONY: test-python
test-python: build ## Reads answers into pandas and polars, as docs/arrow.md shows
	$(STAGE) "Arrow in Python" compliance/python/run.sh $(QUARREL) $(QUARREL_TARGET)/python

# Where kernels and decoders know two ways, a build takes one of them everywhere.
PATHS = RUSTFLAGS='--cfg quarrel_paths="$(1)"' CARGO_TARGET_DIR=$(QUARREL_TARGET)/paths-$(1)

.PHONY: test-paths
test-paths: ## Tests kernels and decoders with all fast paths taken, and with none
	$(STAGE) "fast paths alone" env $(call PATHS,fast) cargo test -p quarrel-functions -p quarrel-chunks --lib
	$(STAGE) "plain paths alone" env $(call PATHS,plain) cargo test -p quarrel-functions -p quarrel-chunks --lib

.PHONY: difftest-paths
difftest-paths: ## Compares random queries with Prometheus with all fast paths taken, and with none
	cd compliance/go && go build -o $(GOBIN_DIR)/ ./cmd/difftest
	$(STAGE) "build of fast paths" env $(call PATHS,fast) cargo build -p quarrel-server
	$(STAGE) "build of plain paths" env $(call PATHS,plain) cargo build -p quarrel-server
	for paths in fast plain; do for with in "" "-histograms -experimental"; do \
		$(STAGE) "random queries, $$paths paths" $(GOBIN_DIR)/difftest -shape blocks $$with -seed 11 -n 2000 \
			-quarrel $(QUARREL_TARGET)/paths-$$paths/debug/quarrel -skip '$(MAGNIFIED)' || exit 1; \
	done; done

.PHONY: lint
lint: ## rustfmt, clippy, features, docs, packages, licenses, gofmt, go vet
	$(STAGE) "rustfmt" cargo fmt --all --check
	$(STAGE) "rustfmt of DataFusion's crate" cargo fmt --manifest-path datafusion/Cargo.toml --check
	$(STAGE) "rustfmt of the fuzz targets" cargo fmt --manifest-path fuzz/Cargo.toml --check
	$(STAGE) "clippy" cargo clippy --workspace --all-targets -- -D warnings
	$(STAGE) "clippy of DataFusion's crate" cargo clippy --manifest-path datafusion/Cargo.toml --all-targets -- -D warnings
	$(STAGE) "features of the facade" .ci/features
	$(STAGE) "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	$(STAGE) "packages" cargo package --workspace --no-verify --allow-dirty --quiet
	$(STAGE) "cargo-deny" $(MAKE) --no-print-directory $(DENY)
	$(STAGE) "licenses, bans, sources" $(DENY) check licenses bans sources
	$(STAGE) "licenses, sources of DataFusion's crate" $(DENY) --manifest-path datafusion/Cargo.toml --config deny.toml check licenses sources
	$(STAGE) "licenses, sources of the fuzz targets" $(DENY) --manifest-path fuzz/Cargo.toml --config deny.toml check licenses sources
	@test -z "$$(gofmt -l compliance bindings)" || { gofmt -l compliance bindings; echo "not formatted by gofmt" >&2; exit 1; }
	cd compliance/go && go vet ./...
	cd compliance/go/stack/programs/miniredis && go vet ./...
	cd compliance/go/stack/programs/bucketserver && go vet ./...
	cd bindings/go && go vet ./...
	cd bindings/go/bench && go vet ./...
	cd bindings/go/examples && go vet ./...

.PHONY: $(DENY) $(TOOLS)/bin/cargo-fuzz
$(DENY):
	.ci/tool $(TOOLS) cargo-deny 0.20.2 --no-default-features
$(TOOLS)/bin/cargo-fuzz:
	.ci/tool $(TOOLS) cargo-fuzz 0.13.2

.PHONY: advisories
advisories: $(DENY) ## Looks for known vulnerabilities; needs the network, for the advisory database
	$(DENY) check advisories
	$(DENY) --manifest-path datafusion/Cargo.toml --config deny.toml check advisories

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
	cargo fmt --manifest-path fuzz/Cargo.toml
	gofmt -w compliance bindings

.PHONY: ci
ci: lint test test-paths fuzz-seconds torture ## What CI runs

# In CI the server is built for development, several times slower, and the
# machine is shared with who knows what: times have more room there than what
# docs/security.md promises. `make torture-release` has the promised bounds.
# Whoever else computes on the machine may still spoil a run: a second one, with
# other requests, decides then.
ROOM := -healthy 1s -healthy-ever 4s -late 3s -light 6s -light-share 0.9

.PHONY: torture
torture: build ## Attacks the server for a minute and a half: make torture ARGS='-seed 7 -only regex'
	$(STAGE) "torture" sh -c 'cd compliance/go && go build -o $(GOBIN_DIR)/ ./cmd/torture && \
		for seed in 1 2; do \
			$(GOBIN_DIR)/torture -quarrel $(QUARREL) -data $(QUARREL_TARGET)/torture-data -duration 75s -seed $$seed $(ROOM) $(ARGS) && exit 0; \
		done; exit 1'

.PHONY: torture-release
torture-release: release ## As torture, against the program as it is used, with the promised bounds
	$(STAGE) "torture" sh -c 'cd compliance/go && go build -o $(GOBIN_DIR)/ ./cmd/torture && \
		$(GOBIN_DIR)/torture -quarrel $(QUARREL_TARGET)/release/quarrel -data $(QUARREL_TARGET)/torture-data -duration 90s -seed 1 $(ARGS)'

.PHONY: fuzz-seconds
fuzz-seconds: ## Runs each fuzz target for some seconds, on stable Rust
	cargo build --workspace --bin fuzz-seconds
	$(STAGE) "fuzz targets" env QUARREL_FUZZ_SEED=$${QUARREL_FUZZ_SEED:-1} $(QUARREL_TARGET)/debug/fuzz-seconds 4

.PHONY: fuzz
fuzz: $(TOOLS)/bin/cargo-fuzz ## Runs each fuzz target for ten minutes (needs nightly Rust): make fuzz FUZZ_TARGETS=wal FUZZ_SECONDS=60
	@for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/found/$$target && \
		$(STAGE) "fuzz $$target" env PATH="$(TOOLS)/bin:$$PATH" CARGO_TARGET_DIR=$(QUARREL_TARGET)/fuzz \
			cargo +nightly fuzz run --fuzz-dir fuzz $$target fuzz/found/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 || exit 1; \
	done

.PHONY: soak
soak: build fuzz difftest-paths ## Hours: a long attack, long comparisons of random queries, all fuzz targets
	$(MAKE) torture-release ARGS='-duration 30m -seed $(SEED)'
	cd compliance/go && go build -o $(GOBIN_DIR)/ ./cmd/difftest
	for shape in mixed head blocks; do \
		$(STAGE) "random queries, $$shape" $(GOBIN_DIR)/difftest -quarrel $(QUARREL) -shape $$shape -seed $(SEED) -duration 20m -hand=false -skip '$(MAGNIFIED)' || exit 1; \
	done
	$(STAGE) "Thanos stack, long" $(STACK) -soak -seed $(SEED)
	$(STAGE) "Prometheus with itself" $(GOBIN_DIR)/difftest -quarrel $(QUARREL) -real $(GOBIN_DIR)/prometheus \
		-prometheus $(GOBIN_DIR)/prometheus -shape blocks -histograms -experimental -seed $(SEED) -n 20000 -hand=false

.PHONY: bench
bench: ## Runs the criterion benches of all crates (needs Go for the benchmark block)
	cargo bench --workspace

# A whole run takes half an hour and writes docs/benchmarks.md, docs/benchmarks.svg
# and the README's lines; QUICK=1 takes three minutes and prints.
.PHONY: bench-peers
bench-peers: ## Times quarrel beside the Prometheus and the Thanos engine: make bench-peers QUICK=1 CLASS=rules,regex ONLY=rate PROFILE=dev
	bindings/go/install-lib.sh $(GO_LIB)-release release
	$(call go_link,$(GO_LIB)-release) cargo run --profile $(or $(PROFILE),release) -p quarrel-benches --bin peers -- --go-module $(if $(QUICK),--quick) $(if $(CLASS),--class $(CLASS)) $(if $(ONLY),--only '$(ONLY)') $(ARGS)

# Prometheus's engine and quarrel's in one process, in turns, over the same tsdb.
.PHONY: bench-go
bench-go: ## Times the Go module beside Prometheus's engine: make bench-go ARGS='-only rate -rounds 9'
	bindings/go/install-lib.sh $(GO_LIB)-release release
	$(call go_link,$(GO_LIB)-release) bindings/go/bench/run.sh $(QUARREL_TARGET)/bench-data $(QUARREL_TARGET)/bench-bin $(ARGS)

.PHONY: install-lib
install-lib: ## Installs the C library, its header and its pkg-config file: make install-lib PREFIX=/usr/local
	@test -n "$(PREFIX)" || { echo "PREFIX is missing: make install-lib PREFIX=/usr/local" >&2; exit 1; }
	bindings/go/install-lib.sh $(PREFIX) $(or $(PROFILE),release)

.PHONY: bench-doors
bench-doors: release ## Times quarrel serve beside Prometheus over HTTP, and writes docs/benchmarks.md: make bench-doors ARGS=--quick
	cargo run --release -p quarrel-benches --bin doors -- --quarrel $(QUARREL_TARGET)/release/quarrel $(ARGS)

.PHONY: difftest
difftest: build ## Compares random queries with Prometheus: make difftest ARGS='-seed 7 -n 20000'
	cd compliance/go && go run ./cmd/difftest -quarrel $(QUARREL) $(ARGS)
