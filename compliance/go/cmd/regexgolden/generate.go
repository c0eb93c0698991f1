package main

import (
	"math/rand"
	"strings"
	"unicode"

	"github.com/grafana/regexp/syntax"
)

type generator struct {
	rnd *rand.Rand
}

var alphabet = []string{
	"a", "b", "c", "A", "B", "k", "K", "s", "S", "x", "0", "1", "7", "_", "-", ".",
	" ", "\n", "é", "É", "ß", "ſ", "\u212a", "日", "😀", "api", "foo", "bar", "{", "}", "[", "]", "^", "$", "|", "\\",
}

var templates = []string{
	"$0", "$1", "$2-$1", "${1}x", "$1x", "${n}", "$n", "$nn $$ $", "a$$1", "${", "${1", "$é$1", "${é}",
	"$01", "$10", "${01}", "$1234567890", "$ 1", "x", "", "${n}_${m}", "$n_", "$m$2$3", "$-1", "${ 1}", "$1$", "日$1本",
}

func (g *generator) choose(from []string) string {
	return from[g.rnd.Intn(len(from))]
}

// pattern is a random one: well formed, or token soup.
func (g *generator) pattern() string {
	switch g.rnd.Intn(10) {
	case 0, 1, 2:
		return g.soup()
	case 3:
		return g.shaped()
	}
	return g.alternation(3)
}

var soupTokens = []string{
	"(", ")", "(?:", "(?i)", "(?i:", "(?s", "(?-s:", "(?P<n>", "(?<n>", "(?P<", "(?=", "(?<!", "(?", "[", "]", "[^",
	"[:alpha:]", "[:^digit:]", "[:foo:]", "-", "a", "b", "k", "S", "0", "{", "}", ",", "{2}", "{,2}", "{1,", "{0,3}",
	"{3,1}", "{1000}", "{1001}", "{02}", "*", "+", "?", "|", "^", "$", ".", "\\", "\\d", "\\D", "\\w", "\\pL", "\\p{Greek}",
	"\\P{^Lu}", "\\pX", "\\p{", "\\Q", "\\E", "\\x41", "\\x{e9}", "\\x{110000}", "\\x4", "\\07", "\\8", "\\1", "\\b", "\\B", "\\A",
	"\\z", "\\Z", "\\C", "\\n", "\\_", "\\-", "\\é", "é", "日", "\n", "&&", "~", "#", " ",
}

func (g *generator) soup() string {
	var b strings.Builder
	for range 1 + g.rnd.Intn(7) {
		b.WriteString(g.choose(soupTokens))
	}
	return b.String()
}

// shaped is what people write in matchers: literals between gaps.
func (g *generator) shaped() string {
	gaps := []string{".*", ".+", "", "", ".?", "(.*)", "(.+)", "[^a]*", "\\d+", "(?:.*)", ".*?"}
	words := []string{"api", "foo", "bar", "a|b", "(foo|bar)", "(?i:api)", "(?i)foo", "[ab]x", "x?", "é", "(a|bc|d)", "a{2}", "-"}
	var branches []string
	for range 1 + g.rnd.Intn(3) {
		branch := g.choose([]string{"", "", "^"}) + g.choose(gaps) + g.choose(words) + g.choose(gaps)
		if g.rnd.Intn(2) == 0 {
			branch += g.choose(words) + g.choose(gaps)
		}
		branches = append(branches, branch+g.choose([]string{"", "", "$"}))
	}
	return strings.Join(branches, "|")
}

func (g *generator) alternation(depth int) string {
	branches := []string{g.row(depth)}
	for g.rnd.Intn(3) == 0 {
		branches = append(branches, g.row(depth))
	}
	return strings.Join(branches, "|")
}

func (g *generator) row(depth int) string {
	var b strings.Builder
	for range g.rnd.Intn(4) {
		b.WriteString(g.repeated(depth))
	}
	return b.String()
}

func (g *generator) repeated(depth int) string {
	atom := g.atom(depth)
	switch g.rnd.Intn(3) {
	case 0:
		return atom + g.choose([]string{"*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}", "{0}", "{0,}", "{1}"}) + g.choose([]string{"", "", "?"})
	}
	return atom
}

func (g *generator) atom(depth int) string {
	if depth > 0 && g.rnd.Intn(3) == 0 {
		open := g.choose([]string{"(", "(", "(?:", "(?i:", "(?P<n>", "(?<m>", "(?-s:", "(?U:", "(?m:", "(?is-U:"})
		return open + g.alternation(depth-1) + ")"
	}
	switch g.rnd.Intn(8) {
	case 0:
		return g.choose([]string{".", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\pL", "\\PL", "\\p{Lu}", "\\p{Greek}", "\\b", "\\B", "^", "$", "\\A", "\\z", "(?i)", "\\x{212a}", "\\Qa.b\\E"})
	case 1:
		return g.class()
	}
	return g.choose([]string{"a", "b", "c", "k", "K", "s", "x", "0", "-", "\\.", "é", "É", "ß", "日", "api", "foo", "\n", "_"})
}

func (g *generator) class() string {
	items := []string{"a", "b-k", "A-Z", "s", "0-9", "_", "-", "é", "\\d", "\\w", "\\S", "[:upper:]", "[:^alnum:]", "\\pL", "\\x41-\\x43", "^", ".", "&&", "\\]", "[", "k", "K", "α-ω", "\\n"}
	var b strings.Builder
	b.WriteString(g.choose([]string{"[", "[", "[^"}))
	for range 1 + g.rnd.Intn(3) {
		item := g.choose(items)
		if strings.HasPrefix(item, "[:") {
			item = "[" + item + "]"
		}
		b.WriteString(item)
	}
	b.WriteString("]")
	return b.String()
}

// sample returns a text that the expression matches, if anchors and word
// boundaries are ignored.
func (g *generator) sample(re *syntax.Regexp, depth int) string {
	many := func(low, high int) string {
		var b strings.Builder
		for range low + g.rnd.Intn(high-low+1) {
			b.WriteString(g.sample(re.Sub[0], depth+1))
		}
		return b.String()
	}
	if depth > 40 {
		return ""
	}
	switch re.Op {
	case syntax.OpLiteral:
		var b strings.Builder
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 {
				for range g.rnd.Intn(3) {
					r = unicode.SimpleFold(r)
				}
			}
			b.WriteRune(r)
		}
		return b.String()
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return ""
		}
		i := 2 * g.rnd.Intn(len(re.Rune)/2)
		r := re.Rune[i] + rune(g.rnd.Intn(min(int(re.Rune[i+1]-re.Rune[i])+1, 30)))
		return string(r)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return g.choose(alphabet)
	case syntax.OpCapture:
		return many(1, 1)
	case syntax.OpStar:
		return many(0, 2)
	case syntax.OpPlus:
		return many(1, 2)
	case syntax.OpQuest:
		return many(0, 1)
	case syntax.OpRepeat:
		return many(re.Min, max(re.Max, re.Min+1))
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(g.sample(sub, depth+1))
		}
		return b.String()
	case syntax.OpAlternate:
		return g.sample(re.Sub[g.rnd.Intn(len(re.Sub))], depth+1)
	}
	return ""
}
