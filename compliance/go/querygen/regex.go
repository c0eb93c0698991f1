package querygen

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// regex makes a regular expression of any class. It usually matches v, and may
// match other real values of the label.
func (g *Generator) regex(v string, values []string) string {
	if len(values) == 0 {
		values = []string{"x"}
	}
	runes := []rune(v)
	cut := func() (string, string) {
		n := 0
		if len(runes) > 0 {
			n = g.r.Intn(len(runes) + 1)
		}
		return regexp.QuoteMeta(string(runes[:n])), regexp.QuoteMeta(string(runes[n:]))
	}
	pre, post := cut()
	return choose(g, []option[string]{
		{10, func() string { return regexp.QuoteMeta(v) }},
		{14, func() string { return g.alternation(v, values) }},
		{10, func() string { return pre + ".*" }},
		{8, func() string { return pre + ".+" }},
		{10, func() string { return ".*" + post }},
		{5, func() string { return ".+" + post }},
		{8, func() string { return ".*" + middle(g, runes) + ".*" }},
		{3, func() string { return ".+" + middle(g, runes) + ".+" }},
		{6, func() string { return ".*" }},
		{6, func() string { return ".+" }},
		{2, func() string { return "" }},
		{6, func() string { return classes(regexp.QuoteMeta(v)) }},
		{4, func() string { return "(?i)" + swapCase(regexp.QuoteMeta(v)) }},
		{3, func() string { return "(?i:" + swapCase(pre) + ").*" }},
		{3, func() string { return pre + "(" + post + "|)" }},
		{3, func() string { return pre + "(?:" + post + ")?" }},
		{3, func() string { return "[^" + firstLetter(runes) + "].*" }},
		{2, func() string { return fmt.Sprintf(".{%d}", len(runes)) }},
		{2, func() string { return fmt.Sprintf(".{0,%d}", g.r.Intn(12)) }},
		{2, func() string { return "^" + regexp.QuoteMeta(v) + "$" }},
		{2, func() string { return "^(?:" + pre + ".*)$" }},
		{2, func() string { return `\Q` + strings.ReplaceAll(v, `\`, "") + `\E` }},
		{2, func() string { return pre + ".*" + post }},
		{2, func() string { return `[a-z]+(-[0-9a-f]+)*` }},
		{2, func() string { return `\w+` }},
		{2, func() string { return `(.*)-(.*)-(.*)` }},
		{2, func() string { return `.*\d{2,}.*` }},
		{1, func() string { return `(?s).*` }},
		{1, func() string { return `[[:alpha:]]+.*` }},
		{1, func() string { return `\pL+` }},
		{1, func() string { return `(?:` + g.alternation(v, values) + `|.*z)` }},
		{1, func() string { return `.*?` + post + `?` }},
	})
}

func (g *Generator) alternation(v string, values []string) string {
	n := g.r.Intn(5)
	if g.chance(8) {
		n = 30
	}
	parts := []string{regexp.QuoteMeta(v)}
	for range n {
		parts = append(parts, regexp.QuoteMeta(pick(g.r, values)))
	}
	if g.chance(10) {
		parts = append(parts, pick(g.r, []string{"", "nope", ".*a", "b.+"}))
	}
	g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	text := strings.Join(parts, "|")
	if g.chance(20) {
		return "(" + text + ")"
	}
	return text
}

func middle(g *Generator, runes []rune) string {
	if len(runes) < 2 {
		return regexp.QuoteMeta(string(runes))
	}
	from := g.r.Intn(len(runes) - 1)
	to := from + 1 + g.r.Intn(min(len(runes)-from, 4))
	return regexp.QuoteMeta(string(runes[from:min(to, len(runes))]))
}

func firstLetter(runes []rune) string {
	if len(runes) > 0 && runes[0] < utf8.RuneSelf && plainLabel.MatchString(string(runes[0])) {
		return string(runes[0])
	}
	return "x"
}

var digits = regexp.MustCompile(`[0-9]+`)

// classes turns digits into character classes.
func classes(s string) string { return digits.ReplaceAllString(s, `[0-9]+`) }

func swapCase(s string) string {
	if strings.Contains(s, `\`) {
		return s // an escape must not change its letter
	}
	if u := strings.ToUpper(s); u != s {
		return u
	}
	return strings.ToLower(s)
}

// matcher writes a matcher on a label of a metric. It usually selects the given
// series.
func (g *Generator) matcher(m *Metric, label string, series map[string]string) string {
	values := m.Values[label]
	v, other := series[label], pick(g.r, values)
	if g.chance(8) {
		v = pick(g.r, append([]string{"", "nope"}, values...))
	}
	name := g.labelName(label)
	space := pick(g.r, []string{"", "", "", " "})
	switch n := g.r.Intn(100); {
	case n < 25:
		return name + space + "=" + space + g.quote(v)
	case n < 38:
		return name + space + "!=" + space + g.quote(other)
	case n < 80:
		return name + space + "=~" + space + g.quote(g.regex(v, values))
	}
	return name + space + "!~" + space + g.quote(g.regex(other, values))
}
