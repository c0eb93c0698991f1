package benchdata

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/tsdb"
)

// count writes series and counts what the blocks hold.
func count(t *testing.T, span int64, all []*source) (blocks int, series, samples uint64) {
	t.Helper()
	dir := t.TempDir()
	if err := write(dir, span, seeded(all, 1)); err != nil {
		t.Fatal(err)
	}
	entries, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), filepath.Dir(e), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		series += b.Meta().Stats.NumSeries
		samples += b.Meta().Stats.NumSamples
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return len(entries), series, samples
}

func TestBlocks(t *testing.T) {
	tm := times{start, start + 6*hour, minute}
	all := []*source{tm.series(named("a"), counter), tm.nativeSeries(10, named("h"))}
	all = append(all, tm.histogram(1, 4, "b")...)
	blocks, series, samples := count(t, 2*hour, all)
	if blocks != 3 || series != 3*6 || samples < 6*359 || samples > 6*360 {
		t.Errorf("%d blocks, %d series, %d samples", blocks, series, samples)
	}
}

func TestShortLives(t *testing.T) {
	var all []*source
	for i := range int64(10) {
		tm := times{start + i*hour, start + (i+1)*hour, minute}
		all = append(all, tm.series(named("a", "i", fmt.Sprint(i)), gauge))
	}
	blocks, series, samples := count(t, 5*hour, all)
	if blocks < 2 || series < 10 || samples < 590 || samples > 600 {
		t.Errorf("%d blocks, %d series, %d samples", blocks, series, samples)
	}
}

func TestBucketsGrowWithTheirBound(t *testing.T) {
	tm := times{start, start + hour, minute}
	all := seeded(tm.histogram(3, 12, "b"), 1)
	for range 50 {
		last := math.Inf(-1)
		for _, s := range all {
			v := s.next(s)
			if v < last {
				t.Fatalf("%s: %g after %g", s.labels, v, last)
			}
			last = v
		}
	}
}

func TestShapes(t *testing.T) {
	for name, want := range map[string]int{
		"pods": 17_100, "day": 1_900, "month": 400, "churn": 100_000, "rules": 100_000,
		"classic": 121_000, "native": 500, "million": 1_000_100,
	} {
		if got := len(shapes[name].series()); got != want {
			t.Errorf("%s has %d series, not %d", name, got, want)
		}
	}
}

func TestUnknownShape(t *testing.T) {
	if err := Build("none", filepath.Join(t.TempDir(), "d"), 1); err == nil {
		t.Error("no error")
	}
}
