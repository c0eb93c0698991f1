// Command prombench is the Prometheus engine as a process that
// `make bench-peers` times: it takes queries on stdin, runs them in process,
// and tells on stdout what they took.
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
	"github.com/prometheus/prometheus/tsdb"

	"github.com/quarrel-engine/quarrel/compliance/go/benchchild"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
)

func main() {
	scratch := flag.String("scratch", "", "folder for directories of links; best on the disk of the data")
	flag.Parse()
	opts := promengine.EngineOptions([]string{"promql-experimental-functions"})
	// What a query costs is the question, not where a limit ends it.
	opts.MaxSamples, opts.Timeout = 1<<40, 24*time.Hour
	p := &prometheus{scratch: *scratch, engine: promql.NewEngine(opts)}
	if err := benchchild.Serve(p, "prometheus/prometheus", os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "prombench:", err)
		os.Exit(1)
	}
}

type prometheus struct {
	scratch, links string
	engine         *promql.Engine
	db             *tsdb.DB
}

func (p *prometheus) Open(dir string) (err error) {
	if err := p.closeDB(); err != nil {
		return err
	}
	if p.links, err = os.MkdirTemp(p.scratch, "prombench-"); err != nil {
		return err
	}
	data := filepath.Join(p.links, "data")
	if err := benchchild.LinkDir(data, dir); err != nil {
		return err
	}
	opts := tsdb.DefaultOptions()
	opts.RetentionDuration = 0
	opts.EnableOverlappingCompaction = false
	if p.db, err = tsdb.Open(data, slog.New(slog.DiscardHandler), nil, opts, nil); err != nil {
		return err
	}
	p.db.DisableCompactions()
	return nil
}

func (p *prometheus) closeDB() (err error) {
	if p.db != nil {
		err = p.db.Close()
		p.db = nil
	}
	if p.links != "" {
		err = errors.Join(err, os.RemoveAll(p.links))
		p.links = ""
	}
	return err
}

func (p *prometheus) Close() error {
	return errors.Join(p.engine.Close(), p.closeDB())
}

func (p *prometheus) Run(ctx context.Context, r benchchild.Request) (int, func(), error) {
	var (
		query promql.Query
		err   error
	)
	if r.Step == 0 {
		query, err = p.engine.NewInstantQuery(ctx, p.db, nil, r.Query, time.UnixMilli(r.Start))
	} else {
		query, err = p.engine.NewRangeQuery(ctx, p.db, nil, r.Query, time.UnixMilli(r.Start), time.UnixMilli(r.End), time.Duration(r.Step)*time.Millisecond)
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
