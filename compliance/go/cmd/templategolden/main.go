// Command templategolden writes what Prometheus makes of templates. quarrel's
// templates are compared with it.
//
// Usage: go run ./cmd/templategolden > ../tests/templates.jsonl
//
// Each line is a JSON object: the template "t", and the text "out" that it
// gives, or the error "err". All have the data of `data` and the answers of
// `query`, which compliance/tests/templates.rs has, too.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

type record struct {
	Text  string  `json:"t"`
	Out   *string `json:"out,omitempty"`
	Error string  `json:"err,omitempty"`
}

// definitions stand in front of each template of an alert.
const definitions = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

func data() any {
	series := map[string]string{"job": "api", "instance": "node1.example.com:9100", "code": "500", "empty": "", "num": "12.5"}
	external := map[string]string{"region": "eu", "cluster": "c-1"}
	return template.AlertTemplateData(series, external, "http://prom.example.com/x", promql.Sample{F: 1234.5678})
}

// query answers the few queries that templates ask.
func query(_ context.Context, q string, _ time.Time) (promql.Vector, error) {
	sample := func(value float64, pairs ...string) promql.Sample {
		return promql.Sample{F: value, Metric: labels.FromStrings(pairs...)}
	}
	switch q {
	case "two":
		return promql.Vector{
			sample(2, "__name__", "up", "job", "b", "__value__", "two"),
			sample(1.5, "__name__", "up", "job", "a"),
		}, nil
	case "none":
		return promql.Vector{}, nil
	case "hist":
		h := &histogram.FloatHistogram{
			Schema: 1, Count: 3, Sum: 4.5, ZeroCount: 1, ZeroThreshold: 0.001,
			PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []float64{1, 1},
		}
		return promql.Vector{{H: h, Metric: labels.FromStrings("job", "h")}}, nil
	}
	return nil, fmt.Errorf("no such query %s", q)
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	seen := map[string]bool{}
	for _, text := range texts() {
		if seen[text] {
			continue
		}
		seen[text] = true
		rec := record{Text: text}
		at := model.Time(1_700_000_000_123)
		expander := template.NewTemplateExpander(context.Background(), definitions+text, "__alert_Golden", data(), at, query, nil, nil)
		got, err := expander.Expand()
		if err != nil {
			rec.Error = err.Error()
		} else {
			rec.Out = &got
		}
		if strings.Contains(got, "0xc0") || strings.Contains(rec.Error, "0xc0") {
			log.Fatalf("%s shows an address", text)
		}
		if err := enc.Encode(rec); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
