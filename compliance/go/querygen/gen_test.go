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

// Without broken ones, nearly all queries are to pass the parser; the rest are
// odd operands left without parentheses on purpose.
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
