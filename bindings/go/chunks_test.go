package quarrel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
)

// A sample is a chunks.Sample.
type sample struct {
	st, t int64
	f     float64
	h     *histogram.Histogram
	fh    *histogram.FloatHistogram
}

func (s sample) ST() int64                     { return s.st }
func (s sample) T() int64                      { return s.t }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return s.h }
func (s sample) FH() *histogram.FloatHistogram { return s.fh }
func (s sample) Copy() chunks.Sample           { return s }
func (s sample) Type() chunkenc.ValueType {
	switch {
	case s.h != nil:
		return chunkenc.ValHistogram
	case s.fh != nil:
		return chunkenc.ValFloatHistogram
	default:
		return chunkenc.ValFloat
	}
}

// randomSamples are samples of a series that changes its type, its buckets, its
// start timestamps and its hints at random.
func randomSamples(random *rand.Rand, n int) []chunks.Sample {
	var samples []chunks.Sample
	kind, hint := random.IntN(3), histogram.UnknownCounterReset
	starts := random.IntN(2) == 0
	for i := range n {
		if random.IntN(20) == 0 {
			kind = random.IntN(3)
		}
		if random.IntN(20) == 0 {
			starts = !starts
		}
		s := sample{t: int64(i) * 1000}
		if starts && random.IntN(4) > 0 {
			s.st = s.t - int64(1+random.IntN(5000))
		}
		stale := random.IntN(15) == 0
		hint = histogram.NotCounterReset
		if random.IntN(10) == 0 {
			hint = histogram.CounterResetHint(random.IntN(4))
		}
		switch kind {
		case 0:
			s.f = random.NormFloat64()
			if stale {
				s.f = math.Float64frombits(value.StaleNaN)
			}
		case 1:
			s.h = randomHistogram(random, hint)
			if stale {
				s.h = &histogram.Histogram{Sum: math.Float64frombits(value.StaleNaN)}
			}
		default:
			s.fh = randomHistogram(random, hint).ToFloat(nil)
			if stale {
				s.fh = &histogram.FloatHistogram{Sum: math.Float64frombits(value.StaleNaN)}
			}
		}
		samples = append(samples, s)
	}
	return samples
}

func randomHistogram(random *rand.Rand, hint histogram.CounterResetHint) *histogram.Histogram {
	var h *histogram.Histogram
	if random.IntN(8) == 0 {
		h = tsdbutil.GenerateTestCustomBucketsHistogram(int64(random.IntN(9)))
	} else {
		h = tsdbutil.GenerateTestHistogram(int64(random.IntN(9)))
		h.PositiveSpans[1].Offset = randomOffset(random)
	}
	h.CounterResetHint = hint
	return h
}

func randomOffset(random *rand.Rand) int32 { return 1 + int32(random.IntN(3)) }

// All that a storage returns arrives: times, values, start timestamps, stale
// markers, empty buckets, and counter-reset hints.
func TestChunksHoldWhatTheStorageGives(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		given := randomSamples(random, 1+random.IntN(400))
		series := storage.NewListSeries(labels.EmptyLabels(), given)
		// Samples outside of the requested time are left out.
		from, to := 0, len(given)
		if random.IntN(2) == 0 {
			from = random.IntN(len(given))
			to = from + random.IntN(len(given)-from)
		}
		withStarts := random.IntN(2) == 0
		part := partWriter{memory: make([]byte, 1<<20)}
		part.begin(labels.FromStrings("a", "b"), nil)
		encoder := sampleEncoder{withStarts: withStarts}
		require.NoError(t, encoder.encode(series.Iterator(nil), int64(from)*1000, int64(to)*1000-1, &part))
		part.end()
		require.NoError(t, part.err)
		got := decodeSeries(t, part.memory[:part.at])
		require.Len(t, got, to-from)
		for i, want := range given[from:to] {
			want := want.(sample)
			if !withStarts && want.Type() == chunkenc.ValFloat {
				want.st = 0
			}
			requireSame(t, want, got[i])
		}
	}
}

// decodeSeries reads what rust/src/samples.rs does: a series that is alone in its
// part, with the label a="b".
func decodeSeries(t *testing.T, part []byte) []sample {
	t.Helper()
	r := reader{rest: part}
	align := func() { r.take((len(r.rest) - len(part)) & 7) }
	size, chunks, samples, count := int(r.u64()), r.u32(), int(r.u32()), r.u32()
	require.EqualValues(t, 1, count)
	name, value := int(r.u32()), int(r.u32())
	require.Equal(t, "ab", string(r.take(name+value)))
	align()
	require.Len(t, r.rest, size)
	var out []sample
	for range chunks {
		encoding, flags := chunkenc.Encoding(r.u8()), r.u8()
		r.take(2)
		length, mint, maxt := int(r.u32()), r.i64(), r.i64()
		from := len(out)
		if encoding == columns {
			out = append(out, decodeColumns(&r, length, flags&withStart != 0)...)
		} else {
			out = append(out, decodeChunk(t, encoding, r.take(length))...)
			require.LessOrEqual(t, len(out)-from, chunkSamples+1)
		}
		align()
		if flags&withCopy != 0 {
			require.Equal(t, mint-1, out[from].t)
			out = append(out[:from], out[from+1:]...)
		}
		require.Equal(t, mint, out[from].t)
		require.Equal(t, maxt, out[len(out)-1].t)
	}
	require.NoError(t, r.err())
	require.Empty(t, r.rest)
	require.Len(t, out, samples)
	return out
}

func decodeColumns(r *reader, n int, starts bool) []sample {
	out := make([]sample, n)
	if starts {
		for i := range out {
			out[i].st = r.i64()
		}
	}
	for i := range out {
		out[i].t = r.i64()
	}
	for i := range out {
		out[i].f = r.f64()
	}
	return out
}

func decodeChunk(t *testing.T, encoding chunkenc.Encoding, bytes []byte) (out []sample) {
	t.Helper()
	chunk, err := chunkenc.FromData(encoding, bytes)
	require.NoError(t, err)
	it := chunk.Iterator(nil)
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		s := sample{st: it.AtST()}
		switch kind {
		case chunkenc.ValHistogram:
			s.t, s.h = it.AtHistogram(nil)
		case chunkenc.ValFloatHistogram:
			s.t, s.fh = it.AtFloatHistogram(nil)
		}
		out = append(out, s)
	}
	require.NoError(t, it.Err())
	return out
}

func requireSame(t *testing.T, want, got sample) {
	t.Helper()
	require.Equal(t, want.Type(), got.Type())
	require.Equal(t, want.t, got.t)
	require.Equal(t, want.st, got.st)
	require.Equal(t, math.Float64bits(want.f), math.Float64bits(got.f))
	if want.Type() == chunkenc.ValFloat {
		return
	}
	before, after := want.fh, got.fh
	if want.h != nil {
		before, after = want.h.ToFloat(nil), got.h.ToFloat(nil)
	}
	if value.IsStaleNaN(before.Sum) {
		require.True(t, value.IsStaleNaN(after.Sum))
		return
	}
	hint := before.CounterResetHint
	if hint == histogram.CounterReset {
		hint = histogram.UnknownCounterReset
	}
	require.Equal(t, hint, after.CounterResetHint)
	require.True(t, before.Equals(after), "%s became %s", before, after)
}
