package quarrel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"
)

var _ promql.Query = (*query)(nil)

// A query is one run of a query text.
type query struct {
	engine    *Engine
	queryable storage.Queryable
	text      string
	statement *parser.EvalStmt
	timers    *stats.QueryTimers
	samples   *stats.QuerySamples
	run       owned
	started   atomic.Bool
	cancel    atomic.Pointer[context.CancelFunc]
}

// Exec runs the query to its end. It can be called once.
func (q *query) Exec(ctx context.Context) *promql.Result {
	value, warnings, err := q.exec(ctx)
	return &promql.Result{Value: value, Warnings: warnings, Err: err}
}

// Close releases the query, and ends it if it runs. Its result stays valid.
func (q *query) Close() { _ = q.run.release() }

// Statement is the parsed query.
func (q *query) Statement() parser.Statement { return q.statement }

// Stats returns the query's statistics.
func (q *query) Stats() *stats.Statistics {
	return &stats.Statistics{Timers: q.timers, Samples: q.samples}
}

// Cancel ends the query if it runs.
func (q *query) Cancel() {
	if cancel := q.cancel.Load(); cancel != nil {
		(*cancel)()
	}
}

func (q *query) String() string { return q.text }

func (q *query) exec(ctx context.Context) (value parser.Value, warnings annotations.Annotations, err error) {
	if !q.started.CompareAndSwap(false, true) {
		return nil, nil, errors.New("quarrel: a query runs once")
	}
	defer q.Close()
	ctx, cancel := q.limit(ctx)
	defer cancel()
	q.cancel.Store(&cancel)

	total, ctx := q.timers.GetSpanTimer(ctx, stats.ExecTotalTime)
	defer total.Finish()
	leave, err := q.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	evaluating, ctx := q.timers.GetSpanTimer(ctx, stats.EvalTotalTime)
	defer evaluating.Finish()
	if ctx.Err() != nil {
		return nil, nil, ended(ctx, execution)
	}
	stop := context.AfterFunc(ctx, func() { _ = cancelQuery(q.run.get()) })
	defer stop()

	samples := &sampleReader{ctx: ctx, queryable: q.queryable}
	defer samples.close()
	defer func() {
		// A panic of the storage must not end the program.
		if panicked := recover(); panicked != nil {
			value, warnings, err = nil, samples.warnings, fmt.Errorf("unexpected error: %v", panicked)
		}
	}()
	value, annotations, err := q.evaluate(ctx, samples)
	warnings = samples.warnings
	warnings.Merge(annotations)
	return value, warnings, err
}

// limit bounds the time of a query.
func (q *query) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if timeout := q.engine.options.Timeout; timeout > 0 {
		return context.WithTimeout(ctx, timeout)
	}
	return context.WithCancel(ctx)
}

// enter waits until the query may run.
func (q *query) enter(ctx context.Context) (leave func(), err error) {
	tracker := q.engine.options.ActiveQueryTracker
	if tracker == nil {
		return func() {}, nil
	}
	waiting, _ := q.timers.GetSpanTimer(ctx, stats.ExecQueueTime)
	defer waiting.Finish()
	index, err := tracker.Insert(ctx, q.text)
	if err != nil {
		return nil, err
	}
	return func() { tracker.Delete(index) }, nil
}

// evaluate runs the query, and reads the samples that it requests.
func (q *query) evaluate(ctx context.Context, samples *sampleReader) (parser.Value, annotations.Annotations, error) {
	var (
		done   *result
		wanted request
	)
	for done == nil {
		err := next(q.run.get(), func(outcome status, bytes []byte) (err error) {
			if outcome == statusSelect {
				wanted, err = decodeRequest(bytes)
				return err
			}
			done, err = decodeResult(bytes)
			return err
		})
		if err != nil {
			return nil, nil, asPromQL(ctx, err, q.text)
		}
		if done != nil {
			break
		}
		err = samples.read(wanted, func(part []byte, last bool) error {
			return answer(q.run.get(), part, last)
		})
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, nil, ended(ctx, evaluation)
		case err != nil:
			return nil, nil, asPromQL(ctx, err, q.text)
		}
	}
	done.counts.fill(q.samples)
	return done.value, done.annotations, nil
}
