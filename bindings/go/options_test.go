package quarrel_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/util/features"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

// both makes the two engines with the same options.
func both(t *testing.T, change func(*promql.EngineOpts)) (theirs *promql.Engine, mine *quarrel.Engine) {
	t.Helper()
	opts := engineOpts()
	change(&opts)
	theirs = promql.NewEngine(opts)
	opts = engineOpts()
	change(&opts)
	return theirs, newEngine(t, func(o *quarrel.Options) { o.EngineOpts = opts })
}

func TestTheParserDecides(t *testing.T) {
	store := promqltest.LoadedStorage(t, "load 1m\n  up 1+1x60\n  fill 5\n  other 6")
	at := time.Unix(1800, 0)
	for _, options := range []parser.Options{{}, promqltest.TestParserOpts} {
		theirs, mine := both(t, func(o *promql.EngineOpts) { o.Parser = parser.NewParser(options) })
		for _, text := range []string{
			"up", "mad_over_time(up[5m])", "up + fill(3) nothing", "up + on () fill", "fill + on () other", "up{", "sum(up", "first_over_time(up[3m])",
		} {
			want, err := theirs.NewInstantQuery(t.Context(), store, nil, text, at)
			if err != nil {
				_, mineErr := mine.NewInstantQuery(t.Context(), store, nil, text, at)
				require.EqualError(t, mineErr, err.Error())
				continue
			}
			requireSame(t, want.Exec(t.Context()), instant(t, mine, store, text, at), text)
		}
	}
}

// doubling is a parser that gives another expression than its text is.
type doubling struct{ parser.Parser }

func (d doubling) ParseExpr(text string) (parser.Expr, error) {
	return d.Parser.ParseExpr("2 * (" + text + ")")
}

func TestAParserThatRewrites(t *testing.T) {
	store := promqltest.LoadedStorage(t, "load 1m\n  up 7x60")
	theirs, mine := both(t, func(o *promql.EngineOpts) { o.Parser = doubling{promqlParser()} })
	at := time.Unix(600, 0)
	want := instant(t, theirs, store, "up", at)
	require.EqualValues(t, 14, want.Value.(promql.Vector)[0].F)
	requireSame(t, want, instant(t, mine, store, "up", at), "up")
}

// The same names, kinds, labels and helps, and the counts of what ran.
func TestMetricsOfTheEngine(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	for _, cost := range []bool{false, true} {
		gathered := func(run func(promql.QueryEngine), of func(promql.EngineOpts) promql.QueryEngine) map[string]float64 {
			registry := prometheus.NewPedanticRegistry()
			opts := engineOpts()
			opts.Reg, opts.EnableQueryCost = registry, cost
			run(of(opts))
			families, err := registry.Gather()
			require.NoError(t, err)
			found := map[string]float64{}
			for _, f := range families {
				for _, m := range f.GetMetric() {
					name := f.GetName() + " " + f.GetHelp() + " " + f.GetType().String()
					for _, l := range m.GetLabel() {
						name += " " + l.GetName() + "=" + l.GetValue()
					}
					value := m.GetGauge().GetValue() + m.GetCounter().GetValue() +
						float64(m.GetSummary().GetSampleCount()+m.GetHistogram().GetSampleCount())
					// How many of its samples a query has read is counted otherwise.
					if !strings.Contains(name, "samples_read") {
						found[name] = value
					} else {
						found[name] = 0
					}
				}
			}
			return found
		}
		run := func(engine promql.QueryEngine) {
			for range 3 {
				require.NoError(t, instant(t, engine, store, "sum(rate(requests_total[5m]))", time.Unix(1800, 0)).Err)
				require.NoError(t, ranged(t, engine, store, "sum(rate(requests_total[5m]))", time.Unix(600, 0), time.Unix(1800, 0), time.Minute).Err)
			}
		}
		want := gathered(run, func(o promql.EngineOpts) promql.QueryEngine { return promql.NewEngine(o) })
		got := gathered(run, func(o promql.EngineOpts) promql.QueryEngine {
			return newEngine(t, func(q *quarrel.Options) { q.EngineOpts = o })
		})
		require.Equal(t, want, got)
	}
}

type queryLog struct {
	slog.Handler
	closed *bool
}

func (l queryLog) Close() error { *l.closed = true; return nil }

func TestTheQueryLog(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	theirs, mine := both(t, func(*promql.EngineOpts) {})
	logged := func(engine interface {
		promql.QueryEngine
		SetQueryLogger(promql.QueryLogger)
	}) string {
		var out bytes.Buffer
		var closed bool
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "stats" {
				return slog.Attr{}
			}
			return a
		}
		engine.SetQueryLogger(queryLog{slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: drop}), &closed})
		ctx := promql.NewOriginContext(t.Context(), map[string]any{"rule": "x"})
		for _, text := range []string{"sum(up)", `label_replace(up, "instance", "x", "", "")`} {
			query, err := engine.NewRangeQuery(ctx, store, nil, text, time.Unix(600, 0), time.Unix(1200, 0), time.Minute)
			require.NoError(t, err)
			query.Exec(ctx)
			query.Close()
		}
		engine.SetQueryLogger(nil)
		require.True(t, closed)
		require.NoError(t, instant(t, engine, store, "up", time.Unix(600, 0)).Err)
		return out.String()
	}
	want := logged(theirs)
	require.Contains(t, want, "sum(up)")
	require.Equal(t, want, logged(mine))
}

func TestFeaturesOfTheEngine(t *testing.T) {
	of := func(make func(promql.EngineOpts)) map[string]map[string]bool {
		registry := features.NewRegistry()
		opts := engineOpts()
		opts.FeatureRegistry, opts.Parser = registry, promqlParser()
		make(opts)
		return registry.Get()
	}
	want := of(func(o promql.EngineOpts) { promql.NewEngine(o) })
	got := of(func(o promql.EngineOpts) { newEngine(t, func(q *quarrel.Options) { q.EngineOpts = o }) })
	require.NotEmpty(t, want)
	require.Equal(t, want, got)
}

func TestTheCostOfQueries(t *testing.T) {
	store := promqltest.LoadedStorage(t, data)
	theirs, mine := both(t, func(o *promql.EngineOpts) { o.EnableQueryCost = true })
	type limited interface {
		promql.QueryEngine
		SetQueryLimits(series, samples uint64, duration time.Duration)
	}
	ended := func(engine limited, opts promql.QueryOpts) error {
		query, err := engine.NewInstantQuery(t.Context(), store, opts, "sum(rate(requests_total[5m])) + sum(up)", time.Unix(1800, 0))
		if err != nil {
			return err
		}
		defer query.Close()
		return query.Exec(t.Context()).Err
	}
	own := func(series, samples uint64, duration time.Duration) promql.QueryOpts {
		return promql.NewPrometheusQueryOptsWithLimits(false, 0, series, samples, duration, nil)
	}
	for _, c := range []struct {
		series, samples uint64
		duration        time.Duration
		own             promql.QueryOpts
		fails           bool
	}{
		{0, 0, 0, nil, false},
		{5, 1000, time.Minute, nil, false},
		{4, 0, 0, nil, true},
		{0, 3, 0, nil, true},
		{0, 0, time.Nanosecond, nil, true},
		{5, 1000, 0, own(4, 0, 0), true},
		{5, 1000, 0, own(0, 2, 0), true},
		{5, 1000, 0, own(6, 0, 0), true},
		{5, 1000, 0, own(0, 1001, 0), true},
		{0, 0, 0, own(0, 0, time.Hour), true},
		{0, 0, time.Minute, own(0, 0, time.Second), false},
	} {
		theirs.SetQueryLimits(c.series, c.samples, c.duration)
		mine.SetQueryLimits(c.series, c.samples, c.duration)
		want, got := ended(theirs, c.own), ended(mine, c.own)
		require.Equal(t, c.fails, want != nil, "%+v: %v", c, want)
		require.IsType(t, want, got, "%+v", c)
		if want != nil {
			require.Equal(t, want.Error(), got.Error(), "%+v", c)
		}
	}
}

type tracker struct {
	promql.QueryTracker
	running int
}

func (k *tracker) GetMaxConcurrent() int { return 3 }
func (k *tracker) Insert(ctx context.Context, _ string) (int, error) {
	k.running++
	return k.running, ctx.Err()
}
func (k *tracker) Delete(int) { k.running-- }

func TestAQuerySlot(t *testing.T) {
	k := &tracker{}
	engine := newEngine(t, func(o *quarrel.Options) { o.ActiveQueryTracker = k })
	release, err := engine.AcquireQuerySlot(t.Context(), "up")
	require.NoError(t, err)
	require.Equal(t, 1, k.running)
	release()
	require.Equal(t, 0, k.running)
	release, err = newEngine(t, nil).AcquireQuerySlot(t.Context(), "up")
	require.NoError(t, err)
	release()
}
