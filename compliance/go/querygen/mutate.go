package querygen

import "strings"

// Damages are texts that differ from a text in one place: cut off at each byte,
// and with each token and each byte left out, written twice, replaced and
// preceded by another one. What is put in runs through the vocabulary, and begins
// at the turn, so that different texts get different things.
func Damages(text string, turn int) []string {
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

// oneByte is what Damages puts in the place of bytes.
var oneByte = strings.Split("\"|'|`|\\|(|)|[|]|{|}|,|:|=|!|~|<|>|@|#|.|-|+|^|*|/|%|_|0|7|e|m|s|x|A|\n|\t|\r| |;|$|&|ü|\x00|\ufffd", "|")
