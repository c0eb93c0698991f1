package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/grafana/regexp/syntax"
)

// input is a value, written in hexadecimal if it is not UTF-8.
type input string

func (i input) MarshalJSON() ([]byte, error) {
	var value any = string(i)
	if !utf8.ValidString(string(i)) {
		value = map[string]string{"hex": hex.EncodeToString([]byte(i))}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return out.Bytes(), err
}

// pathological are patterns that are short and large, or whose parts may be
// empty, which decides about preferences.
var pathological = []string{
	// Counted repetitions of classes.
	`(?i)(\pL|\pN){1000}0`, `[\pL\pN]{30}x?`, `\PL{3,5}`, `(?i)[^\pL\pS]{2,}k`, `[\pL\PL]`, `[^\pL\PL]`,
	`(?i:[\p{Greek}k]{2}){3}`, `[\p{Lu}\P{Greek}]+`, `[^\P{Latin}a-f]{4}`, `(\PL\pL){20}.`, `[\x{100}-\x{10ffff}]{2}`,
	// Counts at and above the limits.
	`a{1000}`, `a{1001}`, `(a{10}){100}`, `((a{10}){10}){10}`, `((a{10}){10}){11}`, `(a{2}){501}`, `((a{0}){1000}){1000}`,
	`(a{1000}){0}b`, `(((a{2}){2}){2}){2}`, `(a{2,3}){4,5}`, `(a{3,}){2,3}b`, `((ab?){2,}c){3}`, `(a{0,3}){0,3}`, `(a{5}){0,3}?a*`,
	`((a|b){2,3}?){2}(a*)`, `(x{1,2}){1,2}(x*)`, `(a?){40}`, `(a??){20}(a*)`, `(a*){3}b`, `((a*)b?){7}`, `(a{2,4}|b){3,5}?(.*)`,
	`(\b|a){3}`, `(^a|b$){2}`, `(a\B){3}a`, `(?:(?:a{2})?){3}(a?)`,
	// Empty parts.
	`(a*)*`, `(a*)+`, `(a+)*`, `(a*?)*`, `(a*)*?b`, `(|a)*`, `(|a)+`, `(a|)*?`, `(|a){3}`, `(a||b)+`, `(|)`, `(||a)`, `()*`, `(()|a)+(b?)`,
	`((a?)*)*b`, `((a|b*)*c?)*`, `(?:a*)*(a?)`, `(?:a+?)+(a*)`, `(?:(?:a|b)??)??(.*)`, `((a*?)+?)+`, `(a*|b)*(c|)`, `(a|ab)(c|bcd)(d*)`,
	// Assertions in the middle.
	`a\b-\bb`, `a\Bb`, `\b\B`, `\B\B`, `a$b`, `a^b`, `(?m)a$\n^b`, `(?m:^a$\n?)+`, `(?m)(^|x)(a|$)+`, `.*\b(foo|bar)\b.*`, `(\Bé|\bé)+`, `\b`, `(a|\b)*`,
	`(?:\A|a)b`, `(b\z|b)+`, `(?m)$^`, `é\Bé`,
	// Cases.
	`(?i)straße`, `(?i)[k-s]{4}`, `(?i)ΘΣ{2}`, `(?i)(ǅ|ſ)+`, `(?i)kiosk(s|ſ){0,2}`, `(?i:é(?-i:É))`, `(?i)[^k]{2}`, `(?i)İi`,
	// What makes many states.
	`(a|b)*a(a|b){12}`, `(a|b)*a(a|b){60}`, `.*a.{30}b`, `(x+x+)+y`, `(a|a)*b`, `(a|aa|aaa)*b`, `((a|b)*c|(a|b)*d)*`, `(.*)(.*)(.*)x`, `(.*?)(a+?)(.*)`,
	strings.Repeat("a?", 30) + strings.Repeat("a", 30), "(" + strings.Repeat("foo|", 30) + "bar)+", strings.Repeat("(", 50) + "a" + strings.Repeat(")*", 50),
	strings.Repeat("(a", 30) + strings.Repeat("|b)*", 30),
	// Characters that are not in one byte.
	`.{3}`, `.+.+`, `[^a]{2}b`, `a.b`, `(?-s:.){2}`, "\ufffd{2}", `[\x{fffd}]a*`, `[^\x{fffd}]`, `\pL+`, `(é|日|😀){2,3}`, `.*é.*é.{2}`,
}

// notText are values with bytes that are no UTF-8.
var notText = []string{
	"\xff", "a\xff", "\xffa", "a\xc3b", "\xe6\x97", "\xe6\x97\xa5", "\xf0\x9f\x98", "\x80\x80kiosk", "\xed\xa0\x80", "\xc0\x80", "a\xffb", "\xff\xff\xff", "é\xc3é",
}

// pathologicalInputs are those of any pattern, long ones, and such as are no
// UTF-8.
func (g *generator) pathologicalInputs(parsed *syntax.Regexp) []string {
	all := g.inputs(parsed)
	for range 2 {
		text := g.sample(parsed, 0)
		if utf8.ValidString(text) && len(text) > 400 && len(text) < 4000 {
			all = append(all, text, g.spoil(text))
		}
	}
	for _, unit := range []string{"a", "ab", "aé"} {
		all = append(all, strings.Repeat(unit, 1+g.rnd.Intn(16)))
	}
	all = append(all, strings.Repeat("ab", 100)+"x", strings.Repeat("a", 999), strings.Repeat("a", 1000))
	return append(all, notText...)
}
