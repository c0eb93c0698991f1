// Package promengine answers queries with the Prometheus engine, in process.
package promengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/stats"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// Features are the values of Prometheus's --enable-feature that change the
// meaning of queries.
var Features = []string{
	"promql-experimental-functions",
	"promql-binop-fill-modifiers",
	"promql-unquoted-utf8-names",
	"promql-delayed-name-removal",
	"type-and-unit-labels",
	"use-start-timestamps",
	"promql-per-step-stats",
	"st-storage",
}

// ParserOptions are the parser's options under the given features.
func ParserOptions(features []string) parser.Options {
	return parser.Options{
		EnableExperimentalFunctions: slices.Contains(features, "promql-experimental-functions"),
		EnableBinopFillModifiers:    slices.Contains(features, "promql-binop-fill-modifiers"),
		EnableUnquotedUTF8Names:     slices.Contains(features, "promql-unquoted-utf8-names"),
	}
}

// EngineOptions are the engine's options as the Prometheus server sets them.
func EngineOptions(features []string) promql.EngineOpts {
	return promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  2 * time.Minute,
		LookbackDelta:            5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnablePerStepStats:       slices.Contains(features, "promql-per-step-stats"),
		EnableDelayedNameRemoval: slices.Contains(features, "promql-delayed-name-removal"),
		EnableTypeAndUnitLabels:  slices.Contains(features, "type-and-unit-labels"),
		UseStartTimestamps:       slices.Contains(features, "use-start-timestamps"),
		Parser:                   parser.NewParser(ParserOptions(features)),
	}
}

// Engine is a Prometheus engine over a copy of a data directory.
type Engine struct {
	engine *promql.Engine
	db     *tsdb.DB
	copy   string
	stats  bool
}

// Open copies the data directory, since opening one locks it, repairs it and
// writes to it, and opens the copy.
func Open(dir string, features []string) (*Engine, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "promengine-")
	if err != nil {
		return nil, err
	}
	r := &Engine{copy: tmp}
	if err := r.open(dir, features); err != nil {
		return nil, errors.Join(fmt.Errorf("promengine: %s: %w", dir, err), os.RemoveAll(tmp))
	}
	return r, nil
}

func (r *Engine) open(dir string, features []string) error {
	data := filepath.Join(r.copy, "data")
	if err := fixtures.CopyDir(data, dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(data, "lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = 0
	opts.EnableOverlappingCompaction = false
	opts.OutOfOrderTimeWindow = time.Hour.Milliseconds()
	if slices.Contains(features, "st-storage") {
		opts.EnableSTStorage, opts.EnableHistogramSTEncoding = true, true
		opts.FloatChunkEncoding = chunkenc.EncXOR2
	}
	var err error
	if r.db, err = tsdb.Open(data, slog.New(slog.DiscardHandler), nil, opts, nil); err != nil {
		return err
	}
	r.db.DisableCompactions()
	opt := EngineOptions(features)
	r.engine, r.stats = promql.NewEngine(opt), opt.EnablePerStepStats
	return nil
}

// Close closes the engine and removes the copy of the data.
func (r *Engine) Close() error {
	return errors.Join(r.engine.Close(), r.db.Close(), os.RemoveAll(r.copy))
}

// PromQL is the engine itself.
func (r *Engine) PromQL() *promql.Engine { return r.engine }

// Storage is the opened data.
func (r *Engine) Storage() storage.Queryable { return r.db }

// Range is the first and the last time with a sample, in milliseconds.
func (r *Engine) Range() (mint, maxt int64) {
	mint, maxt = r.db.Head().MinTime(), r.db.Head().MaxTime()
	for _, b := range r.db.Blocks() {
		mint, maxt = min(mint, b.MinTime()), max(maxt, b.MaxTime()-1)
	}
	return mint, maxt
}

// Series are the label sets of all series.
func (r *Engine) Series(ctx context.Context) ([]labels.Labels, error) {
	q, err := r.db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	var out []labels.Labels
	set := q.Select(ctx, true, nil, labels.MustNewMatcher(labels.MatchRegexp, "any", ".*"))
	for set.Next() {
		out = append(out, set.At().Labels())
	}
	return out, set.Err()
}

// Run answers a query. If the engine panics, it runs the query again without
// the cut that causes the panic, as untrimmed describes.
func (r *Engine) Run(ctx context.Context, q results.Query) results.Result {
	res := r.run(ctx, sorted{r.db}, q)
	if Panicked(res) {
		return r.run(ctx, untrimmed{sorted{r.db}}, q)
	}
	return res
}

// Panicked reports whether a result is a panic that the engine turned into an
// error.
func Panicked(r results.Result) bool {
	return r.ErrType == "execution" && strings.HasPrefix(r.Err, "unexpected error: ")
}

func (r *Engine) run(ctx context.Context, s storage.Queryable, q results.Query) results.Result {
	opts := promql.NewPrometheusQueryOpts(r.stats, 0, nil)
	var (
		query promql.Query
		err   error
	)
	if q.Instant() {
		query, err = r.engine.NewInstantQuery(ctx, s, opts, q.Text, time.UnixMilli(q.Start))
	} else {
		query, err = r.engine.NewRangeQuery(ctx, s, opts, q.Text, time.UnixMilli(q.Start), time.UnixMilli(q.End), time.Duration(q.Step)*time.Millisecond)
	}
	if err != nil {
		return results.Result{ErrType: "bad_data", Err: fmt.Sprintf("invalid parameter %q: %s", "query", err)}
	}
	defer query.Close()
	res := convert(query.Exec(ctx), q.Text)
	if r.stats && res.ErrType == "" {
		res.Steps, err = steps(query)
		if err != nil {
			return results.Result{ErrType: "internal", Err: err.Error()}
		}
	}
	return res
}

// steps are a query's statistics in the form of the HTTP API.
func steps(query promql.Query) (*results.Steps, error) {
	b, err := json.Marshal(stats.NewQueryStats(query.Stats()))
	if err != nil {
		return nil, err
	}
	var out struct {
		Samples results.Steps `json:"samples"`
	}
	err = json.Unmarshal(b, &out)
	return &out.Samples, err
}

// errorType names the class of an execution error as the HTTP API does.
func errorType(err error) string {
	var (
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
		storage  promql.ErrStorage
	)
	switch {
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &timeout):
		return "timeout"
	case errors.As(err, &storage):
		return "internal"
	}
	return "execution"
}

func convert(res *promql.Result, text string) results.Result {
	if res.Err != nil {
		return results.Result{ErrType: errorType(res.Err), Err: res.Err.Error()}
	}
	out := results.Result{Type: string(res.Value.Type())}
	out.Warnings, out.Infos = res.Warnings.AsStrings(text, 0, 0)
	switch v := res.Value.(type) {
	case promql.Vector:
		for _, s := range v {
			out.Series = append(out.Series, results.Series{Labels: s.Metric.Map(), Points: []results.Point{point(s.T, s.F, s.H)}})
		}
	case promql.Matrix:
		for _, s := range v {
			out.Series = append(out.Series, row(s))
		}
	case promql.Scalar:
		out.Series = []results.Series{{Points: []results.Point{{T: v.T, V: v.V}}}}
	case promql.String:
		out.Text = v.V
	}
	return out
}

func row(s promql.Series) results.Series {
	out := results.Series{Labels: s.Metric.Map(), Points: make([]results.Point, 0, len(s.Floats)+len(s.Histograms))}
	for _, p := range s.Floats {
		out.Points = append(out.Points, point(p.T, p.F, nil))
	}
	for _, p := range s.Histograms {
		out.Points = append(out.Points, point(p.T, 0, p.H))
	}
	slices.SortStableFunc(out.Points, func(a, b results.Point) int { return int(a.T - b.T) })
	return out
}

func point(t int64, f float64, h *histogram.FloatHistogram) results.Point {
	if h == nil {
		return results.Point{T: t, V: f}
	}
	out := &results.Histogram{Count: h.Count, Sum: h.Sum}
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		if b.Count == 0 {
			continue
		}
		bounds := 2
		switch {
		case b.LowerInclusive && b.UpperInclusive:
			bounds = 3
		case b.LowerInclusive:
			bounds = 1
		case b.UpperInclusive:
			bounds = 0
		}
		out.Buckets = append(out.Buckets, results.Bucket{Bounds: bounds, Lower: b.Lower, Upper: b.Upper, Count: b.Count})
	}
	return results.Point{T: t, H: out}
}
