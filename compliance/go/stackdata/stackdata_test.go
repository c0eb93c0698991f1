package stackdata

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/prometheus/prometheus/model/value"
)

const (
	from = 1_700_000_000_000
	to   = from + 12*hour
	tick = 15 * second
)

func scraped(s Scraper) []Series { return s.Scrape(Targets(1, from, to), from, to) }

// union merges the samples of series of two scrapers by time, one of each.
func union(all ...[]Series) map[string]map[int64]Sample {
	out := map[string]map[int64]Sample{}
	for _, part := range all {
		for _, s := range part {
			key := s.Labels.String()
			if out[key] == nil {
				out[key] = map[int64]Sample{}
			}
			for _, p := range s.Samples {
				out[key][p.T] = p
			}
		}
	}
	return out
}

func same(a, b Sample) bool {
	return a.T == b.T && math.Float64bits(a.V) == math.Float64bits(b.V) &&
		(a.H == nil) == (b.H == nil) && (a.H == nil || value.IsStaleNaN(a.H.Sum) && value.IsStaleNaN(b.H.Sum) || a.H.Equals(b.H)) &&
		(a.FH == nil) == (b.FH == nil) && (a.FH == nil || value.IsStaleNaN(a.FH.Sum) && value.IsStaleNaN(b.FH.Sum) || a.FH.Equals(b.FH))
}

func TestReplicasMissNothingTogether(t *testing.T) {
	a, b := Replicas(7, tick, from, to)
	whole := union(scraped(Scraper{Every: tick}))
	one, two := scraped(Scraper{Every: tick, Missed: a}), scraped(Scraper{Every: tick, Missed: b})
	cut := union(one, two)
	if len(cut) != len(whole) {
		t.Fatalf("%d series of replicas for %d", len(cut), len(whole))
	}
	total := 0
	for key, samples := range whole {
		total += len(samples)
		if len(cut[key]) != len(samples) {
			t.Errorf("%s: %d samples of replicas for %d", key, len(cut[key]), len(samples))
		}
		for at, p := range samples {
			if got := cut[key][at]; !same(got, p) {
				t.Fatalf("%s at %d: %v for %v", key, at, got, p)
			}
		}
	}
	for name, all := range map[string][]Series{"a": one, "b": two} {
		n := 0
		for _, s := range all {
			n += len(s.Samples)
		}
		if n == 0 || n > total*99/100 {
			t.Errorf("replica %s has %d of %d samples", name, n, total)
		}
	}
}

func TestPartsAreTheWhole(t *testing.T) {
	s := Scraper{Every: tick, Shift: 7 * second}
	targets := Targets(1, from, to)
	middle := int64(from + 5*hour + 1234)
	whole := union(s.Scrape(targets, from, to))
	parts := union(s.Scrape(targets, from, middle), s.Scrape(targets, middle, to))
	for key, samples := range whole {
		if len(parts[key]) != len(samples) {
			t.Errorf("%s: %d samples in parts, %d in the whole", key, len(parts[key]), len(samples))
		}
	}
}

func TestDataHasEverything(t *testing.T) {
	var resets, stale, staleHistograms, ints, floats int
	for _, s := range scraped(Scraper{Every: tick}) {
		last := math.Inf(-1)
		for i, p := range s.Samples {
			if i > 0 && p.T <= s.Samples[i-1].T {
				t.Fatalf("%s: time %d after %d", s.Labels, p.T, s.Samples[i-1].T)
			}
			switch {
			case p.H != nil:
				ints++
				if value.IsStaleNaN(p.H.Sum) {
					staleHistograms++
				} else if err := p.H.Validate(); err != nil {
					t.Fatalf("%s: %v", s.Labels, err)
				}
			case p.FH != nil:
				floats++
				if !value.IsStaleNaN(p.FH.Sum) {
					if err := p.FH.Validate(); err != nil {
						t.Fatalf("%s: %v", s.Labels, err)
					}
				}
			case value.IsStaleNaN(p.V):
				stale++
			case s.Labels.Get("__name__") == "http_requests_total":
				if p.V < last {
					resets++
				}
				last = p.V
			}
		}
	}
	for name, n := range map[string]int{"resets": resets, "stale markers": stale, "stale histograms": staleHistograms, "integer histograms": ints, "float histograms": floats} {
		if n == 0 {
			t.Errorf("no %s", name)
		}
	}
}

func TestBlocksHaveExternalLabels(t *testing.T) {
	external := map[string]string{"cluster": "eu", "replica": "a"}
	all := (Scraper{Every: minute}).Scrape(Targets(1, from, from+2*hour), from, from+2*hour)
	block, err := WriteBlock(t.TempDir(), all, from, from+2*hour, external)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(block, "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct {
		Stats  struct{ NumSeries int }
		Thanos struct {
			Labels map[string]string
		}
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		t.Fatal(err)
	}
	if meta.Stats.NumSeries != len(all) || !reflect.DeepEqual(meta.Thanos.Labels, external) {
		t.Errorf("%d series, labels %v; want %d, %v", meta.Stats.NumSeries, meta.Thanos.Labels, len(all), external)
	}
}

func TestAligned(t *testing.T) {
	got := Aligned(5, 25, 10)
	want := [][2]int64{{5, 10}, {10, 20}, {20, 25}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFleetHasItsSeries(t *testing.T) {
	const n = 3
	all := (Scraper{Every: minute}).Scrape(Fleet(1, n, from, to), from, to)
	if len(all) != n*SeriesOfFleetTarget {
		t.Errorf("%d series, want %d", len(all), n*SeriesOfFleetTarget)
	}
}
