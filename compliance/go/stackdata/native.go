package stackdata

import (
	"math"
	"math/rand/v2"

	"github.com/prometheus/prometheus/model/histogram"
)

// native adds native histograms of all kinds: with exponential buckets as
// integers and as floats, and with custom ones.
func (t *Target) native(r *rand.Rand) {
	exponential := rates(r, 9)
	t.named("request_latency_seconds", func(_ int64, age float64) Sample {
		return Sample{H: counted(exponential, age, func(h *histogram.Histogram) {
			// A bucket layout with a hole, and with a negative side.
			h.Schema, h.ZeroThreshold = 1, 1e-9
			h.PositiveSpans = []histogram.Span{{Offset: -3, Length: 4}, {Offset: 2, Length: 3}}
			h.NegativeSpans = []histogram.Span{{Offset: 0, Length: 1}}
		})}
	})
	floats := rates(r, 9)
	t.named("payload_bytes", func(_ int64, age float64) Sample {
		h := counted(floats, age, func(h *histogram.Histogram) {
			h.Schema, h.ZeroThreshold = 0, 0.5
			h.PositiveSpans = []histogram.Span{{Offset: 1, Length: 8}}
		})
		return Sample{FH: h.ToFloat(nil).Mul(0.5)}
	})
	custom := rates(r, 5)
	t.named("queue_wait_seconds", func(_ int64, age float64) Sample {
		return Sample{H: counted(custom, age, func(h *histogram.Histogram) {
			h.Schema = histogram.CustomBucketsSchema
			h.CustomValues = []float64{0.01, 0.1, 1, 10}
			h.PositiveSpans = []histogram.Span{{Offset: 0, Length: 5}}
		})}
	})
}

func rates(r *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 3 * r.Float64() * r.Float64()
	}
	return out
}

// counted makes a histogram of the buckets that a layout names: what the first
// rates have grown to is in the positive buckets, then come the negative ones,
// then the zero bucket.
func counted(rates []float64, age float64, layout func(*histogram.Histogram)) *histogram.Histogram {
	h := &histogram.Histogram{}
	layout(h)
	next := 0
	take := func() int64 {
		n := int64(math.Floor(grown(rates[next%len(rates)], age)))
		next++
		h.Count += uint64(n)
		h.Sum += float64(n) * 0.3 * float64(next)
		return n
	}
	side := func(spans []histogram.Span) (deltas []int64) {
		last := int64(0)
		for _, s := range spans {
			for range s.Length {
				n := take()
				deltas = append(deltas, n-last)
				last = n
			}
		}
		return deltas
	}
	h.PositiveBuckets = side(h.PositiveSpans)
	h.NegativeBuckets = side(h.NegativeSpans)
	if !histogram.IsCustomBucketsSchema(h.Schema) {
		h.ZeroCount = uint64(take())
	}
	return h
}
