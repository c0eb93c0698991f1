#!/usr/bin/env bash
# run.sh QUARREL VENV: what docs/arrow.md shows, with real Python libraries. They
# go into an environment of their own, which is kept.
set -euo pipefail
cd "$(dirname "$0")"
quarrel=$1 venv=$2
if ! command -v python3 >/dev/null; then
	echo "Python is missing: docs/arrow.md was not tried" >&2
	[ -z "${CI:-}" ] || exit 1
	exit 0
fi
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
	python3 -m venv --clear "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
	cp requirements.txt "$venv/requirements.txt"
fi
"$venv/bin/python" arrow.py "$quarrel" ../../docs/arrow.md
