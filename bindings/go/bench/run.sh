#!/usr/bin/env bash
# Builds the data that is missing, and the bench, and runs it.
#
#   bindings/go/bench/run.sh DATA BIN [ARGUMENTS]
#
# CGO_LDFLAGS says where the static library is.
set -euo pipefail
mkdir -p "$1" "$2"
data=$(realpath "$1") bin=$(realpath "$2")
shift 2
cd "$(dirname "$0")"
for shape in x day month; do
	if [ ! -d "$data/$shape" ]; then
		(cd ../../../compliance/go && go build -o "$bin/" ./cmd/mkblocks)
		"$bin/mkblocks" -bench -bench-shape "$shape" -out "$data/$shape"
	fi
done
go build -o "$bin/bench-go" .
exec "$bin/bench-go" -data "$data" "$@"
