#!/usr/bin/env bash
# Builds the static library and installs it, its header and its pkg-config file.
#
#   bindings/go/install-lib.sh PREFIX [PROFILE]
#
# PROFILE is a profile of cargo, release if none is given. Go's build cache does not
# notice a library that has changed, so its name has its hash: the flags that
# pkg-config gives change with it.
set -euo pipefail
mkdir -p "$1/lib/pkgconfig" "$1/include"
prefix=$(realpath "$1")
profile=${2:-release}
cd "$(dirname "$0")/../.."
if [ "$profile" = dev ]; then
	# With the features that tests of the workspace have built.
	folder=debug
	cargo build --workspace --lib
else
	folder=$profile
	cargo build -p quarrel-go --profile "$profile"
fi
built=${CARGO_TARGET_DIR:-target}/$folder/libquarrel_go.a
name=libquarrel-$(sha256sum "$built" | cut -c1-16).a
if [ ! -e "$prefix/lib/$name" ]; then
	rm -f "$prefix"/lib/libquarrel-????????????????.a
	cp "$built" "$prefix/lib/$name.new"
	mv "$prefix/lib/$name.new" "$prefix/lib/$name"
	ln -sf "$name" "$prefix/lib/libquarrel.a"
fi
cp bindings/go/quarrel.h "$prefix/include/quarrel.h"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
cat >"$prefix/lib/pkgconfig/quarrel.pc" <<END
Name: quarrel
Description: A vectorized PromQL engine
Version: $version
Cflags: -I$prefix/include
Libs: $prefix/lib/$name -lm -ldl -lpthread
END
echo "installed $prefix/lib/$name, include/quarrel.h and lib/pkgconfig/quarrel.pc"
