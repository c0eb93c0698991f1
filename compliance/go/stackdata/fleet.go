package stackdata

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/prometheus/prometheus/model/labels"
)

// SeriesOfFleetTarget is how many series a target of a fleet has.
const SeriesOfFleetTarget = 50

// Fleet makes so many targets as dashboards look at, each with the same 50 float
// series, from an hour before from until to.
func Fleet(seed uint64, n int, from, to int64) (out []*Target) {
	r := rand.New(rand.NewPCG(seed, 4))
	for i := range n {
		base := labels.FromStrings("job", fmt.Sprintf("job-%d", i%4), "instance", fmt.Sprintf("10.0.0.%d:9100", i), "zone", fmt.Sprintf("zone-%d", i%3))
		t := &Target{base: base, salt: r.Uint64(), runs: runs(r, from-hour, to)}
		t.dashboard(r)
		out = append(out, t)
	}
	return out
}

// dashboard gives a target of a fleet its metrics; `up` comes from the scraper.
func (t *Target) dashboard(r *rand.Rand) {
	counter := func(name string, rate float64, pairs ...string) {
		t.named(name, func(_ int64, age float64) Sample { return float(math.Floor(grown(rate, age))) }, pairs...)
	}
	for _, handler := range []string{"/", "/api", "/login", "/search"} {
		for k, code := range []string{"200", "404", "500"} {
			counter("http_requests_total", (1+20*r.Float64())/float64(1+10*k), "handler", handler, "code", code)
		}
	}
	for _, handler := range []string{"/", "/api"} {
		rate, share := 1+10*r.Float64(), 0.0
		for _, le := range []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"} {
			share += (1 - share) * (0.1 + 0.4*r.Float64())
			if le == "+Inf" {
				share = 1
			}
			counter("request_duration_seconds_bucket", rate*share, "handler", handler, "le", le)
		}
		counter("request_duration_seconds_count", rate, "handler", handler)
		t.named("request_duration_seconds_sum", func(_ int64, age float64) Sample { return float(0.37 * grown(rate, age)) }, "handler", handler)
	}
	for _, mode := range []string{"idle", "user", "system", "iowait", "steal"} {
		rate := r.Float64() / 2
		t.named("cpu_seconds_total", func(_ int64, age float64) Sample { return float(math.Floor(100*grown(rate, age)) / 100) }, "mode", mode)
	}
	gauge := func(name string, mean float64) {
		t.named(name, func(ms int64, _ float64) Sample {
			return float(math.Floor(wave(mean, mean/3, 3600, ms+int64(t.salt%uint64(hour)))))
		})
	}
	gauge("process_resident_memory_bytes", 3e8*(1+r.Float64()))
	gauge("go_goroutines", 200*(1+r.Float64()))
	gauge("process_open_fds", 80*(1+r.Float64()))
	gauge("queue_length", 20*(1+r.Float64()))
}
