// Command thanosbench is to the Thanos engine what prombench is to the Prometheus
// engine.
//
// It is a module of its own because the newest version of the engine on the
// module proxy (May 2026) does not compile with Prometheus v0.316.0:
// promql.BucketQuantile and histogram.CopyToSchema have changed since. It uses
// v0.308.0, for which the engine was made. Blocks with XOR chunks read the same
// in both.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/thanos-io/promql-engine/engine"

	"github.com/quarrel-engine/quarrel/compliance/go/benchchild"
)

func main() {
	scratch := flag.String("scratch", "", "folder for directories of links; best on the disk of the data")
	flag.Parse()
	parser.EnableExperimentalFunctions = true
	t := &thanos{scratch: *scratch, engine: engine.New(engine.Opts{EngineOpts: promql.EngineOpts{
		// What a query costs is the question, not where a limit ends it.
		MaxSamples: 1 << 40, Timeout: 24 * time.Hour,
		LookbackDelta:            5 * time.Minute,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true,
	}})}
	if err := benchchild.Serve(t, "/promql-engine", os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "thanosbench:", err)
		os.Exit(1)
	}
}

type thanos struct {
	scratch, links string
	engine         promql.QueryEngine
	db             *tsdb.DB
}

func (t *thanos) Open(dir string) (err error) {
	if err := t.closeDB(); err != nil {
		return err
	}
	if t.links, err = os.MkdirTemp(t.scratch, "thanosbench-"); err != nil {
		return err
	}
	data := filepath.Join(t.links, "data")
	if err := benchchild.LinkDir(data, dir); err != nil {
		return err
	}
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = 0
	opts.EnableOverlappingCompaction = false
	if t.db, err = tsdb.Open(data, slog.New(slog.DiscardHandler), nil, opts, nil); err != nil {
		return err
	}
	t.db.DisableCompactions()
	return nil
}

func (t *thanos) closeDB() (err error) {
	if t.db != nil {
		err = t.db.Close()
		t.db = nil
	}
	if t.links != "" {
		err = errors.Join(err, os.RemoveAll(t.links))
		t.links = ""
	}
	return err
}

func (t *thanos) Close() error {
	return t.closeDB()
}

func (t *thanos) Run(ctx context.Context, r benchchild.Request) (int, func(), error) {
	var (
		query promql.Query
		err   error
	)
	if r.Step == 0 {
		query, err = t.engine.NewInstantQuery(ctx, t.db, nil, r.Query, time.UnixMilli(r.Start))
	} else {
		query, err = t.engine.NewRangeQuery(ctx, t.db, nil, r.Query, time.UnixMilli(r.Start), time.UnixMilli(r.End), time.Duration(r.Step)*time.Millisecond)
	}
	if err != nil {
		return 0, nil, err
	}
	res := query.Exec(ctx)
	if res.Err != nil {
		query.Close()
		return 0, nil, res.Err
	}
	return rows(res), query.Close, nil
}

func rows(res *promql.Result) int {
	switch v := res.Value.(type) {
	case promql.Matrix:
		return len(v)
	case promql.Vector:
		return len(v)
	}
	return 1
}
