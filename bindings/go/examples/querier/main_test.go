package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
)

// Prometheus's API answers with what quarrel computes, and counts its queries.
func TestTheAPIAnswers(t *testing.T) {
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	app := db.Appender(t.Context())
	for i := range int64(60) {
		if _, err := app.Append(0, labels.FromStrings("__name__", "requests_total", "job", "api"), i*15_000, float64(30*i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	engine, handler, err := newHandler(db, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	server := httptest.NewServer(handler)
	defer server.Close()
	get := func(path string) string {
		t.Helper()
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for path, want := range map[string]string{
		"/api/v1/query_range?query=max_over_time(requests_total[2m])&start=600&end=720&step=60": `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"api"},"values":[[600,"1200"],[660,"1320"],[720,"1440"]]}]}}`,
		"/api/v1/query?query=sum(requests_total)&time=600":                                      `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[600,"1200"]}]}}`,
		"/api/v1/query?query=sum(": `"errorType":"bad_data"`,
		"/api/v1/labels":           `["__name__","job"]`,
	} {
		if got := get(path); !strings.Contains(got, want) {
			t.Errorf("%s: %s instead of %s", path, got, want)
		}
	}
	if got := get("/metrics"); !strings.Contains(got, `prometheus_engine_query_duration_histogram_seconds_count{slice="inner_eval"} 2`) {
		t.Errorf("metrics: %s", got)
	}
}
