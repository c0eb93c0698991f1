package querygen

import (
	"fmt"
	"slices"
	"strings"
)

var (
	counterFunctions = []string{"rate", "increase", "irate", "rate", "increase", "resets"}
	gaugeFunctions   = []string{
		"delta", "idelta", "deriv", "changes", "avg_over_time", "min_over_time", "max_over_time", "sum_over_time",
		"count_over_time", "stddev_over_time", "stdvar_over_time", "last_over_time", "first_over_time", "present_over_time",
	}
	elementwiseFunctions = []string{
		"abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "sin", "cos", "tan", "asin", "acos", "atan",
		"sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad", "timestamp", "round", "clamp_min", "clamp_max", "clamp",
	}
	timeFunctions = []string{"minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"}
)

// rangeCall applies a range function to the metric, or to any.
func (g *Generator) rangeCall(depth int, m *Metric) expr {
	if m == nil {
		m = g.metric()
		if m.info() {
			m = g.metric()
		}
	}
	if g.chance(7) {
		return g.quantileOverTime(depth, m)
	}
	if g.chance(5) {
		e := g.matrix(depth, m, 0)
		return g.call(e, "predict_linear(%s, %s)", e.text, g.smallScalar(depth))
	}
	functions := gaugeFunctions
	if m.counter() && g.chance(65) || g.chance(15) {
		functions = counterFunctions
	}
	if g.o.Experimental && g.chance(15) {
		return g.experimentalRange(depth, m)
	}
	e := g.matrix(depth, m, 0)
	return g.call(e, "%s(%s%s)", pick(g.r, functions), e.text, g.comment())
}

// call wraps an expression in a call, keeping what is known of its rows.
func (g *Generator) call(e expr, format string, args ...any) expr {
	e.text, e.atom = fmt.Sprintf(format, args...), true
	return e
}

func (g *Generator) quantileOverTime(depth int, m *Metric) expr {
	e := g.matrix(depth, m, 0)
	return g.call(e, "quantile_over_time(%s, %s)", g.phi(depth), e.text)
}

// phi is a quantile, constant or changing, sometimes outside of [0, 1].
func (g *Generator) phi(depth int) string {
	switch n := g.r.Intn(100); {
	case n < 70:
		return pick(g.r, []string{"0.5", "0.9", "0.99", "0", "1", "0.25", ".1", "0.333"})
	case n < 80:
		return pick(g.r, []string{"-1", "2", "NaN", "Inf", "-Inf"})
	case n < 92 && g.s.byName["phi"] != nil:
		return "scalar(phi)"
	}
	return g.scalar(min(depth, 1)).text
}

// smallScalar is a small number, or sometimes any scalar.
func (g *Generator) smallScalar(depth int) string {
	if g.chance(75) {
		return g.anyNumber()
	}
	return g.scalar(depth).text
}

// scalar makes a scalar expression.
func (g *Generator) scalar(depth int) expr {
	if depth <= 0 {
		if g.chance(80) {
			return expr{text: g.anyNumber(), atom: false}
		}
		return expr{text: pick(g.r, []string{"time()", "pi()"}), atom: true}
	}
	return choose(g, []option[expr]{
		{20, func() expr { return expr{text: g.anyNumber()} }},
		{10, func() expr { return expr{text: "time()", atom: true} }},
		{2, func() expr { return expr{text: "pi()", atom: true} }},
		{20, func() expr { return g.call(expr{}, "scalar(%s)", g.single(depth-1)) }},
		{6, func() expr { return g.call(expr{}, "scalar(%s)", g.vector(depth-1).text) }},
		{3, func() expr { return g.unary(g.scalar(depth - 1)) }},
		{16, func() expr {
			op := pick(g.r, arithmetic)
			if g.chance(20) {
				op = pick(g.r, comparisons) + " bool"
			}
			return expr{text: g.operand(g.scalar(depth-1)) + " " + op + " " + g.operand(g.scalar(depth-1))}
		}},
	})
}

// single is usually a vector of one row.
func (g *Generator) single(depth int) string {
	if m := g.metricLike(func(m *Metric) bool { return m.Series == 1 && m.Name != "" }); m.Series == 1 && g.chance(50) {
		return g.selector(m).text
	}
	return fmt.Sprintf("%s(%s)", pick(g.r, []string{"sum", "max", "avg", "count"}), g.vector(depth).text)
}

// elementwise applies a function of single values.
func (g *Generator) elementwise(depth int) expr {
	e := g.vector(depth)
	switch f := pick(g.r, elementwiseFunctions); f {
	case "round":
		if g.chance(40) {
			return g.call(e, "round(%s)", e.text)
		}
		return g.call(e, "round(%s, %s)", e.text, g.smallScalar(depth))
	case "clamp_min", "clamp_max":
		return g.call(e, "%s(%s, %s)", f, e.text, g.smallScalar(depth))
	case "clamp":
		return g.call(e, "clamp(%s, %s, %s)", e.text, g.smallScalar(depth), g.smallScalar(depth))
	case "timestamp":
		if g.chance(60) {
			e = g.selector(g.metric())
			if g.chance(20) {
				e.text = "(" + e.text + ")"
			}
		}
		return g.call(e, "timestamp(%s)", e.text)
	default:
		return g.call(e, "%s(%s)", f, e.text)
	}
}

// timeFunction takes a part of a date.
func (g *Generator) timeFunction(depth int) expr {
	f := pick(g.r, timeFunctions)
	if g.chance(25) {
		return expr{text: f + "()", atom: true}
	}
	if m := g.s.byName["special"]; m != nil && g.chance(40) {
		return g.call(expr{labels: m.Labels, m: m}, `%s(special{kind=~"dates|integers"})`, f)
	}
	e := g.vector(depth)
	return g.call(e, "%s(%s)", f, e.text)
}

func (g *Generator) absent(depth int) expr {
	m := g.metric()
	what := g.body(m)
	switch g.r.Intn(5) {
	case 0:
		what = `nope{job="api", x=~"y", instance!="z"}`
	case 1:
		return expr{text: "absent(" + g.vector(depth).text + ")", atom: true, labels: []string{"job"}}
	case 2:
		e := g.matrix(depth, m, 0)
		return expr{text: "absent_over_time(" + e.text + ")", atom: true, labels: m.Labels}
	case 3:
		what = fmt.Sprintf(`nope{job="api", job="web", a="b"}[%s]%s`, g.duration(g.window()), g.modifiers())
		return expr{text: "absent_over_time(" + what + ")", atom: true, labels: []string{"a"}}
	}
	return expr{text: "absent(" + what + g.modifiers() + ")", atom: true, labels: m.Labels}
}

// labelFunction rewrites labels.
func (g *Generator) labelFunction(depth int) expr {
	e := g.vector(depth)
	source := "job"
	if len(e.labels) > 0 {
		source = pick(g.r, e.labels)
	}
	target := pick(g.r, []string{"new", "new", "new", source, "job", "__name__", "with space", "ü"})
	if g.chance(35) {
		labels := g.subset(e.labels, 3)
		args := make([]string, 0, len(labels))
		for _, l := range labels {
			args = append(args, ", "+g.quote(l))
		}
		e.labels = with(e.labels, target)
		return g.call(e, "label_join(%s, %s, %s%s)", e.text, g.quote(target), g.quote(pick(g.r, []string{"-", "", ",", "/"})), strings.Join(args, ""))
	}
	values := g.s.values[source]
	if e.m != nil && len(e.m.Values[source]) > 0 {
		values = e.m.Values[source]
	}
	re := pick(g.r, []string{"(.*)", "(.+)", "(.*)-(.*)", "(.)(.*)", ".*", "", "(?P<a>[^:]*):?(?P<b>.*)", "([a-z]+).*"})
	if g.chance(25) {
		re = g.regex(pick(g.r, append([]string{"x"}, values...)), values)
	}
	replacement := pick(g.r, []string{"$1", "$2", "$1-$2", "${1}x", "const", "", "$0", "$a", "${b}", "$3", "$$", "$1x"})
	out := with(e.labels, target)
	e.labels = out
	return g.call(e, "label_replace(%s, %s, %s, %s, %s)", e.text, g.quote(target), g.quote(replacement), g.quote(source), g.quote(re))
}

func with(labels []string, l string) []string {
	if slices.Contains(labels, l) || l == "__name__" {
		return labels
	}
	return append(slices.Clone(labels), l)
}

func without(labels []string, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(drop, l) })
}

// classicHistogram takes quantiles and fractions of bucket series.
func (g *Generator) classicHistogram(depth int) expr {
	m := g.metricLike((*Metric).bucket)
	buckets := expr{labels: without(m.Labels, []string{"le"}), m: m, atom: true}
	switch n := g.r.Intn(100); {
	case n < 15:
		buckets.text = g.selector(m).text
	case n < 50:
		buckets.text = g.rangeCall(0, m).text
	case n < 90:
		keep := g.subset(buckets.labels, 2)
		buckets.labels = keep
		buckets.text = fmt.Sprintf("sum by %s (rate(%s[%s]))", g.names(append([]string{"le"}, keep...)), g.body(m), g.duration(g.window()))
	default:
		buckets = g.vector(depth)
	}
	if g.chance(25) {
		bounds := [][2]string{{"0", "0.5"}, {"0.05", "1"}, {"-Inf", "0.1"}, {"1", "+Inf"}, {"NaN", "1"}, {"1", "0"}, {"0.3", "0.4"}, {"-Inf", "+Inf"}}
		b := pick(g.r, bounds)
		if g.chance(15) {
			b[1] = g.scalar(min(depth, 1)).text
		}
		return g.call(buckets, "histogram_fraction(%s, %s, %s)", b[0], b[1], buckets.text)
	}
	return g.call(buckets, "histogram_quantile(%s, %s)", g.phi(depth), buckets.text)
}
