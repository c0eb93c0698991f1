package benchdata

import (
	"math"
	"math/rand/v2"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// source is a series and the state of what makes its samples.
type source struct {
	labels          labels.Labels
	from, to, every int64
	// group, if not 0, is a number that series share which draw the same
	// random numbers, such as the buckets of one histogram.
	group  int
	next   func(s *source) float64
	native *nativeState

	random *rand.Rand
	offset int64
	value  float64
	// share is, for a bucket, the part of all observations that it counts.
	share float64
}

// counter grows by a few hundred at each sample and restarts now and then.
func counter(s *source) float64 {
	if s.random.IntN(2_000) == 0 {
		s.value = 0
	}
	s.value += float64(s.random.IntN(500))
	return s.value
}

// gauge wanders.
func gauge(s *source) float64 {
	if s.value == 0 {
		s.value = 1e9
	}
	s.value += math.Floor(s.random.NormFloat64() * 1e6)
	return s.value
}

// constant never changes.
func constant(s *source) float64 {
	if s.value == 0 {
		s.value = 2e9
	}
	return s.value
}

// bucket counts its share of the observations of its group. Shares grow with
// the bound, so that buckets do, too.
func bucket(s *source) float64 {
	s.value += math.Floor(float64(s.random.IntN(200)) * s.share)
	return s.value
}

// nativeState are the bucket counts of a native histogram so far.
type nativeState struct {
	counts []int64
	sum    float64
}

// observe adds observations to a histogram and returns its next sample. Each
// sample touches a tenth of the buckets.
func (n *nativeState) observe(r *rand.Rand) *histogram.Histogram {
	for range len(n.counts) / 10 {
		i := r.IntN(len(n.counts))
		seen := r.Int64N(20)
		n.counts[i] += seen
		n.sum += float64(seen) * math.Exp2(float64(i-len(n.counts)/2)/8)
	}
	h := &histogram.Histogram{
		Schema: 3, ZeroThreshold: 1e-128, Sum: n.sum,
		PositiveSpans:   []histogram.Span{{Offset: int32(-len(n.counts) / 2), Length: uint32(len(n.counts))}},
		PositiveBuckets: make([]int64, len(n.counts)),
	}
	var last int64
	for i, c := range n.counts {
		h.PositiveBuckets[i], last = c-last, c
		h.Count += uint64(c)
	}
	return h
}
