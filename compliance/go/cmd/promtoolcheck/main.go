// Command promtoolcheck sends the same requests to `quarrel serve` and to a
// real Prometheus over the same data, by promtool and by HTTP, and compares the
// answers.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/quarrel-engine/quarrel/compliance/go/apicheck"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

type config struct {
	prometheus, promtool, quarrel string
	self                          bool
	only                          string
}

func main() {
	var c config
	flag.StringVar(&c.prometheus, "prometheus", "", "the Prometheus program")
	flag.StringVar(&c.promtool, "promtool", "", "the promtool program; without it only HTTP is checked")
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program")
	flag.BoolVar(&c.self, "self", false, "compare Prometheus with itself, to test this program")
	flag.StringVar(&c.only, "only", "", "only what matches this regular expression")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "promtoolcheck:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) (failed int, err error) {
	if c.prometheus == "" || (c.quarrel == "") == !c.self {
		return 0, errors.New("-prometheus and one of -quarrel and -self are needed")
	}
	only, err := regexp.Compile(c.only)
	if err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp("", "promtoolcheck-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	data := filepath.Join(tmp, "data")
	if err := fixtures.Build(data, fixtures.Options{Seed: 1, Shape: fixtures.Mixed}); err != nil {
		return 0, err
	}
	start := func(name string) (*process.Server, error) {
		dir := filepath.Join(tmp, name)
		if err := fixtures.CopyDir(dir, data); err != nil {
			return nil, err
		}
		return process.Prometheus(ctx, c.prometheus, dir, "", nil)
	}
	want, err := start("prometheus")
	if err != nil {
		return 0, err
	}
	defer want.Close()
	var got *process.Server
	if c.self {
		got, err = start("again")
	} else {
		got, err = process.Quarrel(ctx, c.quarrel, data, nil)
	}
	if err != nil {
		return 0, err
	}
	defer got.Close()

	passed := 0
	count := func(difference string) {
		if difference == "" {
			passed++
			return
		}
		failed++
		fmt.Println(difference)
	}
	for _, r := range apicheck.Requests() {
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
		if only.MatchString(r.String()) {
			count(compareHTTP(ctx, want.URL, got.URL, r))
		}
	}
	if err := compareCosts(ctx, c, tmp, data, only, count); err != nil {
		return failed, err
	}
	if err := compareDamaged(ctx, c, tmp, only, count); err != nil {
		return failed, err
	}
	if err := compareLogged(ctx, c, tmp, only, count); err != nil {
		return failed, err
	}
	if c.promtool != "" {
		for _, args := range promtoolCalls() {
			if ctx.Err() != nil {
				return failed, ctx.Err()
			}
			if only.MatchString(fmt.Sprint(args)) {
				count(comparePromtool(ctx, c.promtool, want.URL, got.URL, args))
			}
		}
		for _, text := range apicheck.Texts {
			if only.MatchString("promtool promql format " + text) {
				count(compareFormat(ctx, c.promtool, got.URL, text))
			}
		}
	}
	if !got.Alive() {
		failed++
		fmt.Println("the server died:", got.Log())
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return failed, nil
}

// compareCosts compares both servers with the features query-cost and search-api.
func compareCosts(ctx context.Context, c config, tmp, data string, only *regexp.Regexp, count func(string)) error {
	features := []string{"query-cost", "search-api"}
	dir := filepath.Join(tmp, "cost")
	if err := fixtures.CopyDir(dir, data); err != nil {
		return err
	}
	want, err := process.Prometheus(ctx, c.prometheus, dir, "", features)
	if err != nil {
		return err
	}
	defer want.Close()
	got := want
	if !c.self {
		if got, err = process.Quarrel(ctx, c.quarrel, data, features); err != nil {
			return err
		}
		defer got.Close()
	}
	for _, r := range append(apicheck.CostRequests(), apicheck.SearchRequests()...) {
		if only.MatchString(r.String()) {
			count(compareHTTP(ctx, want.URL, got.URL, r))
		}
	}
	return nil
}

func compareHTTP(ctx context.Context, want, got string, r apicheck.Request) string {
	w, err := apicheck.Ask(ctx, want, r)
	if err != nil {
		return fmt.Sprintf("DIFFERENCE: %s\n  Prometheus: %v\n", r, err)
	}
	g, err := apicheck.Ask(ctx, got, r)
	if err != nil {
		return fmt.Sprintf("DIFFERENCE: %s\n  %v\n", r, err)
	}
	if bytes.Contains(w.Body, []byte("unexpected error: ")) {
		return fmt.Sprintf("DIFFERENCE: %s\n  Prometheus panicked, so this request compares nothing: %s\n", r, w.Body)
	}
	d := apicheck.Compare(r, w, g)
	if d == "" {
		return ""
	}
	return fmt.Sprintf("DIFFERENCE: %s\n  %s\n  again: %s\n", r, d, r.Curl("http://SERVER"))
}
