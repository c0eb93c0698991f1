// Command difftest runs random and hand-written queries on the Prometheus
// engine, in process, and on a server, over the same data directory, and
// compares the answers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/differ"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/queries"
	"github.com/quarrel-engine/quarrel/compliance/go/querygen"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

type config struct {
	data, shape               string
	quarrel, prometheus, url  string
	features                  []string
	seed                      int64
	n, workers                int
	duration                  time.Duration
	hand                      bool
	text, file                string
	start, end, step          float64
	histograms, st, xor2      bool
	experimental              bool
	broken, shrink, maxReport int
	errorText                 bool
	relative                  float64
	skip                      string
	extra                     string
	print                     bool
}

func parseFlags() config {
	var c config
	var features string
	flag.StringVar(&c.data, "data", "", "Prometheus data directory; without it one is built (see -shape)")
	flag.StringVar(&c.shape, "shape", "mixed", "shape of the directory to build: mixed, head or blocks")
	flag.BoolVar(&c.histograms, "histograms", false, "build native histograms, too, and query them")
	flag.BoolVar(&c.st, "st", false, "build with start timestamps (adds feature st-storage)")
	flag.BoolVar(&c.xor2, "xor2", false, "build with XOR2 chunks")
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program to start and test")
	flag.StringVar(&c.prometheus, "prometheus", "", "test this Prometheus program instead, to test the tester")
	flag.StringVar(&c.url, "url", "", "test a server that runs already, over the same data")
	flag.StringVar(&c.extra, "server-args", "", "further arguments for the started server, separated by spaces")
	flag.StringVar(&features, "features", "", "comma-separated names as for --enable-feature")
	flag.BoolVar(&c.experimental, "experimental", false, "generate experimental syntax and enable its features")
	flag.Int64Var(&c.seed, "seed", 1, "seed of queries and data")
	flag.IntVar(&c.n, "n", 2000, "number of random queries")
	flag.DurationVar(&c.duration, "duration", 0, "run for so long instead of -n queries")
	flag.IntVar(&c.workers, "workers", 2, "queries at a time")
	flag.BoolVar(&c.hand, "hand", true, "run the hand-written queries, too")
	flag.StringVar(&c.file, "queries", "", "run the queries of this file (one a line) instead of all others")
	flag.StringVar(&c.text, "query", "", "run one query only, at -start, -end, -step")
	flag.Float64Var(&c.start, "start", 0, "start of -query in seconds")
	flag.Float64Var(&c.end, "end", 0, "end of -query in seconds")
	flag.Float64Var(&c.step, "step", 0, "step of -query in seconds; 0 for an instant query")
	flag.IntVar(&c.broken, "broken", 6, "percent of random queries that are wrong on purpose")
	flag.IntVar(&c.shrink, "shrink", 300, "queries to spend on making a failing one smaller; 0 for none")
	flag.IntVar(&c.maxReport, "max-failures", 20, "stop after this number of differences; 0 for no limit")
	flag.BoolVar(&c.errorText, "error-text", false, "compare the texts of errors, too")
	flag.Float64Var(&c.relative, "relative", 1e-9, "largest relative difference of two floats")
	flag.StringVar(&c.skip, "skip", "", "leave out queries that match this regular expression")
	flag.BoolVar(&c.print, "print", false, "print the queries and run none")
	flag.Parse()
	if features != "" {
		c.features = strings.Split(features, ",")
	}
	if c.experimental {
		c.features = append(c.features, "promql-experimental-functions", "promql-binop-fill-modifiers")
	}
	if c.st {
		c.features = append(c.features, "st-storage")
	}
	return c
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, parseFlags())
	if err != nil {
		fmt.Fprintln(os.Stderr, "difftest:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) (failed bool, err error) {
	var skip *regexp.Regexp
	if c.skip != "" {
		if skip, err = regexp.Compile(c.skip); err != nil {
			return false, err
		}
	}
	if c.data == "" {
		if c.data, err = os.MkdirTemp("", "difftest-"); err != nil {
			return false, err
		}
		defer os.RemoveAll(c.data)
		o := fixtures.Options{Seed: c.seed, Shape: fixtures.Shape(c.shape), Histograms: c.histograms, ST: c.st, XOR2: c.xor2}
		if err := fixtures.Build(c.data, o); err != nil {
			return false, err
		}
	}
	before, err := fingerprint(c.data)
	if err != nil {
		return false, err
	}
	prom, err := promengine.Open(c.data, c.features)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, prom.Close()) }()

	if c.print {
		return false, printQueries(ctx, c, prom)
	}
	server, err := startServer(ctx, c)
	if err != nil {
		return false, err
	}
	defer server.close()
	t := &differ.Tester{
		Prometheus: prom, Engine: server, ShrinkBudget: c.shrink, EnginePanics: c.prometheus != "",
		Compare: results.Options{Relative: c.relative, ErrorText: c.errorText},
		Parser:  promengine.ParserOptions(c.features),
	}
	failed, err = compare(ctx, c, t, prom, skip)
	if err == nil && c.url == "" && c.prometheus == "" {
		after, ferr := fingerprint(c.data)
		if ferr == nil && after != before {
			ferr = errors.New("the server changed the data directory")
		}
		err = ferr
	}
	return failed, err
}

// fingerprint sums up names, sizes and times of all files of a directory.
func fingerprint(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	return b.String(), err
}

// source feeds queries into the channel until there are no more.
func source(ctx context.Context, c config, prom *promengine.Engine, skip *regexp.Regexp, out chan<- results.Query) error {
	defer close(out)
	send := func(q results.Query) bool {
		if skip != nil && skip.MatchString(q.Text) {
			return true
		}
		select {
		case out <- q:
			return true
		case <-ctx.Done():
			return false
		}
	}
	mint, maxt := prom.Range()
	hand, err := handWritten(c)
	if err != nil {
		return err
	}
	for _, text := range hand {
		for _, q := range queries.At(text, mint, maxt) {
			if !send(q) {
				return nil
			}
		}
	}
	if c.text != "" {
		send(results.Query{Text: c.text, Start: int64(c.start * 1000), End: int64(max(c.end, c.start) * 1000), Step: int64(c.step * 1000)})
		return nil
	}
	if c.file != "" {
		return nil
	}
	series, err := prom.Series(ctx)
	if err != nil {
		return err
	}
	g := querygen.New(rand.New(rand.NewSource(c.seed)), querygen.NewSchema(series, mint, maxt),
		querygen.Options{Experimental: c.experimental, Histograms: c.histograms, Broken: c.broken})
	stopAt := time.Now().Add(c.duration)
	for i := 0; c.duration > 0 && time.Now().Before(stopAt) || c.duration == 0 && i < c.n; i++ {
		if !send(g.Next()) {
			return nil
		}
	}
	return nil
}

func handWritten(c config) ([]string, error) {
	switch {
	case c.file != "":
		b, err := os.ReadFile(c.file)
		if err != nil {
			return nil, err
		}
		return queries.Parse(string(b), nil)
	case c.text != "" || !c.hand:
		return nil, nil
	}
	have := c.features
	if c.histograms {
		have = append(have, "histograms")
	}
	if c.st {
		have = append(have, "st")
	}
	return queries.Load(have)
}

func printQueries(ctx context.Context, c config, prom *promengine.Engine) error {
	ch := make(chan results.Query)
	var err error
	go func() { err = source(ctx, c, prom, nil, ch) }()
	for q := range ch {
		fmt.Printf("%s\t%s\t%d\t%q\n", results.Seconds(q.Start), results.Seconds(q.End), q.Step, q.Text)
	}
	return err
}
