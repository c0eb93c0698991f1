package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/util/junitxml"
)

// verdict is what a program says of a file.
type verdict struct {
	code int
	// failed are the names of failing tests, sorted, each once.
	failed []string
}

// String is "passes", "is refused", or "fails" with the names of the tests.
func (v verdict) String() string {
	switch {
	case v.code == 0 && len(v.failed) == 0:
		return "passes"
	case v.code == 1 && len(v.failed) == 0:
		return "is refused"
	case v.code == 1:
		return "fails " + strings.Join(v.failed, ", ")
	}
	return fmt.Sprintf("ends with %d, fails %q", v.code, v.failed)
}

func verdicts(ctx context.Context, c config, file string) (want, got verdict, err error) {
	if want, err = promtool(ctx, c.promtool, file); err != nil {
		return want, got, err
	}
	got, err = quarrel(ctx, c.quarrel, file)
	return want, got, err
}

// execute runs a program and gives its exit code and what it printed.
func execute(ctx context.Context, name string, args ...string) (int, string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), out.String(), nil
	}
	return 0, out.String(), err
}

func promtool(ctx context.Context, program, file string) (verdict, error) {
	return reported(func(report string) (int, string, error) {
		return execute(ctx, program, "test", "--junit="+report, "rules", file)
	})
}

func quarrel(ctx context.Context, program, file string) (verdict, error) {
	return reported(func(report string) (int, string, error) {
		return execute(ctx, program, "test", "--junit="+report, file)
	})
}

// reported runs a program that writes JUnit XML, and reads it.
func reported(run func(report string) (int, string, error)) (verdict, error) {
	report, err := os.CreateTemp("", "unittestcheck-")
	if err != nil {
		return verdict{}, err
	}
	defer os.Remove(report.Name())
	defer report.Close()
	code, out, err := run(report.Name())
	if err != nil {
		return verdict{}, fmt.Errorf("%w: %s", err, out)
	}
	v := verdict{code: code}
	var suites junitxml.JUnitXML
	if err := xml.NewDecoder(report).Decode(&suites); err != nil {
		// A panic leaves no report.
		return verdict{code: code, failed: []string{"without a report: " + out}}, nil
	}
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			if len(c.Failures) > 0 {
				v.failed = append(v.failed, c.Name)
			}
		}
	}
	slices.Sort(v.failed)
	v.failed = slices.Compact(v.failed)
	return v, nil
}
