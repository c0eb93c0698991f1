#!/usr/bin/env bash
# Builds the real programs that tests start, each once for a version.
#
#   compliance/go/stack/programs/build.sh BIN PROGRAM...
#
# BIN is the folder for them. A program is one of thanos, vmalert, telegraf,
# miniredis, bucketserver, prometheus and promtool. What a program was built from is
# written beside it, so that a new version, a new Go, or a change to one of ours builds
# it anew.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
bin=$(realpath -m "$1")
shift
mkdir -p "$bin"

# own MODULE: the sources in the module's own folder, if there are any.
own() { find "$1" -maxdepth 1 -name '*.go' -print0 | sort -z | xargs -0 -r cat; }

# build NAME MODULE PACKAGE [FLAG...]: MODULE is the folder whose go.mod pins it.
build() {
	local name=$1 module=$2 package=$3
	shift 3
	local stamp
	stamp=$( (go version && cat "$module/go.mod" "$module/go.sum" && own "$module" && echo "$package $*") | sha256sum)
	if [ -x "$bin/$name" ] && [ "$(cat "$bin/.$name.from" 2>/dev/null)" = "$stamp" ]; then
		return
	fi
	echo "building $name"
	(cd "$module" && go build "$@" -o "$bin/$name" "$package")
	echo "$stamp" >"$bin/.$name.from"
}

for program in "$@"; do
	case $program in
	# Without the tag Thanos crashes in its first answer: it casts Prometheus's
	# labels to a slice of its own.
	thanos) build thanos "$here/thanos" github.com/thanos-io/thanos/cmd/thanos -tags slicelabels ;;
	vmalert) build vmalert "$here/vmalert" github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert ;;
	telegraf) build telegraf "$here/telegraf" github.com/influxdata/telegraf/cmd/telegraf -tags "custom,inputs.cpu,inputs.mem,inputs.socket_listener,outputs.http,serializers.prometheusremotewrite,parsers.influx" ;;
	miniredis) build miniredis "$here/miniredis" . ;;
	bucketserver) build bucketserver "$here/bucketserver" . ;;
	prometheus | promtool) build "$program" "$here/../.." "github.com/prometheus/prometheus/cmd/$program" -tags remove_all_sd ;;
	*)
		echo "$0: unknown program $program" >&2
		exit 2
		;;
	esac
done
