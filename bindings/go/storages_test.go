package quarrel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
)

func openDB(t *testing.T, change func(*tsdb.Options)) *tsdb.DB {
	t.Helper()
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = 0
	opts.EnableOverlappingCompaction = false
	opts.OutOfOrderTimeWindow = 12 * hour
	change(opts)
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, opts, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.DisableCompactions()
	return db
}

// fill appends series of each kind of sample, every 15 s from a time to another: a
// counter that is reset now and then, a gauge with markers and gaps, histograms.
func fill(t *testing.T, app storage.AppenderV2, seed uint64, from, to int64) {
	t.Helper()
	add := func(set labels.Labels, st, at int64, f float64, h *histogram.Histogram, fh *histogram.FloatHistogram) {
		t.Helper()
		_, err := app.Append(0, set, st, at, f, h, fh, storage.AppendV2Options{})
		require.NoError(t, err)
	}
	for i := range 6 {
		instance, random := fmt.Sprint(i), rand.New(rand.NewPCG(seed, uint64(i)))
		named := func(name string) labels.Labels {
			return labels.FromStrings("__name__", name, "instance", instance, "job", fmt.Sprint("j", i%2))
		}
		count, native := 0.0, int64(0)
		began := from - 10*second
		for at := from; at < to; at += 15 * second {
			if random.IntN(40) == 0 {
				count, native, began = 0, 0, at-second
			}
			count += float64(random.IntN(20))
			native += int64(random.IntN(3))
			add(named("c_total"), began, at, count, nil, nil)
			switch random.IntN(25) {
			case 0:
				add(named("g"), 0, at, math.Float64frombits(value.StaleNaN), nil, nil)
			case 1, 2, 3:
			default:
				add(named("g"), 0, at, random.NormFloat64(), nil, nil)
			}
			h := tsdbutil.GenerateTestHistogram(native)
			add(named("h"), began, at, 0, h, nil)
			add(named("fh"), began, at, 0, nil, h.ToFloat(nil))
			gauge := tsdbutil.GenerateTestGaugeHistogram(int64(random.IntN(9)))
			add(named("gh"), 0, at, 0, gauge, nil)
			// A series of all kinds.
			switch (at / minute) % 3 {
			case 0:
				add(named("mixed"), 0, at, count, nil, nil)
			case 1:
				add(named("mixed"), 0, at, 0, h, nil)
			default:
				add(named("mixed"), 0, at, 0, nil, h.ToFloat(nil))
			}
		}
	}
}

func commit(t *testing.T, db *tsdb.DB, seed uint64, from, to int64) {
	t.Helper()
	app := db.AppenderV2(t.Context())
	fill(t, app, seed, from, to)
	require.NoError(t, app.Commit())
}

// storages are of all kinds that a Prometheus server has: the head, blocks, blocks
// beside a head, samples that came late, deleted samples, and fan-outs.
func storages(t *testing.T) map[string]storage.Queryable {
	t.Helper()
	plain := func(*tsdb.Options) {}
	head := openDB(t, plain)
	commit(t, head, 1, 0, 3*hour)

	xor2 := func(o *tsdb.Options) { o.FloatChunkEncoding, o.EnableSTStorage = chunkenc.EncXOR2, true }
	starts := openDB(t, xor2)
	commit(t, starts, 2, 0, 3*hour)

	blocks := openDB(t, plain)
	commit(t, blocks, 3, 0, 6*hour)
	require.NoError(t, blocks.Compact(t.Context()))
	require.NotEmpty(t, blocks.Blocks())

	late := openDB(t, plain)
	commit(t, late, 4, 2*hour, 5*hour)
	commit(t, late, 5, hour+7*second, 3*hour)

	lateBlocks := openDB(t, plain)
	commit(t, lateBlocks, 7, 2*hour, 6*hour)
	commit(t, lateBlocks, 8, hour+7*second, 3*hour)
	require.NoError(t, lateBlocks.Compact(t.Context()))
	require.NoError(t, lateBlocks.CompactOOOHead(t.Context()))

	deleted := openDB(t, plain)
	commit(t, deleted, 9, 0, 6*hour)
	require.NoError(t, deleted.Compact(t.Context()))
	all := labels.MustNewMatcher(labels.MatchRegexp, "instance", "[0-3]")
	for _, gap := range [][2]int64{{20*minute + 1, 31 * minute}, {85 * minute, 95 * minute}, {5*hour + 10*minute, 5*hour + 31*minute}} {
		require.NoError(t, deleted.Delete(t.Context(), gap[0], gap[1], all))
	}

	// What is in several storages is the same.
	old, recent := openDB(t, plain), openDB(t, plain)
	commit(t, old, 3, 0, 3*hour)
	commit(t, recent, 10, 6*hour, 7*hour)
	fan := storage.NewFanout(slog.New(slog.DiscardHandler), recent, blocks, old)
	return map[string]storage.Queryable{
		"head": head, "start timestamps": starts, "blocks": blocks, "late": late, "late blocks": lateBlocks,
		"deleted": deleted, "fan-out": fan,
	}
}

// Of histograms whose counts do not grow the hint decides whether they are a reset,
// so these queries show hints.
var storageQueries = []string{
	`c_total`, `g`, `h`, `fh`, `gh`, `mixed`,
	`rate(c_total[5m])`, `increase(c_total[3m])`, `resets(c_total[30m])`, `sum by (job) (rate(c_total[2m]))`,
	`max_over_time(g[4m])`, `count_over_time(g[10m])`, `last_over_time(g[1m])`,
	`rate(h[5m])`, `resets(h[30m])`, `histogram_count(increase(fh[5m]))`, `resets(fh[30m])`,
	`sum by (job) (h)`, `histogram_quantile(0.9, sum(rate(h[4m])))`,
	`avg_over_time(gh[4m])`, `sum_over_time(gh[3m])`, `changes(mixed[5m])`, `count_over_time(mixed[4m])`,
	`c_total - on (instance) group_right () g`, `count({__name__=~"c_total|g|h"})`,
	`sum_over_time(rate(c_total[2m])[20m:3m])`, `topk(2, c_total)`, `c_total{instance="3"}`,
}

// All storages, read as chunks and sample by sample, give what Prometheus's engine
// gives.
func TestStoragesAnswerAsPrometheus(t *testing.T) {
	opts := engineOpts()
	opts.Parser, opts.MaxSamples = promqlParser(), 50_000_000
	for _, useStarts := range []bool{false, true} {
		opts.UseStartTimestamps = useStarts
		theirs := promqltest.NewTestEngineWithOpts(t, opts)
		for _, noChunks := range []bool{false, true} {
			mine := newEngine(t, func(o *quarrel.Options) {
				o.MaxSamples, o.UseStartTimestamps, o.NoChunkQuerier = opts.MaxSamples, useStarts, noChunks
			})
			for name, store := range storages(t) {
				for _, text := range storageQueries {
					// Around deleted samples tsdb encodes chunks anew, and whether there was a
					// reset in between is not known any more.
					if name == "deleted" && !noChunks && strings.HasPrefix(text, "resets") {
						continue
					}
					t.Run(fmt.Sprintf("%s, starts=%t, no chunks=%t, %s", name, useStarts, noChunks, text), func(t *testing.T) {
						start, end := time.UnixMilli(17*minute), time.UnixMilli(5*hour+40*minute)
						requireNear(t, ranged(t, theirs, store, text, start, end, 97*time.Second), ranged(t, mine, store, text, start, end, 97*time.Second))
						at := time.UnixMilli(2*hour + 31*minute)
						requireNear(t, instant(t, theirs, store, text, at), instant(t, mine, store, text, at))
					})
				}
				t.Run(fmt.Sprintf("%s, starts=%t, no chunks=%t, raw", name, useStarts, noChunks), func(t *testing.T) {
					raw := `{__name__=~"c_total|g|h|fh|gh|mixed"}[6h]`
					at := time.UnixMilli(6 * hour)
					requireNear(t, instant(t, theirs, store, raw, at), instant(t, mine, store, raw, at))
				})
			}
		}
	}
}

// requireNear compares answers; sums may differ in their last digits. What storages
// know of resets depends on how they merge and cut what overlaps; whether there is
// one is seen in the answers of rate and resets.
func requireNear(t *testing.T, want, got *promql.Result) {
	t.Helper()
	require.NoError(t, want.Err)
	require.NoError(t, got.Err)
	series := func(value any) map[string]promql.Series {
		all := map[string]promql.Series{}
		switch value := value.(type) {
		case promql.Matrix:
			for _, s := range value {
				all[s.Metric.String()] = s
			}
		case promql.Vector:
			for _, s := range value {
				one := promql.Series{Metric: s.Metric}
				if s.H != nil {
					one.Histograms = []promql.HPoint{{T: s.T, H: s.H}}
				} else {
					one.Floats = []promql.FPoint{{T: s.T, F: s.F}}
				}
				all[s.Metric.String()] = one
			}
		}
		return all
	}
	all, mine := series(want.Value), series(got.Value)
	require.Len(t, mine, len(all))
	for name, theirs := range all {
		own := mine[name]
		require.Len(t, own.Floats, len(theirs.Floats), name)
		require.Len(t, own.Histograms, len(theirs.Histograms), name)
		for i, p := range theirs.Floats {
			q := own.Floats[i]
			if p.T != q.T || !near(p.F, q.F) {
				t.Fatalf("%s: %v instead of %v", name, q, p)
			}
		}
		for i, p := range theirs.Histograms {
			q := own.Histograms[i]
			if p.T != q.T || !nearHistograms(p.H, q.H) {
				t.Fatalf("%s: %v %d instead of %v %d", name, q, q.H.CounterResetHint, p, p.H.CounterResetHint)
			}
		}
	}
}

func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-10*(math.Abs(a)+math.Abs(b))
}

func nearHistograms(a, b *histogram.FloatHistogram) bool {
	a, b = a.Copy().Compact(0), b.Copy().Compact(0)
	gauges := (a.CounterResetHint == histogram.GaugeType) == (b.CounterResetHint == histogram.GaugeType)
	equal := gauges && a.Schema == b.Schema && near(a.Count, b.Count) && near(a.Sum, b.Sum) && near(a.ZeroCount, b.ZeroCount)
	counts := func(x, y []float64) bool {
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !near(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return equal && counts(a.PositiveBuckets, b.PositiveBuckets) && counts(a.NegativeBuckets, b.NegativeBuckets)
}

// A query sees all of a commit or nothing, and no samples of an appender that did
// not commit, while the head is written to.
func TestAHeadThatIsWrittenTo(t *testing.T) {
	db := openDB(t, func(*tsdb.Options) {})
	left, right := labels.FromStrings("__name__", "pair", "side", "left"), labels.FromStrings("__name__", "pair", "side", "right")
	hist := labels.FromStrings("__name__", "pair_histogram")
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	defer writing.Wait()
	defer stop()
	written := make(chan struct{})
	writing.Go(func() {
		for i := int64(1); ctx.Err() == nil; i++ {
			app := db.AppenderV2(context.Background())
			_, err1 := app.Append(0, left, 0, i, float64(i), nil, nil, storage.AppendV2Options{})
			_, err2 := app.Append(0, right, 0, i, float64(i), nil, nil, storage.AppendV2Options{})
			_, err3 := app.Append(0, hist, 0, i, 0, tsdbutil.GenerateTestHistogram(i), nil, storage.AppendV2Options{})
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Error(err)
				return
			}
			if i%7 == 0 {
				if err := app.Rollback(); err != nil {
					t.Error(err)
				}
				continue
			}
			if err := app.Commit(); err != nil {
				t.Error(err)
				return
			}
			if i == 100 {
				close(written)
			}
			time.Sleep(200 * time.Microsecond)
		}
	})
	<-written
	for _, noChunks := range []bool{false, true} {
		mine := newEngine(t, func(o *quarrel.Options) { o.NoChunkQuerier = noChunks })
		var reading sync.WaitGroup
		for range 4 {
			reading.Go(func() {
				for range 150 {
					text := `last_over_time(pair{side="left"}[1h]) - ignoring (side) last_over_time(pair{side="right"}[1h])` +
						` + on () histogram_count(last_over_time(pair_histogram[1h])) * 0`
					result := instant(t, mine, db, text, time.UnixMilli(hour))
					if result.Err != nil || len(result.Value.(promql.Vector)) != 1 || result.Value.(promql.Vector)[0].F != 0 {
						t.Errorf("no chunks=%t: %v", noChunks, result)
						return
					}
				}
			})
		}
		reading.Wait()
	}
}

// A growingStore gets a sample more whenever it is opened, after that.
type growingStore struct {
	*tsdb.DB
	grow func()
}

func (s growingStore) Querier(mint, maxt int64) (storage.Querier, error) {
	defer s.grow()
	return s.DB.Querier(mint, maxt)
}

func (s growingStore) ChunkQuerier(mint, maxt int64) (storage.ChunkQuerier, error) {
	defer s.grow()
	return s.DB.ChunkQuerier(mint, maxt)
}

// A query sees what was there when it began.
func TestAHeadThatGrowsMeanwhile(t *testing.T) {
	opts := engineOpts()
	opts.Parser = promqlParser()
	for name, engine := range map[string]promql.QueryEngine{
		"Prometheus": promqltest.NewTestEngineWithOpts(t, opts),
		"chunks":     newEngine(t, nil),
		"samples":    newEngine(t, func(o *quarrel.Options) { o.NoChunkQuerier = true }),
	} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t, func(*tsdb.Options) {})
			samples := int64(0)
			grow := func() {
				app := db.AppenderV2(t.Context())
				_, err1 := app.Append(0, labels.FromStrings("__name__", "x"), 0, samples, 1, nil, nil, storage.AppendV2Options{})
				_, err2 := app.Append(0, labels.FromStrings("__name__", "h"), 0, samples, 0, tsdbutil.GenerateTestHistogram(samples), nil, storage.AppendV2Options{})
				require.NoError(t, errors.Join(err1, err2, app.Commit()))
				samples++
			}
			grow()
			for want := range 300 {
				result := instant(t, engine, growingStore{db, grow}, "count_over_time(x[1h]) + count_over_time(h[1h])", time.UnixMilli(minute))
				require.NoError(t, result.Err)
				require.EqualValues(t, 2*(want+1), result.Value.(promql.Vector)[0].F)
			}
		})
	}
}

// shortChunk is a chunk of which its iterator gives less than its bytes hold.
type shortChunk struct{ chunkenc.Chunk }

type shortIterator struct {
	chunkenc.Iterator
	left int
}

func (c shortChunk) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return &shortIterator{c.Chunk.Iterator(nil), c.NumSamples() / 2}
}

func (i *shortIterator) Next() chunkenc.ValueType {
	if i.left--; i.left < 0 {
		return chunkenc.ValNone
	}
	return i.Iterator.Next()
}

// chunkStore has a querier of chunks, and another one of samples.
type chunkStore struct {
	storage.Queryable
	series []storage.ChunkSeries
	err    error
}

type chunkQuerier struct {
	storage.LabelQuerier
	series []storage.ChunkSeries
}

func (s *chunkStore) ChunkQuerier(int64, int64) (storage.ChunkQuerier, error) {
	return &chunkQuerier{storage.NoopChunkedQuerier(), s.series}, s.err
}

func (q *chunkQuerier) Select(context.Context, bool, *storage.SelectHints, ...*labels.Matcher) storage.ChunkSeriesSet {
	return &chunkSet{ChunkSeriesSet: storage.EmptyChunkSeriesSet(), series: q.series}
}

type chunkSet struct {
	storage.ChunkSeriesSet
	series []storage.ChunkSeries
	at     storage.ChunkSeries
}

func (s *chunkSet) Next() bool {
	if len(s.series) == 0 {
		return false
	}
	s.at, s.series = s.series[0], s.series[1:]
	return true
}

func (s *chunkSet) At() storage.ChunkSeries { return s.at }

// What a chunk's iterator gives counts, not its bytes.
func TestChunksGiveWhatTheirIteratorsGive(t *testing.T) {
	full, err := chunks.ChunkFromSamples([]chunks.Sample{point{1, 1}, point{2, 2}, point{3, 3}, point{4, 4}})
	require.NoError(t, err)
	short := full
	short.Chunk = shortChunk{full.Chunk}
	wrapped := full
	wrapped.Chunk = struct{ chunkenc.Chunk }{full.Chunk}
	var series []storage.ChunkSeries
	for i, meta := range []chunks.Meta{full, short, wrapped} {
		series = append(series, &storage.ChunkSeriesEntry{
			Lset:            labels.FromStrings("__name__", "x", "i", fmt.Sprint(i)),
			ChunkIteratorFn: func(chunks.Iterator) chunks.Iterator { return storage.NewListChunkSeriesIterator(meta) },
		})
	}
	store := &chunkStore{Queryable: empty, series: series}
	result := instant(t, newEngine(t, nil), store, "sum_over_time(x[1m])", time.UnixMilli(100))
	require.NoError(t, result.Err)
	var sums []float64
	for _, s := range result.Value.(promql.Vector) {
		sums = append(sums, s.F)
	}
	require.ElementsMatch(t, []float64{10, 3, 10}, sums)
}

// A storage is read through its Querier if that is asked for, or if it has no
// other.
func TestChunkQueriersThatAreNotUsed(t *testing.T) {
	full, err := chunks.ChunkFromSamples([]chunks.Sample{point{1, 1}})
	require.NoError(t, err)
	series := &storage.ChunkSeriesEntry{
		Lset:            labels.FromStrings("__name__", "x"),
		ChunkIteratorFn: func(chunks.Iterator) chunks.Iterator { return storage.NewListChunkSeriesIterator(full) },
	}
	samples := answering(func(context.Context) storage.SeriesSet {
		return &listSet{SeriesSet: storage.EmptySeriesSet(), series: []storage.Series{
			storage.NewListSeries(labels.FromStrings("__name__", "x"), []chunks.Sample{point{1, 2}}),
		}}
	})
	value := func(err error, noChunks bool) float64 {
		store := &chunkStore{Queryable: samples, series: []storage.ChunkSeries{series}, err: err}
		engine := newEngine(t, func(o *quarrel.Options) { o.NoChunkQuerier = noChunks })
		result := instant(t, engine, store, "x", time.UnixMilli(1))
		require.NoError(t, result.Err)
		return result.Value.(promql.Vector)[0].F
	}
	require.EqualValues(t, 1, value(nil, false))
	require.EqualValues(t, 2, value(nil, true))
	require.EqualValues(t, 2, value(errors.New("no chunks here"), false))
}
