// Command histgolden writes what Prometheus computes with native histograms.
// quarrel's own arithmetic is compared with it.
//
// Usage: go run ./cmd/histgolden > ../../functions/tests/data/histograms.jsonl
//
// Each line is a JSON object, an operation:
//
//	op   its name
//	in   histograms, see encode
//	x    numbers
//	out  the histogram that came out, or null
//	y    the numbers that came out
//	n    the annotations of the result, as flags
//
// Floats are texts, so that they are exact.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"
	"github.com/prometheus/prometheus/util/annotations"
)

// number is a float that JSON holds as text.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	return []byte(`"` + strconv.FormatFloat(float64(n), 'g', -1, 64) + `"`), nil
}

func numbers(vs []float64) []number {
	out := make([]number, 0, len(vs))
	for _, v := range vs {
		out = append(out, number(v))
	}
	return out
}

// encoded is hint, schema, zero threshold, zero count, count, sum, positive
// spans (offset and length in turn), positive counts, negative spans and
// counts, custom bounds.
type encoded [11]any

func encode(h *histogram.FloatHistogram) *encoded {
	if h == nil {
		return nil
	}
	return &encoded{
		byte(h.CounterResetHint), h.Schema, number(h.ZeroThreshold), number(h.ZeroCount), number(h.Count), number(h.Sum),
		spans(h.PositiveSpans), numbers(h.PositiveBuckets), spans(h.NegativeSpans), numbers(h.NegativeBuckets), numbers(h.CustomValues),
	}
}

func spans(spans []histogram.Span) []int64 {
	out := make([]int64, 0, 2*len(spans))
	for _, s := range spans {
		out = append(out, int64(s.Offset), int64(s.Length))
	}
	return out
}

type record struct {
	Op    string     `json:"op"`
	In    []*encoded `json:"in"`
	X     []number   `json:"x,omitempty"`
	Out   *encoded   `json:"out,omitempty"`
	Y     []number   `json:"y,omitempty"`
	Texts []string   `json:"t,omitempty"`
	Notes []string   `json:"n,omitempty"`
}

// writer collects records.
type writer struct {
	enc *json.Encoder
	r   *rand.Rand
}

func (w *writer) write(rec record, in ...*histogram.FloatHistogram) {
	for _, h := range in {
		rec.In = append(rec.In, encode(h))
	}
	if err := w.enc.Encode(rec); err != nil {
		log.Fatal(err)
	}
}

func main() {
	seed := flag.Int64("seed", 1, "seed of the random histograms")
	count := flag.Int("count", 24, "rounds")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	w := &writer{enc: json.NewEncoder(out), r: rand.New(rand.NewSource(*seed))}
	w.enc.SetEscapeHTML(false)
	for range *count {
		w.pairs()
		w.alone()
		w.windows()
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

func notes(err error, collision, reconciled bool) []string {
	var out []string
	if err != nil {
		out = append(out, "incompatible")
	}
	if collision {
		out = append(out, "collision")
	}
	if reconciled {
		out = append(out, "reconciled")
	}
	return out
}

// pairs writes operations of two histograms.
func (w *writer) pairs() {
	for range 3 {
		a, b := w.pair()
		sum, collision, reconciled, err := a.Copy().Add(b)
		w.write(record{Op: "add", Out: encode(sum), Notes: notes(err, collision, reconciled)}, a, b)
		difference, collision, reconciled, err := a.Copy().Sub(b)
		w.write(record{Op: "sub", Out: encode(difference), Notes: notes(err, collision, reconciled)}, a, b)
		if err == nil && w.r.Intn(3) == 0 {
			w.write(record{Op: "compact", Out: encode(difference.Copy().Compact(0))}, difference)
		}
	}
	for range 4 {
		before := w.random()
		now := w.later(before)
		y := []number{0}
		if now.DetectReset(before) {
			y[0] = 1
		}
		w.write(record{Op: "reset", Y: y}, now, before)
	}
	a := w.random()
	b := a.Copy()
	switch w.r.Intn(5) {
	case 0:
		b.Compact(0)
	case 1:
		b = w.random()
	case 2:
		b.Sum++
	case 3:
		if len(b.PositiveBuckets) > 0 {
			b.PositiveBuckets[0]++
		}
	}
	y := []number{0}
	if a.Equals(b) {
		y[0] = 1
	}
	w.write(record{Op: "equals", Y: y}, a, b)
}

// alone writes operations of one histogram.
func (w *writer) alone() {
	h := w.random()
	factor := []float64{2, -1, 0, 0.3, -0.5}[w.r.Intn(5)]
	w.write(record{Op: "mul", X: numbers([]float64{factor}), Out: encode(h.Copy().Mul(factor))}, h)
	w.write(record{Op: "div", X: numbers([]float64{factor}), Out: encode(h.Copy().Div(factor))}, h)
	w.write(record{Op: "text", Texts: []string{h.String(), h.TestExpression()}}, h)
	if !h.UsesCustomBuckets() && h.Schema > -9 {
		to := h.Schema - 1 - int32(w.r.Intn(3))
		reduced := h.Copy()
		if err := reduced.ReduceResolution(to); err != nil {
			log.Fatal(err)
		}
		w.write(record{Op: "reduce", X: numbers([]float64{float64(to)}), Out: encode(reduced)}, h)
	}
	for range 2 {
		h = w.random()
		w.statistics(h)
		value := w.value(h)
		for _, upper := range []bool{true, false} {
			op := "trim_above"
			if upper {
				op = "trim_below"
			}
			w.write(record{Op: op, X: numbers([]float64{value}), Out: encode(h.Copy().TrimBuckets(value, upper))}, h)
		}
	}
}

// value is one around which h has observations.
func (w *writer) value(h *histogram.FloatHistogram) float64 {
	var bounds []float64
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		bounds = append(bounds, b.Lower, b.Upper, (b.Lower+b.Upper)/2, b.Lower+(b.Upper-b.Lower)/5)
	}
	if len(bounds) == 0 || w.r.Intn(6) == 0 {
		return []float64{0, -1, 1, 1e9, math.Inf(1), math.Inf(-1), math.NaN()}[w.r.Intn(7)]
	}
	return bounds[w.r.Intn(len(bounds))]
}

func (w *writer) statistics(h *histogram.FloatHistogram) {
	var qs, ys []float64
	var said []string
	for _, q := range []float64{0, 0.01, 0.3, 0.5, 0.77, 0.99, 1, w.r.Float64(), -1, 2, math.NaN()} {
		y, annos := promql.HistogramQuantile(q, h, "", posrange.PositionRange{})
		qs, ys = append(qs, q), append(ys, y)
		said = append(said, strings.Join(flags(annos), ","))
	}
	w.write(record{Op: "quantile", X: numbers(qs), Y: numbers(ys), Notes: said}, h)
	qs, ys, said = nil, nil, nil
	for range 5 {
		lower, upper := w.value(h), w.value(h)
		y, annos := promql.HistogramFraction(lower, upper, h, "", posrange.PositionRange{})
		qs, ys = append(qs, lower, upper), append(ys, y)
		said = append(said, strings.Join(flags(annos), ","))
	}
	w.write(record{Op: "fraction", X: numbers(qs), Y: numbers(ys), Notes: said}, h)
	ys = nil
	for _, name := range []string{"histogram_avg", "histogram_stdvar", "histogram_stddev"} {
		vector := []promql.Vector{{{H: h}}}
		out, _ := promql.FunctionCalls[name](vector, nil, nil, &promql.EvalNodeHelper{})
		ys = append(ys, out[0].F)
	}
	w.write(record{Op: "moments", Y: numbers(ys)}, h)
}

// flags are the annotations in short.
func flags(annos annotations.Annotations) []string {
	var out []string
	for _, f := range []struct{ text, flag string }{
		{"has NaN observations, result is NaN", "nan"},
		{"has NaN observations, result is skewed", "skew"},
		{"has NaN observations, which are excluded", "excluded"},
		{"is not a counter", "not_counter"},
		{"is not a gauge", "not_gauge"},
		{"exponential and custom buckets", "mixed"},
		{"conflicting counter resets", "collision"},
		{"reconciled during subtraction", "reconciled_sub"},
		{"reconciled during addition", "reconciled_add"},
		{"reconciled during aggregation", "reconciled"},
	} {
		for _, err := range annos {
			if strings.Contains(err.Error(), f.text) {
				out = append(out, f.flag)
				break
			}
		}
	}
	return out
}

// windows writes functions of several histograms in a row.
func (w *writer) windows() {
	points := w.row(2 + w.r.Intn(4))
	for _, name := range []string{"sum_over_time", "avg_over_time"} {
		out, annos := w.call(name+"(x[1m])", points, spread(len(points)))
		w.write(record{Op: name, Out: encode(out), Notes: flags(annos)}, points...)
	}
	for _, name := range []string{"increase", "delta", "idelta"} {
		points = w.row(2 + w.r.Intn(4))
		out, annos := w.call(name+"(x[1m])", points, spread(len(points)))
		w.write(record{Op: name, Out: encode(out), Notes: flags(annos)}, points...)
	}
	for _, op := range []string{"increase anchored", "increase smoothed", "delta anchored", "delta smoothed"} {
		points = w.row(1 + w.r.Intn(5))
		times := w.times(len(points))
		function, modifier, _ := strings.Cut(op, " ")
		out, annos := w.call(function+"(x[1m] "+modifier+")", points, times)
		rec := record{Op: op, Out: encode(out), Notes: flags(annos)}
		for _, t := range append(times, end-length, end) {
			rec.X = append(rec.X, number(t))
		}
		w.write(rec, points...)
	}
}

// The window of calls, ms.
const end, length = 120_000, int64(time.Minute / time.Millisecond)

// spread returns times that fill the window exactly, so that nothing is
// extrapolated.
func spread(n int) []int64 {
	var out []int64
	for i := range n {
		out = append(out, end-length+int64(i)*length/int64(n-1))
	}
	return out
}

// times are around the window, some at its ends.
func (w *writer) times(n int) []int64 {
	out := []int64{end - length + int64(w.r.Intn(5)-3)*10_000}
	for len(out) < n {
		out = append(out, out[len(out)-1]+int64(1+w.r.Intn(4))*10_000)
	}
	return out
}

// row makes histograms; most of them grow from the one before.
func (w *writer) row(n int) []*histogram.FloatHistogram {
	out := []*histogram.FloatHistogram{w.random()}
	for len(out) < n {
		out = append(out, w.later(out[len(out)-1]))
	}
	if w.r.Intn(8) == 0 {
		for _, h := range out {
			h.Mul(1e307)
		}
	}
	return out
}

// call applies a function to samples at some times.
func (w *writer) call(query string, points []*histogram.FloatHistogram, times []int64) (*histogram.FloatHistogram, annotations.Annotations) {
	expr, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(query)
	if err != nil {
		log.Fatal(err)
	}
	call := expr.(*parser.Call)
	series := promql.Series{Metric: labels.FromStrings("__name__", "x")}
	for i, h := range points {
		series.Histograms = append(series.Histograms, promql.HPoint{T: times[i], H: h.Copy()})
	}
	helper := &promql.EvalNodeHelper{Ts: end, LookbackDelta: 5 * time.Minute}
	out, annos := promql.FunctionCalls[call.Func.Name](nil, promql.Matrix{series}, call.Args, helper)
	if len(out) == 0 || flagged(annos, "mixed") {
		return nil, annos
	}
	return out[0].H, annos
}

func flagged(annos annotations.Annotations, flag string) bool {
	for _, f := range flags(annos) {
		if f == flag {
			return true
		}
	}
	return false
}
