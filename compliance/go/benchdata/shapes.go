package benchdata

import (
	"fmt"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// bounds are the upper bounds of classic buckets, from 1 ms on, and "+Inf".
func bounds(n int) []string {
	out := make([]string, 0, n)
	at := 0.001
	for range n - 1 {
		out = append(out, strconv.FormatFloat(at, 'g', 3, 64))
		at *= 1.6
	}
	return append(out, "+Inf")
}

// span of time and scrape interval of the series of a shape.
type times struct{ from, to, every int64 }

func (t times) series(lset labels.Labels, next func(*source) float64) *source {
	return &source{labels: lset, from: t.from, to: t.to, every: t.every, next: next}
}

// histogram are the bucket series of one classic histogram.
func (t times) histogram(group, buckets int, name string, pairs ...string) []*source {
	var out []*source
	for k, le := range bounds(buckets) {
		s := t.series(named(name, append([]string{"le", le}, pairs...)...), bucket)
		s.group, s.share = group, float64(k+1)/float64(buckets)
		out = append(out, s)
	}
	return out
}

func (t times) nativeSeries(buckets int, lset labels.Labels) *source {
	s := t.series(lset, nil)
	s.native = &nativeState{counts: make([]int64, buckets)}
	return s
}

// pods is of the kind that the Thanos engine is benchmarked on: two counters of
// 1,000 pods with 3 containers each, 11,000 buckets, and native histograms.
func pods() (out []*source) {
	t := times{start, start + 4*hour, 30 * second}
	for i := range 1_000 {
		pod := fmt.Sprintf("pod-%d", i)
		for c := range 3 {
			container := fmt.Sprintf("container-%d", c)
			out = append(out,
				t.series(named("http_requests_total", "pod", pod, "container", container), counter),
				t.series(named("http_responses_total", "pod", pod, "container", container), counter))
		}
		out = append(out, t.histogram(i+1, 11, "http_response_seconds_bucket", "pod", pod)...)
		if i < 100 {
			out = append(out, t.nativeSeries(30, named("http_response_seconds", "pod", pod)))
		}
	}
	return out
}

// dashboard is what a service exports: requests by code, buckets of latencies,
// memory and its limit.
func dashboard(t times, pods, codes, histograms, buckets int) (out []*source) {
	for i := range pods {
		job, pod := fmt.Sprintf("job-%d", i%10), fmt.Sprintf("app-%d-%s", i%10, hex8(i))
		for c := range codes {
			code := strconv.Itoa(200 + 100*(c%4) + c/4)
			out = append(out, t.series(named("requests_total", "job", job, "pod", pod, "code", code), counter))
		}
		if i < histograms {
			out = append(out, t.histogram(i+1, buckets, "latency_seconds_bucket", "job", job, "pod", pod)...)
		}
		out = append(out,
			t.series(named("memory_bytes", "job", job, "pod", pod, "node", fmt.Sprintf("node-%d", i%20)), gauge),
			t.series(named("memory_limit_bytes", "job", job, "pod", pod), constant))
	}
	return out
}

func dashboardDay() []*source {
	return dashboard(times{start, start + 26*hour, 30 * second}, 200, 5, 50, 10)
}

func dashboardMonth() []*source {
	return dashboard(times{start, start + 31*day, minute}, 100, 1, 10, 10)
}

// churn is a month in which 100,000 pods lived for an hour each.
func churn() (out []*source) {
	const n = 100_000
	for i := range n {
		from := start + int64(i)*(30*day-hour)/n
		t := times{from, from + hour, minute}
		out = append(out, t.series(named("pod_requests_total",
			"job", fmt.Sprintf("job-%d", i%10), "pod", fmt.Sprintf("batch-%d-%s", i%10, hex8(i)),
			"node", fmt.Sprintf("node-%d", i%50)), counter))
	}
	return out
}

// rules has 100,000 series of one metric: 100 jobs of 1,000 series, 5,000
// groups of 20.
func rules() (out []*source) {
	t := times{start, start + hour, minute}
	for i := range 100_000 {
		out = append(out, t.series(named("requests_total",
			"job", fmt.Sprintf("job-%d", i%100), "group", fmt.Sprintf("group-%d", i/20),
			"instance", fmt.Sprintf("instance-%d", i)), counter))
	}
	return out
}

// million has a million series of 24 samples, each with a pod of its own, and a
// series a job to join them with.
func million() (out []*source) {
	t := times{start, start + 24*minute, minute}
	for i := range 1_000_000 {
		out = append(out, t.series(named("x",
			"job", fmt.Sprintf("job-%d", i%100),
			"pod", fmt.Sprintf("team-%d-service-%d-%s", i%20, i/20%50, hex8(i))), counter))
	}
	for i := range 100 {
		out = append(out, t.series(named("job_weight", "job", fmt.Sprintf("job-%d", i)), gauge))
	}
	return out
}

// classic has histograms of classic buckets: 6,000 series, and 115,000.
func classic() (out []*source) {
	t := times{start, start + 150*minute, 30 * second}
	for i := range 500 {
		job := fmt.Sprintf("job-%d", i%10)
		out = append(out, t.histogram(i+1, 12, "latency_bucket", "job", job, "pod", fmt.Sprintf("pod-%d", i))...)
	}
	t = times{start, start + 75*minute, minute}
	for i := range 5_000 {
		job := fmt.Sprintf("job-%d", i%10)
		out = append(out, t.histogram(i+1, 23, "wide_bucket", "job", job, "pod", fmt.Sprintf("pod-%d", i))...)
	}
	return out
}

// native has 500 native histograms of 100 buckets with 300 samples.
func native() (out []*source) {
	t := times{start, start + 150*minute, 30 * second}
	for i := range 500 {
		out = append(out, t.nativeSeries(100, named("latency",
			"job", fmt.Sprintf("job-%d", i%10), "pod", fmt.Sprintf("pod-%d", i))))
	}
	return out
}
