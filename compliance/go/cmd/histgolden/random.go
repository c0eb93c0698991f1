package main

import (
	"maps"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
)

var thresholds = []float64{0, 0, 1e-3, 0.25, 1, 3, 5}

// count is a number of observations: integer, fractional or large.
func (w *writer) count() float64 {
	switch w.r.Intn(8) {
	case 0:
		return 0
	case 1:
		return w.r.Float64() * 10
	case 2:
		return float64(w.r.Int63n(1 << 50))
	}
	return float64(w.r.Intn(40))
}

// random makes a histogram, usually a valid one.
func (w *writer) random() *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{CounterResetHint: histogram.CounterResetHint(w.r.Intn(4))}
	if w.r.Intn(2) == 0 {
		h.CounterResetHint = histogram.UnknownCounterReset
	}
	if w.r.Intn(4) == 0 {
		w.custom(h)
	} else {
		h.Schema = int32(w.r.Intn(5) - 2)
		if w.r.Intn(8) == 0 {
			h.Schema = []int32{-9, -5, -4, 5, 8}[w.r.Intn(5)]
		}
		h.ZeroThreshold = thresholds[w.r.Intn(len(thresholds))]
		if w.r.Intn(3) > 0 {
			h.ZeroCount = w.count()
		}
		h.PositiveSpans, h.PositiveBuckets = w.buckets(w.r.Intn(7), -4, 12)
		if w.r.Intn(2) == 0 {
			h.NegativeSpans, h.NegativeBuckets = w.buckets(w.r.Intn(4), -3, 6)
		}
	}
	w.total(h)
	return h
}

func (w *writer) custom(h *histogram.FloatHistogram) {
	h.Schema = histogram.CustomBucketsSchema
	pool := []float64{-2, 0, 0.5, 1, 2.5, 4, 5, 10}
	for _, b := range pool {
		if w.r.Intn(3) > 0 {
			h.CustomValues = append(h.CustomValues, b)
		}
	}
	h.PositiveSpans, h.PositiveBuckets = w.buckets(1+w.r.Intn(5), 0, len(h.CustomValues)+1)
}

// total sets count and sum; the count is too high with NaN observations.
func (w *writer) total(h *histogram.FloatHistogram) {
	h.Count = h.ZeroCount
	for _, c := range slices.Concat(h.PositiveBuckets, h.NegativeBuckets) {
		h.Count += c
	}
	h.Sum = h.Count * (w.r.Float64() - 0.3)
	switch w.r.Intn(12) {
	case 0:
		h.Sum = math.NaN()
		h.Count += float64(w.r.Intn(30))
	case 1:
		h.Sum = math.NaN()
	case 2:
		h.Count += 3
	}
}

// buckets makes up to n buckets with indices from a range.
func (w *writer) buckets(n, from, length int) ([]histogram.Span, []float64) {
	m := map[int32]float64{}
	for range n {
		m[int32(from+w.r.Intn(length))] = w.count()
	}
	return layOut(m)
}

func layOut(m map[int32]float64) (out []histogram.Span, counts []float64) {
	next := int32(0)
	for n, i := range slices.Sorted(maps.Keys(m)) {
		if n == 0 || i != next {
			out = append(out, histogram.Span{Offset: i - next})
		}
		out[len(out)-1].Length++
		counts = append(counts, m[i])
		next = i + 1
	}
	return out, counts
}

func index(spans []histogram.Span, counts []float64) map[int32]float64 {
	m, i, n := map[int32]float64{}, int32(0), 0
	for _, s := range spans {
		i += s.Offset
		for range s.Length {
			m[i] = counts[n]
			i, n = i+1, n+1
		}
	}
	return m
}

// pair makes two histograms; most pairs share their layout in part.
func (w *writer) pair() (a, b *histogram.FloatHistogram) {
	a = w.random()
	if w.r.Intn(4) == 0 {
		return a, w.random()
	}
	b = w.random()
	for a.UsesCustomBuckets() != b.UsesCustomBuckets() {
		b = w.random()
	}
	if !a.UsesCustomBuckets() && w.r.Intn(2) == 0 {
		b.Schema = a.Schema
	}
	if !a.UsesCustomBuckets() && w.r.Intn(2) == 0 {
		b.ZeroThreshold = a.ZeroThreshold
	}
	return a, b
}

// later is what a counter may show after h.
func (w *writer) later(h *histogram.FloatHistogram) *histogram.FloatHistogram {
	if w.r.Intn(12) == 0 {
		return w.random()
	}
	h = h.Copy()
	h.CounterResetHint = histogram.UnknownCounterReset
	if w.r.Intn(6) == 0 {
		h.CounterResetHint = histogram.CounterResetHint(w.r.Intn(4))
	}
	positive, negative := index(h.PositiveSpans, h.PositiveBuckets), index(h.NegativeSpans, h.NegativeBuckets)
	for range w.r.Intn(4) {
		if h.UsesCustomBuckets() {
			positive[int32(w.r.Intn(len(h.CustomValues)+1))] += w.count()
		} else {
			positive[int32(w.r.Intn(12)-4)] += w.count()
		}
	}
	if len(negative) > 0 && w.r.Intn(2) == 0 {
		negative[int32(w.r.Intn(5))] += w.count()
	}
	if !h.UsesCustomBuckets() {
		h.ZeroCount += w.count()
	}
	switch w.r.Intn(9) {
	case 0: // A bucket vanishes.
		delete(positive, slices.Min(append(slices.Collect(maps.Keys(positive)), 99)))
	case 1:
		if len(positive) > 0 {
			positive[slices.Max(slices.Collect(maps.Keys(positive)))] /= 2
		}
	}
	h.PositiveSpans, h.PositiveBuckets = layOut(positive)
	h.NegativeSpans, h.NegativeBuckets = layOut(negative)
	if h.UsesCustomBuckets() {
		w.rebound(h)
	} else {
		w.relay(h)
	}
	w.total(h)
	return h
}

// rebound drops a custom bound now and then.
func (w *writer) rebound(h *histogram.FloatHistogram) {
	if len(h.CustomValues) == 0 || w.r.Intn(3) > 0 {
		return
	}
	at := w.r.Intn(len(h.CustomValues))
	m := map[int32]float64{}
	for i, c := range index(h.PositiveSpans, h.PositiveBuckets) {
		if int(i) > at {
			i--
		}
		m[i] += c // at most two, in either order
	}
	h.CustomValues = slices.Delete(slices.Clone(h.CustomValues), at, at+1)
	h.PositiveSpans, h.PositiveBuckets = layOut(m)
}

// relay changes schema or zero threshold now and then.
func (w *writer) relay(h *histogram.FloatHistogram) {
	switch w.r.Intn(7) {
	case 0:
		if h.Schema > -9 {
			if err := h.ReduceResolution(h.Schema - 1); err != nil {
				panic(err)
			}
		}
	case 1:
		if h.Schema < 8 {
			h.Schema++
		}
	case 2:
		h.ZeroThreshold = thresholds[w.r.Intn(len(thresholds))]
	}
}
