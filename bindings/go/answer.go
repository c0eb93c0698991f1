package quarrel

import (
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"
)

// The types of an answer; rust/src/answer.rs has the same numbers.
const (
	answerScalar = 0
	answerString = 1
	answerVector = 2
	answerMatrix = 3
)

// A result is the answer to a query.
type result struct {
	value       parser.Value
	annotations annotations.Annotations
	counts      counts
}

// The counts of a query's statistics.
type counts struct {
	totalSamples, peakSamples, samplesRead, series uint64
	// By step, if the query asked for them.
	start, interval                       int64
	totalSamplesByStep, samplesReadByStep []int64
}

func (c counts) fill(samples *stats.QuerySamples) {
	samples.TotalSamples = int64(c.totalSamples)
	samples.PeakSamples = int(c.peakSamples)
	samples.SamplesRead = int64(c.samplesRead)
	samples.TotalSeries = int64(c.series)
	if samples.EnablePerStepStats {
		samples.StartTimestamp, samples.Interval = c.start, c.interval
		samples.TotalSamplesPerStep, samples.SamplesReadPerStep = c.totalSamplesByStep, c.samplesReadByStep
	}
}

func decodeCounts(r *reader) counts {
	c := counts{totalSamples: r.u64(), peakSamples: r.u64(), samplesRead: r.u64(), series: r.u64()}
	if r.u8() != 0 {
		c.start, c.interval = r.i64(), r.i64()
		for _, steps := range []*[]int64{&c.totalSamplesByStep, &c.samplesReadByStep} {
			*steps = make([]int64, r.count(8))
			for i := range *steps {
				(*steps)[i] = r.i64()
			}
		}
	}
	return c
}

// An annotation is a warning or an info with its final text.
type annotation struct {
	text string
	kind error
}

func (a *annotation) Error() string { return a.text }
func (a *annotation) Unwrap() error { return a.kind }

// decodeResult reads what rust/src/answer.rs writes.
func decodeResult(bytes []byte) (*result, error) {
	r := reader{rest: bytes}
	var out result
	out.counts = decodeCounts(&r)
	for _, text := range r.texts() {
		out.annotations.Add(&annotation{text, annotations.PromQLWarning})
	}
	for _, text := range r.texts() {
		out.annotations.Add(&annotation{text, annotations.PromQLInfo})
	}
	switch kind := r.u8(); kind {
	case answerScalar:
		out.value = promql.Scalar{T: r.i64(), V: r.f64()}
	case answerString:
		out.value = promql.String{T: r.i64(), V: r.text()}
	case answerVector:
		out.value = decodeVector(&r)
	case answerMatrix:
		out.value = decodeMatrix(&r)
	default:
		return nil, fmt.Errorf("quarrel: an answer of unknown type %d", kind)
	}
	return &out, r.err()
}

func decodeVector(r *reader) promql.Vector {
	set := decodeMatrix(r)
	vector := make(promql.Vector, 0, len(set))
	for _, series := range set {
		for _, point := range series.Floats {
			vector = append(vector, promql.Sample{Metric: series.Metric, T: point.T, F: point.F})
		}
		for _, point := range series.Histograms {
			vector = append(vector, promql.Sample{Metric: series.Metric, T: point.T, H: point.H})
		}
	}
	return vector
}

func decodeMatrix(r *reader) promql.Matrix {
	n := r.count(8)
	matrix := make(promql.Matrix, 0, n)
	var builder labels.ScratchBuilder
	for range n {
		matrix = append(matrix, decodeSeries(r, &builder))
	}
	return matrix
}

func decodeSeries(r *reader, builder *labels.ScratchBuilder) promql.Series {
	builder.Reset()
	for range r.count(8) {
		builder.Add(r.text(), r.text())
	}
	series := promql.Series{Metric: builder.Labels()}
	if n := r.count(16); n > 0 {
		series.Floats = make([]promql.FPoint, n)
		for i := range series.Floats {
			series.Floats[i] = promql.FPoint{T: r.i64(), F: r.f64()}
		}
	}
	if n := r.count(50); n > 0 {
		series.Histograms = make([]promql.HPoint, n)
		for i := range series.Histograms {
			series.Histograms[i] = promql.HPoint{T: r.i64(), H: decodeHistogram(r)}
		}
	}
	return series
}

func decodeHistogram(r *reader) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{
		CounterResetHint: histogram.CounterResetHint(r.u8()),
		Schema:           int32(r.u32()),
		ZeroThreshold:    r.f64(),
		ZeroCount:        r.f64(),
		Count:            r.f64(),
		Sum:              r.f64(),
	}
	h.PositiveSpans, h.PositiveBuckets = decodeBuckets(r)
	h.NegativeSpans, h.NegativeBuckets = decodeBuckets(r)
	if n := r.count(8); n > 0 {
		h.CustomValues = make([]float64, n)
		for i := range h.CustomValues {
			h.CustomValues[i] = r.f64()
		}
	}
	return h
}

// decodeBuckets reads the buckets of one side of zero, indices and counts, and
// makes spans of the indices.
func decodeBuckets(r *reader) (spans []histogram.Span, counts []float64) {
	n := r.count(12)
	if n == 0 {
		return nil, nil
	}
	counts = make([]float64, n)
	next := int32(0)
	for i := range counts {
		index := int32(r.u32())
		if len(spans) == 0 || index != next {
			spans = append(spans, histogram.Span{Offset: index - next})
		}
		spans[len(spans)-1].Length++
		next = index + 1
		counts[i] = r.f64()
	}
	return spans, counts
}
