package main

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// words are put where another word was.
var words = []string{
	"0", "1", "2", "-1", "0.5", "NaN", "stale", "_", "1m", "5m", "0s", "x", "a", "sum(x)", "{{", "}}", "$value", "\"\"", "null", "true",
	"[]", "{}", "eval_time: 1m", "for: 1m", "labels: {a: b}", ".Labels", "| humanize", "vector(1)", "x > 0", "10", "1x5", "0+1x9",
}

// compareDamaged damages files in one place each and compares the verdicts. The
// place is in the test file or in one of the rule files.
func compareDamaged(c config, own []string, compare func(string) (bool, error)) error {
	if c.damaged == 0 {
		return nil
	}
	tmp, err := os.MkdirTemp("", "unittestcheck-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	r := rand.New(rand.NewSource(c.seed))
	for n := range c.damaged {
		dir := filepath.Join(tmp, fmt.Sprint(n))
		if err := fixtures.CopyDir(dir, c.corpus); err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.Base(own[r.Intn(len(own))]))
		if err := damage(r, target(r, dir, file)); err != nil {
			return err
		}
		same, err := compare(file)
		if err != nil {
			return err
		}
		if !same && c.keep != "" {
			if err := fixtures.CopyDir(filepath.Join(c.keep, fmt.Sprint(n)), dir); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// target is the test file, or a rule file that it names.
func target(r *rand.Rand, dir, file string) string {
	text, err := os.ReadFile(file)
	if err != nil || r.Intn(2) == 0 {
		return file
	}
	for _, word := range strings.FieldsFunc(string(text), func(c rune) bool { return strings.ContainsRune(" []\n,", c) }) {
		if path := filepath.Join(dir, word); strings.HasPrefix(word, "rules/") {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return file
}

// damage changes one place of a file.
func damage(r *rand.Rand, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	i := r.Intn(len(lines))
	switch r.Intn(4) {
	case 0: // a line is gone
		lines = append(lines[:i], lines[i+1:]...)
	case 1: // a line is there twice
		lines = append(lines[:i+1], lines[i:]...)
	default: // another word
		for range 20 {
			if strings.TrimSpace(lines[i]) != "" && !strings.HasPrefix(lines[i], "#") {
				break
			}
			i = r.Intn(len(lines))
		}
		fields := strings.Split(lines[i], " ")
		fields[r.Intn(len(fields))] = words[r.Intn(len(words))]
		lines[i] = strings.Join(fields, " ")
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644)
}
