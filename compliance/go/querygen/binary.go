package querygen

import (
	"fmt"
	"slices"
	"strings"
)

var (
	arithmetic  = []string{"+", "-", "*", "/", "%", "^", "atan2", "+", "-", "*", "/"}
	comparisons = []string{"==", "!=", "<", "<=", ">", ">="}
)

// operator picks an operator between values.
func (g *Generator) operator() string {
	if g.chance(65) {
		return pick(g.r, arithmetic)
	}
	op := pick(g.r, comparisons)
	if g.chance(40) {
		op += " bool"
	}
	return op
}

// vectorScalar is an operation of a vector with a scalar, either way round.
func (g *Generator) vectorScalar(depth int) expr {
	v, s := g.vector(depth), g.scalar(g.r.Intn(2)*depth)
	out := expr{labels: v.labels, m: v.m, shuffled: v.shuffled}
	if g.chance(65) {
		out.text = fmt.Sprintf("%s %s %s", g.operand(v), g.operator(), g.operand(s))
	} else {
		out.text = fmt.Sprintf("%s %s %s", g.operand(s), g.operator(), g.operand(v))
	}
	return out
}

// rows makes a vector of one metric that keeps all its labels.
func (g *Generator) rows(m *Metric, depth int) expr {
	e := expr{labels: m.Labels, m: m, atom: true}
	switch n := g.r.Intn(100); {
	case n < 35:
		e.text = g.body(m)
		if g.chance(30) {
			e.text += g.modifiers()
		}
	case n < 75:
		e.text = g.rangeCall(min(depth, 1), m).text
	case n < 85:
		e.text = fmt.Sprintf("%s(%s)", pick(g.r, []string{"abs", "floor", "sgn", "timestamp"}), g.body(m))
	default:
		e.text = fmt.Sprintf("%s %s %s", g.body(m), pick(g.r, comparisons), g.anyNumber())
		e.atom = false
	}
	return e
}

// summed aggregates a metric by the given labels.
func (g *Generator) summed(m *Metric, by []string, depth int) expr {
	e := g.rows(m, depth)
	op := pick(g.r, plainAggregators)
	return expr{text: fmt.Sprintf("%s by %s (%s)", op, g.names(by), e.text), atom: true, labels: by, m: m}
}

// common are the labels that two metrics share.
func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(l string) bool { return !slices.Contains(b, l) })
}

// related picks a metric that shares labels with m.
func (g *Generator) related(m *Metric) *Metric {
	if g.chance(40) {
		return m
	}
	return g.metricLike(func(o *Metric) bool { return len(common(m.Labels, o.Labels)) > 0 && o.Series < 100 })
}

// join is an operation between two vectors.
func (g *Generator) join(depth int) expr {
	m := g.metricLike(func(m *Metric) bool { return m.Series < 200 })
	return choose(g, []option[expr]{
		{20, func() expr { return g.sameLabels(m, depth) }},
		{25, func() expr { return g.aggregatesJoined(m, depth) }},
		{30, func() expr { return g.manyToOne(m, depth) }},
		{10, func() expr { return g.infoJoin(m, depth) }},
		{12, func() expr { return g.anyJoin(depth) }},
	})
}

// joined writes an operation between vectors; matching may be empty.
func (g *Generator) joined(l expr, op, matching string, r expr, labels []string) expr {
	if matching != "" {
		op += " " + matching
	}
	right, fill := g.operand(r), g.fill()
	if strings.HasPrefix(right, "(") && fill == "" && (strings.HasSuffix(op, "group_left") || strings.HasSuffix(op, "group_right")) && !g.chance(3) {
		op += " ()" // else the operand would be taken for labels
	}
	return expr{
		text:     fmt.Sprintf("%s %s%s %s", g.operand(l), op, fill, right),
		labels:   labels,
		m:        l.m,
		shuffled: l.shuffled || r.shuffled || g.stepwise(),
	}
}

// sameLabels joins a metric with itself at another time or by another function.
func (g *Generator) sameLabels(m *Metric, depth int) expr {
	matching := ""
	switch g.r.Intn(5) {
	case 0:
		matching = "on" + g.names(m.Labels)
	case 1:
		matching = "ignoring()"
	case 2:
		matching = "ignoring(nope)"
	}
	return g.joined(g.rows(m, depth), g.operator(), matching, g.rows(m, depth), m.Labels)
}

// aggregatesJoined joins two aggregates over the same labels.
func (g *Generator) aggregatesJoined(m *Metric, depth int) expr {
	o := g.related(m)
	by := g.subset(common(m.Labels, o.Labels), 2)
	matching := ""
	switch g.r.Intn(4) {
	case 0:
		matching = "on" + g.names(by)
	case 1:
		matching = "ignoring" + g.names(nil)
	}
	return g.joined(g.summed(m, by, depth), g.operator(), matching, g.summed(o, by, depth), by)
}

// manyToOne joins rows with an aggregate over some of their labels.
func (g *Generator) manyToOne(m *Metric, depth int) expr {
	o := g.related(m)
	by := g.subset(common(m.Labels, o.Labels), 2)
	many, one := g.rows(m, depth), g.summed(o, by, depth)
	matching := "on" + g.names(by)
	if g.chance(35) {
		matching = "ignoring" + g.names(without(m.Labels, by))
	}
	group := func(side string) string {
		switch g.r.Intn(4) {
		case 0:
			return " " + side + "()"
		case 1:
			return " " + side + g.names(g.subset(append([]string{"nope"}, by...), 2))
		}
		return " " + side
	}
	if g.chance(25) {
		return g.joined(one, g.operator(), matching+group("group_right"), many, m.Labels)
	}
	if g.chance(4) {
		return g.joined(many, g.operator(), matching, one, m.Labels) // many-to-many
	}
	return g.joined(many, g.operator(), matching+group("group_left"), one, m.Labels)
}

// infoJoin brings labels over from an info metric.
func (g *Generator) infoJoin(m *Metric, depth int) expr {
	info := g.metricLike((*Metric).info)
	on := common(m.Labels, info.Labels)
	if len(on) == 0 {
		return g.manyToOne(m, depth)
	}
	extra := without(info.Labels, on)
	take := g.subset(extra, 2)
	one := expr{text: g.body(info), atom: true}
	if g.chance(30) {
		one.text = fmt.Sprintf("max by %s (%s)", g.names(append(slices.Clone(on), take...)), one.text)
	}
	labels := m.Labels
	for _, l := range take {
		labels = with(labels, l)
	}
	return g.joined(g.rows(m, depth), "*", "on"+g.names(on)+" group_left"+g.names(take), one, labels)
}

// anyJoin joins any two vectors.
func (g *Generator) anyJoin(depth int) expr {
	l, r := g.vector(depth), g.vector(depth)
	matching := ""
	switch g.r.Intn(6) {
	case 0:
		matching = "on()"
		l, r = g.grouped(l, "sum", ""), g.grouped(r, "max", "")
	case 1:
		matching = "on" + g.names(common(l.labels, r.labels))
	case 2:
		matching = "ignoring" + g.names(without(l.labels, r.labels)) + " group_left"
	}
	return g.joined(l, g.operator(), matching, r, common(l.labels, r.labels))
}

// setOperation is and, or, unless.
func (g *Generator) setOperation(depth int) expr {
	op := pick(g.r, []string{"and", "or", "unless"})
	m := g.metric()
	l := g.rows(m, depth)
	r := g.rows(g.related(m), depth)
	if g.chance(35) {
		l, r = g.vector(depth), g.vector(depth)
	}
	matching := ""
	switch g.r.Intn(4) {
	case 0:
		matching = " on" + g.names(g.subset(common(l.labels, r.labels), 2))
	case 1:
		matching = " ignoring" + g.names(g.subset(l.labels, 2))
	}
	labels := l.labels
	if op == "or" {
		for _, x := range r.labels {
			labels = with(labels, x)
		}
	}
	return expr{
		text:     fmt.Sprintf("%s %s%s %s", g.operand(l), op, matching, g.operand(r)),
		labels:   labels,
		m:        l.m,
		shuffled: l.shuffled || r.shuffled,
	}
}
