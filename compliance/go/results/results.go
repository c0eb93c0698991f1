// Package results holds the query results of all engines in one plain form, and
// compares them.
package results

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Query is a PromQL text with the times that it is evaluated at, in
// milliseconds. Step 0 makes it an instant query at Start.
type Query struct {
	Text       string
	Start, End int64
	Step       int64
}

// Instant reports whether the query is evaluated at one time only.
func (q Query) Instant() bool { return q.Step == 0 }

// Steps is the number of evaluation times.
func (q Query) Steps() int64 {
	if q.Step == 0 {
		return 1
	}
	return (q.End-q.Start)/q.Step + 1
}

// Result is what an engine answered.
type Result struct {
	Type   string // vector, matrix, scalar, string; empty on error
	Series []Series
	Text   string // of a string result

	ErrType string // as in the HTTP API: bad_data, execution, ...
	Err     string

	Warnings, Infos []string

	// Steps are the samples of each step, if the query asked for them.
	Steps *Steps
}

// Steps are the statistics of each step: samples in its windows, and those
// that no step before had, by time in seconds.
type Steps struct {
	Total [][2]float64 `json:"totalQueryableSamplesPerStep"`
	Read  [][2]float64 `json:"samplesReadPerStep"`
}

// Series is one row of a result. A scalar is one row without labels.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Key is the label set as a text that is the same for equal sets.
func (s Series) Key() string {
	names := make([]string, 0, len(s.Labels))
	for n := range s.Labels {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteByte('{')
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%q", n, s.Labels[n])
	}
	b.WriteByte('}')
	return b.String()
}

// Point is a float or, where H is set, a histogram at a time in milliseconds.
type Point struct {
	T int64
	V float64
	H *Histogram
}

// Histogram is a native histogram in the form of the HTTP API.
type Histogram struct {
	Count, Sum float64
	Buckets    []Bucket
}

// Bucket is a bucket of a native histogram; Bounds is which bounds belong to
// it, as in the HTTP API.
type Bucket struct {
	Bounds              int
	Lower, Upper, Count float64
}

func (p Point) String() string {
	if p.H == nil {
		return strconv.FormatFloat(p.V, 'g', -1, 64)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{count:%v sum:%v", p.H.Count, p.H.Sum)
	for _, k := range p.H.Buckets {
		fmt.Fprintf(&b, " %d(%v,%v):%v", k.Bounds, k.Lower, k.Upper, k.Count)
	}
	b.WriteByte('}')
	return b.String()
}

// envelope is the body of an answer of the Prometheus HTTP API.
type envelope struct {
	Status string `json:"status"`
	Data   *struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
		Stats      *struct {
			Samples Steps `json:"samples"`
		} `json:"stats"`
	} `json:"data"`
	ErrorType string   `json:"errorType"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
	Infos     []string `json:"infos"`
}

type wireSeries struct {
	Metric     map[string]string `json:"metric"`
	Value      *wirePoint        `json:"value"`
	Histogram  *wireHistogram    `json:"histogram"`
	Values     []wirePoint       `json:"values"`
	Histograms []wireHistogram   `json:"histograms"`
}

type wirePoint struct {
	t    int64
	text string
}

func (p *wirePoint) UnmarshalJSON(b []byte) error {
	var t json.Number
	if err := json.Unmarshal(b, &[]any{&t, &p.text}); err != nil {
		return err
	}
	var err error
	p.t, err = millis(t)
	return err
}

type wireHistogram struct {
	t int64
	h Histogram
}

func (p *wireHistogram) UnmarshalJSON(b []byte) error {
	var t json.Number
	var h struct {
		Count   string  `json:"count"`
		Sum     string  `json:"sum"`
		Buckets [][]any `json:"buckets"`
	}
	if err := json.Unmarshal(b, &[]any{&t, &h}); err != nil {
		return err
	}
	var err error
	if p.t, err = millis(t); err != nil {
		return err
	}
	f := floats{}
	p.h.Count, p.h.Sum = f.parse(h.Count), f.parse(h.Sum)
	for _, k := range h.Buckets {
		if len(k) != 4 {
			return fmt.Errorf("bucket of %d items, not 4", len(k))
		}
		bounds, ok := k[0].(float64)
		if !ok {
			return fmt.Errorf("bucket bounds %v are no number", k[0])
		}
		p.h.Buckets = append(p.h.Buckets, Bucket{int(bounds), f.parse(k[1]), f.parse(k[2]), f.parse(k[3])})
	}
	return f.err
}

// floats parses floats written as JSON strings and keeps the first error.
type floats struct{ err error }

func (f *floats) parse(v any) float64 {
	text, ok := v.(string)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("%v is not a number in a string", v)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && f.err == nil {
		f.err = err
	}
	return x
}

// millis reads seconds with at most three decimals.
func millis(n json.Number) (int64, error) {
	f, err := n.Float64()
	if err != nil {
		return 0, err
	}
	ms := math.Round(f * 1000)
	if math.Abs(f*1000-ms) > 1e-2 {
		return 0, fmt.Errorf("time %s is finer than a millisecond", n)
	}
	return int64(ms), nil
}

// Decode reads the body of an answer to a query.
func Decode(body []byte) (Result, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return Result{}, err
	}
	r := Result{ErrType: e.ErrorType, Err: e.Error, Warnings: e.Warnings, Infos: e.Infos}
	if e.Status == "error" && e.ErrorType != "" {
		return r, nil
	}
	if e.Status != "success" || e.Data == nil {
		return Result{}, fmt.Errorf("status %q without data", e.Status)
	}
	r.Type = e.Data.ResultType
	if stats := e.Data.Stats; stats != nil && stats.Samples.Total != nil {
		r.Steps = &stats.Samples
	}
	switch r.Type {
	case "scalar", "string":
		var p wirePoint
		if err := json.Unmarshal(e.Data.Result, &p); err != nil {
			return Result{}, err
		}
		if r.Type == "string" {
			r.Text = p.text
			return r, nil
		}
		var f floats
		r.Series = []Series{{Points: []Point{{T: p.t, V: f.parse(p.text)}}}}
		return r, f.err
	case "vector", "matrix":
		var rows []wireSeries
		if err := json.Unmarshal(e.Data.Result, &rows); err != nil {
			return Result{}, err
		}
		for _, row := range rows {
			s, err := row.series()
			if err != nil {
				return Result{}, err
			}
			r.Series = append(r.Series, s)
		}
		return r, nil
	}
	return Result{}, fmt.Errorf("unknown result type %q", r.Type)
}

func (w wireSeries) series() (Series, error) {
	if w.Value != nil {
		w.Values = append(w.Values, *w.Value)
	}
	if w.Histogram != nil {
		w.Histograms = append(w.Histograms, *w.Histogram)
	}
	s := Series{Labels: w.Metric}
	var f floats
	for _, p := range w.Values {
		s.Points = append(s.Points, Point{T: p.t, V: f.parse(p.text)})
	}
	for i := range w.Histograms {
		s.Points = append(s.Points, Point{T: w.Histograms[i].t, H: &w.Histograms[i].h})
	}
	sort.SliceStable(s.Points, func(i, j int) bool { return s.Points[i].T < s.Points[j].T })
	return s, f.err
}
