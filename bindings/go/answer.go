package quarrel

import (
	"errors"
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

// decodeResult reads what rust/src/answer.rs writes. selected are the selects with
// the labels of their series, and floats writes the floats of all series of the answer.
func decodeResult(bytes []byte, selected []selectState, floats func([]promql.FPoint) error) (*result, error) {
	r := reader{rest: bytes}
	var out result
	out.counts = decodeCounts(&r)
	for _, text := range r.texts() {
		out.annotations.Add(&annotation{text, annotations.PromQLWarning})
	}
	for _, text := range r.texts() {
		out.annotations.Add(&annotation{text, annotations.PromQLInfo})
	}
	var err error
	switch kind := r.u8(); kind {
	case answerScalar:
		out.value = promql.Scalar{T: r.i64(), V: r.f64()}
	case answerString:
		out.value = promql.String{T: r.i64(), V: r.text()}
	case answerVector, answerMatrix:
		var matrix promql.Matrix
		matrix, err = decodeMatrix(&r, selected, floats)
		out.value = matrix
		if kind == answerVector {
			out.value = vectorOf(matrix)
		}
	default:
		return nil, fmt.Errorf("quarrel: an answer of unknown type %d", kind)
	}
	return &out, errors.Join(r.err(), err)
}

func vectorOf(matrix promql.Matrix) promql.Vector {
	vector := make(promql.Vector, 0, len(matrix))
	for _, series := range matrix {
		for _, point := range series.Floats {
			vector = append(vector, promql.Sample{Metric: series.Metric, T: point.T, F: point.F})
		}
		for _, point := range series.Histograms {
			vector = append(vector, promql.Sample{Metric: series.Metric, T: point.T, H: point.H})
		}
	}
	return vector
}

func decodeMatrix(r *reader, selected []selectState, floats func([]promql.FPoint) error) (promql.Matrix, error) {
	n := r.count(8)
	matrix := make(promql.Matrix, n)
	counts := r.column(n)
	total := r.u64()
	if err := r.err(); err != nil {
		return nil, err
	}
	points := make([]promql.FPoint, total)
	if err := floats(points); err != nil {
		return nil, err
	}
	for i := range matrix {
		if own := int(counts.u32()); own > 0 && own <= len(points) {
			matrix[i].Floats, points = points[:own:own], points[own:]
		}
	}
	if err := decodeLabels(r, matrix, selected); err != nil {
		return nil, err
	}
	if r.u8() != 0 {
		for i := range matrix {
			matrix[i].Histograms = decodeHistograms(r)
		}
	}
	return matrix, nil
}

// decodeLabels reads the labels of all series: those of a select's row, or texts.
func decodeLabels(r *reader, matrix promql.Matrix, selected []selectState) error {
	var known []labels.Labels
	if origin := int(r.u32()); origin < len(selected) {
		known = selected[origin].labels
	}
	rows := r.column(len(matrix))
	texts := r.text()
	var builder labels.ScratchBuilder
	made := false
	for i := range matrix {
		row := int(rows.u32())
		if row > len(known) {
			return fmt.Errorf("quarrel: an answer with series %d of %d", row, len(known))
		}
		if row > 0 {
			matrix[i].Metric = known[row-1]
			continue
		}
		if !made {
			builder, made = labels.NewScratchBuilder(8), true
		}
		builder.Reset()
		for range r.count(8) {
			name, value := int(r.u32()), int(r.u32())
			if name < 0 || value < 0 || name+value > len(texts) {
				return errShort
			}
			builder.Add(texts[:name], texts[name:name+value])
			texts = texts[name+value:]
		}
		matrix[i].Metric = builder.Labels()
	}
	return nil
}

func decodeHistograms(r *reader) []promql.HPoint {
	n := r.count(50)
	if n == 0 {
		return nil
	}
	points := make([]promql.HPoint, n)
	for i := range points {
		points[i] = promql.HPoint{T: r.i64(), H: decodeHistogram(r)}
	}
	return points
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
