package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// damagedTexts are n of the texts that come of damaging queries in one place,
// evenly spread.
func damagedTexts(texts []string, n int) []string {
	seen := map[string]bool{}
	for _, t := range texts {
		seen[t] = true
	}
	var all []string
	for i, t := range texts {
		// Long texts would drown the others.
		if len(t) > 200 {
			continue
		}
		for _, d := range damages(t, i) {
			// Escapes of bytes that are no UTF-8 differ, see docs/compatibility.md.
			if !seen[d] && utf8.ValidString(d) && !strings.Contains(d, `\xff`) {
				seen[d] = true
				all = append(all, d)
			}
		}
	}
	if n >= len(all) {
		return all
	}
	out := make([]string, n)
	for i := range out {
		out[i] = all[i*len(all)/n]
	}
	return out
}

// moduleDir is the folder of Prometheus in the module cache.
func moduleDir(ctx context.Context) (string, error) {
	b, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		return "", fmt.Errorf("where is the module? %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// parserTestTexts takes the texts out of the tables in the tests of Prometheus's
// parser, which lie in the module cache.
func parserTestTexts(ctx context.Context) ([]string, error) {
	dir, err := moduleDir(ctx)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "promql", "parser", "*_test.go"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range files {
		f, err := goparser.ParseFile(token.NewFileSet(), name, nil, goparser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			field, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, isName := field.Key.(*ast.Ident)
			value, isLiteral := field.Value.(*ast.BasicLit)
			if isName && isLiteral && value.Kind == token.STRING && slices.Contains([]string{"input", "in", "expr"}, key.Name) {
				if text, err := strconv.Unquote(value.Value); err == nil {
					out = append(out, text)
				}
			}
			return true
		})
	}
	if len(out) == 0 {
		return nil, errors.New("no texts in the tests of Prometheus's parser")
	}
	return out, nil
}

// wording counts how many errors of the parser have the same text, place
// included, and keeps the kinds of the others.
type wording struct {
	name         string
	errors, same int
	kinds        map[string]*difference
}

type difference struct {
	count           int
	text, want, got string
}

// add compares the error of the text with what quarrel said.
func (w *wording) add(text, want, got string) {
	w.errors++
	if want == got {
		w.same++
		return
	}
	kind := "another place: " + kindOf(want)
	if kindOf(want) != kindOf(got) {
		kind = kindOf(want) + " | " + kindOf(got)
	}
	if w.kinds == nil {
		w.kinds = map[string]*difference{}
	}
	d := w.kinds[kind]
	if d == nil {
		d = &difference{text: text, want: want, got: got}
		w.kinds[kind] = d
	}
	d.count++
}

func (w *wording) share() float64 {
	if w.errors == 0 {
		return 0
	}
	return float64(w.same) / float64(w.errors)
}

// print shows the share of errors with the same text, and the most frequent
// kinds of difference with an example each.
func (w *wording) print() {
	fmt.Printf("%s: %d of %d errors have the same text (%.2f %%)\n", w.name, w.same, w.errors, 100*w.share())
	kinds := make([]string, 0, len(w.kinds))
	for k := range w.kinds {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(w.kinds[b].count-w.kinds[a].count, strings.Compare(a, b))
	})
	for _, k := range kinds[:min(len(kinds), 20)] {
		d := w.kinds[k]
		fmt.Printf("%6d  %q\n        want %s\n        got  %s\n", d.count, d.text, d.want, d.got)
	}
}

var (
	places   = regexp.MustCompile(`^(invalid parameter "query": )?\d+:\d+: parse error: `)
	quotings = regexp.MustCompile(`"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|<[^>]*>|\d+`)
)

// kindOf is an error's text without its place and without what it quotes.
func kindOf(text string) string {
	return quotings.ReplaceAllString(places.ReplaceAllString(text, ""), "*")
}
