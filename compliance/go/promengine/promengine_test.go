package promengine

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/queries"
)

func open(t *testing.T) *Engine {
	dir := filepath.Join(t.TempDir(), "data")
	if err := fixtures.Build(dir, fixtures.Options{Seed: 1, Shape: fixtures.Mixed}); err != nil {
		t.Fatal(err)
	}
	prom, err := Open(dir, nil)
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

// exec runs a query on samples as a Queryable gives them.
func exec(t *testing.T, e *promql.Engine, s storage.Queryable, q queries.Query) *promql.Result {
	ctx := context.Background()
	var (
		query promql.Query
		err   error
	)
	if q.Step == 0 {
		query, err = e.NewInstantQuery(ctx, s, nil, q.Text, time.UnixMilli(q.Start))
	} else {
		query, err = e.NewRangeQuery(ctx, s, nil, q.Text, time.UnixMilli(q.Start), time.UnixMilli(q.End), time.Duration(q.Step)*time.Millisecond)
	}
	if err != nil {
		return &promql.Result{Err: err}
	}
	t.Cleanup(query.Close)
	return query.Exec(ctx)
}

// floats are the floats of a result by label set and time.
func floats(res *promql.Result) map[string]map[int64]float64 {
	out := map[string]map[int64]float64{}
	switch v := res.Value.(type) {
	case promql.Vector:
		for _, s := range v {
			out[s.Metric.String()] = map[int64]float64{s.T: s.F}
		}
	case promql.Matrix:
		for _, s := range v {
			row := map[int64]float64{}
			for _, p := range s.Floats {
				row[p.T] = p.F
			}
			out[s.Metric.String()] = row
		}
	}
	return out
}

func same(a, b map[string]map[int64]float64) bool {
	if len(a) != len(b) {
		return false
	}
	for labels, row := range a {
		other, ok := b[labels]
		if !ok || len(row) != len(other) {
			return false
		}
		for at, x := range row {
			y, ok := other[at]
			near := x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), math.Abs(y))
			if !ok || !near {
				return false
			}
		}
	}
	return true
}

// Where the engine does not panic, untrimmed samples give the same answer.
func TestUntrimmedGivesTheSame(t *testing.T) {
	prom := open(t)
	texts, err := queries.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	mint, maxt := prom.Range()
	var all []queries.Query
	for _, text := range texts {
		all = append(all, queries.At(text, mint, maxt)...)
	}
	panics, equal := 0, 0
	for i := 0; i < len(all); i += 3 {
		q := all[i]
		a := exec(t, prom.engine, sorted{prom.db}, q)
		b := exec(t, prom.engine, untrimmed{sorted{prom.db}}, q)
		switch {
		case panicked(b):
			t.Errorf("%+v: panics even so: %v", q, b.Err)
		case panicked(a):
			panics++
		case (a.Err == nil) != (b.Err == nil) || a.Err == nil && !same(floats(a), floats(b)):
			t.Errorf("%+v: %v, untrimmed %v", q, a, b)
		default:
			equal++
		}
	}
	if panics == 0 || equal < 1_000 {
		t.Errorf("%d panics, %d the same", panics, equal)
	}
}

func TestServeAnswersWithoutPanics(t *testing.T) {
	prom := open(t)
	base, stop, err := prom.Serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, path := range []string{"/api/v1/metadata", "/api/v1/query?query=vector(1)", "/api/v1/series?match[]=up"} {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		var answer struct{ Status string }
		if err != nil || json.Unmarshal(body, &answer) != nil || answer.Status != "success" {
			t.Errorf("%s: %v %s", path, err, body)
		}
	}
	// The engine alone panics on some of the hand-written queries.
	texts, err := queries.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	mint, maxt := prom.Range()
	found := 0
	for _, text := range texts {
		for _, q := range queries.At(text, mint, maxt)[:3] {
			if !panicked(exec(t, prom.engine, sorted{prom.db}, q)) {
				continue
			}
			found++
			form := url.Values{"query": {q.Text}, "time": {time.UnixMilli(q.Start).Format(time.RFC3339Nano)}}
			resp, err := http.PostForm(base+"/api/v1/query", form)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			// Another error may be the right answer.
			if err != nil || bytes.Contains(body, []byte("unexpected error")) {
				t.Errorf("%+v: %v %s", q, err, body)
			}
		}
	}
	if found == 0 {
		t.Error("no query on which the engine panics")
	}
}
