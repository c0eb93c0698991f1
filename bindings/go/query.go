package quarrel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	message   []byte // what rust/src/options.rs reads
	// Whether the query looks at start timestamps.
	startTimestamps bool
	// How long it may take, in the place of the engine's timeout; 0 for that.
	maxDuration time.Duration

	mutex  sync.Mutex
	stage  stage
	cancel context.CancelFunc // while it runs
}

// A stage of a query's life.
type stage uint8

const (
	waiting stage = iota
	running
	closed
)

// Exec runs the query to its end. It can be called once.
func (q *query) Exec(ctx context.Context) *promql.Result {
	value, warnings, err := q.exec(ctx)
	return &promql.Result{Value: value, Warnings: warnings, Err: err}
}

// Close releases the query, and ends it if it runs. Its result stays valid.
func (q *query) Close() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	switch q.stage {
	case waiting:
		q.stage = closed
	case running:
		q.cancel()
	}
}

// begin begins the run, which cancel ends.
func (q *query) begin(cancel context.CancelFunc) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.stage != waiting {
		return errors.New("quarrel: a query runs once, and not when it is closed")
	}
	q.stage, q.cancel = running, cancel
	return nil
}

// end ends the run.
func (q *query) end() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.stage, q.cancel = closed, nil
}

// Statement is the parsed query.
func (q *query) Statement() parser.Statement { return q.statement }

// Stats returns the query's statistics.
func (q *query) Stats() *stats.Statistics {
	return &stats.Statistics{Timers: q.timers, Samples: q.samples}
}

// Cancel ends the query if it runs.
func (q *query) Cancel() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.cancel != nil {
		q.cancel()
	}
}

func (q *query) String() string { return q.text }

func (q *query) exec(ctx context.Context) (value parser.Value, warnings annotations.Annotations, err error) {
	ctx, cancel := q.limit(ctx)
	defer cancel()
	if err := q.begin(cancel); err != nil {
		return nil, nil, err
	}
	defer q.end()
	q.engine.metrics.current.Inc()
	defer func() { q.observe(ctx, err) }()

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
	handle, err := newQuery(q.engine.engine.get(), q.message)
	if err != nil {
		return nil, nil, asPromQL(ctx, err, q.text)
	}
	// Nobody else has the handle: the query's memory is written to until here.
	defer func() { _ = freeQuery(handle) }()

	samples := &sampleReader{ctx: ctx, queryable: q.queryable, noChunks: q.engine.options.NoChunkQuerier}
	samples.encoder.withStarts = q.startTimestamps
	defer samples.close()
	defer func() {
		// A panic of the storage must not end the program.
		if panicked := recover(); panicked != nil {
			value, warnings, err = nil, samples.warnings, fmt.Errorf("unexpected error: %v", panicked)
		}
	}()
	value, annotations, err := q.evaluate(ctx, handle, samples)
	warnings = samples.warnings
	warnings.Merge(annotations)
	return value, warnings, err
}

// observe counts a query that has ended, and logs it.
func (q *query) observe(ctx context.Context, err error) {
	metrics := q.engine.metrics
	metrics.current.Dec()
	metrics.samples.Add(float64(q.samples.TotalSamples))
	metrics.samplesRead.Add(float64(q.samples.SamplesRead))
	if q.engine.options.EnableQueryCost {
		q.engine.observeCost(ctx, q, err)
	}
	q.engine.log(ctx, q, err)
}

// limit bounds the time of a query.
func (q *query) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if q.maxDuration > 0 {
		return context.WithTimeoutCause(ctx, q.maxDuration, errCostDuration)
	}
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
	queue := q.engine.metrics.queue
	waiting, _ := q.timers.GetSpanTimer(ctx, stats.ExecQueueTime, queue.summary, queue.histogram)
	defer waiting.Finish()
	index, err := tracker.Insert(ctx, q.text)
	if err != nil {
		return nil, err
	}
	return func() { tracker.Delete(index) }, nil
}

// evaluate runs the query, and reads the samples that it requests.
func (q *query) evaluate(ctx context.Context, handle uint64, samples *sampleReader) (parser.Value, annotations.Annotations, error) {
	samples.part.query = handle
	timer := q.time(ctx, stats.QueryPreparationTime, q.engine.metrics.prepare)
	finish := func() {
		if timer != nil {
			timer.Finish()
			timer = nil
		}
	}
	defer finish()
	preparing, waits := true, false
	for {
		became, message, err := next(handle, waits)
		if err != nil {
			return nil, nil, asPromQL(ctx, err, q.text)
		}
		if !waits && (became == statusBusy || became == statusFeed) {
			// What is computed here, while nobody can cancel it, takes a moment alone.
			waits = true
			stop := context.AfterFunc(ctx, func() { _ = cancelQuery(handle) })
			defer stop()
		}
		if preparing && became != statusSelect {
			finish()
			timer = q.time(ctx, stats.InnerEvalTime, q.engine.metrics.evaluate)
			preparing = false
		}
		switch became {
		case statusBusy:
			continue
		case statusDone:
			finish()
			if q.statement.Interval > 0 {
				// Instant vectors are not sorted.
				timer = q.time(ctx, stats.ResultSortTime, q.engine.metrics.sort)
			}
			return q.answer(handle, message, samples)
		case statusFeed:
			r := reader{rest: message}
			err = samples.feed(int(r.u32()))
		default:
			var wanted []request
			if wanted, err = decodeRequests(message); err == nil {
				err = samples.read(wanted)
			}
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, nil, ended(ctx, evaluation)
		case err != nil:
			return nil, nil, asPromQL(ctx, err, q.text)
		}
	}
}

// time begins a part of the query's time.
func (q *query) time(ctx context.Context, name stats.QueryTiming, of slice) *stats.SpanTimer {
	timer, _ := q.timers.GetSpanTimer(ctx, name, of.summary, of.histogram)
	return timer
}

// answer reads the query's answer.
func (q *query) answer(handle uint64, message []byte, samples *sampleReader) (parser.Value, annotations.Annotations, error) {
	done, err := decodeResult(message, samples.selects, func(points []promql.FPoint) error {
		return floats(handle, points)
	})
	if err != nil {
		return nil, nil, err
	}
	done.counts.fill(q.samples)
	return done.value, done.annotations, nil
}
