#!/usr/bin/env bash
# Builds what teststack needs and runs it.
#
#   compliance/go/stack/run.sh QUARREL BIN [ARGUMENT...]
#
# QUARREL is the built quarrel program, BIN the folder for the Go programs, where
# Thanos, vmalert and Prometheus are built once (some minutes of CPU).
set -euo pipefail
quarrel=$(realpath "$1")
bin=$(realpath -m "$2")
shift 2
if ! command -v go >/dev/null; then
	echo "SKIPPED: Go is missing, so that no Thanos can be built; nothing was tested" >&2
	# CI has Go.
	[ -z "${CI:-}" ]
	exit
fi
here=$(realpath "$(dirname "$0")")
programs=(thanos vmalert prometheus bucketserver)
redis=$(command -v redis-server || true)
if [ -z "$redis" ]; then
	programs+=(miniredis)
	redis=$bin/miniredis
fi
case " $* " in *" -soak "*) programs+=(telegraf) ;; esac
"$here/programs/build.sh" "$bin" "${programs[@]}"
cd "$here/.."
go build -o "$bin/" ./cmd/teststack
exec "$bin/teststack" -quarrel "$quarrel" -bin "$bin" -redis "$redis" "$@"
