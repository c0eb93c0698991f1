// Command prombench times the Prometheus engine, in process, on a data
// directory, and prints the results as JSON.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/quarrel-engine/quarrel/compliance/go/benchlist"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
)

type config struct {
	data, only, queries string
	runs                int
	most                time.Duration
	list                bool
}

func main() {
	var c config
	flag.StringVar(&c.data, "data", "", "data directory; without it the benchmark block is built")
	flag.StringVar(&c.only, "only", "", "only queries whose name matches this regular expression")
	flag.StringVar(&c.queries, "queries", "", "file with a list of queries as -list prints it, instead of the built-in one")
	flag.IntVar(&c.runs, "runs", 9, "most runs of each query, after one to warm up")
	flag.DurationVar(&c.most, "most", 3*time.Second, "most time for each query")
	flag.BoolVar(&c.list, "list", false, "print the list of queries as JSON and run none")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "prombench:", err)
		os.Exit(1)
	}
}

func run(c config) (err error) {
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	queries := benchlist.Queries()
	if c.queries != "" {
		b, err := os.ReadFile(c.queries)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &queries); err != nil {
			return fmt.Errorf("%s: %w", c.queries, err)
		}
	}
	if c.list {
		return out.Encode(queries)
	}
	only, err := regexp.Compile(c.only)
	if err != nil {
		return err
	}
	if c.data == "" {
		tmp, err := os.MkdirTemp("", "prombench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		c.data = filepath.Join(tmp, "data")
		if err := fixtures.BuildBench(c.data, 1); err != nil {
			return err
		}
	}
	prom, err := promengine.Open(c.data, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, prom.Close()) }()
	report := benchlist.Report{Engine: "prometheus", Module: module("github.com/prometheus/prometheus"), CPUs: runtime.GOMAXPROCS(0)}
	for _, q := range queries {
		if only.MatchString(q.Name) {
			report.Timings = append(report.Timings, measure(prom.PromQL(), prom.Storage(), q, c))
		}
	}
	return out.Encode(report)
}

// module is the version of a module that this program was built with.
func module(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return path + "@" + d.Version
			}
		}
	}
	return path
}

// measure runs a query once to warm up and then several times.
func measure(engine promql.QueryEngine, s storage.Queryable, q benchlist.Query, c config) benchlist.Timing {
	t := benchlist.Timing{Query: q}
	var err error
	if _, t.Series, err = once(engine, s, q); err != nil {
		t.Error = err.Error()
		return t
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var took []time.Duration
	for started := time.Now(); len(took) < c.runs && (len(took) < 3 || time.Since(started) < c.most); {
		d, _, err := once(engine, s, q)
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

func once(engine promql.QueryEngine, s storage.Queryable, q benchlist.Query) (time.Duration, int, error) {
	ctx := context.Background()
	started := time.Now()
	var (
		query promql.Query
		err   error
	)
	if q.Step == 0 {
		query, err = engine.NewInstantQuery(ctx, s, nil, q.Text, time.UnixMilli(q.Start))
	} else {
		query, err = engine.NewRangeQuery(ctx, s, nil, q.Text, time.UnixMilli(q.Start), time.UnixMilli(q.End), time.Duration(q.Step)*time.Millisecond)
	}
	if err != nil {
		return 0, 0, err
	}
	defer query.Close()
	res := query.Exec(ctx)
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
