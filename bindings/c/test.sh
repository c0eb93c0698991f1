#!/usr/bin/env bash
# Compiles the example against an installed library, runs it, and compares what it
# prints. The header is also compiled as C++.
#
#   bindings/c/test.sh PREFIX
set -euo pipefail
prefix=$(realpath "$1")
cd "$(dirname "$0")"
flags() { sed -n "s/^$1://p" "$prefix/lib/pkgconfig/quarrel.pc"; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -Wall -Wextra -Werror $(flags Cflags) example.c -o "$scratch/example" $(flags Libs)
echo '#include "quarrel.h"' | ${CXX:-c++} -std=c++17 -Wall -Wextra -Werror $(flags Cflags) -fsyntax-only -x c++ -
"$scratch/example" | diff expected.txt -
