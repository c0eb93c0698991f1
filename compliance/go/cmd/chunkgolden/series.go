package main

import (
	"maps"
	"math"
	"math/rand"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
)

// series is what goes into chunks. Integer histograms are turned to floats if
// float is set; a factor makes those fractions.
type series struct {
	name      string
	float, st bool
	samples   []sample
	now       int64
}

type sample struct {
	st, t int64
	cut   bool
	h     *histogram.Histogram
}

// state is a histogram under observation.
type state struct {
	schema             int32
	threshold          float64
	hint               histogram.CounterResetHint
	count, zero        uint64
	sum                float64
	positive, negative map[int32]uint64
	bounds             []float64
}

func newState(schema int32, threshold float64) *state {
	return &state{schema: schema, threshold: threshold, positive: map[int32]uint64{}, negative: map[int32]uint64{}}
}

// add counts n more in a bucket, negative ones from the zero bucket down.
func (s *state) add(bucket int32, n uint64) *state {
	s.positive[bucket] += n
	s.count += n
	s.sum += float64(n) * 0.75
	return s
}

func (s *state) addNegative(bucket int32, n uint64) *state {
	s.negative[bucket] += n
	s.count += n
	s.sum -= float64(n) * 0.75
	return s
}

func (s *state) addZero(n uint64) *state {
	s.zero += n
	s.count += n
	return s
}

func (s *state) histogram() *histogram.Histogram {
	h := &histogram.Histogram{
		CounterResetHint: s.hint, Schema: s.schema, ZeroThreshold: s.threshold,
		Count: s.count, ZeroCount: s.zero, Sum: s.sum, CustomValues: s.bounds,
	}
	h.PositiveSpans, h.PositiveBuckets = spans(s.positive)
	h.NegativeSpans, h.NegativeBuckets = spans(s.negative)
	return h
}

func spans(buckets map[int32]uint64) (out []histogram.Span, deltas []int64) {
	next, last := int32(0), int64(0)
	for n, i := range slices.Sorted(maps.Keys(buckets)) {
		if n == 0 || i != next {
			out = append(out, histogram.Span{Offset: i - next})
		}
		out[len(out)-1].Length++
		count := int64(buckets[i])
		deltas = append(deltas, count-last)
		last, next = count, i+1
	}
	return out, deltas
}

// push appends what was observed so far, some 15 s after the last sample.
func (s *series) push(st *state) { s.pushRaw(st.histogram()) }

func (s *series) pushRaw(h *histogram.Histogram) {
	if s.now == 0 {
		s.now = 1_700_000_000_000
	}
	s.now += 15_000
	s.samples = append(s.samples, sample{t: s.now, h: h})
}

func stale() *histogram.Histogram {
	return &histogram.Histogram{Sum: math.Float64frombits(value.StaleNaN)}
}

// last is the sample pushed last.
func (s *series) last() *sample { return &s.samples[len(s.samples)-1] }

// allSeries returns each kind of series in all encodings.
func allSeries() []*series {
	kinds := []struct {
		name string
		fill func(*series, *rand.Rand)
	}{
		{"grows", grows},
		{"resets", resets},
		{"gauge", gauge},
		{"custom", custom},
		{"stale", staleMarkers},
		{"empty spans", emptySpans},
		{"large", large},
		{"thresholds and schemas", thresholds},
		{"reserved schemas", reserved},
		{"hints", hints},
		{"times", times},
		{"cuts", cuts},
		{"starts", starts},
		{"late start", lateStart},
		{"random", random},
	}
	var all []*series
	for _, kind := range kinds {
		for _, float := range []bool{false, true} {
			for _, st := range []bool{false, true} {
				if !st && strings.Contains(kind.name, "start") {
					continue
				}
				s := &series{name: kind.name, float: float, st: st}
				kind.fill(s, rand.New(rand.NewSource(int64(len(all)))))
				if st {
					s.setStarts()
				}
				all = append(all, s)
			}
		}
	}
	return all
}

// setStarts sets start timestamps on series that have none yet: from some
// sample on, and changing where the count falls.
func (s *series) setStarts() {
	start, count := int64(0), uint64(0)
	for i := range s.samples {
		smp := &s.samples[i]
		if smp.st != 0 {
			return
		}
		if (i == len(s.samples)/3 && len(s.name)%2 == 0) || smp.h.Count < count {
			start = smp.t - 7_000
		}
		if len(s.name)%2 == 1 && i == 0 {
			start = smp.t - 60_000
		}
		smp.st, count = start, smp.h.Count
	}
}

func grows(s *series, _ *rand.Rand) {
	st := newState(3, 1e-3)
	s.push(st)
	s.push(st.add(0, 2))
	s.push(st.add(3, 1).addZero(1))
	s.push(st.add(1, 5).add(-7, 1))
	s.push(st.addNegative(2, 1))
	s.push(st)
	s.push(st.add(2, 1000).addNegative(-1, 70).add(40, 1))
	st.sum = 1e300
	s.push(st)
	st.sum = math.NaN()
	s.push(st.add(0, 1))
	// Empty buckets that the next histogram does not have.
	h := st.histogram()
	h.PositiveSpans = append(h.PositiveSpans, histogram.Span{Offset: 2, Length: 2})
	last := int64(0)
	for _, d := range h.PositiveBuckets {
		last += d
	}
	h.PositiveBuckets = append(h.PositiveBuckets, -last, 0)
	s.pushRaw(h)
	s.push(st.add(0, 1))
	// Without the empty buckets, with a new one.
	s.push(st.add(90, 1).addNegative(5, 1))
	s.push(st)
}

func resets(s *series, _ *rand.Rand) {
	st := newState(1, 0.5)
	s.push(st.add(0, 10).add(1, 20).addZero(5).addNegative(3, 4))
	s.push(st.add(0, 1))
	st.count--
	s.push(st)
	st.positive[1]--
	s.push(st)
	st.zero--
	s.push(st.add(2, 3))
	delete(st.positive, 2)
	s.push(st.add(3, 9))
	st.negative[3]--
	s.push(st)
	delete(st.negative, 3)
	s.push(st)
	s.push(newState(1, 0.5))
	s.push(newState(1, 0.5))
}

func gauge(s *series, r *rand.Rand) {
	for range 14 {
		st := newState(0, 0)
		st.hint = histogram.GaugeType
		for range r.Intn(5) {
			st.add(int32(r.Intn(8)-2), uint64(r.Intn(100)))
		}
		for range r.Intn(3) {
			st.addNegative(int32(r.Intn(6)), uint64(r.Intn(10)))
		}
		s.push(st.addZero(uint64(r.Intn(3))))
	}
	s.pushRaw(&histogram.Histogram{Sum: math.Float64frombits(value.StaleNaN), CounterResetHint: histogram.GaugeType})
	st := newState(0, 0)
	st.hint = histogram.GaugeType
	s.push(st.add(1, 1))
	st.hint = histogram.UnknownCounterReset
	s.push(st.add(1, 1))
	st.hint = histogram.GaugeType
	s.push(st.add(1, 1))
	s.pushRaw(stale())
}

func custom(s *series, _ *rand.Rand) {
	st := newState(histogram.CustomBucketsSchema, 0)
	st.bounds = []float64{-3, 0, 0.005, 0.1, 2.5, 1.0 / 3 * 10, 33_554.43, 33_554.431, 1e9}
	s.push(st)
	s.push(st.add(1, 3))
	s.push(st.add(0, 1).add(9, 2))
	s.push(st.add(5, 100))
	st.bounds = []float64{1, 2, 5}
	st.positive = map[int32]uint64{}
	s.push(st.add(3, 1))
	s.push(st.add(0, 1))
	st.bounds = nil
	st.positive = map[int32]uint64{}
	s.push(st.add(0, 7))
	s.push(st.add(0, 7))
	st = newState(0, 0)
	s.push(st.add(1, 1))
}

func staleMarkers(s *series, _ *rand.Rand) {
	st := newState(2, 0.25)
	s.pushRaw(stale())
	s.pushRaw(stale())
	s.push(st.add(1, 1).add(2, 5))
	s.push(st.add(1, 1))
	s.push(st.add(1, 1).add(7, 2))
	s.pushRaw(stale())
	s.push(st.add(1, 4).addNegative(1, 1))
	s.push(st.add(1, 1))
	s.pushRaw(stale())
	s.pushRaw(stale())
	s.pushRaw(stale())
}

func emptySpans(s *series, _ *rand.Rand) {
	h := &histogram.Histogram{
		Schema: 1, Count: 6, Sum: 4,
		PositiveSpans:   []histogram.Span{{Offset: -3, Length: 0}, {Offset: 1, Length: 2}, {Offset: 0, Length: 0}, {Offset: 2, Length: 0}, {Offset: 0, Length: 1}, {Offset: 4, Length: 0}},
		PositiveBuckets: []int64{1, 1, 1},
		NegativeSpans:   []histogram.Span{{Offset: 2, Length: 0}},
	}
	s.pushRaw(h)
	h = h.Copy()
	h.Count, h.Sum, h.PositiveBuckets[2] = 8, 5, 3
	s.pushRaw(h)
	h = h.Copy()
	h.Count++
	h.NegativeSpans, h.NegativeBuckets = []histogram.Span{{Offset: 1, Length: 0}, {Offset: 1, Length: 1}, {Offset: 0, Length: 1}}, []int64{1, -1}
	s.pushRaw(h)
	st := newState(1, 0)
	s.push(st)
	s.push(st)
	s.push(st.addZero(3))
}

func large(s *series, _ *rand.Rand) {
	st := newState(0, 0)
	s.push(st.add(0, 1<<25).add(1, 1<<40))
	s.push(st.add(0, 1<<52).add(2, 3))
	s.push(st.add(0, 1).add(2, 1<<56))
	s.push(st.add(1, 1<<60))
	s.push(st.add(3, 1<<61))
	// More than a signed integer holds.
	st.count = 1<<63 + 12345
	s.push(st)
	st.count = math.MaxUint64 - 5
	st.zero = 1 << 63
	s.push(st)
	s.push(st)
	s.push(newState(0, 0).add(0, 5))
}

func thresholds(s *series, _ *rand.Rand) {
	for _, threshold := range []float64{
		0, math.Ldexp(1, -128), 1e-3, math.Ldexp(1, -243), math.Ldexp(1, -244), math.Ldexp(1, 10), math.Ldexp(1, 11),
		math.Ldexp(1, -1074), 3, math.Inf(1),
	} {
		s.push(newState(0, threshold).add(12, 1).addZero(2))
	}
	for _, schema := range []int32{-4, -1, 8, 5} {
		s.push(newState(schema, 0).add(-2, 1).add(3, 2))
	}
	s.push(newState(5, 0).add(math.MaxInt32, 2).add(7, 1))
	s.push(newState(5, 0).add(math.MaxInt32, 2).add(7, 1).addNegative(-math.MaxInt32, 1))
}

func reserved(s *series, _ *rand.Rand) {
	for _, schema := range []int32{-9, -5, 9, 12, 20, 52} {
		st := newState(schema, 0)
		for i := range int32(10) {
			st.add(i*i*i-30, uint64(i)+1)
			st.addNegative(i*i, 1)
		}
		s.push(st)
		s.push(st.add(-30, 4).add(9*9*9-30, 1))
		s.push(st.addNegative(9, 1))
	}
}

func hints(s *series, _ *rand.Rand) {
	all := []histogram.CounterResetHint{
		histogram.CounterReset, histogram.CounterReset, histogram.NotCounterReset, histogram.UnknownCounterReset,
		histogram.GaugeType, histogram.NotCounterReset, histogram.CounterReset, histogram.GaugeType,
		histogram.GaugeType, histogram.UnknownCounterReset,
	}
	st := newState(0, 1)
	for _, hint := range all {
		st.hint = hint
		s.push(st.add(0, 1))
	}
}

func times(s *series, _ *rand.Rand) {
	st := newState(0, 1)
	s.now = -5_000_000
	for _, gap := range []int64{0, 1, -14_999, 5, 1 << 20, 1 << 30, 1 << 50, 3, math.MaxInt64 / 2, 1} {
		s.now += gap
		s.push(st.add(1, 1))
	}
}

func cuts(s *series, _ *rand.Rand) {
	st := newState(0, 1)
	push := func(cut bool) {
		s.push(st)
		s.last().cut = cut
	}
	push(false)
	st.add(0, 1)
	push(true)
	st.hint = histogram.CounterReset
	push(true)
	st.hint = histogram.GaugeType
	push(true)
	push(true)
	st.hint = histogram.UnknownCounterReset
	push(true)
	st.positive[0]--
	push(true)
	s.pushRaw(stale())
	s.last().cut = true
	st.add(0, 5)
	push(true)
	st.schema++
	push(true)
}

// starts has start timestamps of all kinds.
func starts(s *series, r *rand.Rand) {
	st := newState(0, 1)
	known := r.Intn(2) == 0
	for i := range 20 {
		s.push(st.add(int32(i%2), 1))
		switch {
		case i == 0 && known, r.Intn(3) > 0:
			s.last().st = s.now - int64(r.Intn(1<<uint(r.Intn(30))))
		}
	}
	if s.samples[0].st == 0 {
		s.samples[1].st = 1
	}
}

// lateStart has its first start timestamp at a position that the header cannot
// number.
func lateStart(s *series, _ *rand.Rand) {
	st := newState(0, 0)
	for i := range 140 {
		h := st.addZero(1).histogram()
		s.pushRaw(h)
		if i >= 135 {
			s.last().st = s.now - 5
		}
	}
}

func random(s *series, r *rand.Rand) {
	for n := range 4 {
		st := newState(int32(r.Intn(13)-4), []float64{0, 1e-9, 0.5}[r.Intn(3)])
		if n == 3 {
			st.schema, st.threshold = histogram.CustomBucketsSchema, 0
			for i := range 12 {
				st.bounds = append(st.bounds, float64(i*i)+r.Float64())
			}
		}
		for range 9 {
			for range r.Intn(4) {
				count := uint64(r.ExpFloat64() * 20)
				switch {
				case n < 3 && r.Intn(4) == 0:
					st.addNegative(int32(r.Intn(20)-10), count)
				case n < 3 && r.Intn(6) == 0:
					st.addZero(count)
				case n < 3:
					st.add(int32(r.Intn(30)-15), count)
				default:
					st.add(int32(r.Intn(13)), count)
				}
			}
			if r.Intn(9) == 0 {
				for i := range st.positive {
					delete(st.positive, i)
				}
			}
			s.push(st)
		}
	}
}
