package quarrel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// A point is a float sample.
type point struct {
	t int64
	f float64
}

func (point) ST() int64                     { return 0 }
func (p point) T() int64                    { return p.t }
func (p point) F() float64                  { return p.f }
func (point) H() *histogram.Histogram       { return nil }
func (point) FH() *histogram.FloatHistogram { return nil }
func (p point) Copy() chunks.Sample         { return p }
func (point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }

// More than one part of series, and more samples than the goroutine's own
// thread computes.
func TestMoreThanOnePart(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var all []storage.Series
	for i := range 500 {
		samples := make([]chunks.Sample, 600)
		value := 0.0
		for j := range samples {
			value += random.Float64()
			samples[j] = point{int64(j) * 15_000, value}
		}
		set := labels.FromStrings("__name__", "x_total", "group", fmt.Sprint(i%7), "i", fmt.Sprintf("%03d", i))
		all = append(all, storage.NewListSeries(set, samples))
	}
	// Groups come in the order of their labels.
	var sorted []storage.Series
	for group := range 7 {
		for i := group; i < len(all); i += 7 {
			sorted = append(sorted, all[i])
		}
	}
	store := answering(func(context.Context) storage.SeriesSet {
		return &listSet{SeriesSet: storage.EmptySeriesSet(), series: sorted}
	})
	opts := engineOpts()
	opts.Parser = promqlParser()
	theirs := promqltest.NewTestEngineWithOpts(t, opts)
	for _, text := range []string{"count by (group) (x_total)", "x_total > 250", "max by (group) (rate(x_total[2m]))"} {
		start, end := time.Unix(300, 0), time.Unix(8700, 0)
		want, err := theirs.NewRangeQuery(t.Context(), store, nil, text, start, end, 5*time.Minute)
		require.NoError(t, err)
		requireSame(t, want.Exec(t.Context()), ranged(t, newEngine(t, nil), store, text, start, end, 5*time.Minute), text)
	}
}
