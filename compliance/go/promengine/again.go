package promengine

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
)

// again is an engine that selects series in the order of their labels, and runs
// a query on which it panics once more without the cut that causes the panic, as
// untrimmed describes.
type again struct{ engine *promql.Engine }

func (a again) NewInstantQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	return twice(q, func(q storage.Queryable) (promql.Query, error) {
		return a.engine.NewInstantQuery(ctx, q, opts, text, at)
	})
}

func (a again) NewRangeQuery(ctx context.Context, q storage.Queryable, opts promql.QueryOpts, text string, start, end time.Time, step time.Duration) (promql.Query, error) {
	return twice(q, func(q storage.Queryable) (promql.Query, error) {
		return a.engine.NewRangeQuery(ctx, q, opts, text, start, end, step)
	})
}

func twice(q storage.Queryable, make func(storage.Queryable) (promql.Query, error)) (promql.Query, error) {
	first, err := make(sorted{q})
	if err != nil {
		return nil, err
	}
	return &query{Query: first, second: func() (promql.Query, error) { return make(untrimmed{sorted{q}}) }}, nil
}

// query is a query that may run twice.
type query struct {
	promql.Query
	second func() (promql.Query, error)
}

func (q *query) Exec(ctx context.Context) *promql.Result {
	res := q.Query.Exec(ctx)
	if !panicked(res) {
		return res
	}
	second, err := q.second()
	if err != nil {
		return res
	}
	q.Query.Close()
	q.Query = second
	return second.Exec(ctx)
}

// panicked reports whether a result is a panic that the engine turned into an
// error.
func panicked(res *promql.Result) bool {
	return res.Err != nil && strings.HasPrefix(res.Err.Error(), "unexpected error: ")
}
