package quarrel_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/stats"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

const data = `
load 30s
  requests_total{job="api", instance="a"}   0+3x120
  requests_total{job="api", instance="b"}   0+5x60 1+5x59
  requests_total{job="web", instance="a"}   0+7x40 stale _x39 1+7x40
  temperature{room="kitchen"}               20+0.1x60 NaN Inf -Inf 20x60
  up{job="api", instance="a"}               1x120
  up{job="api", instance="b"}               1x30 0x30 1x60
  latency_bucket{le="0.1"}                  0+1x120
  latency_bucket{le="1"}                    0+2x120
  latency_bucket{le="+Inf"}                 0+3x120
`

func newEngine(t testing.TB, change func(*quarrel.Options)) *quarrel.Engine {
	t.Helper()
	options := quarrel.Options{EngineOpts: engineOpts(), ParserOptions: promqltest.TestParserOpts}
	if change != nil {
		change(&options)
	}
	engine, err := quarrel.NewEngine(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine
}

func engineOpts() promql.EngineOpts {
	return promql.EngineOpts{
		MaxSamples:               1_000_000,
		Timeout:                  time.Minute,
		LookbackDelta:            5 * time.Minute,
		NoStepSubqueryIntervalFn: func(rangeMillis int64) int64 { return max(1000, rangeMillis/20) },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
	}
}

func instant(t testing.TB, engine promql.QueryEngine, q storage.Queryable, text string, at time.Time) *promql.Result {
	t.Helper()
	query, err := engine.NewInstantQuery(context.Background(), q, nil, text, at)
	require.NoError(t, err)
	defer query.Close()
	require.Equal(t, text, query.String())
	return query.Exec(context.Background())
}

func ranged(t testing.TB, engine promql.QueryEngine, q storage.Queryable, text string, start, end time.Time, step time.Duration) *promql.Result {
	t.Helper()
	query, err := engine.NewRangeQuery(context.Background(), q, nil, text, start, end, step)
	require.NoError(t, err)
	defer query.Close()
	return query.Exec(context.Background())
}

// requireSame compares what promql.Engine answers with what quarrel answers.
func requireSame(t *testing.T, want, got *promql.Result, text string) {
	t.Helper()
	require.NoError(t, want.Err)
	require.NoError(t, got.Err)
	require.IsType(t, want.Value, got.Value)
	// The order of an instant vector means something only if the query sorts.
	if strings.HasPrefix(text, "sort") || strings.HasPrefix(text, "topk") {
		require.Equal(t, want.Value.String(), got.Value.String())
	} else {
		require.ElementsMatch(t, strings.Split(want.Value.String(), "\n"), strings.Split(got.Value.String(), "\n"))
	}
	warnings, infos := want.Warnings.AsStrings(text, 0, 0)
	gotWarnings, gotInfos := got.Warnings.AsStrings(text, 0, 0)
	require.ElementsMatch(t, warnings, gotWarnings)
	require.ElementsMatch(t, infos, gotInfos)
}

func TestAnswersAsPromQLEngine(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	mine := newEngine(t, nil)
	opts := engineOpts()
	opts.Parser = promqlParser()
	theirs := promqltest.NewTestEngineWithOpts(t, opts)
	at := time.Unix(1800, 0)
	for _, text := range []string{
		`up`,
		`up[3m]`,
		`up == 0`,
		`-temperature`,
		`"a string"`,
		`1 + time()`,
		`sum by (job) (rate(requests_total[5m]))`,
		`sort_desc(sum by (job) (rate(requests_total[5m])))`,
		`topk(2, requests_total)`,
		`requests_total / on (instance, job) group_left () up`,
		`histogram_quantile(0.9, rate(latency_bucket[5m]))`,
		`max_over_time(rate(requests_total[2m])[10m:])`,
		`max_over_time(rate(requests_total[2m])[10m:30s] offset 5m)`,
		`requests_total @ 600 - requests_total offset -1m`,
		`rate(temperature[5m])`,
		`label_replace(up, "x", "$1-ü", "instance", "(.*)")`,
		`count_values("state", up)`,
		`absent(nothing{job="api"})`,
		`quantile(2, up)`,
		`nothing`,
	} {
		t.Run(text, func(t *testing.T) {
			requireSame(t, instant(t, theirs, store, text, at), instant(t, mine, store, text, at), text)
			query, err := theirs.NewRangeQuery(t.Context(), store, nil, text, at, at.Add(time.Hour), time.Minute)
			if err != nil {
				_, mineErr := mine.NewRangeQuery(t.Context(), store, nil, text, at, at.Add(time.Hour), time.Minute)
				require.EqualError(t, mineErr, err.Error())
				return
			}
			defer query.Close()
			got := ranged(t, mine, store, text, at, at.Add(time.Hour), time.Minute)
			requireSame(t, query.Exec(t.Context()), got, text)
		})
	}
}

func TestARangeQueryOfOneTimeIsAnInstantQuery(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	at := time.Unix(600, 0)
	result := ranged(t, newEngine(t, nil), store, "up", at, at, 0)
	require.NoError(t, result.Err)
	require.IsType(t, promql.Vector{}, result.Value)
}

func TestALookbackDeltaOfTheQuery(t *testing.T) {
	store := promqltest.LoadedStorage(t, "load 1m\n  up 1")
	engine := newEngine(t, nil)
	for lookback, series := range map[time.Duration]int{0: 1, time.Minute: 0, 3 * time.Minute: 1} {
		opts := promql.NewPrometheusQueryOpts(false, lookback, nil)
		query, err := engine.NewInstantQuery(t.Context(), store, opts, "up", time.Unix(120, 0))
		require.NoError(t, err)
		result := query.Exec(t.Context())
		require.NoError(t, result.Err)
		require.Len(t, result.Value, series, "lookback %s", lookback)
	}
}

func TestStartTimestampsOfTheQuery(t *testing.T) {
	store := promqltest.NewBuiltinTestStorage(t)
	app := store.AppenderV2(t.Context())
	series := labels.FromStrings("__name__", "x_total")
	for minute := range int64(5) {
		// Each sample counts since the sample before it.
		start, end := minute*60_000, (minute+1)*60_000
		_, err := app.Append(0, series, start, end, 30, nil, nil, storage.AppendV2Options{})
		require.NoError(t, err)
	}
	require.NoError(t, app.Commit())
	engine := newEngine(t, nil)
	for _, use := range []bool{false, true} {
		opts := promql.NewPrometheusQueryOpts(false, 0, &use)
		query, err := engine.NewInstantQuery(t.Context(), store, opts, "increase(x_total[5m])", time.Unix(300, 0))
		require.NoError(t, err)
		result := query.Exec(t.Context())
		require.NoError(t, result.Err)
		require.Equal(t, use, result.Value.(promql.Vector)[0].F > 0)
	}
}

func TestStats(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	query, err := newEngine(t, nil).NewInstantQuery(t.Context(), store, nil, "max_over_time(up[5m])", time.Unix(600, 0))
	require.NoError(t, err)
	defer query.Close()
	require.NoError(t, query.Exec(t.Context()).Err)
	samples := query.Stats().Samples
	require.EqualValues(t, 20, samples.TotalSamples)
	require.EqualValues(t, 2, samples.TotalSeries)
	require.Positive(t, samples.SamplesRead)
	require.NotNil(t, query.Statement())
}

func TestStatsOfEachStep(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	opts := engineOpts()
	opts.EnablePerStepStats = true
	mine := newEngine(t, func(o *quarrel.Options) { o.EngineOpts = opts })
	opts.Parser = promqlParser()
	theirs := promqltest.NewTestEngineWithOpts(t, opts)
	of := func(engine promql.QueryEngine, asked bool) *stats.QuerySamples {
		own := promql.NewPrometheusQueryOpts(asked, 0, nil)
		query, err := engine.NewRangeQuery(t.Context(), store, own, "sum(rate(requests_total[5m])) + scalar(up @ 60)", time.Unix(0, 0), time.Unix(600, 0), time.Minute)
		require.NoError(t, err)
		defer query.Close()
		require.NoError(t, query.Exec(t.Context()).Err)
		return query.Stats().Samples
	}
	want, got := of(theirs, true), of(mine, true)
	require.Equal(t, want.TotalSamplesPerStepMap(), got.TotalSamplesPerStepMap())
	require.Equal(t, want.SamplesReadPerStepMap(), got.SamplesReadPerStepMap())
	require.Equal(t, want.TotalSamples, got.TotalSamples)
	require.Nil(t, of(mine, false).TotalSamplesPerStepMap())
}

func TestTypesOfMetrics(t *testing.T) {
	store := promqltest.LoadedStorage(t, "load 1m\n  x{__type__=\"counter\"} 0+1x10")
	for _, on := range []bool{false, true} {
		engine := newEngine(t, func(o *quarrel.Options) { o.EnableTypeAndUnitLabels = on })
		result := instant(t, engine, store, "rate(x[5m])", time.Unix(600, 0))
		require.NoError(t, result.Err)
		require.Equal(t, on, len(result.Warnings) == 0)
	}
}

// Many goroutines share an engine, and each reads its own storage.
func TestConcurrentQueries(t *testing.T) {
	engine := newEngine(t, nil)
	var all sync.WaitGroup
	for worker := range 8 {
		store := promqltest.LoadedStorage(t, fmt.Sprintf("load 1m\n  up{worker=\"%d\"} %d+1x60", worker, worker*100))
		all.Go(func() {
			for minute := range 50 {
				result := instant(t, engine, store, "sum(up) + 0 * sum(count_over_time(up[1h]))", time.Unix(int64(minute)*60, 0))
				if result.Err != nil || len(result.Value.(promql.Vector)) != 1 {
					t.Errorf("worker %d: %v", worker, result)
					return
				}
				if got, want := result.Value.(promql.Vector)[0].F, float64(worker*100+minute); got != want {
					t.Errorf("worker %d at minute %d: %v instead of %v", worker, minute, got, want)
				}
			}
		})
	}
	all.Wait()
}

// Deep trees need more stack than a goroutine's thread has.
func TestDeepQueries(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	engine := newEngine(t, nil)
	for _, text := range []string{
		strings.Repeat("abs(", 900) + "up" + strings.Repeat(")", 900),
		"up" + strings.Repeat(" + 1 - 1", 4000),
		"up" + strings.Repeat(" or up", 300),
	} {
		result := instant(t, engine, store, text, time.Unix(1200, 0))
		require.NoError(t, result.Err)
		require.Len(t, result.Value.(promql.Vector), 2)
	}
}
