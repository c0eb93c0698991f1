package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/quarrel-engine/quarrel/compliance/go/apicheck"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// loggedSeries are series whose log has exemplars and metadata.
var loggedSeries = []struct {
	labels labels.Labels
	meta   metadata.Metadata
}{
	{labels.FromStrings("__name__", "requests_total", "job", "a"), metadata.Metadata{Type: model.MetricTypeCounter, Help: "Requests \"<&>\".", Unit: ""}},
	{labels.FromStrings("__name__", "requests_total", "job", "b"), metadata.Metadata{Type: model.MetricTypeCounter, Help: "Requests.", Unit: "requests"}},
	{labels.FromStrings("__name__", "seconds_bucket", "job", "a", "le", "1"), metadata.Metadata{Type: model.MetricTypeHistogram, Help: "Seconds.", Unit: "seconds"}},
	{labels.FromStrings("__name__", "seconds_bucket", "job", "a", "le", "+Inf"), metadata.Metadata{Type: model.MetricTypeHistogram, Help: "Seconds.", Unit: "seconds"}},
	{labels.FromStrings("__name__", "temperature", "room", "ü"), metadata.Metadata{Type: model.MetricTypeGauge, Help: "Degrees."}},
}

// loggedMetadata is what quarrel's `metadata` says about them. A Prometheus knows
// no metadata but that of its targets.
const loggedMetadata = `{"status":"success","data":{"requests_total":[{"type":"counter","unit":"","help":"Requests \"\u003c\u0026\u003e\"."},{"type":"counter","unit":"requests","help":"Requests."}],"seconds":[{"type":"histogram","unit":"seconds","help":"Seconds."}],"temperature":[{"type":"gauge","unit":"","help":"Degrees."}]}}`

func exemplarAt(value float64, timestamp int64, pairs ...string) exemplar.Exemplar {
	return exemplar.Exemplar{Labels: labels.FromStrings(pairs...), Value: value, Ts: timestamp, HasTs: true}
}

// writeLog makes a data directory whose log has exemplars and metadata.
func writeLog(dir string) error {
	opts := tsdb.DefaultOptions()
	opts.EnableExemplarStorage = true
	opts.MaxExemplars = 1000
	opts.RetentionDuration = 100 * 365 * 24 * 3600 * 1000
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, opts, nil)
	if err != nil {
		return err
	}
	db.DisableCompactions()
	for step := range int64(20) {
		app := db.Appender(context.Background())
		now := fixtures.Start + step*15_000
		for i, s := range loggedSeries {
			ref, err := app.Append(0, s.labels, now, float64(step))
			if err != nil {
				return err
			}
			if step == 0 {
				if _, err := app.UpdateMetadata(ref, s.labels, s.meta); err != nil {
					return err
				}
			}
			for _, e := range exemplarsOf(i, step, now) {
				// Those that are out of order are not taken.
				_, _ = app.AppendExemplar(ref, s.labels, e)
			}
		}
		if err := app.Commit(); err != nil {
			return err
		}
	}
	return db.Close()
}

func exemplarsOf(series int, step, now int64) []exemplar.Exemplar {
	trace := fmt.Sprintf("%x", step*1000+int64(series))
	switch {
	case series == 4:
		return nil
	case step%5 == 0:
		return []exemplar.Exemplar{exemplarAt(float64(step), now, "trace_id", trace), exemplarAt(float64(step), now, "trace_id", trace), exemplarAt(float64(step)+0.5, now, "trace_id", trace+"b"), exemplarAt(1, now-60_000, "trace_id", "old")}
	case step%5 == 1:
		return []exemplar.Exemplar{exemplarAt(1e-7*float64(step), now+1, "trace_id", trace, "span.id", "\"<ü>"), exemplarAt(1, now+2)}
	}
	return nil
}

// compareLogged compares what both servers read of exemplars in the log.
func compareLogged(ctx context.Context, c config, tmp string, only *regexp.Regexp, count func(string)) error {
	data := filepath.Join(tmp, "logged")
	if err := writeLog(data); err != nil {
		return err
	}
	copied := filepath.Join(tmp, "logged-prometheus")
	if err := fixtures.CopyDir(copied, data); err != nil {
		return err
	}
	want, err := process.Prometheus(ctx, c.prometheus, copied, "", []string{"exemplar-storage"})
	if err != nil {
		return err
	}
	defer want.Close()
	got := want
	if !c.self {
		if got, err = process.Quarrel(ctx, c.quarrel, data, nil); err != nil {
			return err
		}
		defer got.Close()
	}
	at := func(seconds int64) string { return strconv.FormatInt(fixtures.Start/1000+seconds, 10) }
	for _, q := range []string{"requests_total", `requests_total{job="a"}`, `requests_total{job!="a"}`, "seconds_bucket", "histogram_quantile(0.9, sum by (le) (rate(seconds_bucket[5m])))", "requests_total + on () group_left temperature", "nope", `{job="a"}`, `{job=~"a|b", le=""}`, "1", `sum(rate(requests_total{job="b"}[5m] offset 1h)) or seconds_bucket`, "temperature", "quantile(scalar(requests_total), seconds_bucket)"} {
		for _, span := range [][2]int64{{0, 300}, {75, 75}, {75, 150}, {76, 149}, {-1000, -1}, {301, 1000}} {
			f := url.Values{"query": {q}, "start": {at(span[0])}, "end": {at(span[1])}}
			r := apicheck.Request{Method: http.MethodGet, Path: "/api/v1/query_exemplars", Form: f}
			if only.MatchString(r.String()) {
				count(compareHTTP(ctx, want.URL, got.URL, r))
			}
		}
		f := url.Values{"query": {q}}
		count(compareHTTP(ctx, want.URL, got.URL, apicheck.Request{Method: http.MethodPost, Path: "/api/v1/query_exemplars", Form: f}))
	}
	all := apicheck.Request{Method: http.MethodGet, Path: "/api/v1/query_exemplars", Form: url.Values{"query": {"requests_total"}}}
	if answer, err := apicheck.Ask(ctx, want.URL, all); err != nil || !strings.Contains(string(answer.Body), "trace_id") {
		return fmt.Errorf("no exemplars: %s, %v", answer.Body, err)
	}
	if c.self {
		return nil
	}
	for path, want := range map[string]string{
		"metadata": loggedMetadata, "metadata?limit=40000": loggedMetadata, "metadata?limit_per_metric=2": loggedMetadata,
		"metadata?limit=0":                                  `{"status":"success","data":{}}`,
		"metadata?metric=nope":                              `{"status":"success","data":{}}`,
		"metadata?metric=seconds":                           `{"status":"success","data":{"seconds":[{"type":"histogram","unit":"seconds","help":"Seconds."}]}}`,
		"metadata?limit_per_metric=1&metric=requests_total": `{"status":"success","data":{"requests_total":[{"type":"counter","unit":"","help":"Requests \"\u003c\u0026\u003e\"."}]}}`,
	} {
		answer, err := apicheck.Ask(ctx, got.URL, apicheck.Request{Method: http.MethodGet, Path: "/api/v1/" + path})
		if err != nil {
			return err
		}
		if text := strings.TrimSpace(string(answer.Body)); text != want {
			count(fmt.Sprintf("DIFFERENCE: %s\n  want %s\n  got %s\n", path, want, text))
		} else {
			count("")
		}
	}
	return nil
}
