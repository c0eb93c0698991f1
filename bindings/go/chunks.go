package quarrel

import (
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// chunkSamples is how many samples a chunk has at most, as in Prometheus.
const chunkSamples = 120

// encodeChunks appends the samples of a series from mint to maxt as chunks.
//
// Readers of chunks take the counter-reset hint of a histogram from its
// position: the first counter histogram of a chunk has no hint, the others are
// not resets. So a histogram without a hint begins a chunk. If a histogram that
// is not a reset comes first, because the storage cut off the samples before
// it, a copy of it stands before it, and the message marks the copy as deleted.
// A hint of the storage that there is a reset is lost; the counts show the
// reset. A change of the bucket layout also begins a chunk: appenders would
// merge both layouts, and a histogram with an empty bucket is not equal to one
// without it.
func encodeChunks(samples chunkenc.Iterator, mint, maxt int64, part *writer) error {
	e := chunkEncoder{out: part, count: part.reserve()}
	for {
		kind := samples.Next()
		if kind == chunkenc.ValNone || samples.AtT() > maxt {
			e.flush()
			part.set(e.count, e.chunks)
			return samples.Err()
		}
		if samples.AtT() < mint {
			continue
		}
		var err error
		switch kind {
		case chunkenc.ValFloat:
			t, v := samples.At()
			err = e.float(samples.AtST(), t, v)
		case chunkenc.ValHistogram:
			t, h := samples.AtHistogram(nil)
			err = e.histogram(samples.AtST(), t, h)
		case chunkenc.ValFloatHistogram:
			t, h := samples.AtFloatHistogram(nil)
			err = e.floatHistogram(samples.AtST(), t, h)
		default:
			err = fmt.Errorf("quarrel: a sample of unknown type %s", kind)
		}
		if err != nil {
			return err
		}
	}
}

// A layout is the buckets that a histogram has.
type layout struct {
	schema             int32
	zeroThreshold      float64
	positive, negative []histogram.Span
	custom             []float64
}

func (l layout) equal(other layout) bool {
	return l.schema == other.schema && l.zeroThreshold == other.zeroThreshold &&
		slices.Equal(l.positive, other.positive) && slices.Equal(l.negative, other.negative) &&
		slices.Equal(l.custom, other.custom)
}

type chunkEncoder struct {
	out    *writer
	count  int // position of the number of chunks
	chunks uint32

	chunk      chunkenc.Chunk
	appender   chunkenc.Appender
	kind       chunkenc.ValueType
	starts     bool // whether the chunk holds start timestamps
	layout     layout
	gauge      bool // whether it holds gauges
	copied     bool // whether its first sample is a copy of the second
	mint, maxt int64
	samples    uint32
}

func (e *chunkEncoder) float(st, t int64, v float64) error {
	if err := e.prepare(chunkenc.ValFloat, st, false); err != nil {
		return err
	}
	e.appender.Append(st, t, v)
	e.took(t)
	return nil
}

func (e *chunkEncoder) histogram(st, t int64, h *histogram.Histogram) error {
	add := func(at int64) (chunkenc.Chunk, bool, chunkenc.Appender, error) {
		return e.appender.AppendHistogram(nil, st, at, h, false)
	}
	buckets := layout{h.Schema, h.ZeroThreshold, h.PositiveSpans, h.NegativeSpans, h.CustomValues}
	return e.add(chunkenc.ValHistogram, st, t, h.CounterResetHint, h.Sum, buckets, add)
}

func (e *chunkEncoder) floatHistogram(st, t int64, h *histogram.FloatHistogram) error {
	add := func(at int64) (chunkenc.Chunk, bool, chunkenc.Appender, error) {
		return e.appender.AppendFloatHistogram(nil, st, at, h, false)
	}
	buckets := layout{h.Schema, h.ZeroThreshold, h.PositiveSpans, h.NegativeSpans, h.CustomValues}
	return e.add(chunkenc.ValFloatHistogram, st, t, h.CounterResetHint, h.Sum, buckets, add)
}

// add appends a histogram by a function that appends it at a given time.
func (e *chunkEncoder) add(kind chunkenc.ValueType, st, t int64, hint histogram.CounterResetHint, sum float64, buckets layout, add func(int64) (chunkenc.Chunk, bool, chunkenc.Appender, error)) error {
	stale := value.IsStaleNaN(sum)
	cut := !stale && (e.cutBefore(hint) || !e.layout.equal(buckets))
	for {
		if err := e.prepare(kind, st, cut); err != nil {
			return err
		}
		first := e.samples == 0
		if first {
			e.gauge, e.layout = hint == histogram.GaugeType, buckets
			if hint == histogram.NotCounterReset && !stale && t > math.MinInt64 {
				e.copied = true
				if _, _, _, err := add(t - 1); err != nil {
					return err
				}
			}
		}
		chunk, recoded, appender, err := add(t)
		switch {
		case err != nil:
			return err
		case chunk != nil && !recoded && !first:
			// It does not fit; a new chunk begins for it.
			cut = true
			continue
		case chunk != nil:
			e.chunk = chunk
		}
		e.appender = appender
		e.took(t)
		return nil
	}
}

// cutBefore reports whether a histogram's hint would be lost within the chunk.
func (e *chunkEncoder) cutBefore(hint histogram.CounterResetHint) bool {
	if e.gauge {
		return hint != histogram.GaugeType
	}
	return hint != histogram.NotCounterReset
}

// prepare makes sure that there is a chunk for a sample.
func (e *chunkEncoder) prepare(kind chunkenc.ValueType, st int64, cut bool) error {
	if e.chunk != nil && e.kind == kind && !cut && e.samples < chunkSamples && (st == 0 || e.starts) {
		return nil
	}
	e.flush()
	chunk, err := kind.NewChunk(st != 0, st != 0)
	if err != nil {
		return err
	}
	e.appender, err = chunk.Appender()
	if err != nil {
		return err
	}
	e.chunk, e.kind, e.starts = chunk, kind, st != 0
	return nil
}

func (e *chunkEncoder) took(t int64) {
	if e.samples == 0 {
		e.mint = t
	}
	e.maxt = t
	e.samples++
}

// flush writes the chunk.
func (e *chunkEncoder) flush() {
	if e.chunk != nil && e.samples > 0 {
		bytes := e.chunk.Bytes()
		e.out.u8(uint8(e.chunk.Encoding()))
		e.out.flag(e.copied)
		e.out.u32(e.samples)
		e.out.i64(e.mint)
		e.out.i64(e.maxt)
		e.out.u32(uint32(len(bytes)))
		e.out.bytes = append(e.out.bytes, bytes...)
		e.chunks++
	}
	e.chunk, e.samples, e.gauge, e.copied = nil, 0, false, false
}
