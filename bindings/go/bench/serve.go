package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/tsdb"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
	"github.com/quarrel-engine/quarrel/compliance/go/benchchild"
)

// serveRequests answers the requests of make bench-peers with quarrel's engine.
func serveRequests(scratch string) error {
	engine, err := quarrel.NewEngine(quarrel.Options{EngineOpts: engineOpts()})
	if err != nil {
		return err
	}
	return benchchild.Serve(&door{scratch: scratch, engine: engine}, "quarrel/bindings/go", os.Stdin, os.Stdout)
}

type door struct {
	scratch, links string
	engine         *quarrel.Engine
	db             *tsdb.DB
}

func (d *door) Open(dir string) (err error) {
	if err := d.closeDB(); err != nil {
		return err
	}
	if d.links, err = os.MkdirTemp(d.scratch, "bench-go-"); err != nil {
		return err
	}
	d.db, err = openLinked(filepath.Join(d.links, "data"), dir)
	return err
}

func (d *door) closeDB() (err error) {
	if d.db != nil {
		err = d.db.Close()
		d.db = nil
	}
	if d.links != "" {
		err = errors.Join(err, os.RemoveAll(d.links))
		d.links = ""
	}
	return err
}

func (d *door) Close() error { return errors.Join(d.engine.Close(), d.closeDB()) }

func (d *door) Run(ctx context.Context, r benchchild.Request) (int, func(), error) {
	return run(ctx, d.engine, d.db, question{
		text:   r.Query,
		end:    time.UnixMilli(r.End),
		length: time.Duration(r.End-r.Start) * time.Millisecond,
		step:   time.Duration(r.Step) * time.Millisecond,
	})
}
