#!/usr/bin/env bash
# What CI runs of the Go side, with fixed seeds.
#
#   compliance/go/ci.sh QUARREL [BIN]
#
# QUARREL is the built quarrel program. BIN is the folder for the Go programs; a
# real Prometheus and promtool are built there once (some minutes of CPU).
set -euo pipefail
quarrel=$(realpath "$1")
bin=$(realpath -m "${2:-$(dirname "$0")/../../target/go-bin}")
cd "$(dirname "$0")"
mkdir -p "$bin"

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	echo "not formatted by gofmt: $unformatted" >&2
	exit 1
fi
go vet ./...
go test ./...

go build -o "$bin/" ./cmd/difftest ./cmd/parsetest ./cmd/promtoolcheck ./cmd/unittestcheck ./cmd/livetest ./cmd/remotereadcheck
stack/programs/build.sh "$bin" prometheus promtool

# Prometheus passes quarrel's own scripts.
./on-prometheus.sh "$quarrel" "$bin/prometheus" ../tests/scripts/*.test
# All errors of the parser have Prometheus's text and place.
cargo build --quiet --manifest-path ../../Cargo.toml --workspace --example random_queries
"${CARGO_TARGET_DIR:-../../target}/debug/examples/random_queries" 1 1500 25 >"$bin/queries.jsonl"
"$bin/parsetest" -quarrel "$quarrel" -prometheus "$bin/prometheus" -texts "$bin/queries.jsonl" -n 500 -damaged 10000 -same 1
"$bin/parsetest" -quarrel "$quarrel" -texts "$bin/queries.jsonl" -n 125 -damaged 5000 -same 1 \
	-features promql-experimental-functions,promql-binop-fill-modifiers,promql-unquoted-utf8-names
# The last bits of sliding windows may differ (docs/compatibility.md), and of large
# numbers these functions make whole digits of them.
magnified='(sin|cos|tan)h?\(.*predict_linear'
"$bin/difftest" -quarrel "$quarrel" -shape mixed -seed 1 -n 4000 -skip "$magnified"
"$bin/difftest" -quarrel "$quarrel" -shape head -seed 2 -n 2000 -skip "$magnified"
"$bin/difftest" -quarrel "$quarrel" -shape blocks -seed 3 -n 1000 -hand=false -skip "$magnified"
"$bin/difftest" -quarrel "$quarrel" -shape mixed -xor2 -seed 4 -n 1000 -hand=false -skip "$magnified"
# Native histograms, experimental syntax and the features that change answers.
# The empty buckets of a histogram in the head depend on where its chunks were
# cut, see docs/compatibility.md. So runs with a head leave out queries that show
# empty buckets. All runs leave out quantiles of repeated buckets, and absent of
# several matchers on one label.
known="$magnified|histogram_quantiles\(.*odd_bucket|absent.*kind.*kind"
empty="$known|changes|NaN|Inf|native.*[!=]=.*native|native.*[*/] *scalar"
features=promql-delayed-name-removal,type-and-unit-labels
"$bin/difftest" -quarrel "$quarrel" -shape blocks -histograms -experimental -seed 5 -n 1500 -skip "$known"
"$bin/difftest" -quarrel "$quarrel" -shape mixed -histograms -experimental -xor2 -st -seed 6 -n 1500 -hand=false -skip "$empty"
"$bin/difftest" -quarrel "$quarrel" -shape blocks -histograms -experimental -seed 7 -n 1000 -hand=false -features "$features" -skip "$known"
"$bin/difftest" -quarrel "$quarrel" -shape blocks -histograms -xor2 -st -seed 8 -n 1000 -hand=false -features "$features,use-start-timestamps" -skip "$known"
"$bin/difftest" -quarrel "$quarrel" -shape mixed -xor2 -st -seed 9 -n 1000 -hand=false -features promql-per-step-stats,use-start-timestamps -skip "$magnified"
# All of PromQL against a real Prometheus.
"$bin/difftest" -quarrel "$quarrel" -real "$bin/prometheus" -list -shape blocks -histograms -experimental
"$bin/promtoolcheck" -quarrel "$quarrel" -prometheus "$bin/prometheus" -promtool "$bin/promtool"
# Remote read, both ways.
"$bin/remotereadcheck" -quarrel "$quarrel" -prometheus "$bin/prometheus" -n 150
# The verdicts on unit tests of rules.
"$bin/unittestcheck" -quarrel "$quarrel" -promtool "$bin/promtool" -damaged 200
"$bin/livetest" -quarrel "$quarrel" -prometheus "$bin/prometheus" -duration 60s -block 15s
