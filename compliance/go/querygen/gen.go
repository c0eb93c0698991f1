package querygen

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// Options choose what the generator may use beyond the stable language.
type Options struct {
	// Experimental allows experimental functions and aggregators, fill
	// modifiers, anchored and smoothed ranges, and duration expressions.
	Experimental bool
	// Histograms prefers metrics with native histograms and the functions for them.
	Histograms bool
	// Past keeps every query from looking beyond the schema's last time, where
	// a live server may still add samples.
	Past bool
	// Broken is the share of queries, in percent, that are wrong on purpose.
	Broken int
}

// Generator makes queries. The same source of randomness over the same schema
// gives the same queries.
type Generator struct {
	r *rand.Rand
	s *Schema
	o Options

	start, end, step int64 // of the current query
	subqueries       int   // around the current expression
}

// New makes a generator.
func New(r *rand.Rand, s *Schema, o Options) *Generator {
	return &Generator{r: r, s: s, o: o}
}

// expr is a part of a query with what is known about its rows.
type expr struct {
	text string
	// atom is set if the text needs no parentheses as an operand.
	atom bool
	// labels are the names that rows may have, without the metric name.
	labels []string
	// m is the metric the rows come from, nil where there are several or none.
	m *Metric
	// shuffled is set if Prometheus returns the rows in random order. Then no
	// operator that selects among equal rows may read them.
	shuffled bool
}

// Next makes a query.
func (g *Generator) Next() results.Query {
	g.times()
	g.subqueries = 0
	q := results.Query{Start: g.start, End: g.end, Step: g.step}
	switch {
	case g.chance(g.o.Broken):
		q.Text = g.broken()
	case g.chance(4):
		q.Text = g.scalar(g.depth()).text
	case g.step == 0 && g.chance(5):
		q.Text = g.matrix(g.depth(), nil, 0).text
	case g.step == 0 && g.chance(1):
		q.Text = g.quote(pick(g.r, []string{"", "text", "a\nb", "ünï", `q"q`}))
	case g.chance(3):
		q.Text = fmt.Sprintf("%s(%s)", pick(g.r, []string{"sort", "sort_desc"}), g.vector(g.depth()).text)
	default:
		q.Text = g.vector(g.depth()).text
	}
	return q
}

func (g *Generator) depth() int {
	return pick(g.r, []int{0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4})
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.Intn(len(from))] }

// chance is true in about percent of 100 calls.
func (g *Generator) chance(percent int) bool { return g.r.Intn(100) < percent }

// option is an alternative with its weight.
type option[T any] struct {
	weight int
	make   func() T
}

func choose[T any](g *Generator, from []option[T]) T {
	total := 0
	for _, o := range from {
		total += o.weight
	}
	n := g.r.Intn(total)
	for _, o := range from {
		if n < o.weight {
			return o.make()
		}
		n -= o.weight
	}
	panic("no option taken")
}

// stepwise reports whether the current expression is evaluated at several
// steps.
func (g *Generator) stepwise() bool { return g.step > 0 || g.subqueries > 0 }

// vector makes an expression that gives an instant vector, nested to about the
// given depth.
func (g *Generator) vector(depth int) expr {
	if depth <= 0 {
		return g.leaf()
	}
	d := depth - 1
	options := []option[expr]{
		{8, func() expr { return g.leaf() }},
		{20, func() expr { return g.rangeCall(d, nil) }},
		{22, func() expr { return g.aggregate(d) }},
		{10, func() expr { return g.vectorScalar(d) }},
		{16, func() expr { return g.join(d) }},
		{6, func() expr { return g.setOperation(d) }},
		{8, func() expr { return g.elementwise(d) }},
		{6, func() expr { return g.labelFunction(d) }},
		{2, func() expr { return g.timeFunction(d) }},
		{3, func() expr { return g.absent(d) }},
		{3, func() expr { return expr{text: "vector(" + g.scalar(d).text + ")", atom: true} }},
		{6, func() expr { return g.classicHistogram(d) }},
		{2, func() expr { return g.unary(g.vector(d)) }},
		{2, func() expr {
			e := g.vector(d)
			e.text, e.atom = "("+e.text+")", true
			return e
		}},
	}
	if g.o.Experimental {
		options = append(options, option[expr]{12, func() expr { return g.experimental(d) }})
	}
	if g.o.Histograms {
		options = append(options, option[expr]{14, func() expr { return g.histogramFunction(d) }})
	}
	return choose(g, options)
}

// leaf is a selector, or a range function over one.
func (g *Generator) leaf() expr {
	m := g.metric()
	if m.counter() && g.chance(60) {
		return g.rangeCall(0, m)
	}
	return g.selector(m)
}

// metric picks a metric by weight.
func (g *Generator) metric() *Metric {
	total := 0
	for _, m := range g.s.Metrics {
		total += g.weight(m)
	}
	n := g.r.Intn(total)
	for _, m := range g.s.Metrics {
		if n -= g.weight(m); n < 0 {
			return m
		}
	}
	panic("no metric taken")
}

func (g *Generator) weight(m *Metric) int {
	if g.o.Histograms && m.native() {
		return 12 * m.Weight
	}
	return m.Weight
}

// metricLike picks a metric for which ok holds, or any after some tries.
func (g *Generator) metricLike(ok func(*Metric) bool) *Metric {
	var m *Metric
	for range 30 {
		if m = g.metric(); ok(m) {
			break
		}
	}
	return m
}

// unary puts signs before an expression.
func (g *Generator) unary(e expr) expr {
	e.text = pick(g.r, []string{"-", "+", "-", "- -"}) + g.operand(e)
	e.atom = false
	return e
}

// operand is the text of an expression as an operand, in parentheses where it
// needs some, and sometimes where not.
func (g *Generator) operand(e expr) string {
	if e.atom && !g.chance(4) || !e.atom && g.chance(12) {
		return e.text
	}
	return "(" + e.text + ")"
}

// subset picks some of the names in random order, and sometimes a name that
// does not exist.
func (g *Generator) subset(names []string, most int) []string {
	out := slices.Clone(names)
	g.r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	n := min(g.r.Intn(most+1), len(out))
	out = out[:n]
	if g.chance(4) {
		out = append(out, pick(g.r, []string{"nope", "job", "__name__", "le", "service.name"}))
	}
	return out
}

// names writes a list of label names in parentheses.
func (g *Generator) names(list []string) string {
	out := make([]string, len(list))
	for i, l := range list {
		out[i] = g.labelName(l)
	}
	sep := pick(g.r, []string{", ", ",", " , "})
	text := strings.Join(out, sep)
	if len(out) > 0 && g.chance(3) {
		text += ","
	}
	return "(" + text + ")"
}
