package results

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Kind classifies a difference.
type Kind string

// The kinds of differences, most severe first.
const (
	Transport   Kind = "transport"   // no answer that can be read
	Error       Kind = "error"       // one gave an error, the other did not
	ErrorType   Kind = "error type"  // both gave errors, of different types
	Type        Kind = "result type" // vector against matrix and the like
	SeriesSet   Kind = "series"      // series are missing or too many
	Points      Kind = "points"      // points are missing or too many
	Value       Kind = "value"       // values differ
	Order       Kind = "order"       // right rows in the wrong order
	Annotations Kind = "annotations" // warnings or infos differ
	Statistics  Kind = "statistics"  // samples of steps differ
	ErrorText   Kind = "error text"  // both gave the same type of error with different texts
)

// Diff is a difference between two results.
type Diff struct {
	Kind Kind
	Text string
	// T is the time of the first difference in milliseconds, 0 where there is none.
	T int64
}

// Options are how strictly results are compared.
type Options struct {
	// Relative is the largest difference of two floats that counts as none, as
	// a fraction of the larger one.
	Relative float64
	// ErrorText compares the texts of errors, too.
	ErrorText bool
	// Ordered compares the order of an instant vector by its values.
	Ordered bool
}

// Compare returns the first difference of the most severe kind, or nil.
func Compare(want, got Result, o Options) *Diff {
	if d := compareErrors(want, got, o); d != nil || want.ErrType != "" {
		return d
	}
	if want.Type != got.Type {
		return &Diff{Kind: Type, Text: fmt.Sprintf("want %s, got %s", want.Type, got.Type)}
	}
	if want.Text != got.Text {
		return &Diff{Kind: Value, Text: fmt.Sprintf("want %q, got %q", want.Text, got.Text)}
	}
	if d := compareSeries(want, got, o); d != nil {
		return d
	}
	if d := compareOrder(want, got, o); d != nil {
		return d
	}
	if d := compareAnnotations(want, got); d != nil {
		return d
	}
	return compareSteps(want, got)
}

// compareSteps compares the statistics of each step, if Prometheus gave any.
func compareSteps(want, got Result) *Diff {
	switch {
	case want.Steps == nil || want.Type == "string":
		return nil
	case got.Steps == nil:
		return &Diff{Kind: Statistics, Text: "want statistics of each step, got none"}
	}
	for _, c := range []struct {
		name      string
		want, got [][2]float64
	}{{"in windows", want.Steps.Total, got.Steps.Total}, {"read", want.Steps.Read, got.Steps.Read}} {
		if len(c.want) != len(c.got) {
			return &Diff{Kind: Statistics, Text: fmt.Sprintf("samples %s: want %d steps, got %d", c.name, len(c.want), len(c.got))}
		}
		for i, w := range c.want {
			if g := c.got[i]; w != g {
				return &Diff{Kind: Statistics, Text: fmt.Sprintf("samples %s: want %v at %v, got %v at %v", c.name, w[1], w[0], g[1], g[0])}
			}
		}
	}
	return nil
}

func compareErrors(want, got Result, o Options) *Diff {
	switch {
	case (want.ErrType == "") != (got.ErrType == ""):
		return &Diff{Kind: Error, Text: fmt.Sprintf("want %s, got %s", want.outcome(), got.outcome())}
	case want.ErrType != got.ErrType:
		return &Diff{Kind: ErrorType, Text: fmt.Sprintf("want %s, got %s", want.outcome(), got.outcome())}
	case o.ErrorText && want.Err != got.Err:
		return &Diff{Kind: ErrorText, Text: fmt.Sprintf("want %q, got %q", want.Err, got.Err)}
	}
	return nil
}

func (r Result) outcome() string {
	if r.ErrType == "" {
		return fmt.Sprintf("a %s of %d rows", r.Type, len(r.Series))
	}
	return fmt.Sprintf("%s: %s", r.ErrType, r.Err)
}

func compareSeries(want, got Result, o Options) *Diff {
	wantBy, dup := byKey(want.Series)
	if dup != "" {
		// Prometheus repeats label sets in a few places; then the rows are
		// compared in any order.
		return compareBags(want, got, o)
	}
	gotBy, dup := byKey(got.Series)
	if dup != "" {
		return &Diff{Kind: SeriesSet, Text: "got twice: " + dup}
	}
	for _, s := range want.Series {
		if _, ok := gotBy[s.Key()]; !ok {
			return &Diff{Kind: SeriesSet, T: s.Points[0].T, Text: fmt.Sprintf("missing %s; want %d rows, got %d", describe(s), len(want.Series), len(got.Series))}
		}
	}
	for _, s := range got.Series {
		if _, ok := wantBy[s.Key()]; !ok {
			return &Diff{Kind: SeriesSet, T: firstTime(s), Text: fmt.Sprintf("too many: %s; want %d rows, got %d", describe(s), len(want.Series), len(got.Series))}
		}
	}
	for _, s := range want.Series {
		if d := comparePoints(s, gotBy[s.Key()], o); d != nil {
			return d
		}
	}
	return nil
}

func compareBags(want, got Result, o Options) *Diff {
	left := slices.Clone(got.Series)
	for _, s := range want.Series {
		i := slices.IndexFunc(left, func(g Series) bool { return g.Key() == s.Key() && comparePoints(s, g, o) == nil })
		if i < 0 {
			return &Diff{Kind: SeriesSet, T: firstTime(s), Text: "missing, of rows with equal labels: " + describe(s)}
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		return &Diff{Kind: SeriesSet, T: firstTime(left[0]), Text: "too many: " + describe(left[0])}
	}
	return nil
}

func byKey(all []Series) (map[string]Series, string) {
	m := make(map[string]Series, len(all))
	for _, s := range all {
		k := s.Key()
		if _, ok := m[k]; ok {
			return nil, k
		}
		m[k] = s
	}
	return m, ""
}

func firstTime(s Series) int64 {
	if len(s.Points) == 0 {
		return 0
	}
	return s.Points[0].T
}

func describe(s Series) string {
	const most = 4
	var b strings.Builder
	b.WriteString(s.Key())
	for i, p := range s.Points {
		if i == most {
			fmt.Fprintf(&b, " ... (%d points)", len(s.Points))
			break
		}
		fmt.Fprintf(&b, " %s@%s", p, Seconds(p.T))
	}
	return b.String()
}

// Seconds writes milliseconds as the HTTP API writes times.
func Seconds(ms int64) string {
	if ms%1000 == 0 {
		return fmt.Sprint(ms / 1000)
	}
	return fmt.Sprintf("%.3f", float64(ms)/1000)
}

func comparePoints(want, got Series, o Options) *Diff {
	i, k := 0, 0
	for i < len(want.Points) || k < len(got.Points) {
		switch {
		case k == len(got.Points) || i < len(want.Points) && want.Points[i].T < got.Points[k].T:
			p := want.Points[i]
			return &Diff{Points, fmt.Sprintf("%s: missing %s@%s; want %d points, got %d", want.Key(), p, Seconds(p.T), len(want.Points), len(got.Points)), p.T}
		case i == len(want.Points) || want.Points[i].T > got.Points[k].T:
			p := got.Points[k]
			return &Diff{Points, fmt.Sprintf("%s: too many: %s@%s; want %d points, got %d", want.Key(), p, Seconds(p.T), len(want.Points), len(got.Points)), p.T}
		}
		w, g := want.Points[i], got.Points[k]
		if !samePoint(w, g, o) {
			return &Diff{Value, fmt.Sprintf("%s@%s: want %s, got %s", want.Key(), Seconds(w.T), w, g), w.T}
		}
		i, k = i+1, k+1
	}
	return nil
}

func samePoint(a, b Point, o Options) bool {
	if (a.H == nil) != (b.H == nil) {
		return false
	}
	if a.H == nil {
		return same(a.V, b.V, o.Relative)
	}
	if !same(a.H.Count, b.H.Count, o.Relative) || !same(a.H.Sum, b.H.Sum, o.Relative) || len(a.H.Buckets) != len(b.H.Buckets) {
		return false
	}
	for i, x := range a.H.Buckets {
		y := b.H.Buckets[i]
		if x.Bounds != y.Bounds || !same(x.Lower, y.Lower, o.Relative) || !same(x.Upper, y.Upper, o.Relative) || !same(x.Count, y.Count, o.Relative) {
			return false
		}
	}
	return true
}

func same(a, b, relative float64) bool {
	switch {
	case a == b, math.IsNaN(a) && math.IsNaN(b):
		return true
	case math.IsInf(a, 0) || math.IsInf(b, 0):
		return false
	}
	return math.Abs(a-b) <= relative*math.Max(math.Abs(a), math.Abs(b))
}

// compareOrder compares the order of rows where Prometheus promises one: by
// labels in a matrix, by value in a sorted vector.
func compareOrder(want, got Result, o Options) *Diff {
	for i := range want.Series {
		w, g := want.Series[i], got.Series[i]
		switch {
		case want.Type == "matrix" && w.Key() != g.Key():
			return &Diff{Kind: Order, Text: fmt.Sprintf("row %d: want %s, got %s", i, w.Key(), g.Key())}
		case want.Type == "vector" && o.Ordered && !samePoint(w.Points[0], g.Points[0], o):
			return &Diff{Kind: Order, Text: fmt.Sprintf("row %d: want %s, got %s", i, describe(w), describe(g))}
		}
	}
	return nil
}

func compareAnnotations(want, got Result) *Diff {
	for _, c := range []struct {
		what      string
		want, got []string
	}{{"warnings", want.Warnings, got.Warnings}, {"infos", want.Infos, got.Infos}} {
		if !sameAnnotations(c.want, c.got) {
			return &Diff{Kind: Annotations, Text: fmt.Sprintf("%s: want %q, got %q", c.what, c.want, c.got)}
		}
	}
	return nil
}

// maxAnnotations is how many texts of a kind the HTTP API shows; if there are
// more, it shows a random selection.
const maxAnnotations = 10

// counted is the end of the info on buckets that are not monotonic.
var counted = regexp.MustCompile(`, over -?\d+ samples from `)

// withoutCount removes the number of samples that were not monotonic. In a
// range query Prometheus merges its annotations with themselves at each step,
// so that the count doubles from step to step and soon overflows.
func withoutCount(text string) string {
	return counted.ReplaceAllString(text, ", over some samples from ")
}

// sameAnnotations compares what the HTTP API shows (got) with the complete
// list (want). Where both were cut off, only how many there are can be compared.
func sameAnnotations(want, got []string) bool {
	if len(want) == maxAnnotations+1 && len(got) == len(want) && strings.HasSuffix(want[maxAnnotations], " annotations omitted") {
		return want[maxAnnotations] == got[maxAnnotations]
	}
	if len(want) > maxAnnotations {
		if len(got) != maxAnnotations+1 || !strings.HasPrefix(got[maxAnnotations], fmt.Sprintf("%d more ", len(want)-maxAnnotations)) {
			return false
		}
		got = got[:maxAnnotations]
	} else if len(want) != len(got) {
		return false
	}
	left := make([]string, len(want))
	for i, w := range want {
		left[i] = withoutCount(w)
	}
	for _, g := range got {
		i := slices.Index(left, withoutCount(g))
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}
