package quarrel

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/features"
)

// A slice is a part of a query's time, in both forms that promql.Engine has.
type slice struct{ summary, histogram prometheus.Observer }

// engineMetrics are those of promql.Engine, by the same names.
type engineMetrics struct {
	current, maxConcurrent, logEnabled prometheus.Gauge
	logFailures, samples, samplesRead  prometheus.Counter
	queue, prepare, evaluate, sort     slice
	rejected                           *prometheus.CounterVec // with query cost
	seriesTouched, costSamples         prometheus.Histogram   // with query cost
}

func newMetrics(opts *promql.EngineOpts) *engineMetrics {
	const namespace, subsystem = "prometheus", "engine"
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}
	}
	durations := prometheus.NewSummaryVec(prometheus.SummaryOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "query_duration_seconds", Help: "Query timings",
		Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.99: 0.001},
	}, []string{"slice"})
	histograms := prometheus.NewHistogramVec(histogram("query_duration_histogram_seconds",
		"The duration of various parts of PromQL query execution.", []float64{.01, .1, 1, 10}), []string{"slice"})
	of := func(name string) slice {
		return slice{durations.WithLabelValues(name), histograms.WithLabelValues(name)}
	}
	m := &engineMetrics{
		current:       gauge("queries", "The current number of queries being executed or waiting."),
		maxConcurrent: gauge("queries_concurrent_max", "The max number of concurrent queries."),
		logEnabled:    gauge("query_log_enabled", "State of the query log."),
		logFailures:   counter("query_log_failures_total", "The number of query log failures."),
		samples:       counter("query_samples_total", "The total number of samples loaded by all queries (full window per step for range-vector)."),
		samplesRead:   counter("query_samples_read_total", "The total number of samples read by all queries (only new points per step for range-vector)."),
		queue:         of("queue_time"),
		prepare:       of("prepare_time"),
		evaluate:      of("inner_eval"),
		sort:          of("result_sort"),
	}
	m.maxConcurrent.Set(-1)
	if tracker := opts.ActiveQueryTracker; tracker != nil {
		m.maxConcurrent.Set(float64(tracker.GetMaxConcurrent()))
	}
	all := []prometheus.Collector{m.current, m.maxConcurrent, m.logEnabled, m.logFailures, m.samples, m.samplesRead, durations, histograms}
	if opts.EnableQueryCost {
		m.rejected = prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "query_rejected_total",
			Help: "The total number of queries rejected by cost guardrails, by reason.",
		}, []string{"reason"})
		m.seriesTouched = prometheus.NewHistogram(histogram("query_series_touched",
			"The number of series touched by a query (per-selector sum, an upper bound on distinct series).", prometheus.ExponentialBuckets(1, 4, 12)))
		m.costSamples = prometheus.NewHistogram(histogram("query_samples_read",
			"The number of samples read by a query.", prometheus.ExponentialBuckets(100, 4, 12)))
		all = append(all, m.rejected, m.seriesTouched, m.costSamples)
	}
	if opts.Reg != nil {
		opts.Reg.MustRegister(all...)
	}
	return m
}

// registerFeatures tells the registry what the engine can do, as promql.Engine does.
func registerFeatures(opts *promql.EngineOpts) {
	r := opts.FeatureRegistry
	if r == nil {
		return
	}
	r.Set(features.PromQL, "at_modifier", opts.EnableAtModifier)
	r.Set(features.PromQL, "negative_offset", opts.EnableNegativeOffset)
	r.Set(features.PromQL, "per_step_stats", opts.EnablePerStepStats)
	r.Set(features.PromQL, "delayed_name_removal", opts.EnableDelayedNameRemoval)
	r.Set(features.PromQL, "type_and_unit_labels", opts.EnableTypeAndUnitLabels)
	r.Enable(features.PromQL, "per_query_lookback_delta")
	r.Enable(features.PromQL, "subqueries")
	opts.Parser.RegisterFeatures(r)
}
