// A Redis for machines without one.
module github.com/quarrel-engine/quarrel/compliance/go/stack/programs/miniredis

go 1.26.0

require github.com/alicebob/miniredis/v2 v2.35.0

require github.com/yuin/gopher-lua v1.1.1 // indirect
