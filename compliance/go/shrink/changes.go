package shrink

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

// changesOf lists the ways to make a tree smaller, each as a function that
// changes the tree in place. The list is the same for equal trees.
func changesOf(root *parser.Expr) []func() {
	var c collector
	c.visit(root)
	return c.changes
}

type collector struct{ changes []func() }

func (c *collector) add(f func()) { c.changes = append(c.changes, f) }

// visit lists the changes at one place of the tree and below it.
func (c *collector) visit(at *parser.Expr) {
	e := *at
	for _, inner := range replacements(e) {
		c.add(func() { *at = inner })
	}
	if n, isNumber := e.(*parser.NumberLiteral); e.Type() == parser.ValueTypeScalar && (!isNumber || n.Val != 1) {
		c.add(func() { *at = &parser.NumberLiteral{Val: 1} })
	}
	switch e := e.(type) {
	case *parser.VectorSelector:
		c.selector(e)
	case *parser.MatrixSelector:
		c.duration(&e.Range, &e.RangeExpr)
		if v, ok := e.VectorSelector.(*parser.VectorSelector); ok {
			c.selector(v)
		}
	case *parser.SubqueryExpr:
		c.subquery(e)
		c.visit(&e.Expr)
	case *parser.AggregateExpr:
		c.aggregate(e)
		c.visit(&e.Expr)
		if e.Param != nil {
			c.visit(&e.Param)
		}
	case *parser.BinaryExpr:
		c.binary(e)
		c.visit(&e.LHS)
		c.visit(&e.RHS)
	case *parser.Call:
		if n := len(e.Args); n > 1 {
			c.add(func() { e.Args = e.Args[:n-1] })
		}
		for i := range e.Args {
			c.visit(&e.Args[i])
		}
	case *parser.ParenExpr:
		c.visit(&e.Expr)
	case *parser.UnaryExpr:
		c.visit(&e.Expr)
	}
}

// replacements are parts of an expression that can stand in its place.
func replacements(e parser.Expr) []parser.Expr {
	var out []parser.Expr
	for _, child := range parser.Children(e) {
		inner, ok := child.(parser.Expr)
		if !ok {
			continue
		}
		if inner.Type() == e.Type() {
			out = append(out, inner)
			continue
		}
		// One level further down, as in rate(x[5m]) to x.
		for _, grandchild := range parser.Children(inner) {
			if g, ok := grandchild.(parser.Expr); ok && g.Type() == e.Type() {
				out = append(out, g)
			}
		}
	}
	return out
}

func (c *collector) selector(v *parser.VectorSelector) {
	for i, m := range v.LabelMatchers {
		if m.Name == "__name__" {
			continue
		}
		c.add(func() { v.LabelMatchers = slices.Delete(v.LabelMatchers, i, i+1) })
	}
	if v.OriginalOffset != 0 || v.OriginalOffsetExpr != nil {
		c.add(func() { v.OriginalOffset, v.OriginalOffsetExpr = 0, nil })
	}
	if v.Timestamp != nil || v.StartOrEnd != 0 {
		c.add(func() { v.Timestamp, v.StartOrEnd = nil, 0 })
	}
	if v.Anchored || v.Smoothed {
		c.add(func() { v.Anchored, v.Smoothed = false, false })
	}
}

// duration tries rounder lengths.
func (c *collector) duration(d *time.Duration, expr **parser.DurationExpr) {
	for _, nice := range []time.Duration{time.Minute, 5 * time.Minute, time.Hour} {
		if *d != nice || *expr != nil {
			c.add(func() { *d, *expr = nice, nil })
		}
	}
}

func (c *collector) subquery(e *parser.SubqueryExpr) {
	c.duration(&e.Range, &e.RangeExpr)
	if e.OriginalOffset != 0 || e.OriginalOffsetExpr != nil {
		c.add(func() { e.OriginalOffset, e.OriginalOffsetExpr = 0, nil })
	}
	if e.Timestamp != nil || e.StartOrEnd != 0 {
		c.add(func() { e.Timestamp, e.StartOrEnd = nil, 0 })
	}
	if e.Step != 0 || e.StepExpr != nil {
		c.add(func() { e.Step, e.StepExpr = 0, nil })
	}
}

func (c *collector) aggregate(e *parser.AggregateExpr) {
	if len(e.Grouping) > 0 || e.Without {
		c.add(func() { e.Grouping, e.Without = nil, false })
	}
	for i := range e.Grouping {
		c.add(func() { e.Grouping = slices.Delete(e.Grouping, i, i+1) })
	}
}

func (c *collector) binary(e *parser.BinaryExpr) {
	if e.ReturnBool {
		c.add(func() { e.ReturnBool = false })
	}
	m := e.VectorMatching
	if m == nil {
		return
	}
	if len(m.MatchingLabels) > 0 || len(m.Include) > 0 || m.On {
		c.add(func() {
			e.VectorMatching = &parser.VectorMatching{Card: m.Card, FillValues: m.FillValues}
		})
	}
	for i := range m.MatchingLabels {
		c.add(func() { m.MatchingLabels = slices.Delete(m.MatchingLabels, i, i+1) })
	}
	for i := range m.Include {
		c.add(func() { m.Include = slices.Delete(m.Include, i, i+1) })
	}
	if m.Card == parser.CardManyToOne || m.Card == parser.CardOneToMany {
		c.add(func() { m.Card, m.Include = parser.CardOneToOne, nil })
	}
	if m.FillValues.LHS != nil || m.FillValues.RHS != nil {
		c.add(func() { m.FillValues = parser.VectorMatchFillValues{} })
	}
}
