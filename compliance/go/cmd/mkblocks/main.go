// Command mkblocks writes Prometheus data directories for tests.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/benchdata"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

func main() {
	var (
		o     fixtures.Options
		shape = flag.String("shape", string(fixtures.Mixed), "how samples are spread: mixed, head or blocks")
		out   = flag.String("out", "", "directory to write; must not exist or be empty")
		bench = flag.Bool("bench", false, "write data of benchmarks instead, of which -bench-shape names the kind")
		kind  = flag.String("bench-shape", "x", "with -bench, which data of make bench-peers: "+strings.Join(benchdata.Names(), ", "))
		small = flag.Bool("small", false, "write a block of a few dozen KiB instead, to be kept beside tests")
	)
	flag.Int64Var(&o.Seed, "seed", 1, "seed of all random choices")
	flag.BoolVar(&o.Histograms, "histograms", false, "add native histogram series")
	flag.BoolVar(&o.XOR2, "xor2", false, "encode float chunks as XOR2")
	flag.BoolVar(&o.ST, "st", false, "store start timestamps")
	flag.BoolVar(&o.TornWAL, "torn", false, "cut the last WAL segment in the middle of a record")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.Shape = fixtures.Shape(*shape)
	var err error
	switch {
	case *bench:
		err = benchdata.Build(*kind, *out, uint64(o.Seed))
	case *small:
		err = fixtures.BuildSmall(*out)
	default:
		err = fixtures.Build(*out, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mkblocks:", err)
		os.Exit(1)
	}
}
