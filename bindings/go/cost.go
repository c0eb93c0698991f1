package quarrel

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql"
)

// queryCost are the limits of what a query may cost; 0 is none.
type queryCost struct {
	series, samplesRead uint64
	duration            time.Duration
}

// errCostDuration is the cause of a query's end at its maximum duration.
var errCostDuration = errors.New("quarrel: the query's maximum duration is over")

// SetQueryLimits sets the limits of what each query may cost: the series that its
// selectors find together, the samples that it reads, and its time, which stands in
// the place of EngineOpts.Timeout. A limit of 0 is none. They are enforced with
// EnableQueryCost alone, and a query may lower them for itself.
func (e *Engine) SetQueryLimits(maxSeries, maxSamplesRead uint64, maxQueryDuration time.Duration) {
	e.cost.Store(&queryCost{maxSeries, maxSamplesRead, maxQueryDuration})
}

// costOf are the limits of a query: its own, where they are not above the engine's.
func (e *Engine) costOf(opts promql.QueryOpts) (cost queryCost, err error) {
	if !e.options.EnableQueryCost {
		return cost, nil
	}
	if limits := e.cost.Load(); limits != nil {
		cost = *limits
	}
	own, ok := opts.(promql.QueryCostOpts)
	if !ok {
		return cost, nil
	}
	text := func(n uint64) string { return strconv.FormatUint(n, 10) }
	if cost.series, err = lower("max_series", own.MaxSeries(), cost.series, text); err != nil {
		return cost, err
	}
	if cost.samplesRead, err = lower("max_samples_read", own.MaxSamplesRead(), cost.samplesRead, text); err != nil {
		return cost, err
	}
	if asked := own.MaxQueryDuration(); asked > 0 {
		most := cost.duration
		if most <= 0 {
			most = e.options.Timeout
		}
		cost.duration, err = lower("max_query_duration", asked, most, time.Duration.String)
	}
	return cost, err
}

// lower is a limit that a query asks for, which is not above another one.
func lower[T uint64 | time.Duration](name string, asked, most T, text func(T) string) (T, error) {
	switch {
	case asked == 0:
		return most, nil
	case most > 0 && asked > most:
		return 0, promql.ErrLimitAboveCeiling{Limit: name, Requested: text(asked), Ceiling: text(most)}
	}
	return asked, nil
}

// observeCost counts what a query cost, and whether it was refused for that.
func (e *Engine) observeCost(ctx context.Context, q *query, err error) {
	e.metrics.costSamples.Observe(float64(q.samples.SamplesRead))
	e.metrics.seriesTouched.Observe(float64(q.samples.TotalSeries))
	var (
		series  promql.ErrTooManySeries
		samples promql.ErrTooManySamplesRead
		timeout promql.ErrQueryTimeout
	)
	switch {
	case errors.As(err, &series):
		e.metrics.rejected.WithLabelValues("max_series").Inc()
	case errors.As(err, &samples):
		e.metrics.rejected.WithLabelValues("max_samples_read").Inc()
	case errors.As(err, &timeout) && errors.Is(context.Cause(ctx), errCostDuration):
		e.metrics.rejected.WithLabelValues("max_duration").Inc()
	}
}
