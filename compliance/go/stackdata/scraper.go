package stackdata

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// Scraper looks at targets at regular times, as a Prometheus does.
type Scraper struct {
	// Every is the interval of scrapes in milliseconds.
	Every int64
	// Shift moves all scrapes by so many milliseconds.
	Shift int64
	// Extra are pairs of label names and values that are added to all series.
	Extra []string
	// Missed says which scrapes do not take place. Nil misses none.
	Missed func(target int, scrape int64) bool
}

// when is the time of a scrape of a target, in milliseconds: targets are scraped
// at different moments, with some jitter.
func (s Scraper) when(t *Target, scrape int64) int64 {
	phase := int64(t.salt % uint64(s.Every/2))
	return scrape*s.Every + phase + int64(hash(t.salt, uint64(scrape))%5) + s.Shift
}

// Scrape returns what the scraper sees of the targets in [from, to), times in
// milliseconds. A series that is no longer there gets one stale marker. Whether
// there is one does not depend on scrapes that are missed: a scraper with misses
// has those samples of one without that it does not miss.
func (s Scraper) Scrape(targets []*Target, from, to int64) []Series {
	var out []Series
	for i, t := range targets {
		up := labels.NewBuilder(t.base)
		up.Set("__name__", "up")
		all := append([]metric{{up.Labels(), nil}}, t.metrics...)
		for n, m := range all {
			var samples []Sample
			for scrape := from/s.Every - 1; ; scrape++ {
				at := s.when(t, scrape)
				if at >= to {
					break
				}
				if at < from || s.Missed != nil && s.Missed(i, scrape) {
					continue
				}
				if n == 0 {
					_, ok := t.running(at)
					samples = append(samples, Sample{T: at, V: map[bool]float64{true: 1}[ok]})
				} else if sample, ok := s.seen(t, m, scrape); ok {
					sample.T = at
					samples = append(samples, sample)
				}
			}
			if len(samples) > 0 {
				b := labels.NewBuilder(m.labels)
				for k := 0; k < len(s.Extra); k += 2 {
					b.Set(s.Extra[k], s.Extra[k+1])
				}
				out = append(out, Series{b.Labels(), samples})
			}
		}
	}
	return out
}

// seen is what a scrape gives of a metric: a sample, or a stale marker if the
// scrape before gave a sample, or nothing.
func (s Scraper) seen(t *Target, m metric, scrape int64) (Sample, bool) {
	if sample, ok := t.look(m, s.when(t, scrape)); ok {
		return sample, true
	}
	before, ok := t.look(m, s.when(t, scrape-1))
	if !ok {
		return Sample{}, false
	}
	stale := math.Float64frombits(value.StaleNaN)
	switch {
	case before.H != nil:
		return Sample{H: &histogram.Histogram{Sum: stale}}, true
	case before.FH != nil:
		return Sample{FH: &histogram.FloatHistogram{Sum: stale}}, true
	}
	return Sample{V: stale}, true
}

func (t *Target) look(m metric, at int64) (Sample, bool) {
	since, ok := t.running(at)
	if !ok {
		return Sample{}, false
	}
	return m.at(at, since)
}

// Replicas cuts the scrapes of [from, to) into two sets, so that each scrape is in
// one of them at least, and says what either misses: single scrapes, and outages of
// one scrape up to three hours, some of which begin where an outage of the other
// one ends.
func Replicas(seed uint64, every, from, to int64) (a, b func(target int, scrape int64) bool) {
	r := rand.New(rand.NewPCG(seed, 2))
	var out [2][]span
	for at := from; at < to; {
		length := []int64{every, 3 * every, 5 * minute, 10 * minute, 45 * minute, 3 * hour}[r.IntN(6)]
		length = min(length, (to-from)/8)
		who := r.IntN(2)
		out[who] = append(out[who], span{at, at + length})
		at += length
		if r.IntN(4) > 0 {
			at += r.Int64N((to - from) / 12)
		}
	}
	away := func(who int, scrape int64) bool {
		for _, s := range out[who] {
			if s.has(scrape * every) {
				return true
			}
		}
		return false
	}
	missed := func(who int) func(int, int64) bool {
		return func(target int, scrape int64) bool {
			single := hash(seed, uint64(target), uint64(scrape))%50 == uint64(who)
			return away(who, scrape) || single && !away(1-who, scrape)
		}
	}
	return missed(0), missed(1)
}

// Between are the samples of series in [from, to), and the series that have some.
func Between(all []Series, from, to int64) (out []Series) {
	at := func(samples []Sample, t int64) int {
		i, _ := slices.BinarySearchFunc(samples, t, func(s Sample, t int64) int { return cmp.Compare(s.T, t) })
		return i
	}
	for _, s := range all {
		if part := s.Samples[at(s.Samples, from):at(s.Samples, to)]; len(part) > 0 {
			out = append(out, Series{s.Labels, part})
		}
	}
	return out
}

// Labelled are the series with more labels, pairs of names and values.
func Labelled(all []Series, pairs ...string) []Series {
	out := slices.Clone(all)
	for i := range out {
		b := labels.NewBuilder(out[i].Labels)
		for k := 0; k < len(pairs); k += 2 {
			b.Set(pairs[k], pairs[k+1])
		}
		out[i].Labels = b.Labels()
	}
	return out
}
