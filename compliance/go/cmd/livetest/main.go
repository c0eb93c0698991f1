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
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
)

type config struct {
	prometheus, quarrel string
	self                bool
	duration            time.Duration
	block               time.Duration
	lag                 time.Duration
	seed                int64
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
	flag.Int64Var(&c.seed, "seed", 1, "seed of the queries")
	flag.StringVar(&c.keep, "keep", "", "keep the data in this directory, which must be empty")
	flag.Parse()
	process.Main("livetest", func(ctx context.Context) error { return run(ctx, c) })
}

func run(ctx context.Context, c config) error {
	if c.prometheus == "" || c.quarrel == "" {
		return errors.New("-prometheus and -quarrel are needed")
	}
	tmp, err := os.MkdirTemp("", "livetest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	data := filepath.Join(tmp, "data")
	if c.keep != "" {
		data = c.keep
	}
	target, err := startTarget()
	if err != nil {
		return err
	}
	defer target.close()
	prometheus, err := startPrometheus(ctx, c, tmp, data, target.address)
	if err != nil {
		return err
	}
	defer prometheus.Close()
	began := time.Now()
	if err := sleep(ctx, 8*time.Second); err != nil {
		return err
	}
	subject := prometheus
	if !c.self {
		if subject, err = process.Quarrel(ctx, c.quarrel, data, nil); err != nil {
			return err
		}
		defer subject.Close()
	}
	if err := compareLive(ctx, c, prometheus.URL, subject.URL, began, data); err != nil {
		return err
	}
	if !c.self {
		prometheus.Kill()
		if err := compareDead(ctx, c, subject.URL, data); err != nil {
			return err
		}
		if !subject.Alive() {
			return fmt.Errorf("quarrel died: %s", subject.Log())
		}
	}
	return nil
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

// unsettled matches queries whose answers depend on what Prometheus did before:
// which of equal values topk keeps on the order in which its head made the
// series, and the labels of an absent selector with several matchers on whether
// a block was looked at.
const unsettled = `topk|bottomk|absent.*\{[^}]*,`

// magnified matches queries that show the last digit of an exponential, which may
// be another one than Go's (docs/compatibility.md).
const magnified = `(sin|cos|tan)h?\(.*(predict_linear|exp|sinh|cosh)|count_values[^(]*\([^(]*\(`

// round is how long the series that are asked for stay the same; aRound is how
// many queries there are in it.
const (
	round  = 10 * time.Second
	aRound = "400"
)

// compareLive compares random queries about the past until the time is over.
func compareLive(ctx context.Context, c config, prometheus, subject string, began time.Time, data string) error {
	seed := c.seed
	for end := time.Now().Add(c.duration); time.Now().Before(end); seed++ {
		blocks, err := filepath.Glob(filepath.Join(data, "*", "meta.json"))
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d blocks\n", time.Since(began).Round(time.Second), len(blocks))
		until := time.Now().Add(-c.lag)
		err = compare(ctx, c, prometheus, subject, began, until, "--random", aRound, "--past",
			"--seed", strconv.FormatInt(seed, 10), "--skip", unsettled+"|"+magnified)
		if err != nil {
			return err
		}
		if err := sleep(ctx, time.Until(until.Add(c.lag+round))); err != nil {
			return err
		}
	}
	return nil
}

// compareDead compares with the engine over the directory as the killed
// Prometheus left it.
func compareDead(ctx context.Context, c config, subject, data string) error {
	prom, err := promengine.Open(data, nil)
	if err != nil {
		return err
	}
	defer prom.Close()
	url, stop, err := prom.Serve()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Println("after its end:")
	mint, maxt := prom.Range()
	return compare(ctx, c, url, subject, time.UnixMilli(mint), time.UnixMilli(maxt),
		"--random", "500", "--seed", strconv.FormatInt(c.seed-1, 10), "--skip", magnified)
}

// compare runs `quarrel compare` on data of a time.
func compare(ctx context.Context, c config, reference, test string, from, until time.Time, more ...string) error {
	seconds := func(t time.Time) string { return fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000) }
	args := []string{
		"compare", "--reference", reference, "--test", test, "--annotations", "--strict-ties", "--floor", "0",
		"--jobs", "2", "--broken", "1", "--max-differences", "20",
		"--data-from", seconds(from), "--data-until", seconds(until),
	}
	command := exec.CommandContext(ctx, c.quarrel, append(args, more...)...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
