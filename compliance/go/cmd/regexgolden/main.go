// Command regexgolden writes what Prometheus's regular expressions make of many
// patterns. quarrel's own implementation is compared with it.
//
// Usage: go run ./cmd/regexgolden > ../../matchers/tests/data/regex.jsonl
//
// Each line is a JSON object. A line with "p" is about one pattern:
//
//	p  the pattern, in hexadecimal after "hex:" if it is not UTF-8
//	e  the error of a label matcher, if the pattern is refused
//	r  the error of label_replace, if it is refused there
//	i  inputs, as {"hex": ...} if they are not UTF-8; m says for each by 0 or 1
//	   whether the matcher matches
//	c  for each input, what label_replace finds: the positions of all groups,
//	   or null
//	x  templates and what they become on an input (its number): only where
//	   that input matches
//
// A line with "class" has the hash of a character class (see classHash), of
// all cases, or of all printable characters.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"log"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grafana/regexp"
	"github.com/grafana/regexp/syntax"
	"github.com/prometheus/prometheus/model/labels"
)

type expansion struct {
	Input    int    `json:"i"`
	Template string `json:"t"`
	Want     string `json:"w"`
}

type record struct {
	Pattern    string      `json:"p"`
	Error      string      `json:"e,omitempty"`
	ReplaceErr string      `json:"r,omitempty"`
	Inputs     []input     `json:"i,omitempty"`
	Matches    string      `json:"m,omitempty"`
	Captures   [][]int     `json:"c,omitempty"`
	Expansions []expansion `json:"x,omitempty"`
}

type classRecord struct {
	Class string `json:"class"`
	Hash  string `json:"hash"`
}

func main() {
	seed := flag.Int64("seed", 1, "seed of the random patterns")
	count := flag.Int("count", 2600, "random patterns")
	flag.Parse()

	g := &generator{rnd: rand.New(rand.NewSource(*seed))}
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	write := func(v any) {
		if err := enc.Encode(v); err != nil {
			log.Fatal(err)
		}
	}

	for _, name := range classNames() {
		for _, flags := range []string{"", "(?i)"} {
			pattern := flags + `[\p{` + name + `}]`
			write(classRecord{pattern, classHash(pattern)})
		}
	}
	write(classRecord{"cases", casesHash()})
	write(classRecord{"print", rangesHash(printable())})

	seen := map[string]bool{}
	patterns := slices.Clone(handWritten)
	for range *count {
		patterns = append(patterns, g.pattern())
	}
	for _, pattern := range patterns {
		if !seen[pattern] {
			seen[pattern] = true
			write(g.examine(pattern, g.inputs))
		}
	}
	for _, pattern := range pathological {
		if !seen[pattern] {
			seen[pattern] = true
			write(g.examine(pattern, g.pathologicalInputs))
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// examine records what Prometheus makes of one pattern.
func (g *generator) examine(pattern string, inputs func(*syntax.Regexp) []string) record {
	rec := record{Pattern: pattern}
	if !utf8.ValidString(pattern) {
		rec.Pattern = "hex:" + hex.EncodeToString([]byte(pattern))
	}
	replacer, err := regexp.Compile("^(?s:" + pattern + ")$")
	if err != nil {
		rec.ReplaceErr = err.Error()
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl|syntax.DotNL)
	if err != nil {
		rec.Error = err.Error()
	}
	if !utf8.ValidString(pattern) || (parsed == nil && replacer == nil) {
		return rec
	}
	for _, value := range inputs(parsed) {
		rec.Inputs = append(rec.Inputs, input(value))
		if parsed != nil {
			rec.Matches += matches(pattern, parsed, value)
		}
		if replacer == nil {
			continue
		}
		found := replacer.FindStringSubmatchIndex(value)
		rec.Captures = append(rec.Captures, found)
		if found != nil && len(rec.Expansions) < 2 {
			template := templates[g.rnd.Intn(len(templates))]
			rec.Expansions = append(rec.Expansions, expansion{
				Input:    len(rec.Inputs) - 1,
				Template: template,
				Want:     string(replacer.ExpandString(nil, template, value, found)),
			})
		}
	}
	return rec
}

// matches is 1 if the plain regular expression matches the input, else 0.
// Where Prometheus's shortcuts disagree, it reports them.
func matches(pattern string, parsed *syntax.Regexp, input string) string {
	plain := regexp.MustCompile("^(?s:" + parsed.String() + ")$").MatchString(input)
	matcher, err := labels.NewMatcher(labels.MatchRegexp, "l", pattern)
	if err != nil {
		log.Fatalf("%q: %v", pattern, err)
	}
	if matcher.Matches(input) != plain {
		log.Printf("the matcher differs from its expression: %q on %q, expression says %v", pattern, input, plain)
	}
	if plain {
		return "1"
	}
	return "0"
}

func classNames() []string {
	names := []string{"Any"}
	for name := range unicode.Categories {
		names = append(names, name)
	}
	for name := range unicode.Scripts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// classHash is the FNV-1a hash of the bounds of a class's ranges, in order,
// as 4 bytes each with the lowest first. Characters are numbered without
// surrogates, and ranges that touch are one.
func classHash(pattern string) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		log.Fatalf("%q: %v", pattern, err)
	}
	ranges := parsed.Rune
	switch parsed.Op {
	case syntax.OpAnyChar:
		ranges = []rune{0, unicode.MaxRune}
	case syntax.OpLiteral:
		ranges = []rune{parsed.Rune[0], parsed.Rune[0]}
	}
	return rangesHash(ranges)
}

// printable are the characters that strconv.Quote leaves as they are.
func printable() []rune {
	var ranges []rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if strconv.IsPrint(r) {
			ranges = append(ranges, r, r)
		}
	}
	return ranges
}

func rangesHash(ranges []rune) string {
	in := map[uint32]bool{}
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if n, ok := number(r); ok {
				in[n] = true
			}
		}
	}
	h := fnv.New64a()
	var start uint32
	inside := false
	for n := uint32(0); n <= 0x10ffff-0x800+1; n++ {
		if in[n] && !inside {
			start = n
		}
		if !in[n] && inside {
			writeNumbers(h, start, n-1)
		}
		inside = in[n]
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func number(r rune) (uint32, bool) {
	switch {
	case r < 0xd800:
		return uint32(r), true
	case r < 0xe000:
		return 0, false
	}
	return uint32(r - 0x800), true
}

// casesHash covers all characters that have other cases, each followed by
// all of its cases, ascending.
func casesHash() string {
	h := fnv.New64a()
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if unicode.SimpleFold(c) == c {
			continue
		}
		all := []rune{c}
		for other := unicode.SimpleFold(c); other != c; other = unicode.SimpleFold(other) {
			all = append(all, other)
		}
		slices.Sort(all)
		writeNumbers(h, uint32(c))
		for _, other := range all {
			writeNumbers(h, uint32(other))
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func writeNumbers(w interface{ Write([]byte) (int, error) }, numbers ...uint32) {
	for _, n := range numbers {
		_, _ = w.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	}
}

// inputs are strings that the pattern matches, changed ones, and others.
func (g *generator) inputs(parsed *syntax.Regexp) []string {
	all := []string{""}
	for range 4 {
		text := strings.Repeat(g.choose(alphabet), g.rnd.Intn(3)) + g.choose(alphabet)
		if parsed != nil {
			text = g.sample(parsed, 0)
		}
		if len(text) > 400 || !utf8.ValidString(text) {
			continue
		}
		all = append(all, text, g.spoil(text))
	}
	all = append(all, g.choose(alphabet)+g.choose(alphabet)+g.choose(alphabet))
	slices.Sort(all)
	return slices.Compact(all)
}

// spoil changes one character.
func (g *generator) spoil(text string) string {
	runes := []rune(text)
	at := g.rnd.Intn(len(runes) + 1)
	switch g.rnd.Intn(3) {
	case 0:
		return string(runes[:at]) + g.choose(alphabet) + string(runes[at:])
	case 1:
		if at < len(runes) {
			return string(runes[:at]) + string(runes[at+1:])
		}
	}
	if at < len(runes) {
		other := unicode.SimpleFold(runes[at])
		return string(runes[:at]) + string(other) + string(runes[at+1:])
	}
	return text + g.choose(alphabet)
}
