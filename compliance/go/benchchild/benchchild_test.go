package benchchild

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake counts the queries and directories that it was asked for.
type fake struct {
	opened, texts []string
}

func (f *fake) Open(dir string) error {
	f.opened = append(f.opened, dir)
	return nil
}

func (f *fake) Run(_ context.Context, r Request) (int, func(), error) {
	f.texts = append(f.texts, r.Query)
	return 7, func() {}, nil
}

func (f *fake) Close() error { return nil }

func ask(t *testing.T, f *fake, lines string) []Answer {
	t.Helper()
	var out bytes.Buffer
	if err := Serve(f, "none", strings.NewReader(lines), &out); err != nil {
		t.Fatal(err)
	}
	var answers []Answer
	for line := range strings.Lines(out.String()) {
		var a Answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	return answers[1:]
}

func TestServe(t *testing.T) {
	f := &fake{}
	answers := ask(t, f, `{"query":"a","data":"d","runs":4,"most_ms":1000,"timeout_ms":1000,"memory":true}
{"query":"b#","data":"d","variants":3,"timeout_ms":1000}
`)
	if len(answers) != 2 || len(answers[0].TimesNs) != 4 || answers[0].Rows != 7 || answers[0].PeakBytes == nil {
		t.Errorf("first answer: %+v", answers)
	}
	if len(answers[1].TimesNs) != 1 || f.texts[len(f.texts)-1] != "b2" {
		t.Errorf("second answer: %+v after %q", answers[1], f.texts)
	}
	if len(f.opened) != 1 {
		t.Errorf("opened %q", f.opened)
	}
}

func TestColdOpensAnew(t *testing.T) {
	f := &fake{}
	ask(t, f, `{"query":"a","data":"d","runs":2,"most_ms":1000,"timeout_ms":1000,"cold":true}`+"\n")
	if len(f.opened) < 3 {
		t.Errorf("opened %q", f.opened)
	}
}

func TestParseAnonymous(t *testing.T) {
	n, err := parseAnonymous([]byte("VmRSS:\t9 kB\nRssAnon:\t     12 kB\n"))
	if err != nil || n != 12*1024 {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "RssAnon:\n", "RssAnon: x kB\n"} {
		if _, err := parseAnonymous([]byte(bad)); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

func TestLinkDir(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(src, "block", "chunks"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(src, "block", "chunks", "000001"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := LinkDir(dst, src); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dst, "block", "chunks", "000001")); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}
