// Command chunkgolden writes histogram chunks as Prometheus makes them, with
// the histograms that were appended and those that a reader returns. quarrel's
// own encoders and decoders are compared with them.
//
// Usage: go run ./cmd/chunkgolden > ../../chunks/tests/data/histograms.jsonl
//
// Each line is a JSON object, a series of histograms:
//
//	name   what the series is about
//	float  whether the counts are floats
//	st     whether the chunks hold start timestamps
//	in     what was appended, in order
//	out    the chunks
//
// Floats are texts, so that they are exact; a NaN is its bits in hexadecimal.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// number is a float that JSON holds as text.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) {
		return fmt.Appendf(nil, `"0x%016x"`, math.Float64bits(v)), nil
	}
	return []byte(`"` + strconv.FormatFloat(v, 'g', -1, 64) + `"`), nil
}

func numbers(vs []float64) []number {
	out := make([]number, 0, len(vs))
	for _, v := range vs {
		out = append(out, number(v))
	}
	return out
}

// layout is where the buckets are: schema, zero threshold, positive and
// negative spans as offset and length in turn, custom bounds.
type layout [5]any

// counts are start, time, hint, count, zero count, sum, and all buckets,
// absolute, positive ones first.
type counts [7]any

type input struct {
	Layout layout `json:"layout"`
	Counts counts `json:"counts"`
	// Cut is set if a new chunk began without need.
	Cut bool `json:"cut,omitempty"`
}

type chunk struct {
	Encoding byte     `json:"encoding"`
	Bytes    string   `json:"bytes"`
	Layout   layout   `json:"layout"`
	Samples  []counts `json:"samples"`
}

type record struct {
	Name  string  `json:"name"`
	Float bool    `json:"float"`
	ST    bool    `json:"st"`
	In    []input `json:"in"`
	Out   []chunk `json:"out"`
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	for _, s := range allSeries() {
		if err := enc.Encode(s.record()); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// record appends a series and reads the chunks back.
func (s *series) record() record {
	rec := record{Name: s.name, Float: s.float, ST: s.st}
	var chunks []chunkenc.Chunk
	var app chunkenc.Appender
	for _, smp := range s.samples {
		rec.In = append(rec.In, s.input(smp))
		var prev chunkenc.Appender
		if app == nil || smp.cut {
			prev = app
			chunks = append(chunks, s.newChunk())
			app = must(chunks[len(chunks)-1].Appender())
		}
		var next chunkenc.Chunk
		var recoded bool
		var err error
		if s.float {
			next, recoded, app, err = app.AppendFloatHistogram(prev, smp.st, smp.t, s.toFloat(smp.h), false)
		} else {
			next, recoded, app, err = app.AppendHistogram(prev, smp.st, smp.t, smp.h.Copy(), false)
		}
		if err != nil {
			log.Fatalf("%s: %v", s.name, err)
		}
		switch {
		case recoded:
			chunks[len(chunks)-1] = next
		case next != nil:
			chunks = append(chunks, next)
		}
	}
	for _, c := range chunks {
		rec.Out = append(rec.Out, read(c))
	}
	return rec
}

func (s *series) newChunk() chunkenc.Chunk {
	value := chunkenc.ValHistogram
	if s.float {
		value = chunkenc.ValFloatHistogram
	}
	return must(chunkenc.NewEmptyChunk(value.ChunkEncoding(s.st, s.st)))
}

func (s *series) input(smp sample) input {
	fh := s.toFloat(smp.h)
	in := input{Layout: layoutOf(fh), Counts: floatCounts(smp.t, fh), Cut: smp.cut}
	if s.st {
		in.Counts[0] = smp.st
	}
	if !s.float {
		in.Counts[3], in.Counts[4] = smp.h.Count, smp.h.ZeroCount
		in.Counts[6] = append(absolute(smp.h.PositiveBuckets), absolute(smp.h.NegativeBuckets)...)
	}
	return in
}

// toFloat makes float histograms with fractional counts, unless the counts are
// large.
func (s *series) toFloat(h *histogram.Histogram) *histogram.FloatHistogram {
	fh := h.ToFloat(nil)
	if s.float && fh.Count < 1e9 && !value.IsStaleNaN(fh.Sum) && len(s.name)%2 == 0 {
		fh.Mul(0.3)
	}
	return fh
}

func absolute(deltas []int64) []int64 {
	out, count := make([]int64, 0, len(deltas)), int64(0)
	for _, d := range deltas {
		count += d
		out = append(out, count)
	}
	return out
}

func read(c chunkenc.Chunk) chunk {
	out := chunk{Encoding: byte(c.Encoding()), Bytes: hex.EncodeToString(c.Bytes())}
	it := c.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		t, fh := it.AtFloatHistogram(nil)
		cnt := floatCounts(t, fh)
		cnt[0] = it.AtST()
		if len(out.Samples) == 0 {
			out.Layout = layoutOf(fh)
		}
		out.Samples = append(out.Samples, cnt)
	}
	if err := it.Err(); err != nil {
		log.Fatal(err)
	}
	return out
}

func floatCounts(t int64, fh *histogram.FloatHistogram) counts {
	return counts{
		0, t, byte(fh.CounterResetHint), number(fh.Count), number(fh.ZeroCount), number(fh.Sum),
		numbers(slices.Concat(fh.PositiveBuckets, fh.NegativeBuckets)),
	}
}

func layoutOf(fh *histogram.FloatHistogram) layout {
	return layout{fh.Schema, number(fh.ZeroThreshold), pairs(fh.PositiveSpans), pairs(fh.NegativeSpans), numbers(fh.CustomValues)}
}

func pairs(spans []histogram.Span) []int64 {
	out := make([]int64, 0, 2*len(spans))
	for _, s := range spans {
		out = append(out, int64(s.Offset), int64(s.Length))
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
