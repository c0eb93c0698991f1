package quarrel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/stats"
)

var (
	_ promql.QueryEngine       = (*Engine)(nil)
	_ promql.QuerySlotAcquirer = (*Engine)(nil)
)

// An Engine evaluates PromQL queries. It has its own threads, which its
// queries share; make one for a process. Its methods may be called from any
// goroutine.
type Engine struct {
	options  Options
	engine   owned
	metrics  *engineMetrics
	rewrites bool
	cost     atomic.Pointer[queryCost]

	loggerMutex sync.RWMutex
	queryLogger promql.QueryLogger
}

// NewEngine makes an engine.
func NewEngine(options Options) (*Engine, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	options.complete()
	handle, err := newEngine(options.encode())
	if err != nil {
		return nil, fmt.Errorf("quarrel: %w", err)
	}
	e := &Engine{options: options, metrics: newMetrics(&options.EngineOpts), rewrites: options.rewrites()}
	registerFeatures(&options.EngineOpts)
	e.engine = owns(e, handle, freeEngine)
	return e, nil
}

var errClosed = errors.New("quarrel: the engine is closed")

// Close releases the engine. Running queries continue, others fail. Closing
// again does nothing.
func (e *Engine) Close() error {
	return e.engine.release()
}

// AcquireQuerySlot waits for a place among the queries that run at once, for work
// that is no query. The function that it returns gives the place back.
func (e *Engine) AcquireQuerySlot(ctx context.Context, qs string) (release func(), err error) {
	tracker := e.options.ActiveQueryTracker
	if tracker == nil {
		return func() {}, nil
	}
	index, err := tracker.Insert(ctx, qs)
	if err != nil {
		return func() {}, err
	}
	return func() { tracker.Delete(index) }, nil
}

// NewInstantQuery makes a query at one time.
func (e *Engine) NewInstantQuery(_ context.Context, q storage.Queryable, opts promql.QueryOpts, qs string, ts time.Time) (promql.Query, error) {
	expr, err := e.options.Parser.ParseExpr(qs)
	if err != nil {
		return nil, err
	}
	return e.newQuery(expr, q, opts, qs, ts, ts, 0)
}

// NewRangeQuery makes a query at all times from start to end, interval apart.
func (e *Engine) NewRangeQuery(_ context.Context, q storage.Queryable, opts promql.QueryOpts, qs string, start, end time.Time, interval time.Duration) (promql.Query, error) {
	expr, err := e.options.Parser.ParseExpr(qs)
	if err != nil {
		return nil, err
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return nil, fmt.Errorf("invalid expression type %q for range query, must be Scalar or instant Vector", parser.DocumentedType(t))
	}
	if interval.Milliseconds() <= 0 && !(interval == 0 && start.Equal(end)) {
		return nil, fmt.Errorf("quarrel: an interval of %s for a range query", interval)
	}
	return e.newQuery(expr, q, opts, qs, start, end, interval)
}

// checkModifiers refuses modifiers that are not enabled.
func (e *Engine) checkModifiers(expr parser.Expr) error {
	if e.options.EnableAtModifier && e.options.EnableNegativeOffset {
		return nil
	}
	var refused error
	check := func(timestamp *int64, bound parser.ItemType, offset time.Duration) {
		switch {
		case !e.options.EnableAtModifier && (timestamp != nil || bound == parser.START || bound == parser.END):
			refused = promql.ErrValidationAtModifierDisabled
		case !e.options.EnableNegativeOffset && offset < 0:
			refused = promql.ErrValidationNegativeOffsetDisabled
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			check(n.Timestamp, n.StartOrEnd, n.OriginalOffset)
		case *parser.SubqueryExpr:
			check(n.Timestamp, n.StartOrEnd, n.OriginalOffset)
		}
		return refused
	})
	return refused
}

func (e *Engine) newQuery(expr parser.Expr, q storage.Queryable, opts promql.QueryOpts, qs string, start, end time.Time, interval time.Duration) (promql.Query, error) {
	own := e.ownOptions(opts)
	var err error
	if own.cost, err = e.costOf(opts); err != nil {
		return nil, err
	}
	if err := e.checkModifiers(expr); err != nil {
		return nil, err
	}
	text := qs
	if e.rewrites {
		text = expr.String()
	}
	expr, err = promql.PreprocessExpr(expr, start, end, interval)
	if err != nil {
		return nil, err
	}
	message, err := e.encodeQuery(expr, text, start, end, interval, own)
	if err != nil {
		return nil, err
	}
	if e.engine.get() == 0 {
		return nil, errClosed
	}
	return &query{
		engine:    e,
		queryable: q,
		text:      qs,
		message:   message,
		statement: &parser.EvalStmt{Expr: expr, Start: start, End: end, Interval: interval, LookbackDelta: own.lookback},
		timers:    stats.NewQueryTimers(),
		samples:   stats.NewQuerySamples(own.perStepStats),

		startTimestamps: own.startTimestamps,
		maxDuration:     own.cost.duration,
	}, nil
}

// queryOptions are the options of a single query.
type queryOptions struct {
	lookback        time.Duration
	startTimestamps bool
	perStepStats    bool
	cost            queryCost
}

func (e *Engine) ownOptions(opts promql.QueryOpts) queryOptions {
	own := queryOptions{lookback: e.options.LookbackDelta, startTimestamps: e.options.UseStartTimestamps}
	if opts == nil {
		return own
	}
	if lookback := opts.LookbackDelta(); lookback > 0 {
		own.lookback = lookback
	}
	own.perStepStats = e.options.EnablePerStepStats && opts.EnablePerStepStats()
	if use := opts.UseStartTimestamps(); use != nil {
		own.startTimestamps = *use
	}
	return own
}

// encodeQuery makes the message that rust/src/options.rs reads: text, times,
// and the steps of subqueries without a step, by their range.
func (e *Engine) encodeQuery(expr parser.Expr, qs string, start, end time.Time, interval time.Duration, own queryOptions) ([]byte, error) {
	w := writer{bytes: make([]byte, 0, 96+len(qs))}
	w.text(qs)
	w.i64(start.UnixMilli())
	w.i64(end.UnixMilli())
	w.i64(interval.Milliseconds())
	w.i64(own.lookback.Milliseconds())
	w.flag(own.startTimestamps)
	w.flag(own.perStepStats)
	w.u64(own.cost.series)
	w.u64(own.cost.samplesRead)
	at, count := w.reserve(), uint32(0)
	var failed error
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if subquery, ok := node.(*parser.SubqueryExpr); ok && subquery.Step == 0 {
			step, err := e.options.subqueryStep(subquery.Range.Milliseconds())
			if err != nil {
				failed = err
				return err
			}
			w.i64(subquery.Range.Milliseconds())
			w.i64(step)
			count++
		}
		return nil
	})
	w.set(at, count)
	return w.bytes, failed
}
