package querygen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// body writes the name and matchers of a selector for a metric.
func (g *Generator) body(m *Metric) string {
	var matchers []string
	if len(m.Labels) > 0 {
		n := pick(g.r, []int{0, 0, 1, 1, 1, 2, 3})
		series := pick(g.r, m.sets)
		for range n {
			matchers = append(matchers, g.matcher(m, pick(g.r, m.Labels), series))
		}
	}
	if g.chance(5) {
		matchers = append(matchers, pick(g.r, []string{`nope=""`, `nope!="x"`, `nope=~".*"`, `nope!~".+"`, `job!=""`, `nope=~""`, `instance=~"|.+"`}))
	}
	if m.Name == "" {
		for _, l := range m.Labels {
			matchers = append(matchers, g.labelName(l)+`!=""`)
		}
		matchers = append(matchers, `__name__=""`)
		return "{" + strings.Join(matchers, ",") + "}"
	}
	name, plain := m.Name, plainName.MatchString(m.Name)
	switch n := g.r.Intn(100); {
	case n < 80 && plain:
		if len(matchers) == 0 {
			return name + pick(g.r, []string{"", "", "", "{}"})
		}
		return name + g.braces(matchers)
	case n < 90:
		matchers = append([]string{strconv.Quote(name)}, matchers...)
	case n < 96:
		matchers = append(matchers, "__name__="+g.quote(name))
	default:
		matchers = append(matchers, "__name__=~"+g.quote(regexp.QuoteMeta(name)+pick(g.r, []string{"", "|nope", ".*"})))
	}
	return g.braces(matchers)
}

func (g *Generator) braces(matchers []string) string {
	text := strings.Join(matchers, pick(g.r, []string{",", ", "}))
	if len(matchers) > 0 && g.chance(3) {
		text += ","
	}
	return "{" + text + g.comment() + "}"
}

// selector writes an instant selector.
func (g *Generator) selector(m *Metric) expr {
	if g.chance(3) {
		return g.manyMetrics()
	}
	return expr{text: g.body(m) + g.modifiers(), atom: true, labels: m.Labels, m: m}
}

// manyMetrics selects over several metrics.
func (g *Generator) manyMetrics() expr {
	text := pick(g.r, []string{
		`{__name__=~"half_.*"}`, `{__name__=~"both_.*"}`, `{__name__=~"both_a|half_b",l="x"}`, `{__name__=~"(node|job).*"}`,
		`{job="api",__name__!~"http.*"}`, `{instance=~"api-1.*"}`, `{__name__=~"special.*"}`, `{l!=""}`, `{__name__=~".*_info"}`,
		`{idx=~"1|2",__name__=~"ties|constant"}`,
	})
	return expr{text: text + g.modifiers(), atom: true, labels: []string{"l", "job", "instance", "kind"}}
}

// modifiers writes @ and offset, usually neither.
func (g *Generator) modifiers() string {
	var at, offset string
	if g.chance(14) {
		ms := pick(g.r, []int64{1_000, 15_000, 30_000, 60_000, 300_000, 600_000, 3_600_000, 7_001, 0})
		sign := ""
		if !g.o.Past {
			sign = pick(g.r, []string{"", "", "-"})
		}
		if sign == "-" && g.chance(30) {
			sign = "- "
		}
		offset = " offset " + sign + g.duration(ms)
	}
	if g.chance(10) {
		switch n := g.r.Intn(100); {
		case n < 30:
			at = " @ start()"
		case n < 60:
			at = " @ end()"
		case n < 63:
			at = " @ " + pick(g.r, []string{"0", "-1", "1e10", "1.5e9"})
		default:
			at = " @ " + results.Seconds(g.moment())
		}
	}
	if g.chance(50) {
		return at + offset
	}
	return offset + at
}

// matrix makes a range vector of the metric, or of any. Window 0 leaves its
// length to the generator. At depth 0 it is a selector, above maybe a subquery.
func (g *Generator) matrix(depth int, m *Metric, window int64) expr {
	if window == 0 {
		window = g.window()
	}
	if depth > 0 && g.subqueries < 2 && g.chance(22) {
		return g.subquery(depth-1, m)
	}
	if m == nil {
		m = g.metric()
	}
	e := expr{labels: m.Labels, m: m, atom: true}
	e.text = g.body(m) + g.comment() + "[" + g.duration(window) + "]" + g.extension() + g.modifiers()
	return e
}

// extension sometimes writes anchored or smoothed.
func (g *Generator) extension() string {
	if g.o.Experimental && g.chance(10) {
		return pick(g.r, []string{" anchored", " smoothed"})
	}
	return ""
}

// subquery makes a range vector from an instant vector.
func (g *Generator) subquery(depth int, m *Metric) expr {
	g.subqueries++
	defer func() { g.subqueries-- }()
	var inner expr
	switch {
	case m != nil && m.counter() && g.chance(40), m != nil && depth <= 0 && g.chance(30):
		inner = g.rangeCall(0, m)
	case m != nil && g.chance(70):
		inner = g.selector(m)
	case g.chance(8):
		inner = pick(g.r, []expr{{text: "vector(time())", atom: true}, {text: "vector(time() % 100)", atom: true}, {text: "hour()", atom: true}, {text: "time()", atom: true}, {text: "vector(scalar(phi))", atom: true}})
	default:
		inner = g.vector(min(depth, 2))
	}
	window := pick(g.r, []int64{60_000, 120_000, 300_000, 300_000, 600_000, 900_000, 1_800_000, 61_000})
	steps := []int64{15_000, 30_000, 60_000, 60_000, 7_000, 300_000, 13_337}
	if g.subqueries > 1 {
		window = min(window, 300_000)
		steps = []int64{30_000, 60_000, 300_000}
	}
	step := ""
	if g.chance(75) {
		step = g.duration(pick(g.r, steps))
	}
	inner.text = fmt.Sprintf("%s[%s:%s]%s", g.subqueryOperand(inner), g.duration(window), step, g.modifiers())
	inner.atom = true
	return inner
}

// subqueryOperand puts what is not an atom in parentheses: without, the
// subquery would take the last operand only.
func (g *Generator) subqueryOperand(e expr) string {
	if e.atom && !g.chance(10) {
		return e.text
	}
	return "(" + e.text + ")"
}
