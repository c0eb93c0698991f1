package differ

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/querygen"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// encode writes a result as the HTTP API does.
func encode(r results.Result) (status int, body []byte) {
	if r.ErrType != "" {
		body, _ = json.Marshal(map[string]any{"status": "error", "errorType": r.ErrType, "error": r.Err})
		return http.StatusUnprocessableEntity, body
	}
	pair := func(p results.Point) []any {
		return []any{json.Number(results.Seconds(p.T)), strconv.FormatFloat(p.V, 'f', -1, 64)}
	}
	var result any = []any{}
	switch r.Type {
	case "scalar":
		result = pair(r.Series[0].Points[0])
	case "string":
		result = []any{0, r.Text}
	default:
		rows := []any{}
		for _, s := range r.Series {
			row := map[string]any{"metric": s.Labels}
			var values []any
			for _, p := range s.Points {
				values = append(values, pair(p))
			}
			if r.Type == "vector" {
				row["value"] = values[0]
			} else {
				row["values"] = values
			}
			rows = append(rows, row)
		}
		result = rows
	}
	// The HTTP API shows ten texts of a kind at most.
	cap := func(all []string, kind string) []string {
		if len(all) > 10 {
			return append(slices.Clone(all[:10]), fmt.Sprintf("%d more %s annotations omitted", len(all)-10, kind))
		}
		return all
	}
	body, _ = json.Marshal(map[string]any{
		"status": "success", "data": map[string]any{"resultType": r.Type, "result": result},
		"warnings": cap(r.Warnings, "warning"), "infos": cap(r.Infos, "info"),
	})
	return http.StatusOK, body
}

// fake is a server that answers as Prometheus does, but tampers with it.
func fake(t *testing.T, prom *promengine.Engine, tamper func(*results.Result)) *process.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ms := func(name string) int64 {
			f, _ := strconv.ParseFloat(req.FormValue(name), 64)
			return int64(f*1000 + 0.5)
		}
		q := results.Query{Text: req.FormValue("query"), Start: ms("time"), End: ms("time")}
		if strings.HasSuffix(req.URL.Path, "_range") {
			q.Start, q.End, q.Step = ms("start"), ms("end"), ms("step")
		}
		r := prom.Run(req.Context(), q)
		tamper(&r)
		status, body := encode(r)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return process.Attach(s.URL)
}

func open(t *testing.T) *promengine.Engine {
	dir := filepath.Join(t.TempDir(), "data")
	if err := fixtures.Build(dir, fixtures.Options{Seed: 1, Shape: fixtures.Head}); err != nil {
		t.Fatal(err)
	}
	prom, err := promengine.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := prom.Close(); err != nil {
			t.Error(err)
		}
	})
	return prom
}

func testQueries(t *testing.T, prom *promengine.Engine, n int) []results.Query {
	series, err := prom.Series(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	mint, maxt := prom.Range()
	g := querygen.New(rand.New(rand.NewSource(3)), querygen.NewSchema(series, mint, maxt), querygen.Options{Broken: 5})
	var out []results.Query
	for range n {
		out = append(out, g.Next())
	}
	return out
}

func runAll(tester *Tester, queries []results.Query) (*Tally, []Failure) {
	ch := make(chan results.Query)
	go func() {
		defer close(ch)
		for _, q := range queries {
			ch <- q
		}
	}()
	var failures []Failure
	tally := tester.Run(context.Background(), ch, 2, func(f Failure) { failures = append(failures, f) })
	return tally, failures
}

func TestHonestServerPasses(t *testing.T) {
	prom := open(t)
	tester := &Tester{Prometheus: prom, Engine: fake(t, prom, func(*results.Result) {}), Compare: results.Options{Relative: 1e-9}}
	tally, failures := runAll(tester, testQueries(t, prom, 400))
	for _, f := range failures {
		t.Errorf("%+v", f)
	}
	if tally.Passed+tally.Undetermined != 400 || tally.Data < 150 {
		t.Errorf("%d passed; %s", tally.Passed, tally)
	}
}

// The tester finds each planted fault under its own name, and shrinks the
// query.
func TestPlantedFaults(t *testing.T) {
	prom := open(t)
	queries := testQueries(t, prom, 150)
	isVector := func(r *results.Result, rows int) bool {
		return (r.Type == "vector" || r.Type == "matrix") && len(r.Series) >= rows
	}
	for _, c := range []struct {
		name   string
		kind   results.Kind
		tamper func(*results.Result)
	}{
		{"a value off by 1e-8", results.Value, func(r *results.Result) {
			if isVector(r, 1) {
				p := r.Series[len(r.Series)-1].Points
				p[len(p)-1].V *= 1 + 1e-8
			}
		}},
		{"a dropped series", results.SeriesSet, func(r *results.Result) {
			if isVector(r, 2) {
				r.Series = r.Series[1:]
			}
		}},
		{"a series with another label", results.SeriesSet, func(r *results.Result) {
			if isVector(r, 1) {
				r.Series[0].Labels["more"] = "x"
			}
		}},
		{"a dropped point", results.Points, func(r *results.Result) {
			if r.Type == "matrix" && len(r.Series) > 0 && len(r.Series[0].Points) > 1 {
				r.Series[0].Points = r.Series[0].Points[1:]
			}
		}},
		{"a point too many", results.Points, func(r *results.Result) {
			if r.Type == "matrix" && len(r.Series) > 0 {
				s := &r.Series[0]
				s.Points = append(s.Points, results.Point{T: s.Points[len(s.Points)-1].T + 1000, V: 1})
			}
		}},
		{"rows out of order", results.Order, func(r *results.Result) {
			if r.Type == "matrix" && len(r.Series) > 1 {
				r.Series[0], r.Series[1] = r.Series[1], r.Series[0]
			}
		}},
		{"a missing warning", results.Annotations, func(r *results.Result) { r.Warnings = nil }},
		{"a missing info", results.Annotations, func(r *results.Result) { r.Infos = nil }},
		{"an answer instead of an error", results.Error, func(r *results.Result) {
			if r.ErrType != "" {
				*r = results.Result{Type: "vector"}
			}
		}},
		{"an error instead of an answer", results.Error, func(r *results.Result) {
			if r.ErrType == "" {
				*r = results.Result{ErrType: "execution", Err: "no"}
			}
		}},
		{"another type of error", results.ErrorType, func(r *results.Result) {
			if r.ErrType == "execution" {
				r.ErrType = "internal"
			}
		}},
		{"another type of result", results.Type, func(r *results.Result) {
			if r.Type == "vector" {
				r.Type = "matrix"
			}
		}},
		{"no error type at all", results.Transport, func(r *results.Result) {
			if r.ErrType == "bad_data" {
				r.ErrType = "" // with neither type nor rows, the answer makes no sense
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tester := &Tester{
				Prometheus: prom, Engine: fake(t, prom, c.tamper), Compare: results.Options{Relative: 1e-9},
				ShrinkBudget: 60,
			}
			_, failures := runAll(tester, queries)
			if len(failures) == 0 {
				t.Fatal("not found")
			}
			smallest := failures[0].Small.Text
			for _, f := range failures {
				if f.Diff.Kind != c.kind {
					t.Errorf("found as %q, not %q: %s", f.Diff.Kind, c.kind, f.Diff.Text)
				}
				if len(f.Small.Text) < len(smallest) {
					smallest = f.Small.Text
				}
			}
			if len(smallest) > 90 {
				t.Errorf("the smallest query is long: %s", smallest)
			}
		})
	}
}

// alternating gives one of two answers in turn, as Prometheus does where
// the order of Go's maps decides.
type alternating struct{ n int }

func (a *alternating) Run(context.Context, results.Query) results.Result {
	a.n++
	return results.Result{Type: "scalar", Series: []results.Series{{Points: []results.Point{{V: float64(a.n % 2)}}}}}
}

type constant float64

func (c constant) Run(context.Context, results.Query) (results.Result, error) {
	return results.Result{Type: "scalar", Series: []results.Series{{Points: []results.Point{{V: float64(c)}}}}}, nil
}

func TestUndetermined(t *testing.T) {
	for _, c := range []struct {
		answer                       constant
		passed, failed, undetermined int
	}{{0, 1, 0, 0}, {1, 1, 0, 0}, {2, 0, 0, 1}} {
		tester := &Tester{Prometheus: &alternating{}, Engine: c.answer}
		tally, _ := runAll(tester, []results.Query{{Text: "1"}})
		if tally.Passed != c.passed || tally.Failed != c.failed || tally.Undetermined != c.undetermined {
			t.Errorf("%v: %d passed, %d failed, %d undetermined", c.answer, tally.Passed, tally.Failed, tally.Undetermined)
		}
	}
}

type fixed results.Result

func (f fixed) Run(context.Context, results.Query) results.Result { return results.Result(f) }

func TestPrometheusPanics(t *testing.T) {
	broken := fixed{ErrType: "execution", Err: "unexpected error: runtime error: index out of range [1] with length 1"}
	tester := &Tester{Prometheus: broken, Engine: constant(1)}
	if tally, _ := runAll(tester, []results.Query{{Text: "1"}}); tally.Panicked != 1 || tally.Failed != 0 {
		t.Errorf("%+v", tally)
	}
	broken.Err = "many-to-many matching not allowed"
	tester.Prometheus = broken
	if tally, _ := runAll(tester, []results.Query{{Text: "1"}}); tally.Panicked != 0 || tally.Failed != 1 {
		t.Errorf("%+v", tally)
	}
}
