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

// columnSamples is how many samples columns have at most: as many as lie in a part
// with room to spare.
const columnSamples = 4096

// A sampleEncoder appends samples to a part: floats as columns, histograms as
// chunks.
//
// Readers of chunks take the counter-reset hint of a histogram from its
// position: the first counter histogram of a chunk has no hint, the others are
// not resets. So a histogram without a hint begins a chunk. If a histogram that
// is not a reset comes first, because the storage cut off the samples before
// it, a copy of it stands before it, and the part marks the copy as deleted.
// A hint of the storage that there is a reset is lost; the counts show the
// reset. A change of the bucket layout also begins a chunk: appenders would
// merge both layouts, and a histogram with an empty bucket is not equal to one
// without it.
type sampleEncoder struct {
	// Whether floats keep their start timestamps.
	withStarts bool

	out           *partWriter
	starts, times []int64
	values        []float64
	started       bool // whether any start timestamp is known

	chunk      chunkenc.Chunk
	appender   chunkenc.Appender
	kind       chunkenc.ValueType
	stamped    bool // whether the chunk holds start timestamps
	layout     layout
	gauge      bool // whether it holds gauges
	copied     bool // whether its first sample is a copy of the second
	mint, maxt int64
	samples    uint32
}

// encode appends the samples from mint to maxt.
func (e *sampleEncoder) encode(samples chunkenc.Iterator, mint, maxt int64, out *partWriter) error {
	e.out = out
	for {
		kind := samples.Next()
		if kind == chunkenc.ValNone || samples.AtT() > maxt {
			e.flushFloats()
			e.flush()
			return samples.Err()
		}
		if samples.AtT() < mint {
			continue
		}
		if kind == chunkenc.ValFloat {
			e.flush()
			t, v := samples.At()
			e.float(samples, t, v)
			continue
		}
		e.flushFloats()
		var err error
		switch kind {
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

func (e *sampleEncoder) float(samples chunkenc.Iterator, t int64, v float64) {
	if len(e.times) == columnSamples {
		e.flushFloats()
	}
	e.times = append(e.times, t)
	e.values = append(e.values, v)
	if e.withStarts {
		st := samples.AtST()
		e.starts = append(e.starts, st)
		e.started = e.started || st != 0
	}
}

// flushFloats writes the columns.
func (e *sampleEncoder) flushFloats() {
	if len(e.times) == 0 {
		return
	}
	starts := e.starts
	if !e.started {
		starts = nil
	}
	e.out.floats(starts, e.times, e.values)
	e.starts, e.times, e.values, e.started = e.starts[:0], e.times[:0], e.values[:0], false
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

func (e *sampleEncoder) histogram(st, t int64, h *histogram.Histogram) error {
	add := func(at int64) (chunkenc.Chunk, bool, chunkenc.Appender, error) {
		return e.appender.AppendHistogram(nil, st, at, h, false)
	}
	buckets := layout{h.Schema, h.ZeroThreshold, h.PositiveSpans, h.NegativeSpans, h.CustomValues}
	return e.add(chunkenc.ValHistogram, st, t, h.CounterResetHint, h.Sum, buckets, add)
}

func (e *sampleEncoder) floatHistogram(st, t int64, h *histogram.FloatHistogram) error {
	add := func(at int64) (chunkenc.Chunk, bool, chunkenc.Appender, error) {
		return e.appender.AppendFloatHistogram(nil, st, at, h, false)
	}
	buckets := layout{h.Schema, h.ZeroThreshold, h.PositiveSpans, h.NegativeSpans, h.CustomValues}
	return e.add(chunkenc.ValFloatHistogram, st, t, h.CounterResetHint, h.Sum, buckets, add)
}

// add appends a histogram by a function that appends it at a given time.
func (e *sampleEncoder) add(kind chunkenc.ValueType, st, t int64, hint histogram.CounterResetHint, sum float64, buckets layout, add func(int64) (chunkenc.Chunk, bool, chunkenc.Appender, error)) error {
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
func (e *sampleEncoder) cutBefore(hint histogram.CounterResetHint) bool {
	if e.gauge {
		return hint != histogram.GaugeType
	}
	return hint != histogram.NotCounterReset
}

// prepare makes sure that there is a chunk for a sample.
func (e *sampleEncoder) prepare(kind chunkenc.ValueType, st int64, cut bool) error {
	if e.chunk != nil && e.kind == kind && !cut && e.samples < chunkSamples && (st == 0 || e.stamped) {
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
	e.chunk, e.kind, e.stamped = chunk, kind, st != 0
	return nil
}

func (e *sampleEncoder) took(t int64) {
	if e.samples == 0 {
		e.mint = t
	}
	e.maxt = t
	e.samples++
}

// flush writes the chunk.
func (e *sampleEncoder) flush() {
	if e.chunk != nil && e.samples > 0 {
		flags := uint8(0)
		if e.copied {
			flags = withCopy
		}
		e.out.chunk(e.chunk.Encoding(), flags, e.chunk.Bytes(), int(e.samples), e.mint, e.maxt)
	}
	e.chunk, e.samples, e.gauge, e.copied = nil, 0, false, false
}
