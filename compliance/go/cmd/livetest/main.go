// Command livetest runs a real Prometheus that scrapes itself and a made-up
// target each second and cuts blocks all the while, starts `quarrel serve` on
// the same data directory beside it, and compares the answers of both to
// queries about the past. At the end it kills Prometheus and compares once
// more, with the Prometheus engine on what is left on disk.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/quarrel-engine/quarrel/compliance/go/differ"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/querygen"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

type config struct {
	prometheus, quarrel string
	self                bool
	duration            time.Duration
	block               time.Duration
	lag                 time.Duration
	perSecond           int
	seed                int64
	maxReport           int
	keep                string
}

func main() {
	var c config
	flag.StringVar(&c.prometheus, "prometheus", "", "the Prometheus program")
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program")
	flag.BoolVar(&c.self, "self", false, "compare Prometheus with itself, to test this program")
	flag.DurationVar(&c.duration, "duration", 4*time.Minute, "how long to compare; 75s with -block 15s makes a short form")
	flag.DurationVar(&c.block, "block", 30*time.Second, "length of the shortest blocks; four of them are compacted into one")
	flag.DurationVar(&c.lag, "lag", 4*time.Second, "queries end so long before now, so that all samples have been written")
	flag.IntVar(&c.perSecond, "per-second", 40, "queries a second")
	flag.Int64Var(&c.seed, "seed", 1, "seed of the queries")
	flag.IntVar(&c.maxReport, "max-failures", 20, "stop after this number of differences")
	flag.StringVar(&c.keep, "keep", "", "keep the data in this directory, which must be empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "livetest:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// live is a running Prometheus that the tester compares with.
type live struct{ server *process.Server }

func (l live) Run(ctx context.Context, q results.Query) results.Result {
	r, err := l.server.Run(ctx, q)
	if err != nil {
		return results.Result{ErrType: "Prometheus gave no answer", Err: err.Error()}
	}
	return r
}

func run(ctx context.Context, c config) (failed int, err error) {
	if c.prometheus == "" || (c.quarrel == "") == !c.self {
		return 0, errors.New("-prometheus and one of -quarrel and -self are needed")
	}
	tmp, err := os.MkdirTemp("", "livetest-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	data := filepath.Join(tmp, "data")
	if c.keep != "" {
		data = c.keep
	}
	target, err := startTarget()
	if err != nil {
		return 0, err
	}
	defer target.close()
	prometheus, err := startPrometheus(ctx, c, tmp, data, target.address)
	if err != nil {
		return 0, err
	}
	defer prometheus.Close()
	began := time.Now()
	if err := sleep(ctx, 8*time.Second); err != nil {
		return 0, err
	}
	subject := prometheus
	if !c.self {
		if subject, err = process.Quarrel(ctx, c.quarrel, data, nil); err != nil {
			return 0, err
		}
		defer subject.Close()
	}
	tester := &differ.Tester{
		Prometheus: live{prometheus}, Engine: subject, ShrinkBudget: 40,
		Compare: results.Options{Relative: 1e-9}, Parser: promengine.ParserOptions(nil),
	}
	passed := 0
	tally, err := compareLive(ctx, c, tester, prometheus, began, data)
	if err != nil {
		return 0, err
	}
	passed, failed = tally.Passed, tally.Failed
	fmt.Printf("beside a live Prometheus: %s\n", tally)
	if ctx.Err() != nil {
		return failed, ctx.Err()
	}
	if !c.self {
		prometheus.Kill()
		tally, err := compareDead(ctx, c, tester, data)
		if err != nil {
			return failed, err
		}
		passed, failed = passed+tally.Passed, failed+tally.Failed
		fmt.Printf("after its end: %s\n", tally)
	}
	if !subject.Alive() && !c.self {
		failed++
		fmt.Println("quarrel died:", subject.Log())
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return failed, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func startPrometheus(ctx context.Context, c config, tmp, data, target string) (*process.Server, error) {
	addr, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(tmp, "prometheus.yml")
	text := fmt.Sprintf(`global:
  scrape_interval: 1s
  scrape_timeout: 900ms
scrape_configs:
- job_name: prometheus
  static_configs: [{targets: [%q]}]
- job_name: fake
  static_configs: [{targets: [%q]}]
`, addr, target)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return process.Start(ctx, addr, c.prometheus,
		"--config.file="+config, "--storage.tsdb.path="+data, "--web.listen-address="+addr, "--log.level=warn",
		"--storage.tsdb.min-block-duration="+c.block.String(), "--storage.tsdb.max-block-duration="+(4*c.block).String(),
		"--storage.tsdb.retention.time=1d")
}

// report prints a failure as soon as it is found.
func report(f differ.Failure) {
	fmt.Printf("DIFFERENCE (%s): %s\n  from %s to %s step %d ms\n  %s\n  smallest: %s\n  %s\n\n", f.Diff.Kind, f.Query.Text,
		results.Seconds(f.Query.Start), results.Seconds(f.Query.End), f.Query.Step, f.Diff.Text, f.Small.Text, f.SmallDiff.Text)
}

// compareLive feeds queries at a steady pace until the time is over.
func compareLive(ctx context.Context, c config, t *differ.Tester, prometheus *process.Server, began time.Time, data string) (*differ.Tally, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ch := make(chan results.Query)
	var feedErr error
	go func() {
		defer close(ch)
		feedErr = feed(ctx, c, prometheus, began, data, ch)
	}()
	n := 0
	tally := t.Run(ctx, ch, 2, func(f differ.Failure) {
		report(f)
		if n++; n >= c.maxReport {
			stop()
		}
	})
	return tally, feedErr
}

func feed(ctx context.Context, c config, prometheus *process.Server, began time.Time, data string, out chan<- results.Query) error {
	r := rand.New(rand.NewSource(c.seed))
	pace := time.NewTicker(time.Second / time.Duration(c.perSecond))
	defer pace.Stop()
	const renew = 10 * time.Second
	for end := time.Now().Add(c.duration); time.Now().Before(end); {
		maxt := time.Now().Add(-c.lag)
		series, err := allSeries(ctx, prometheus)
		if err != nil {
			return err
		}
		blocks, err := filepath.Glob(filepath.Join(data, "*", "meta.json"))
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d series, %d blocks\n", time.Since(began).Round(time.Second), len(series), len(blocks))
		g := querygen.New(r, querygen.NewSchema(series, began.UnixMilli(), maxt.UnixMilli()), querygen.Options{Past: true, Broken: 1})
		for until := time.Now().Add(renew); time.Now().Before(until) && time.Now().Before(end); {
			select {
			case <-ctx.Done():
				return nil
			case <-pace.C:
			}
			select {
			case <-ctx.Done():
				return nil
			case out <- nextSettled(g):
			}
		}
	}
	return nil
}

// unsettled matches queries whose answers depend on what Prometheus did before:
// which of equal values topk keeps on the order in which its head made the
// series, and the labels of an absent selector with several matchers on whether
// a block was looked at.
var unsettled = regexp.MustCompile(`topk|bottomk|absent.*\{[^}]*,`)

// nextSettled is the generator's next query that is settled.
func nextSettled(g *querygen.Generator) results.Query {
	for {
		q := g.Next()
		if !unsettled.MatchString(q.Text) {
			return q
		}
	}
}

// allSeries asks the server for the labels of all series, by a query.
func allSeries(ctx context.Context, s *process.Server) ([]labels.Labels, error) {
	now := time.Now().UnixMilli()
	r, err := s.Run(ctx, results.Query{Text: `last_over_time({__name__!=""}[2m])`, Start: now, End: now})
	if err != nil {
		return nil, err
	}
	if r.ErrType != "" {
		return nil, errors.New(r.Err)
	}
	out := make([]labels.Labels, 0, len(r.Series))
	for _, row := range r.Series {
		out = append(out, labels.FromMap(row.Labels))
	}
	return out, nil
}

// compareDead compares with the engine over the directory as the killed
// Prometheus left it.
func compareDead(ctx context.Context, c config, t *differ.Tester, data string) (*differ.Tally, error) {
	prom, err := promengine.Open(data, nil)
	if err != nil {
		return nil, err
	}
	defer prom.Close()
	t.Prometheus = prom
	series, err := prom.Series(ctx)
	if err != nil {
		return nil, err
	}
	mint, maxt := prom.Range()
	g := querygen.New(rand.New(rand.NewSource(c.seed+1)), querygen.NewSchema(series, mint, maxt), querygen.Options{Broken: 1})
	ch := make(chan results.Query)
	go func() {
		defer close(ch)
		for range 500 {
			select {
			case ch <- g.Next():
			case <-ctx.Done():
				return
			}
		}
	}()
	return t.Run(ctx, ch, 2, report), nil
}
