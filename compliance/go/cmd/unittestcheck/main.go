// Command unittestcheck runs unit tests of rules with `promtool test rules` and
// with `quarrel test`, and compares the verdicts: the exit codes and the names
// of the tests that fail.
//
// The files are quarrel's own (compliance/tests/unit), those of promtool's own
// tests (in the module cache), and with -damaged copies of quarrel's own that are
// damaged in one place each.
//
// With -write the verdicts of promtool on quarrel's own files are written to
// verdicts.txt beside them, for compliance/tests/unit.rs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

type config struct {
	promtool, quarrel, corpus string
	damaged                   int
	seed                      int64
	write                     bool
	keep                      string
}

func main() {
	var c config
	flag.StringVar(&c.promtool, "promtool", "", "the promtool program")
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program")
	flag.StringVar(&c.corpus, "corpus", "../tests/unit", "the folder of quarrel's own files")
	flag.IntVar(&c.damaged, "damaged", 0, "how many damaged files to try")
	flag.Int64Var(&c.seed, "seed", 1, "seed of the damage")
	flag.BoolVar(&c.write, "write", false, "write verdicts.txt instead of comparing")
	flag.StringVar(&c.keep, "keep", "", "a folder for damaged files with different verdicts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "unittestcheck:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, c config) (failed int, err error) {
	if c.promtool == "" || (c.quarrel == "") == !c.write {
		return 0, errors.New("-promtool and one of -quarrel and -write are needed")
	}
	own, err := filepath.Glob(filepath.Join(c.corpus, "*.yml"))
	if err != nil || len(own) == 0 {
		return 0, fmt.Errorf("no files in %s: %w", c.corpus, err)
	}
	if c.write {
		return 0, writeVerdicts(ctx, c, own)
	}
	theirs, err := promtoolFiles()
	if err != nil {
		return 0, err
	}
	passed := 0
	compare := func(file string) (same bool, err error) {
		want, got, err := verdicts(ctx, c, file)
		if err != nil {
			return false, err
		}
		if want.String() == got.String() {
			passed++
			return true, nil
		}
		failed++
		fmt.Printf("%s\n  promtool: %s\n  quarrel:  %s\n", file, want, got)
		return false, nil
	}
	for _, file := range append(own, theirs...) {
		if _, err := compare(file); err != nil {
			return failed, err
		}
	}
	if err := compareDamaged(c, own, compare); err != nil {
		return failed, err
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return failed, nil
}

// promtoolFiles are the test files of promtool's own tests.
func promtoolFiles() ([]string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	all, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "cmd/promtool/testdata/*.yml"))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no test data of promtool in the module cache")
	}
	return all, nil
}

// writeVerdicts writes what promtool says of each file.
func writeVerdicts(ctx context.Context, c config, files []string) error {
	var out strings.Builder
	for _, file := range files {
		v, err := promtool(ctx, c.promtool, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s: %s\n", filepath.Base(file), v)
	}
	return os.WriteFile(filepath.Join(c.corpus, "verdicts.txt"), []byte(out.String()), 0o644)
}
