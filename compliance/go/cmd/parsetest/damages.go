package main

import (
	"math/rand"
	"strings"
)

// damages are texts that differ from a text in one place: cut off at each byte,
// and with each token and each byte left out, written twice, replaced and
// preceded by another one. What is put in runs through the vocabulary, and begins
// at the turn, so that different texts get different things.
func damages(text string, turn int) []string {
	var out []string
	put := func(parts ...string) { out = append(out, strings.Join(parts, "")) }
	at := 0
	for _, token := range tokenize(text) {
		before, behind := text[:at], text[at+len(token):]
		at += len(token)
		put(before, behind)
		put(before, token, token, behind)
		put(before, token, " ", token, behind)
		for range 2 {
			turn++
			other := vocabulary[turn%len(vocabulary)]
			put(before, other, behind)
			put(before, " ", other, " ", token, behind)
		}
	}
	for i := range len(text) {
		before, behind := text[:i], text[i+1:]
		turn++
		other := oneByte[turn%len(oneByte)]
		put(before)
		put(before, behind)
		put(before, other, behind)
		put(before, other, text[i:])
	}
	return out
}

// tokenize cuts a text into words, spaces and single signs.
func tokenize(text string) []string {
	var out []string
	word := func(b byte) bool {
		return b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
	}
	for i := 0; i < len(text); {
		k := i + 1
		if word(text[i]) {
			for k < len(text) && word(text[k]) {
				k++
			}
		}
		out = append(out, text[i:k])
		i = k
	}
	return out
}

// vocabulary is what damages put in, and the tokens of soup.
var vocabulary = []string{
	"up", "foo", "a:b", "rate", "sum", "topk", "count_values", "time", "abs", "vector", "label_replace", "info", "limitk", "by", "without", "on", "ignoring",
	"group_left", "group_right", "bool", "offset", "and", "or", "unless", "atan2", "fill", "fill_left", "smoothed", "anchored", "start", "end", "step", "range", "max_of", "inf", "NaN",
	"(", ")", "{", "}", "[", "]", ",", ":", "=", "==", "!=", "=~", "!~", "<", "<=", ">", ">=", "</", ">/", "+", "-", "*", "/", "%", "^", "@", "#", "\n", "!", ";", ".", "$", "&",
	"1", "0", "-1", "0x1f", "1e3", ".5", "1_000", "5m", "1h30m", "100ms", "1.5h", "0s", `"x"`, `'y'`, "`z`", `"a\n"`, `"\xff"`, `"`, "'", "ü", "日本", "\x00", "\xff", "🦀", "a.b", "le", "__name__", "job",
}

// oneByte is what damages puts in the place of bytes.
var oneByte = strings.Split("\"|'|`|\\|(|)|[|]|{|}|,|:|=|!|~|<|>|@|#|.|-|+|^|*|/|%|_|0|7|e|m|s|x|A|\n|\t|\r| |;|$|&|ü|\x00|\ufffd", "|")

// soup is a random sequence of tokens, which seldom is a query.
func soup(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.Intn(9) {
		b.WriteString(vocabulary[r.Intn(len(vocabulary))])
		if r.Intn(100) < 60 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
