// Package stackdata makes the data of the test stack: targets whose metrics are
// functions of time, what scrapers see of them, replicas of a scraper that miss
// scrapes, and the blocks and remote writes of all these.
//
// Since a metric is a function of time, the same truth can be looked at by two
// replicas with equal clocks, by two with shifted clocks, and by one that misses
// nothing.
package stackdata

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
)

// Sample is a sample of a series. A float has neither H nor FH.
type Sample struct {
	// T is the time in milliseconds since the epoch.
	T  int64
	V  float64
	H  *histogram.Histogram
	FH *histogram.FloatHistogram
}

// Series is a series with its samples in the order of time.
type Series struct {
	Labels  labels.Labels
	Samples []Sample
}

// span is a half-open range of times.
type span struct{ from, to int64 }

func (s span) has(t int64) bool { return s.from <= t && t < s.to }

// metric is a series of a target as a function of time. since is when the
// target started; ok is false where the target does not show the series.
type metric struct {
	labels labels.Labels
	at     func(t, since int64) (s Sample, ok bool)
}

// Target is a made-up program: it restarts, it is down at times, and between two
// starts its counters grow.
type Target struct {
	base    labels.Labels
	runs    []span
	metrics []metric
	salt    uint64
}

// running says since when the target runs, if it runs.
func (t *Target) running(at int64) (since int64, ok bool) {
	for _, r := range t.runs {
		if r.has(at) {
			return r.from, true
		}
	}
	return 0, false
}

// hash mixes numbers into one that looks random.
func hash(parts ...uint64) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for _, p := range parts {
		for i := range b {
			b[i] = byte(p >> (8 * i))
		}
		_, _ = h.Write(b[:])
	}
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// Targets makes the targets of a cluster. They exist from an hour before from
// until to, in milliseconds, and restart every few hours. extra are pairs of label
// names and values that all series have.
func Targets(seed uint64, from, to int64, extra ...string) []*Target {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []*Target
	for _, job := range []struct {
		name      string
		instances int
	}{{"api", 3}, {"db", 2}} {
		for i := range job.instances {
			base := labels.FromStrings(append([]string{"job", job.name, "instance", fmt.Sprintf("%s-%d:9100", job.name, i)}, extra...)...)
			t := &Target{base: base, salt: r.Uint64(), runs: runs(r, from-hour, to)}
			t.describe(r)
			out = append(out, t)
		}
	}
	return out
}

// runs cuts a range of times into the runs of a target: half of the restarts are
// over before the next scrape, the others take minutes.
func runs(r *rand.Rand, from, to int64) (out []span) {
	for from < to {
		end := from + 2*hour + r.Int64N(7*hour)
		out = append(out, span{from, min(end, to)})
		from = end + 1
		if r.IntN(2) == 0 {
			from += 2*minute + r.Int64N(10*minute)
		}
	}
	return out
}

// named adds a series to the target. at sees the age of the run in seconds beside
// the time in milliseconds.
func (t *Target) named(name string, at func(ms int64, age float64) Sample, pairs ...string) {
	b := labels.NewBuilder(t.base)
	b.Set("__name__", name)
	for i := 0; i < len(pairs); i += 2 {
		b.Set(pairs[i], pairs[i+1])
	}
	t.metrics = append(t.metrics, metric{b.Labels(), func(ms, since int64) (Sample, bool) {
		return at(ms, float64(ms-since)/1000), true
	}})
}

// grown is what a counter of some mean rate a second has reached at an age. Its
// rate goes up and down, and stays positive.
func grown(rate, age float64) float64 {
	const period = 1800
	return rate * (age + 0.8*period/(2*math.Pi)*(1-math.Cos(2*math.Pi*age/period)))
}

// wave is a smooth gauge around a mean.
func wave(mean, spread, period float64, ms int64) float64 {
	x := float64(ms) / 1000 / period
	return mean + spread*(0.7*math.Sin(2*math.Pi*x)+0.3*math.Sin(2*math.Pi*x*7.3))
}

func float(v float64) Sample { return Sample{V: v} }

// describe gives the target its metrics.
func (t *Target) describe(r *rand.Rand) {
	for _, handler := range []string{"/", "/api"} {
		for _, code := range []string{"200", "500"} {
			rate := 0.2 + 20*r.Float64()
			t.named("http_requests_total", func(_ int64, age float64) Sample {
				return float(math.Floor(grown(rate, age)))
			}, "handler", handler, "code", code)
		}
	}
	cpu, memory := 0.1+r.Float64(), 1e8*(1+r.Float64())
	t.named("process_cpu_seconds_total", func(_ int64, age float64) Sample { return float(grown(cpu, age)) })
	t.named("process_resident_memory_bytes", func(ms int64, age float64) Sample {
		return float(math.Floor(wave(memory, memory/4, 5400, ms) + 1000*age))
	})
	t.named("temperature_celsius", func(ms int64, _ float64) Sample { return float(wave(-1, 12, 7200, ms)) }, "sensor", "in")
	t.named("temperature_celsius", func(ms int64, _ float64) Sample { return float(wave(8, 3, 1300, ms)) }, "sensor", "out")
	// Few values, so that there are ties.
	t.named("queue_depth", func(ms int64, _ float64) Sample {
		return float(float64(hash(t.salt, uint64(ms/(5*minute))) % 4))
	})
	t.named("special_value", func(ms int64, _ float64) Sample {
		return float([]float64{math.NaN(), 1, math.Inf(1), -2, 0}[hash(t.salt, 2, uint64(ms/(10*minute)))%5])
	})
	version := 0
	for _, run := range t.runs {
		t.info(run, fmt.Sprintf("v%d", version%3))
		version += r.IntN(2)
	}
	t.comesAndGoes()
	t.classic(r)
	t.native(r)
}

// info adds a series that is there during one run; a later run may have it again.
func (t *Target) info(run span, version string) {
	b := labels.NewBuilder(t.base)
	b.Set("__name__", "target_info")
	b.Set("version", version)
	lset := b.Labels()
	for i, m := range t.metrics {
		if labels.Equal(m.labels, lset) {
			before := m.at
			t.metrics[i].at = func(ms, since int64) (Sample, bool) {
				if run.has(ms) {
					return float(1), true
				}
				return before(ms, since)
			}
			return
		}
	}
	t.metrics = append(t.metrics, metric{lset, func(ms, _ int64) (Sample, bool) { return float(1), run.has(ms) }})
}

// comesAndGoes adds a series that its target hides for half an hour of two hours.
func (t *Target) comesAndGoes() {
	b := labels.NewBuilder(t.base)
	b.Set("__name__", "batch_progress_ratio")
	phase := int64(t.salt % uint64(2*hour))
	t.metrics = append(t.metrics, metric{b.Labels(), func(ms, _ int64) (Sample, bool) {
		in := (ms + phase) % (2 * hour)
		return float(float64(in) / float64(2*hour)), in < 3*hour/2
	}})
}

// classic adds a classic histogram.
func (t *Target) classic(r *rand.Rand) {
	rate := 1 + 10*r.Float64()
	share := 0.0
	for _, le := range []string{"0.05", "0.1", "0.5", "2.5", "+Inf"} {
		share += (1 - share) * (0.3 + 0.4*r.Float64())
		if le == "+Inf" {
			share = 1
		}
		part := share
		t.named("request_duration_seconds_bucket", func(_ int64, age float64) Sample {
			return float(math.Floor(part * math.Floor(grown(rate, age))))
		}, "le", le)
	}
	t.named("request_duration_seconds_count", func(_ int64, age float64) Sample { return float(math.Floor(grown(rate, age))) })
	t.named("request_duration_seconds_sum", func(_ int64, age float64) Sample { return float(0.37 * grown(rate, age)) })
}
