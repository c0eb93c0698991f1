package quarrel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

func promqlParser() parser.Parser { return parser.NewParser(promqltest.TestParserOpts) }

// A querier answers each select with a function.
type querier struct {
	storage.Querier
	selected func(ctx context.Context) storage.SeriesSet
}

func (q querier) Select(ctx context.Context, _ bool, _ *storage.SelectHints, _ ...*labels.Matcher) storage.SeriesSet {
	return q.selected(ctx)
}

func answering(selected func(ctx context.Context) storage.SeriesSet) storage.Queryable {
	return storage.QueryableFunc(func(int64, int64) (storage.Querier, error) {
		return querier{storage.NoopQuerier(), selected}, nil
	})
}

// empty has no series.
var empty = answering(func(context.Context) storage.SeriesSet { return storage.EmptySeriesSet() })

// A listSet returns series in the order of a list.
type listSet struct {
	storage.SeriesSet
	series []storage.Series
	next   int
}

func (s *listSet) Next() bool         { s.next++; return s.next <= len(s.series) }
func (s *listSet) At() storage.Series { return s.series[s.next-1] }

// A warnedSet is an empty series set with a warning.
type warnedSet struct {
	storage.SeriesSet
	warnings annotations.Annotations
}

func (s warnedSet) Warnings() annotations.Annotations { return s.warnings }

func TestQueriesThatAreNotPromQL(t *testing.T) {
	engine := newEngine(t, nil)
	_, err := engine.NewInstantQuery(t.Context(), empty, nil, "sum(", time.Time{})
	var parseErrors parser.ParseErrors
	require.ErrorAs(t, err, &parseErrors)
	_, err = engine.NewRangeQuery(t.Context(), empty, nil, "up[5m]", time.Time{}, time.Time{}, time.Second)
	require.EqualError(t, err, `invalid expression type "range vector" for range query, must be Scalar or instant Vector`)
	_, err = engine.NewRangeQuery(t.Context(), empty, nil, "up", time.Unix(0, 0), time.Unix(9, 0), 0)
	require.ErrorContains(t, err, "interval")
}

func TestOptionsAreRefusedOrKept(t *testing.T) {
	_, err := quarrel.NewEngine(quarrel.Options{EngineOpts: promql.EngineOpts{MaxSamples: -1}})
	require.ErrorContains(t, err, "negative")
	engine := newEngine(t, func(o *quarrel.Options) {
		o.EnableAtModifier, o.EnableNegativeOffset = false, false
		o.ParserOptions = parser.Options{}
	})
	for text, want := range map[string]error{
		"up @ 5":                promql.ErrValidationAtModifierDisabled,
		"rate(up[5m] @ end())":  promql.ErrValidationAtModifierDisabled,
		"up offset -5m":         promql.ErrValidationNegativeOffsetDisabled,
		"up[5m:1m] offset -5m":  promql.ErrValidationNegativeOffsetDisabled,
		"sum(up[5m] @ start())": nil,
	} {
		_, err := engine.NewInstantQuery(t.Context(), empty, nil, text, time.Time{})
		if want == nil {
			require.Error(t, err)
			continue
		}
		require.ErrorIs(t, err, want, text)
	}
	_, err = engine.NewInstantQuery(t.Context(), empty, nil, "mad_over_time(up[5m])", time.Time{})
	require.ErrorContains(t, err, "not enabled")
}

func TestTooManySamples(t *testing.T) {
	engine := newEngine(t, func(o *quarrel.Options) { o.MaxSamples = 50 })
	store := promqltest.LoadedStorage(t, data)
	result := instant(t, engine, store, "requests_total[1h]", time.Unix(3600, 0))
	var tooMany promql.ErrTooManySamples
	require.ErrorAs(t, result.Err, &tooMany)
	require.EqualError(t, result.Err, "query processing would load too many samples into memory in query execution")
	require.Nil(t, result.Value)
}

func TestErrorsOfTheEvaluation(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	result := instant(t, newEngine(t, nil), store, `label_replace(up, "instance", "x", "", "")`, time.Unix(600, 0))
	require.EqualError(t, result.Err, "vector cannot contain metrics with the same labelset")
}

func TestErrorsOfTheStorage(t *testing.T) {
	engine := newEngine(t, nil)
	burnt := errors.New("the disk burnt down")
	failing := answering(func(context.Context) storage.SeriesSet { return storage.ErrSeriesSet(burnt) })
	result := instant(t, engine, failing, "sum(up) + sum(down)", time.Time{})
	require.ErrorIs(t, result.Err, burnt)
	require.EqualError(t, result.Err, "expanding series: the disk burnt down")
	var class promql.ErrStorage
	require.ErrorAs(t, result.Err, &class)
	require.EqualError(t, class, "expanding series: the disk burnt down")

	closed := storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return nil, burnt })
	require.Equal(t, burnt, instant(t, engine, closed, "up", time.Time{}).Err)
	// A query without a selector does not ask the storage.
	require.NoError(t, instant(t, engine, closed, "1 + 1", time.Time{}).Err)
}

func TestSeriesOutOfOrder(t *testing.T) {
	store := answering(func(context.Context) storage.SeriesSet {
		return &listSet{SeriesSet: storage.EmptySeriesSet(), series: []storage.Series{
			storage.NewListSeries(labels.FromStrings("b", "1"), nil),
			storage.NewListSeries(labels.FromStrings("a", "1"), nil),
		}}
	})
	result := instant(t, newEngine(t, nil), store, "up", time.Time{})
	var class promql.ErrStorage
	require.ErrorAs(t, result.Err, &class)
	require.ErrorContains(t, result.Err, "series must be sorted by labels")
}

func TestWarningsOfTheStorage(t *testing.T) {
	slow := errors.New("one of three stores did not answer")
	warned := answering(func(context.Context) storage.SeriesSet {
		return warnedSet{storage.EmptySeriesSet(), annotations.New().Add(slow)}
	})
	result := instant(t, newEngine(t, nil), warned, "up", time.Time{})
	require.NoError(t, result.Err)
	require.Equal(t, []error{slow}, result.Warnings.AsErrors())
}

// A panic of the storage ends the query, not the program or the engine.
func TestAPanicOfTheStorage(t *testing.T) {
	engine := newEngine(t, nil)
	panicking := answering(func(context.Context) storage.SeriesSet { panic("no such page") })
	result := instant(t, engine, panicking, "up", time.Time{})
	require.EqualError(t, result.Err, "unexpected error: no such page")
	require.NoError(t, instant(t, engine, empty, "up", time.Time{}).Err)
}

func TestTimeAndCancellation(t *testing.T) {
	engine := newEngine(t, func(o *quarrel.Options) { o.Timeout = 50 * time.Millisecond })
	waiting := answering(func(ctx context.Context) storage.SeriesSet {
		<-ctx.Done()
		return storage.ErrSeriesSet(ctx.Err())
	})
	result := instant(t, engine, waiting, "up", time.Time{})
	require.Equal(t, promql.ErrQueryTimeout("expression evaluation"), result.Err)

	unlimited := newEngine(t, func(o *quarrel.Options) { o.Timeout = 0 })
	for name, end := range map[string]func(promql.Query, context.CancelFunc){
		"context": func(_ promql.Query, cancel context.CancelFunc) { cancel() },
		"query":   func(query promql.Query, _ context.CancelFunc) { query.Cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			reading := make(chan struct{})
			store := answering(func(ctx context.Context) storage.SeriesSet {
				close(reading)
				<-ctx.Done()
				return storage.ErrSeriesSet(ctx.Err())
			})
			query, err := unlimited.NewInstantQuery(t.Context(), store, nil, "up", time.Time{})
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-reading
				end(query, cancel)
			}()
			require.Equal(t, promql.ErrQueryCanceled("expression evaluation"), query.Exec(ctx).Err)
		})
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	query, err := unlimited.NewInstantQuery(t.Context(), waiting, nil, "up", time.Time{})
	require.NoError(t, err)
	require.Equal(t, promql.ErrQueryCanceled("query execution"), query.Exec(ctx).Err)
}

// A long computation ends at its timeout.
func TestTimeWhileComputing(t *testing.T) {
	engine := newEngine(t, func(o *quarrel.Options) {
		o.Timeout = 10 * time.Millisecond
		o.MaxSamples = 500_000_000
	})
	store := promqltest.LoadedStorage(t, data)
	begin := time.Now()
	// The one function whose steps cost as much as their windows are long.
	text := "sum(double_exponential_smoothing(requests_total[1h:1s], 0.5, 0.5))"
	result := ranged(t, engine, store, text, time.Unix(0, 0), time.Unix(36000, 0), time.Second)
	require.Equal(t, promql.ErrQueryTimeout("expression evaluation"), result.Err)
	require.Less(t, time.Since(begin), 20*time.Second)
}

func TestAQueryRunsOnce(t *testing.T) {
	engine := newEngine(t, nil)
	query, err := engine.NewInstantQuery(t.Context(), empty, nil, "1", time.Time{})
	require.NoError(t, err)
	require.NoError(t, query.Exec(t.Context()).Err)
	require.ErrorContains(t, query.Exec(t.Context()).Err, "a query runs once")
	query.Close()
	query.Close()
}

func TestAClosedEngine(t *testing.T) {
	engine, err := quarrel.NewEngine(quarrel.Options{})
	require.NoError(t, err)
	before, err := engine.NewInstantQuery(t.Context(), empty, nil, "up", time.Time{})
	require.NoError(t, err)
	require.NoError(t, engine.Close())
	require.NoError(t, engine.Close())
	_, err = engine.NewInstantQuery(t.Context(), empty, nil, "up", time.Time{})
	require.ErrorContains(t, err, "the engine is closed")
	require.ErrorContains(t, before.Exec(t.Context()).Err, "no engine has the handle")
}
