package querygen

import (
	"fmt"
	"slices"
)

var plainAggregators = []string{"sum", "sum", "sum", "avg", "min", "max", "count", "stddev", "stdvar", "group"}

// aggregate makes an aggregation.
func (g *Generator) aggregate(depth int) expr {
	inner := g.vector(depth)
	return choose(g, []option[expr]{
		{60, func() expr { return g.grouped(inner, pick(g.r, plainAggregators), "") }},
		{10, func() expr { return g.grouped(inner, "quantile", g.phi(depth)) }},
		{16, func() expr { return g.topk(inner, depth) }},
		{6, func() expr { return g.countValues(inner) }},
		{8, func() expr {
			if !g.o.Experimental {
				return g.grouped(inner, "sum", "")
			}
			return g.limit(inner)
		}},
	})
}

// grouped writes an aggregation of the given rows with any grouping.
func (g *Generator) grouped(inner expr, op, param string) expr {
	args := inner.text
	if param != "" {
		args = param + ", " + args
	}
	grouping, labels := g.grouping(inner.labels)
	out := expr{atom: true, labels: labels, m: inner.m, shuffled: inner.shuffled}
	switch {
	case grouping == "":
		out.text = fmt.Sprintf("%s(%s)", op, args)
	case g.chance(50):
		out.text = fmt.Sprintf("%s %s (%s)", op, grouping, args)
	default:
		out.text = fmt.Sprintf("%s(%s%s) %s", op, args, g.comment(), grouping)
	}
	return out
}

// grouping writes by or without, or nothing, and returns the labels that
// remain.
func (g *Generator) grouping(labels []string) (string, []string) {
	switch n := g.r.Intn(100); {
	case n < 30:
		return "", nil
	case n < 70:
		keep := g.subset(labels, 3)
		return "by" + pick(g.r, []string{"", " "}) + g.names(keep), keep
	default:
		drop := g.subset(labels, 2)
		return "without " + g.names(drop), without(labels, drop)
	}
}

// topk selects the rows of the largest or the smallest values.
func (g *Generator) topk(inner expr, depth int) expr {
	if inner.shuffled && g.stepwise() {
		return g.grouped(inner, "max", "") // which of equal rows remain would be random
	}
	k := pick(g.r, []string{"1", "2", "3", "5", "100", "1", "2", "0", "-1", "2.9"})
	if g.chance(12) {
		k = pick(g.r, []string{"scalar(small_ints)", "scalar(max(small_ints))", "NaN", "1e30"})
		if g.s.byName["small_ints"] == nil || k == "NaN" || k == "1e30" {
			k = g.scalar(min(depth, 1)).text
		}
	}
	out := g.grouped(inner, pick(g.r, []string{"topk", "bottomk"}), k)
	out.labels = inner.labels
	out.shuffled = inner.shuffled || g.stepwise()
	return out
}

func (g *Generator) countValues(inner expr) expr {
	label := pick(g.r, []string{"v", "value", "le", "job", "with space"})
	if !g.chance(30) {
		inner = g.selector(g.metricLike(func(m *Metric) bool {
			return slices.Contains([]string{"ties", "up", "constant", "build_info", "special", "prefixes"}, m.Name)
		}))
	}
	out := g.grouped(inner, "count_values", g.quote(label))
	out.labels = with(out.labels, label)
	return out
}
