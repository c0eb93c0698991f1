// Command difftest compares a server with the Prometheus engine over the same
// data directory: it builds one, serves Prometheus's engine over it with
// Prometheus's API, starts the server, and runs `quarrel compare` on
// hand-written and random queries. Arguments behind -- go to that.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/queries"
)

type config struct {
	data, shape          string
	quarrel, prometheus  string
	real                 string
	list                 bool
	features             []string
	seed                 int64
	n                    int
	duration             time.Duration
	hand                 bool
	histograms, st, xor2 bool
	experimental         bool
	broken               int
	skip                 string
	more                 []string
}

func parseFlags() config {
	var c config
	var features string
	flag.StringVar(&c.data, "data", "", "Prometheus data directory; without it one is built (see -shape)")
	flag.StringVar(&c.shape, "shape", "mixed", "shape of the directory to build: mixed, head or blocks")
	flag.BoolVar(&c.histograms, "histograms", false, "build native histograms, too, and query them")
	flag.BoolVar(&c.st, "st", false, "build with start timestamps (adds feature st-storage)")
	flag.BoolVar(&c.xor2, "xor2", false, "build with XOR2 chunks")
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program, which compares, and is compared")
	flag.StringVar(&c.prometheus, "prometheus", "", "compare this Prometheus program instead, to test the tester")
	flag.StringVar(&c.real, "real", "", "compare with this Prometheus program instead of its engine in process")
	flag.BoolVar(&c.list, "list", false, "ask the list that is built into quarrel compare instead of all others")
	flag.StringVar(&features, "features", "", "comma-separated names as for --enable-feature")
	flag.BoolVar(&c.experimental, "experimental", false, "generate experimental syntax and enable its features")
	flag.Int64Var(&c.seed, "seed", 1, "seed of queries and data")
	flag.IntVar(&c.n, "n", 2000, "number of random queries")
	flag.DurationVar(&c.duration, "duration", 0, "run for so long instead of -n queries")
	flag.BoolVar(&c.hand, "hand", true, "run the hand-written queries, too")
	flag.IntVar(&c.broken, "broken", 6, "percent of random queries that are wrong on purpose")
	flag.StringVar(&c.skip, "skip", "", "leave out queries that match this regular expression")
	flag.Parse()
	c.more = flag.Args()
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
	c := parseFlags()
	process.Main("difftest", func(ctx context.Context) error { return run(ctx, c) })
}

func run(ctx context.Context, c config) (err error) {
	if c.quarrel == "" {
		return errors.New("-quarrel is needed")
	}
	tmp, err := os.MkdirTemp("", "difftest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if c.data == "" {
		c.data = filepath.Join(tmp, "data")
		o := fixtures.Options{Seed: c.seed, Shape: fixtures.Shape(c.shape), Histograms: c.histograms, ST: c.st, XOR2: c.xor2}
		if err := fixtures.Build(c.data, o); err != nil {
			return err
		}
	}
	before, err := fingerprint(c.data)
	if err != nil {
		return err
	}
	prom, err := promengine.Open(c.data, c.features)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, prom.Close()) }()
	url, stop, err := reference(ctx, c, tmp, prom)
	if err != nil {
		return err
	}
	defer stop()
	server, err := start(ctx, c, tmp)
	if err != nil {
		return err
	}
	defer server.Close()
	err = compare(ctx, c, tmp, prom, url, server.URL)
	if !server.Alive() {
		return errors.Join(err, fmt.Errorf("the server died:\n%s", server.Log()))
	}
	if c.prometheus == "" {
		after, ferr := fingerprint(c.data)
		if ferr == nil && after != before {
			ferr = errors.New("the server changed the data directory")
		}
		err = errors.Join(err, ferr)
	}
	return err
}

// reference starts what answers rightly, and returns what ends it.
func reference(ctx context.Context, c config, tmp string, prom *promengine.Engine) (url string, stop func(), err error) {
	if c.real == "" {
		return prom.Serve()
	}
	server, err := prometheus(ctx, c, c.real, filepath.Join(tmp, "reference"))
	if err != nil {
		return "", nil, err
	}
	return server.URL, server.Close, nil
}

// start starts the server that is compared.
func start(ctx context.Context, c config, tmp string) (*process.Server, error) {
	if c.prometheus == "" {
		return process.Quarrel(ctx, c.quarrel, c.data, c.features)
	}
	return prometheus(ctx, c, c.prometheus, filepath.Join(tmp, "test"))
}

// prometheus starts a Prometheus over a copy of the data.
func prometheus(ctx context.Context, c config, program, dir string) (*process.Server, error) {
	if err := fixtures.CopyDir(dir, c.data); err != nil {
		return nil, err
	}
	return process.Prometheus(ctx, program, dir, "", c.features)
}

// compare runs `quarrel compare`.
func compare(ctx context.Context, c config, tmp string, prom *promengine.Engine, reference, test string) error {
	mint, maxt := prom.Range()
	args := []string{
		"compare", "--reference", reference, "--test", test, "--annotations", "--strict-ties", "--floor", "0",
		"--jobs", "2", "--max-differences", "20", "--seed", strconv.FormatInt(c.seed, 10),
		"--broken", strconv.Itoa(c.broken), "--data-from", seconds(mint), "--data-until", seconds(maxt),
	}
	switch {
	case c.list:
	case c.duration > 0:
		args = append(args, "--random-for", fmt.Sprintf("%ds", int64(c.duration.Seconds())))
	case c.n > 0:
		args = append(args, "--random", strconv.Itoa(c.n))
	}
	if c.hand && !c.list {
		hand := filepath.Join(tmp, "hand.jsonl")
		if err := writeHand(c, hand, mint, maxt); err != nil {
			return err
		}
		args = append(args, "--queries", hand)
	}
	if c.skip != "" {
		args = append(args, "--skip", c.skip)
	}
	if c.experimental {
		args = append(args, "--experimental")
	}
	if slices.Contains(c.features, "promql-per-step-stats") {
		args = append(args, "--statistics")
	}
	fmt.Println("quarrel", strings.Join(args, " "))
	command := exec.CommandContext(ctx, c.quarrel, append(args, c.more...)...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }

// writeHand writes the hand-written queries with their times.
func writeHand(c config, path string, mint, maxt int64) error {
	have := slices.Clone(c.features)
	if c.histograms {
		have = append(have, "histograms")
	}
	if c.st {
		have = append(have, "st")
	}
	texts, err := queries.Load(have)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for _, text := range texts {
		for _, q := range queries.At(text, mint, maxt) {
			if err := lines.Encode(q); err != nil {
				return err
			}
		}
	}
	return out.Flush()
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
