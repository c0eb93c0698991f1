// Command remotereadcheck compares quarrel with a real Prometheus over remote read, in
// both directions: quarrel reads from Prometheus, by chunks and by samples, and answers as
// Prometheus itself; Prometheus reads from quarrel and answers as over its own data;
// Prometheus's own client reads the same series and chunks from both; and what is wrong
// with a request has the same status and text.
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
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
)

type config struct {
	prometheus, quarrel string
	seed                int64
	n                   int
	more                []string
}

func main() {
	var c config
	flag.StringVar(&c.prometheus, "prometheus", "", "the Prometheus program")
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program")
	flag.Int64Var(&c.seed, "seed", 1, "seed of data and queries")
	flag.IntVar(&c.n, "n", 300, "random queries in each comparison")
	flag.Parse()
	c.more = flag.Args()
	process.Main("remotereadcheck", func(ctx context.Context) error { return run(ctx, c) })
}

func run(ctx context.Context, c config) error {
	if c.prometheus == "" || c.quarrel == "" {
		return errors.New("-prometheus and -quarrel are needed")
	}
	tmp, err := os.MkdirTemp("", "remotereadcheck-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, data := range []struct {
		name    string
		options fixtures.Options
	}{
		{"xor", fixtures.Options{Seed: c.seed, Shape: fixtures.Blocks, Histograms: true}},
		{"xor2", fixtures.Options{Seed: c.seed + 1, Shape: fixtures.Blocks, Histograms: true, XOR2: true, ST: true}},
	} {
		if err := check(ctx, c, filepath.Join(tmp, data.name), data.name, data.options); err != nil {
			return err
		}
	}
	return nil
}

// lab is a Prometheus and a quarrel over the same data.
type lab struct {
	c                   config
	dir, data           string
	features            []string
	from, until         int64
	prometheus, quarrel *process.Server
}

// check makes all comparisons over data of one kind.
func check(ctx context.Context, c config, dir, name string, o fixtures.Options) error {
	l := lab{c: c, dir: dir, data: filepath.Join(dir, "data")}
	if o.ST {
		l.features = []string{"st-storage"}
	}
	if err := fixtures.Build(l.data, o); err != nil {
		return err
	}
	engine, err := promengine.Open(l.data, l.features)
	if err != nil {
		return err
	}
	l.from, l.until = engine.Range()
	if err := engine.Close(); err != nil {
		return err
	}
	if l.prometheus, err = l.startPrometheus(ctx, "prometheus", ""); err != nil {
		return err
	}
	defer l.prometheus.Close()
	if l.quarrel, err = process.Quarrel(ctx, c.quarrel, l.data, nil); err != nil {
		return err
	}
	defer l.quarrel.Close()
	if err := l.compareClients(ctx, o); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := l.compareRefusals(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Println(name + ": Prometheus's client reads the same of both")
	for _, form := range []string{"chunks", "samples"} {
		fmt.Printf("%s: quarrel over Prometheus, by %s\n", name, form)
		if err := l.quarrelOverPrometheus(ctx, form); err != nil {
			return err
		}
	}
	fmt.Printf("%s: Prometheus over quarrel\n", name)
	return l.prometheusOverQuarrel(ctx)
}

// startPrometheus starts a Prometheus over a copy of the data.
func (l *lab) startPrometheus(ctx context.Context, name, configFile string, extra ...string) (*process.Server, error) {
	dir := filepath.Join(l.dir, name)
	if err := fixtures.CopyDir(dir, l.data); err != nil {
		return nil, err
	}
	return process.Prometheus(ctx, l.c.prometheus, dir, configFile, l.features, extra...)
}

func (l *lab) quarrelOverPrometheus(ctx context.Context, form string) error {
	addr, err := process.FreeAddress()
	if err != nil {
		return err
	}
	args := []string{"serve", "--listen", addr, "--remote-read", l.prometheus.URL + "/api/v1/read"}
	if form == "samples" {
		args = append(args, "--remote-read.samples")
	}
	server, err := process.Start(ctx, addr, l.c.quarrel, args...)
	if err != nil {
		return err
	}
	defer server.Close()
	return l.compare(ctx, server)
}

func (l *lab) prometheusOverQuarrel(ctx context.Context) error {
	file := filepath.Join(l.dir, "prometheus.yml")
	text := fmt.Sprintf("remote_read: [{url: %q, read_recent: true}]\n", l.quarrel.URL+"/api/v1/read")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	server, err := process.Prometheus(ctx, l.c.prometheus, filepath.Join(l.dir, "empty"), file, l.features)
	if err != nil {
		return err
	}
	defer server.Close()
	return l.compare(ctx, server)
}

// skipped are queries whose answers differ for reasons that have nothing to do with remote
// read: last digits of exponentials and of long sums (docs/compatibility.md), and which of
// equal values topk keeps, as Prometheus does not sort the series of its own blocks.
const skipped = `topk|bottomk|limitk|limit_ratio|(sin|cos|tan)h?\(.*predict_linear|histogram_quantiles\(.*odd_bucket|absent.*kind.*kind`

// compare compares a server with the real Prometheus: by random queries, and by the
// built-in list, over data of one kind.
func (l *lab) compare(ctx context.Context, server *process.Server) error {
	kinds := [][]string{{"--random", strconv.Itoa(l.c.n), "--broken", "1"}}
	if len(l.features) == 0 {
		kinds = append(kinds, nil)
	}
	for _, queries := range kinds {
		args := []string{
			"compare", "--reference", l.prometheus.URL, "--test", server.URL, "--annotations", "--floor", "0",
			"--jobs", "2", "--max-differences", "10", "--seed", strconv.FormatInt(l.c.seed, 10),
			"--data-from", seconds(l.from), "--data-until", seconds(l.until), "--skip", skipped,
		}
		args = append(append(args, queries...), l.c.more...)
		fmt.Println("quarrel", strings.Join(args, " "))
		command := exec.CommandContext(ctx, l.c.quarrel, args...)
		command.Stdout, command.Stderr = os.Stdout, os.Stderr
		if err := command.Run(); err != nil {
			return errors.Join(err, fmt.Errorf("%s", server.Log()))
		}
	}
	if !server.Alive() {
		return fmt.Errorf("the server died:\n%s", server.Log())
	}
	return nil
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
