package promengine

import (
	"context"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// untrimmed leaves samples outside of the query's range in the series, which
// the engine skips by itself. Prometheus v0.316.0 cuts them off by adding two
// intervals to the series' deleted ones, and runs out of a slice
// (tombstones.Intervals.Add) when it cuts at both ends and the series has
// deleted samples at or after the end: the query fails with "unexpected error:
// runtime error: index out of range". Without the cut, the answer is the
// correct one, with one exception: timestamp(m @ t offset o) reads samples at t
// that the cut would have removed.
type untrimmed struct{ storage.Queryable }

func (u untrimmed) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := u.Queryable.Querier(mint, maxt)
	return untrimmedQuerier{q}, err
}

type untrimmedQuerier struct{ storage.Querier }

func (q untrimmedQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	h := storage.SelectHints{}
	if hints != nil {
		h = *hints
	}
	h.DisableTrimming = true
	return q.Querier.Select(ctx, sorted, &h, matchers...)
}
