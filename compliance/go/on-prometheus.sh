#!/usr/bin/env bash
# Runs .test scripts on a real Prometheus, by remote write and its HTTP API.
#
#   compliance/go/on-prometheus.sh QUARREL PROMETHEUS FILE...
#
# Each script gets a Prometheus of its own, without data.
set -euo pipefail
quarrel=$1 prometheus=$(realpath "$2")
shift 2
dir=$(mktemp -d)
stop() { [ ! -f "$dir/pid" ] || kill -9 "$(cat "$dir/pid")" 2>/dev/null || true; }
trap 'stop; rm -rf "$dir"' EXIT

# A port that nobody listens on now.
port=$((20000 + RANDOM % 12000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done

features=promql-experimental-functions,promql-binop-fill-modifiers,promql-unquoted-utf8-names
features=$features,promql-delayed-name-removal,use-start-timestamps,st-storage
cat >"$dir/reset" <<RESET
if [ -f "$dir/pid" ]; then kill -9 "\$(cat "$dir/pid")"; fi
rm -rf "$dir/data"
echo 'global: {}' >"$dir/prometheus.yml"
"$prometheus" --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" \\
	--web.listen-address=127.0.0.1:$port --web.enable-remote-write-receiver \\
	--storage.tsdb.retention.time=100y --log.level=error --enable-feature=$features \\
	>>"$dir/log" 2>&1 </dev/null &
echo \$! >"$dir/pid"
RESET

"$quarrel" test --url "http://127.0.0.1:$port" --reset "sh $dir/reset" \
	--remote-write-version 2 --annotations --error-texts "$@" || {
	code=$?
	cat "$dir/log" >&2
	exit $code
}
