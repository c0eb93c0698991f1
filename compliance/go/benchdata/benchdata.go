// Package benchdata writes the data directories of `make bench-peers`: blocks
// by Prometheus's tsdb, one shape for each question that the table asks.
//
// The queries over them are in benches/src/classes, which relies on the names,
// counts and times here. The same seed gives the same samples.
package benchdata

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

const (
	second int64 = 1_000
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
	// start is the time of the first samples of every shape.
	start = fixtures.Start
)

// shape is what a data directory holds.
type shape struct {
	// span is the length of a block.
	span   int64
	series func() []*source
}

var shapes = map[string]shape{
	"pods":    {12 * hour, pods},
	"day":     {2 * hour, dashboardDay},
	"month":   {14 * day, dashboardMonth},
	"churn":   {5 * day, churn},
	"rules":   {12 * hour, rules},
	"million": {12 * hour, million},
	"classic": {12 * hour, classic},
	"native":  {12 * hour, native},
}

// Names are the shapes that Build knows.
func Names() []string {
	return append([]string{"x"}, slices.Sorted(maps.Keys(shapes))...)
}

// Build writes a data directory. It appears under its name when it is whole.
func Build(name, dir string, seed uint64) (err error) {
	tmp := filepath.Clean(dir) + ".building"
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	s, ok := shapes[name]
	switch {
	case name == "x":
		err = fixtures.BuildBench(tmp, int64(seed))
	case !ok:
		return fmt.Errorf("benchdata: no shape is called %q, but %q are", name, Names())
	default:
		err = write(tmp, s.span, seeded(s.series(), seed))
	}
	if err != nil {
		return fmt.Errorf("benchdata: %s: %w", name, err)
	}
	return os.Rename(tmp, dir)
}

// seeded gives each series random numbers of its own. Series of one group draw
// the same numbers.
func seeded(all []*source, seed uint64) []*source {
	for i, s := range all {
		group := uint64(s.group)
		if s.group == 0 {
			group = uint64(i) + 1<<32
		}
		s.random = rand.New(rand.NewPCG(seed, group))
		s.offset = s.random.Int64N(max(s.every-10, 1))
	}
	return all
}

// hex8 is a number that looks random and is not: benches/src/classes/regex.rs
// computes the same.
func hex8(i int) string {
	return fmt.Sprintf("%08x", uint32(i)*2_654_435_761)
}

func named(name string, pairs ...string) labels.Labels {
	return labels.FromStrings(append([]string{labels.MetricName, name}, pairs...)...)
}
