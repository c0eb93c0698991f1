// Package promengine serves the Prometheus engine over a data directory, in
// process, with Prometheus's own HTTP API.
package promengine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
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
	engine   *promql.Engine
	db       *tsdb.DB
	copy     string
	features []string
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
	r := &Engine{copy: tmp, features: features}
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
	r.engine = promql.NewEngine(EngineOptions(features))
	return nil
}

// Close closes the engine and removes the copy of the data.
func (r *Engine) Close() error {
	return errors.Join(r.engine.Close(), r.db.Close(), os.RemoveAll(r.copy))
}

// Range is the first and the last time with a sample, in milliseconds.
func (r *Engine) Range() (mint, maxt int64) {
	mint, maxt = r.db.Head().MinTime(), r.db.Head().MaxTime()
	for _, b := range r.db.Blocks() {
		mint, maxt = min(mint, b.MinTime()), max(maxt, b.MaxTime()-1)
	}
	return mint, maxt
}
