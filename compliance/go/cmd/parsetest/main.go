// Command parsetest compares the parser and the printers of `quarrel serve`
// with those of Prometheus: is a text a query, what is its pretty form, and,
// beside a real Prometheus, its syntax tree as JSON. It counts how many errors
// have the same text, over the texts that are compared and over queries that are
// damaged in one place, and fails when one of the shares is below -same. With
// -print it needs no quarrel and prints what Prometheus makes of each text, one
// JSON object a line; with a real Prometheus beside it, also the syntax trees.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quarrel-engine/quarrel/compliance/go/apicheck"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/queries"
)

type config struct {
	quarrel, prometheus string
	features            []string
	seed                int64
	n, maxReport        int
	texts               string
	damaged             int
	same                float64
	print               bool
}

func main() {
	var c config
	var features string
	flag.StringVar(&c.quarrel, "quarrel", "", "the quarrel program")
	flag.StringVar(&c.prometheus, "prometheus", "", "the Prometheus program, to compare syntax trees, too")
	flag.StringVar(&features, "features", "", "comma-separated names as for --enable-feature")
	flag.StringVar(&c.texts, "texts", "", "file with further texts, JSON strings one a line, such as the example random_queries of the crate quarrel-compliance writes")
	flag.Int64Var(&c.seed, "seed", 1, "seed of the token soup")
	flag.IntVar(&c.n, "n", 1000, "number of texts of token soup")
	flag.IntVar(&c.maxReport, "max-failures", 30, "stop after this number of differences; 0 for no limit")
	flag.IntVar(&c.damaged, "damaged", 20000, "number of damaged queries")
	flag.Float64Var(&c.same, "same", 0, "the least share of errors with the same text")
	flag.BoolVar(&c.print, "print", false, "print what Prometheus makes of each text as JSON lines")
	flag.Parse()
	if features != "" {
		c.features = strings.Split(features, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "parsetest:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// parsed is what Prometheus's parser makes of a text.
type parsed struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
	// Range is the position of the error, in bytes.
	Range     *[2]int `json:"range,omitempty"`
	Type      string  `json:"type,omitempty"`
	Canonical string  `json:"canonical,omitempty"`
	Pretty    string  `json:"pretty,omitempty"`
	// Options are 1 for experimental functions, 2 for fill modifiers, 4 for
	// unquoted UTF-8 names.
	Options int `json:"options"`
	// Spans are the positions of all nodes, in the order of a walk.
	Spans [][2]int `json:"spans,omitempty"`
	// Tree is what /api/v1/parse_query gives.
	Tree json.RawMessage `json:"tree,omitempty"`
}

func parseText(p parser.Parser, text string) parsed {
	e, err := p.ParseExpr(text)
	if err != nil {
		v := parsed{Text: text, Error: err.Error()}
		if errs, ok := errors.AsType[parser.ParseErrors](err); ok {
			r := errs[0].PositionRange
			v.Range = &[2]int{int(r.Start), int(r.End)}
		}
		return v
	}
	return parsed{Text: text, Type: string(e.Type()), Canonical: e.String(), Pretty: e.Pretty(0), Spans: spans(e)}
}

// spans are the positions of an expression's nodes.
func spans(e parser.Expr) (out [][2]int) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if n != nil {
			r := n.PositionRange()
			out = append(out, [2]int{int(r.Start), int(r.End)})
		}
		return nil
	})
	return out
}

// printAll prints what Prometheus makes of each text, once.
func printAll(ctx context.Context, c config, p parser.Parser, texts []string) error {
	var server *process.Server
	if c.prometheus != "" {
		tmp, err := os.MkdirTemp("", "parsetest-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		if server, err = process.Prometheus(ctx, c.prometheus, tmp, "", c.features); err != nil {
			return err
		}
		defer server.Close()
	}
	options := 0
	for i, f := range []string{"promql-experimental-functions", "promql-binop-fill-modifiers", "promql-unquoted-utf8-names"} {
		if slices.Contains(c.features, f) {
			options |= 1 << i
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	seen := map[string]bool{}
	for _, t := range texts {
		if seen[t] || !utf8.ValidString(t) { // which JSON can't hold
			continue
		}
		seen[t] = true
		v := parseText(p, t)
		v.Options = options
		if v.Error == "" && server != nil {
			r := apicheck.Request{Method: http.MethodPost, Path: "/api/v1/parse_query", Form: url.Values{"query": {t}}}
			a, err := apicheck.Ask(ctx, server.URL, r)
			if err != nil {
				return err
			}
			var body struct{ Data json.RawMessage }
			// The server has no answer if a fill value is no JSON number.
			if json.Unmarshal(a.Body, &body) == nil {
				v.Tree = body.Data
			}
		}
		if err := out.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, c config) (failed int, err error) {
	texts, damaged, err := allTexts(ctx, c)
	if err != nil {
		return 0, err
	}
	p := parser.NewParser(promengine.ParserOptions(c.features))
	if c.print {
		return 0, printAll(ctx, c, p, slices.Concat(texts, damaged))
	}
	if c.quarrel == "" {
		return 0, errors.New("-quarrel or -print is needed")
	}
	got, want, cleanup, err := servers(ctx, c)
	if err != nil {
		return 0, err
	}
	defer cleanup()
	r := report{limit: c.maxReport}
	for _, part := range []struct {
		name  string
		texts []string
	}{{"texts", texts}, {"damaged queries", damaged}} {
		words := wording{name: part.name}
		for _, t := range part.texts {
			if ctx.Err() != nil {
				return r.failed, ctx.Err()
			}
			if !r.add(t, compare(ctx, got, want, parseText(p, t), &words)) {
				break
			}
		}
		words.print()
		if words.share() < c.same {
			r.failed++
			fmt.Printf("FEWER of them than the share %v that is asked for\n", c.same)
		}
	}
	if !got.Alive() {
		r.failed++
		fmt.Println("the server died:", got.Log())
	}
	fmt.Printf("%d passed, %d failed\n", r.passed, r.failed)
	return r.failed, nil
}

// report counts texts and prints differences.
type report struct {
	limit, passed, failed int
}

// add tells whether to go on.
func (r *report) add(text, difference string) bool {
	if difference == "" {
		r.passed++
		return true
	}
	r.failed++
	fmt.Printf("DIFFERENCE: %q\n  %s\n", text, difference)
	if r.failed == r.limit {
		fmt.Println("stopped (-max-failures)")
		return false
	}
	return true
}

// servers starts quarrel and, where asked for, a Prometheus beside it.
func servers(ctx context.Context, c config) (got, want *process.Server, cleanup func(), err error) {
	tmp, err := os.MkdirTemp("", "parsetest-")
	if err != nil {
		return nil, nil, nil, err
	}
	var started []*process.Server
	cleanup = func() {
		for _, s := range started {
			s.Close()
		}
		os.RemoveAll(tmp)
	}
	data := filepath.Join(tmp, "data")
	if err := fixtures.Build(data, fixtures.Options{Seed: 1, Shape: fixtures.Head}); err != nil {
		return nil, nil, nil, errors.Join(err, os.RemoveAll(tmp))
	}
	if got, err = process.Quarrel(ctx, c.quarrel, data, c.features); err != nil {
		cleanup()
		return nil, nil, nil, err
	}
	started = append(started, got)
	if c.prometheus != "" {
		if want, err = process.Prometheus(ctx, c.prometheus, filepath.Join(tmp, "prometheus"), "", c.features); err != nil {
			cleanup()
			return nil, nil, nil, err
		}
		started = append(started, want)
	}
	return got, want, cleanup, nil
}

func compare(ctx context.Context, got, want *process.Server, v parsed, words *wording) string {
	r := apicheck.Request{Method: http.MethodPost, Path: "/api/v1/format_query", Form: url.Values{"query": {v.Text}}}
	a, err := apicheck.Ask(ctx, got.URL, r)
	if err != nil {
		return err.Error()
	}
	var body struct{ Data, Error, ErrorType string }
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return fmt.Sprintf("%v: %.200s", err, a.Body)
	}
	switch {
	case v.Error != "" && a.Status == http.StatusOK:
		return fmt.Sprintf("is refused by Prometheus (%s), but gave %s", v.Error, body.Data)
	case v.Error != "" && (a.Status != http.StatusBadRequest || body.ErrorType != "bad_data"):
		return fmt.Sprintf("want bad_data, got status %d, %s: %s", a.Status, body.ErrorType, body.Error)
	case v.Error != "":
		// Bytes that are no UTF-8 are no text of an error.
		if utf8.ValidString(v.Text) {
			words.add(v.Text, `invalid parameter "query": `+v.Error, body.Error)
		}
		return ""
	case a.Status != http.StatusOK:
		return fmt.Sprintf("is a query to Prometheus, but gave %s", body.Error)
	case body.Data != v.Pretty:
		return fmt.Sprintf("pretty form\n  want %s\n  got  %s", v.Pretty, body.Data)
	case want == nil:
		return ""
	}
	r.Path = "/api/v1/parse_query"
	w, err := apicheck.Ask(ctx, want.URL, r)
	if err != nil {
		return "Prometheus: " + err.Error()
	}
	if a, err = apicheck.Ask(ctx, got.URL, r); err != nil {
		return err.Error()
	}
	return apicheck.Compare(r, w, a)
}

// allTexts are hand-written texts, those of Prometheus's own test files and of
// the tests of its parser, those of the file, and token soup; and, apart from
// them, queries that are damaged in one place.
func allTexts(ctx context.Context, c config) (texts, damaged []string, err error) {
	texts = slices.Concat(wrongTexts, wrongOnData, apicheck.Texts)
	hand, err := queries.Load(append([]string{"histograms", "st"}, promengine.Features...))
	if err != nil {
		return nil, nil, err
	}
	evals, err := testFileQueries(ctx)
	if err != nil {
		return nil, nil, err
	}
	tables, err := parserTestTexts(ctx)
	if err != nil {
		return nil, nil, err
	}
	texts = slices.Concat(texts, hand, evals, tables)
	damaged = damagedTexts(texts, c.damaged)
	further, err := fileTexts(c.texts)
	if err != nil {
		return nil, nil, err
	}
	texts = append(texts, further...)
	r := rand.New(rand.NewSource(c.seed))
	for range c.n {
		texts = append(texts, soup(r))
	}
	return texts, damaged, nil
}

// fileTexts are the texts of a file, JSON strings one a line.
func fileTexts(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	for in := json.NewDecoder(f); ; {
		var text string
		switch err := in.Decode(&text); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("%s, text %d: %w", name, len(out)+1, err)
		}
		out = append(out, text)
	}
}

// testFileQueries takes the queries out of Prometheus's test files, which lie
// in the module cache.
func testFileQueries(ctx context.Context) ([]string, error) {
	dir, err := moduleDir(ctx)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "promql", "promqltest", "testdata", "*.test"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if text, ok := evalText(lines.Text()); ok {
				out = append(out, text)
			}
		}
		if err := errors.Join(lines.Err(), f.Close()); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no queries in the test files of Prometheus")
	}
	return out, nil
}

// evalText is the query of an eval command: what follows its times.
func evalText(line string) (string, bool) {
	words := strings.Fields(line)
	if len(words) == 0 || !strings.HasPrefix(words[0], "eval") {
		return "", false
	}
	skip := 0
	for i, w := range words {
		switch w {
		case "at", "step":
			skip = i + 2
		}
		if w == "step" || w == "at" {
			break
		}
	}
	if skip == 0 || skip >= len(words) {
		return "", false
	}
	rest := line
	for range skip {
		rest = strings.TrimLeft(rest, " \t")
		rest = rest[strings.IndexAny(rest, " \t"):]
	}
	return strings.TrimSpace(rest), true
}
