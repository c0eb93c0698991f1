package querygen

import (
	"math/rand"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func testSchema() *Schema {
	var series []labels.Labels
	for _, job := range []string{"api", "web"} {
		for _, i := range []string{"a-1:90", "b-2:90"} {
			series = append(series,
				labels.FromStrings("__name__", "requests_total", "job", job, "instance", i),
				labels.FromStrings("__name__", "up", "job", job, "instance", i),
				labels.FromStrings("__name__", "build_info", "job", job, "instance", i, "version", "1"),
				labels.FromStrings("__name__", "latency_bucket", "job", job, "le", "0.1"),
				labels.FromStrings("__name__", "with space", "a b", "ü"),
				labels.FromStrings("job", job, "nameless", "yes"),
			)
		}
	}
	return NewSchema(series, 1_700_000_000_000, 1_700_010_000_000)
}

func TestSameSeedSameQueries(t *testing.T) {
	a := New(rand.New(rand.NewSource(7)), testSchema(), Options{Broken: 5, Experimental: true})
	b := New(rand.New(rand.NewSource(7)), testSchema(), Options{Broken: 5, Experimental: true})
	for range 500 {
		if x, y := a.Next(), b.Next(); x != y {
			t.Fatalf("%+v\n%+v", x, y)
		}
	}
}

// Without broken queries, nearly all pass the parser; the rest are operands
// left without parentheses on purpose.
func TestMostQueriesParse(t *testing.T) {
	for _, o := range []Options{{}, {Experimental: true}, {Histograms: true, Experimental: true}} {
		p := parser.NewParser(parser.Options{EnableExperimentalFunctions: true, EnableBinopFillModifiers: true})
		g := New(rand.New(rand.NewSource(1)), testSchema(), o)
		bad, n := map[string]string{}, 3000
		for range n {
			q := g.Next()
			if _, err := p.ParseExpr(q.Text); err != nil {
				bad[q.Text] = err.Error()
			}
		}
		if len(bad) > n/20 {
			shown := 0
			for q, err := range bad {
				t.Logf("%s\n    %s", q, err)
				if shown++; shown > 15 {
					break
				}
			}
			t.Errorf("%+v: %d of %d queries do not parse", o, len(bad), n)
		}
	}
}

func TestSchema(t *testing.T) {
	s := testSchema()
	m := s.byName["build_info"]
	if m == nil || m.Series != 4 || len(m.Labels) != 3 || len(m.Values["job"]) != 2 || !m.info() {
		t.Errorf("%+v", m)
	}
}

// The generator produces every part of the language.
func TestEverythingIsReached(t *testing.T) {
	seen := map[string]int{}
	p := parser.NewParser(parser.Options{EnableExperimentalFunctions: true, EnableBinopFillModifiers: true})
	note := func(node parser.Node) {
		switch n := node.(type) {
		case *parser.Call:
			seen[n.Func.Name]++
		case *parser.AggregateExpr:
			grouping := " alone"
			switch {
			case n.Without:
				grouping = " without"
			case len(n.Grouping) > 0:
				grouping = " by"
			}
			seen[n.Op.String()]++
			seen["any aggregation"+grouping]++
		case *parser.BinaryExpr:
			seen[n.Op.String()]++
			if n.ReturnBool {
				seen["bool"]++
			}
			if m := n.VectorMatching; m != nil {
				seen[m.Card.String()]++
				if m.On {
					seen["on"]++
				} else if len(m.MatchingLabels) > 0 {
					seen["ignoring"]++
				}
				if len(m.Include) > 0 {
					seen["include"]++
				}
				if m.FillValues.LHS != nil || m.FillValues.RHS != nil {
					seen["fill"]++
				}
			}
		case *parser.SubqueryExpr:
			seen["subquery"]++
			if n.Step == 0 && n.StepExpr == nil {
				seen["subquery without step"]++
			}
			if n.Timestamp != nil || n.StartOrEnd != 0 {
				seen["subquery with @"]++
			}
			if n.OriginalOffset != 0 {
				seen["subquery with offset"]++
			}
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				seen["matcher "+m.Type.String()]++
			}
			for what, is := range map[string]bool{
				"offset": n.OriginalOffset > 0, "negative offset": n.OriginalOffset < 0, "@": n.Timestamp != nil,
				"@ start()": n.StartOrEnd == parser.START, "@ end()": n.StartOrEnd == parser.END,
				"anchored": n.Anchored, "smoothed": n.Smoothed,
			} {
				if is {
					seen[what]++
				}
			}
		case *parser.UnaryExpr:
			seen["unary"]++
		case *parser.ParenExpr:
			seen["parentheses"]++
		case *parser.StringLiteral:
			seen["string"]++
		}
	}
	g := New(rand.New(rand.NewSource(1)), testSchema(), Options{Experimental: true, Histograms: true})
	for range 20_000 {
		if e, err := p.ParseExpr(g.Next().Text); err == nil {
			parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
				if n != nil {
					note(n)
				}
				return nil
			})
		}
	}
	want := []string{
		"sum", "avg", "min", "max", "count", "stddev", "stdvar", "group", "quantile", "topk", "bottomk", "count_values", "limitk", "limit_ratio",
		"any aggregation by", "any aggregation without", "any aggregation alone",
		"+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless", "</", ">/", "bool",
		"one-to-one", "many-to-one", "one-to-many", "many-to-many", "on", "ignoring", "include", "fill",
		"subquery", "subquery without step", "subquery with @", "subquery with offset",
		"matcher =", "matcher !=", "matcher =~", "matcher !~", "offset", "negative offset", "@", "@ start()", "@ end()", "anchored", "smoothed",
		"unary", "parentheses", "string",
	}
	for name := range parser.Functions {
		want = append(want, name)
	}
	const enough = 5
	for _, w := range want {
		if seen[w] < enough {
			t.Errorf("%s: only %d times", w, seen[w])
		}
	}
}
