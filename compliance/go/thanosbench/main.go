// Command thanosbench times the Thanos engine on a data directory, as prombench
// does the Prometheus engine, and prints the same JSON. It reads the queries
// from the file that `prombench -list` prints.
//
// It is a module of its own because the newest version of the engine on the
// module proxy (May 2026) does not compile with Prometheus v0.316.0:
// promql.BucketQuantile and histogram.CopyToSchema have changed since. It uses
// v0.308.0, for which the engine was made. Blocks with XOR chunks read the same
// in both.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/thanos-io/promql-engine/engine"
)

// query and timing have the form that package benchlist describes.
type query struct {
	Name  string `json:"name"`
	Text  string `json:"query"`
	Start int64  `json:"start_ms"`
	End   int64  `json:"end_ms"`
	Step  int64  `json:"step_ms"`
}

type timing struct {
	query
	MedianNanos int64  `json:"median_ns"`
	MinNanos    int64  `json:"min_ns"`
	Runs        int    `json:"runs"`
	AllocBytes  uint64 `json:"alloc_bytes"`
	Series      int    `json:"series"`
	Error       string `json:"error,omitempty"`
}

type report struct {
	Engine  string   `json:"engine"`
	Module  string   `json:"module"`
	CPUs    int      `json:"cpus"`
	Timings []timing `json:"timings"`
}

type config struct {
	data, queries, only string
	runs                int
	most                time.Duration
}

func main() {
	var c config
	flag.StringVar(&c.data, "data", "", "data directory with blocks; it is copied")
	flag.StringVar(&c.queries, "queries", "", "file with a list of queries as prombench -list prints it")
	flag.StringVar(&c.only, "only", "", "only queries whose name matches this regular expression")
	flag.IntVar(&c.runs, "runs", 9, "most runs of each query, after one to warm up")
	flag.DurationVar(&c.most, "most", 3*time.Second, "most time for each query")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "thanosbench:", err)
		os.Exit(1)
	}
}

func run(c config) (err error) {
	b, err := os.ReadFile(c.queries)
	if err != nil {
		return err
	}
	var queries []query
	if err := json.Unmarshal(b, &queries); err != nil {
		return fmt.Errorf("%s: %w", c.queries, err)
	}
	only, err := regexp.Compile(c.only)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "thanosbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := copyDir(tmp, c.data); err != nil {
		return err
	}
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = 0
	db, err := tsdb.Open(tmp, slog.New(slog.DiscardHandler), nil, opts, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.DisableCompactions()
	thanos := engine.New(engine.Opts{EngineOpts: promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: 2 * time.Minute, LookbackDelta: 5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true,
	}})
	out := report{Engine: "thanos", CPUs: runtime.GOMAXPROCS(0)}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasSuffix(d.Path, "/promql-engine") {
				out.Module = d.Path + "@" + d.Version
			}
		}
	}
	for _, q := range queries {
		if only.MatchString(q.Name) {
			out.Timings = append(out.Timings, measure(thanos, db, q, c))
		}
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	return enc.Encode(out)
}

func copyDir(dst, src string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dst, rel), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dst, rel), b, 0o644)
	})
}

// measure runs a query once to warm up and then several times.
func measure(e promql.QueryEngine, s storage.Queryable, q query, c config) timing {
	t := timing{query: q}
	var err error
	if _, t.Series, err = once(e, s, q); err != nil {
		t.Error = err.Error()
		return t
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var took []time.Duration
	for started := time.Now(); len(took) < c.runs && (len(took) < 3 || time.Since(started) < c.most); {
		d, _, err := once(e, s, q)
		if err != nil {
			t.Error = err.Error()
			return t
		}
		took = append(took, d)
	}
	runtime.ReadMemStats(&after)
	slices.SortFunc(took, cmp.Compare[time.Duration])
	t.Runs = len(took)
	t.MedianNanos, t.MinNanos = took[len(took)/2].Nanoseconds(), took[0].Nanoseconds()
	t.AllocBytes = (after.TotalAlloc - before.TotalAlloc) / uint64(len(took))
	return t
}

func once(e promql.QueryEngine, s storage.Queryable, q query) (time.Duration, int, error) {
	ctx := context.Background()
	started := time.Now()
	var (
		prepared promql.Query
		err      error
	)
	if q.Step == 0 {
		prepared, err = e.NewInstantQuery(ctx, s, nil, q.Text, time.UnixMilli(q.Start))
	} else {
		prepared, err = e.NewRangeQuery(ctx, s, nil, q.Text, time.UnixMilli(q.Start), time.UnixMilli(q.End), time.Duration(q.Step)*time.Millisecond)
	}
	if err != nil {
		return 0, 0, err
	}
	defer prepared.Close()
	res := prepared.Exec(ctx)
	took := time.Since(started)
	if res.Err != nil {
		return took, 0, res.Err
	}
	rows := 1
	switch v := res.Value.(type) {
	case promql.Matrix:
		rows = len(v)
	case promql.Vector:
		rows = len(v)
	}
	return took, rows, nil
}
