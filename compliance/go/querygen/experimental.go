package querygen

import (
	"fmt"
	"slices"
)

// durationExpr writes a number of milliseconds as an arithmetic expression.
func (g *Generator) durationExpr(ms int64) string {
	s := float64(ms) / 1000
	switch g.r.Intn(9) {
	case 0:
		return fmt.Sprintf("(%gs + %gs)", s/2, s/2)
	case 1:
		return fmt.Sprintf("%gs * 2", s/2)
	case 2:
		return fmt.Sprintf("(%gs - 7s)", s+7)
	case 3:
		return fmt.Sprintf("(%gs / 3)", 3*s)
	case 4:
		return fmt.Sprintf("max_of(%gs, 1s)", s)
	case 5:
		return fmt.Sprintf("min_of(%gs, 9h)", s)
	case 6:
		return fmt.Sprintf("(step() + %gs)", s)
	case 7:
		return fmt.Sprintf("max_of(step(), %gs)", s)
	}
	return fmt.Sprintf("(%gs + range() %% 7m)", s)
}

// fill sometimes writes a fill modifier.
func (g *Generator) fill() string {
	if !g.o.Experimental || !g.chance(12) {
		return ""
	}
	v := func() string { return "(" + pick(g.r, []string{"0", "1", "NaN", "-Inf", "5m", "2.5"}) + ")" }
	switch g.r.Intn(4) {
	case 0:
		return " fill" + v()
	case 1:
		return " fill_left" + v()
	case 2:
		return " fill_right" + v()
	}
	return " fill_left" + v() + " fill_right" + v()
}

// experimentalRange applies an experimental range function.
func (g *Generator) experimentalRange(depth int, m *Metric) expr {
	e := g.matrix(depth, m, 0)
	switch f := pick(g.r, []string{"mad_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time", "integral", "double_exponential_smoothing"}); f {
	case "integral":
		if g.chance(50) {
			return g.call(e, "integral(%s, %s)", e.text, pick(g.r, []string{"0", "1", "2", "3", "scalar(small_ints)"}))
		}
		return g.call(e, "integral(%s)", e.text)
	case "double_exponential_smoothing":
		return g.call(e, "%s(%s, %s, %s)", f, e.text, pick(g.r, []string{"0.5", "0.1", "1", "0"}), pick(g.r, []string{"0.5", "0.3", "1"}))
	default:
		return g.call(e, "%s(%s)", f, e.text)
	}
}

// experimental makes an expression that needs an experimental feature.
func (g *Generator) experimental(depth int) expr {
	return choose(g, []option[expr]{
		{8, func() expr { return g.experimentalRange(depth, g.metric()) }},
		{4, func() expr { return g.limit(g.vector(depth)) }},
		{4, func() expr {
			m := g.metric()
			f := pick(g.r, []string{"rate", "increase", "delta", "changes", "resets"})
			e := expr{labels: m.Labels, m: m}
			ext := pick(g.r, []string{"anchored", "smoothed"})
			return g.call(e, "%s(%s[%s] %s%s)", f, g.body(m), g.duration(g.window()), ext, g.modifiers())
		}},
		{2, func() expr {
			m := g.metric()
			return expr{text: g.body(m) + " smoothed" + g.modifiers(), atom: true, labels: m.Labels, m: m}
		}},
		{3, func() expr { return g.info(depth) }},
		{2, func() expr {
			return expr{text: "vector(" + pick(g.r, []string{"start()", "end()", "step()", "range()", "max_of(1, time())", "min_of(step(), 20)"}) + ")", atom: true}
		}},
		{2, func() expr {
			e := g.vector(depth)
			f := pick(g.r, []string{"sort_by_label", "sort_by_label_desc"})
			return g.call(e, "%s(%s, %s)", f, e.text, g.quote(pick(g.r, append([]string{"job"}, e.labels...))))
		}},
		{2, func() expr {
			m := g.metricLike((*Metric).bucket)
			return g.call(expr{labels: m.Labels, m: m}, "histogram_quantiles(rate(%s[%s]), %s, %s, %s)", g.body(m), g.duration(300_000), g.quote("q"), g.phi(0), g.phi(depth))
		}},
		{2, func() expr {
			e := g.selector(g.metric())
			return g.call(e, "start_timestamp(%s)", e.text)
		}},
	})
}

// limit selects some of the rows by limitk or limit_ratio.
func (g *Generator) limit(inner expr) expr {
	if inner.shuffled && g.stepwise() {
		return g.grouped(inner, "min", "")
	}
	op, k := "limitk", pick(g.r, []string{"1", "2", "5", "0", "-1", "100"})
	if g.chance(50) {
		op, k = "limit_ratio", pick(g.r, []string{"0.5", "-0.5", "1", "0", "0.1", "-0.9", "2"})
	}
	out := g.grouped(inner, op, k)
	out.labels = inner.labels
	out.shuffled = inner.shuffled || g.stepwise()
	return out
}

// info joins with info metrics by the function of that name.
func (g *Generator) info(depth int) expr {
	m := g.metricLike(func(m *Metric) bool { return slices.Contains(m.Labels, "instance") && slices.Contains(m.Labels, "job") })
	e := g.rows(m, depth)
	selector := pick(g.r, []string{"", "", `, {__name__="build_info"}`, `, {version=~".+"}`, `, {data=~"d[0-5]"}`, `, {__name__=~".*_info"}`, `, {cluster="x"}`})
	e.labels = with(with(e.labels, "version"), "cluster")
	return g.call(e, "info(%s%s)", e.text, selector)
}

// histogramFunction applies a function for native histograms.
func (g *Generator) histogramFunction(depth int) expr {
	m := g.metricLike((*Metric).native)
	e := g.rows(m, depth)
	if g.chance(40) {
		e = g.summed(m, g.subset(m.Labels, 2), depth)
	}
	switch g.r.Intn(8) {
	case 0:
		return g.call(e, "histogram_quantile(%s, %s)", g.phi(depth), e.text)
	case 1:
		return g.call(e, "histogram_fraction(%s, %s, %s)", g.anyNumber(), g.anyNumber(), e.text)
	case 2:
		op := pick(g.r, []string{"</", ">/", "*", "/", "==", "!=", "+"})
		return expr{text: fmt.Sprintf("%s %s %s", g.operand(e), op, g.anyNumber()), labels: e.labels, m: m}
	case 3:
		return g.joined(e, pick(g.r, []string{"+", "-", "==", "!=", "*", "/"}), "", g.rows(m, depth), e.labels)
	default:
		f := pick(g.r, []string{"histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar"})
		return g.call(e, "%s(%s)", f, e.text)
	}
}
