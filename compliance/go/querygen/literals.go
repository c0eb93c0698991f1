package querygen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	plainName  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	plainLabel = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// quote writes a string literal in one of the possible notations.
func (g *Generator) quote(s string) string {
	switch {
	case g.chance(15) && !strings.ContainsAny(s, "`\r"):
		return "`" + s + "`"
	case g.chance(20):
		q := strconv.Quote(s)
		q = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
		return "'" + strings.ReplaceAll(q, "'", `\'`) + "'"
	case g.chance(10):
		return strconv.QuoteToASCII(s)
	}
	return strconv.Quote(s)
}

// labelName writes a label name, with quotes where they are needed and
// sometimes where not.
func (g *Generator) labelName(l string) string {
	if plainLabel.MatchString(l) && !g.chance(3) {
		return l
	}
	return strconv.Quote(l)
}

// number writes a number near v in one of the many notations.
func (g *Generator) number(v float64) string {
	whole := v == float64(int64(v)) && v >= 0 && v < 1e9
	switch n := g.r.Intn(100); {
	case n < 4 && whole:
		return fmt.Sprintf("0x%X", int64(v))
	case n < 6 && whole:
		return fmt.Sprintf("0%o", int64(v))
	case n < 9:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case n < 11 && whole && v >= 1000:
		return fmt.Sprintf("%d_%03d", int64(v)/1000, int64(v)%1000)
	case n < 13 && whole && v > 0:
		return fmt.Sprintf("%ds", int64(v))
	case n < 15 && v > 0 && v < 1:
		return strings.TrimPrefix(strconv.FormatFloat(v, 'f', -1, 64), "0")
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// anyNumber writes any number.
func (g *Generator) anyNumber() string {
	switch n := g.r.Intn(100); {
	case n < 3:
		return pick(g.r, []string{"Inf", "+Inf", "-Inf", "inf", "NaN", "nan", "-0", "1e308", "1e-308", "5m", "1h30m", "1d", "100ms"})
	case n < 60:
		return g.number(float64(g.r.Intn(11)))
	case n < 75:
		return "-" + g.number(float64(g.r.Intn(11)))
	case n < 90:
		return g.number(float64(g.r.Intn(1000)) / 100)
	}
	return g.number(float64(g.r.Intn(2_000_000)))
}

// duration writes a duration, given in milliseconds, in one of its notations.
func (g *Generator) duration(ms int64) string {
	if ms == 0 {
		return pick(g.r, []string{"0s", "0m", "0"})
	}
	switch n := g.r.Intn(100); {
	case n < 8 && ms%1000 == 0:
		return fmt.Sprint(ms / 1000) // a number means seconds
	case n < 10:
		return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
	case n < 13:
		return fmt.Sprintf("%dms", ms)
	case n < 14 && ms%1000 == 0:
		return fmt.Sprintf("0x%x", ms/1000)
	}
	if g.o.Experimental && g.chance(8) {
		return g.durationExpr(ms)
	}
	var b strings.Builder
	for _, u := range []struct {
		ms   int64
		unit string
	}{{3_600_000, "h"}, {60_000, "m"}, {1000, "s"}, {1, "ms"}} {
		if n := ms / u.ms; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.unit)
			ms -= n * u.ms
		}
	}
	return b.String()
}

// window picks the length of a range in milliseconds.
func (g *Generator) window() int64 {
	return pick(g.r, []int64{
		15_000, 30_000, 45_000, 60_000, 60_000, 90_000, 120_000, 300_000, 300_000, 300_000,
		300_000, 600_000, 600_000, 900_000, 1_800_000, 3_600_000, 61_000, 299_999, 1, 7_200_000,
	})
}

// comment sometimes adds a comment or unusual white space.
func (g *Generator) comment() string {
	if !g.chance(2) {
		return ""
	}
	return pick(g.r, []string{" # a comment\n", "\n", "\t", "  ", " #\n "})
}
