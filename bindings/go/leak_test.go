package quarrel

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

var leakQueries = flag.Int("leak-queries", 20_000, "how many queries TestNothingLeaks runs")

// residentBytes is how much memory of its own the process has.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("it needs /proc")
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("RssAnon:")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			require.NoError(t, err)
			return kib << 10
		}
	}
	t.Skip("it needs RssAnon")
	return 0
}

// Queries of all ends leave nothing: those that succeed, fail, are canceled, are
// never run or are never closed.
func TestNothingLeaks(t *testing.T) {
	options := testOptions()
	options.MaxSamples = 1_000_000
	engine, err := NewEngine(*options)
	require.NoError(t, err)
	before := objects()
	store := promqltest.LoadedStorage(t, "load 15s\n  x{a=\"1\"} 0+1x2000\n  x{a=\"2\"} 0+2x2000\n  y{a=\"1\"} 1x2000")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return nil, os.ErrClosed })
	run := func(i int) {
		ctx, text, queryable := t.Context(), "sum(rate(x[5m])) / on () y", storage.Queryable(store)
		switch i % 8 {
		case 0:
			ctx = canceled
		case 1:
			text = `label_replace(x, "a", "", "", "")`
		case 2:
			queryable = broken
		case 3:
			// No text comes twice.
			text = fmt.Sprintf("x * %d", i)
		}
		query, err := engine.NewRangeQuery(ctx, queryable, nil, text, time.Unix(3600, 0), time.Unix(7200, 0), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if i%8 != 4 {
			query.Exec(ctx)
		}
		if i%16 < 8 {
			query.Close()
		}
	}
	for i := range *leakQueries / 10 {
		run(i)
	}
	began := residentBytes(t)
	for i := range *leakQueries {
		run(i)
	}
	require.Equal(t, before, objects())
	// Texts that are kept may take some.
	require.Less(t, residentBytes(t)-began, int64(48<<20))
	require.NoError(t, engine.Close())
	require.Equal(t, before-1, objects())
}
