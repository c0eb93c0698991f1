package shrink

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

func TestQuery(t *testing.T) {
	for _, c := range []struct{ name, text, fault, want string }{
		{"a function", `sum by (a, b) (rate(x{a="1",b=~"2.*"}[5m] offset 1m) * on (a) group_left (c) (ceil(y) + 3))`, "ceil", "ceil(y)"},
		{"a modifier", `max(abs(x{l!="v"} offset 3m)) / (vector(1) - z)`, "offset", "x offset 3m"},
		{"a subquery", `topk(3, max_over_time((sum by (j) (x))[10m:1m] @ start()))`, "over_time", "max_over_time(x[1m:])"},
		{"a matching", `(a * on (i) b) + ignoring (k) (c unless on (l) d)`, "unless on", "c unless on () d"},
		{"no query", "sum(x)) + ((nonsense", "nonsense", "nonsense"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := results.Query{Text: c.text, Start: 0, End: 100_000, Step: 1_000}
			got := Query(q, parser.Options{}, 2_000, func(q results.Query) *results.Diff {
				if strings.Contains(q.Text, c.fault) {
					return &results.Diff{Kind: results.Value, T: 50_000}
				}
				return nil
			})
			if got.Text != c.want || !got.Instant() || got.Start != 50_000 {
				t.Errorf("got %+v, want %s", got, c.want)
			}
		})
	}
}

// A fault that only two steps together show keeps them.
func TestQueryTimes(t *testing.T) {
	q := results.Query{Text: "x", Start: 0, End: 63_000, Step: 1_000}
	got := Query(q, parser.Options{}, 1_000, func(q results.Query) *results.Diff {
		if !q.Instant() && q.Start <= 20_000 && q.End >= 21_000 {
			return &results.Diff{Kind: results.Points, T: 20_000}
		}
		return nil
	})
	if got.Start > 20_000 || got.End < 21_000 || got.Steps() > 4 {
		t.Errorf("got %+v", got)
	}
}
