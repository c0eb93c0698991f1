package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/differ"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/results"

	"os"
)

// compare runs all queries through the tester, and prints each difference and
// the totals.
func compare(ctx context.Context, c config, t *differ.Tester, prom *promengine.Engine, skip *regexp.Regexp) (failed bool, err error) {
	feed, stop := context.WithCancel(ctx)
	defer stop()
	ch := make(chan results.Query)
	sourceErr := make(chan error, 1)
	go func() { sourceErr <- source(feed, c, prom, skip, ch) }()

	kinds := map[results.Kind]int{}
	reported := 0
	started := time.Now()
	tally := t.Run(ctx, ch, c.workers, func(f differ.Failure) {
		kinds[f.Diff.Kind]++
		reported++
		if c.maxReport > 0 && reported >= c.maxReport {
			stop() // running queries still finish
		}
		fmt.Println(describe(c, f))
	})
	if err := <-sourceErr; err != nil {
		return true, err
	}
	if len(kinds) > 0 {
		fmt.Println("differences by kind:", kinds)
	}
	if c.maxReport > 0 && reported >= c.maxReport {
		fmt.Printf("stopped after %d differences (-max-failures)\n", reported)
	}
	fmt.Printf("%d queries in %s: %s\n", tally.Passed+tally.Failed+tally.Undetermined+tally.Panicked, time.Since(started).Round(time.Millisecond), tally)
	fmt.Printf("%d passed, %d failed\n", tally.Passed, tally.Failed)
	return tally.Failed > 0, ctx.Err()
}

func describe(c config, f differ.Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "DIFFERENCE (%s): %s\n  %s\n  %s\n", f.Diff.Kind, f.Query.Text, when(f.Query), f.Diff.Text)
	if f.Small != f.Query {
		fmt.Fprintf(&b, "  smallest: %s\n  %s\n  %s\n", f.Small.Text, when(f.Small), f.SmallDiff.Text)
	}
	fmt.Fprintf(&b, "  again: %s\n", again(c, f.Small))
	return b.String()
}

func when(q results.Query) string {
	if q.Instant() {
		return "at " + results.Seconds(q.Start)
	}
	return fmt.Sprintf("from %s to %s, step %g s", results.Seconds(q.Start), results.Seconds(q.End), float64(q.Step)/1000)
}

// again is a command line that runs one query again.
func again(c config, q results.Query) string {
	args := []string{"go run ./cmd/difftest"}
	if strings.Contains(c.data, "difftest-") {
		args = append(args, fmt.Sprintf("-shape %s -seed %d", c.shape, c.seed))
	} else {
		args = append(args, "-data "+shell(c.data))
	}
	for _, f := range []struct {
		on   bool
		flag string
	}{{c.histograms, "-histograms"}, {c.st, "-st"}, {c.xor2, "-xor2"}, {c.experimental, "-experimental"}} {
		if f.on {
			args = append(args, f.flag)
		}
	}
	if len(c.features) > 0 {
		args = append(args, "-features "+strings.Join(c.features, ","))
	}
	for _, s := range [][2]string{{"-quarrel ", c.quarrel}, {"-prometheus ", c.prometheus}, {"-url ", c.url}} {
		if s[1] != "" {
			args = append(args, s[0]+shell(s[1]))
		}
	}
	args = append(args, "-start "+results.Seconds(q.Start))
	if !q.Instant() {
		args = append(args, fmt.Sprintf("-end %s -step %g", results.Seconds(q.End), float64(q.Step)/1000))
	}
	return strings.Join(append(args, "-query "+shell(q.Text)), " ")
}

// shell quotes a word for a shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// server is the program under test; it is started again when it dies.
type server struct {
	start func() (*process.Server, error)

	mu      sync.Mutex
	proc    *process.Server
	stats   bool // asks for the samples of each step
	cleanup func()
}

func startServer(ctx context.Context, c config) (*server, error) {
	s := &server{cleanup: func() {}, stats: slices.Contains(c.features, "promql-per-step-stats")}
	extra := strings.Fields(c.extra)
	switch {
	case c.url != "":
		s.start = func() (*process.Server, error) { return process.Attach(strings.TrimSuffix(c.url, "/")), nil }
	case c.quarrel != "":
		s.start = func() (*process.Server, error) {
			return process.Quarrel(ctx, c.quarrel, c.data, c.features, extra...)
		}
	case c.prometheus != "":
		dir, err := os.MkdirTemp("", "difftest-prometheus-")
		if err != nil {
			return nil, err
		}
		s.cleanup = func() { os.RemoveAll(dir) }
		if err := fixtures.CopyDir(dir, c.data); err != nil {
			s.cleanup()
			return nil, err
		}
		s.start = func() (*process.Server, error) {
			return process.Prometheus(ctx, c.prometheus, dir, "", c.features, extra...)
		}
	default:
		return nil, fmt.Errorf("one of -quarrel, -prometheus and -url is needed")
	}
	proc, err := s.start()
	if err != nil {
		s.cleanup()
		return nil, err
	}
	proc.Stats = s.stats
	s.proc = proc
	return s, nil
}

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		s.proc.Close()
	}
	s.cleanup()
}

// Run sends the query to the server. If the server has died, the answer is an
// error with the end of its log, and the server is started again for the next
// query.
func (s *server) Run(ctx context.Context, q results.Query) (results.Result, error) {
	s.mu.Lock()
	proc := s.proc
	s.mu.Unlock()
	r, err := proc.Run(ctx, q)
	if err == nil || ctx.Err() != nil {
		return r, err
	}
	// Its end may be noticed a moment after the connection broke.
	for range 10 {
		if !proc.Alive() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if proc.Alive() {
		return r, err
	}
	err = fmt.Errorf("the server died: %w\n%s", err, proc.Log())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == proc {
		next, startErr := s.start()
		if startErr != nil {
			return r, fmt.Errorf("%w; and does not start again: %w", err, startErr)
		}
		next.Stats = s.stats
		s.proc = next
	}
	return r, err
}
