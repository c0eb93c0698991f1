package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// comparison is a run of `quarrel compare`.
type comparison struct {
	name string
	// reference and test are URLs, the parameters are NAME=VALUE.
	reference, test             string
	referenceParams, testParams []string
	// from and until are the times of the data in milliseconds.
	from, until int64
	// lists are files of queries in stack/queries without their ending; none asks
	// the list that is built into `quarrel compare`.
	lists []string
	// accept are files in stack/accept without their ending, with what is known to
	// differ.
	accept []string
	// least is how many queries must have been asked and had samples, so that an
	// empty stack proves nothing.
	least int
	// more arguments.
	more []string
}

var counts = regexp.MustCompile(`(?m)^(\d+) queries: (\d+) equal.*; (\d+) with samples.*$`)

// compare asks both endpoints and fails if an answer differs.
func (l *lab) compare(c comparison) error {
	args := []string{
		"compare", "--reference", c.reference, "--test", c.test, "--jobs", "3", "--shrink", "40",
		"--max-differences", strconv.Itoa(l.differences), "--experimental", "--timeout", "60s",
		"--data-from", seconds(c.from), "--data-until", seconds(c.until),
	}
	for _, p := range c.referenceParams {
		args = append(args, "--reference-parameter", p)
	}
	for _, p := range c.testParams {
		args = append(args, "--test-parameter", p)
	}
	for _, list := range c.lists {
		args = append(args, "--queries", filepath.Join(l.root, "stack", "queries", list+".txt"))
	}
	if len(c.accept) > 0 {
		accepted, err := l.accepted(c.accept)
		if err != nil {
			return err
		}
		args = append(args, "--accept", accepted)
	}
	args = append(append(args, c.more...), l.more...)
	if l.verbose {
		fmt.Println("  $ quarrel", strings.Join(args, " "))
	}
	var out bytes.Buffer
	command := exec.CommandContext(l.ctx, l.comparer, args...)
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	found := counts.FindSubmatch(out.Bytes())
	if found != nil {
		fmt.Printf("  %s: %s\n", c.name, found[0])
	}
	if err != nil {
		_, _ = os.Stdout.Write(out.Bytes())
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if found == nil {
		_, _ = os.Stdout.Write(out.Bytes())
		return fmt.Errorf("%s: no counts in the report", c.name)
	}
	if n, _ := strconv.Atoi(string(found[3])); n < c.least {
		return fmt.Errorf("%s: only %d answers had samples, of %d at least", c.name, n, c.least)
	}
	return nil
}

// accepted makes one file of several with known differences.
func (l *lab) accepted(names []string) (string, error) {
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(l.root, "stack", "accept", name+".yml"))
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return l.file("accept-"+strings.Join(names, "-")+".yml", all.String())
}

func seconds(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }

// all runs comparisons one after the other and tells of all that failed.
func (l *lab) all(list ...comparison) error {
	var errs []error
	for _, c := range list {
		errs = append(errs, l.compare(c))
		if l.ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}
