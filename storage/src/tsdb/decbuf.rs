//! A cursor over bytes from outside: varints, big-endian numbers, checksums.
