// Package differ runs queries on Prometheus and on another engine and reports
// the differences.
package differ

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
	"github.com/quarrel-engine/quarrel/compliance/go/shrink"
)

// Engine is the engine under test. Run returns an error only if the answer
// cannot be read.
type Engine interface {
	Run(ctx context.Context, q results.Query) (results.Result, error)
}

// Prometheus gives the answers that the engine must give.
type Prometheus interface {
	Run(ctx context.Context, q results.Query) results.Result
}

// Tester compares an engine with Prometheus.
type Tester struct {
	Prometheus Prometheus
	Engine     Engine
	Compare    results.Options
	Parser     parser.Options
	// EnginePanics leaves out queries on which the engine panics, where that is
	// itself a Prometheus.
	EnginePanics bool
	// ShrinkBudget is how many queries may be spent on making a failing one
	// smaller.
	ShrinkBudget int
}

// Failure is a query on which the engine differs.
type Failure struct {
	Query results.Query
	Diff  results.Diff
	// Small is the smallest form found, with its own difference.
	Small     results.Query
	SmallDiff results.Diff
}

// Tally counts what queries gave.
type Tally struct {
	mu sync.Mutex

	Passed, Failed int
	// Undetermined queries have more than one right answer: Prometheus itself
	// gives different ones.
	Undetermined int
	// Panicked queries make Prometheus panic, which it reports as an
	// unexpected error. The engine need not fail as well.
	Panicked int
	// What Prometheus gave: a measure of how much the queries test.
	Data, Empty, Errors, Annotated int
}

func (t *Tally) String() string {
	return fmt.Sprintf("%d with data, %d empty, %d errors, %d with annotations; left out: %d to which Prometheus itself gives different answers, %d on which it panics",
		t.Data, t.Empty, t.Errors, t.Annotated, t.Undetermined, t.Panicked)
}

func (t *Tally) count(r results.Result) {
	switch {
	case r.ErrType != "":
		t.Errors++
	case len(r.Series) == 0 && r.Text == "":
		t.Empty++
	default:
		t.Data++
	}
	if len(r.Warnings)+len(r.Infos) > 0 {
		t.Annotated++
	}
}

// comparison is the outcome of comparing one query.
type comparison struct {
	diff         *results.Diff
	undetermined bool
	panicked     bool
	want         results.Result
}

// repeats is how often Prometheus runs a query again before a difference
// counts: some of its answers depend on the random order of Go's maps.
const repeats = 6

func (t *Tester) check(ctx context.Context, q results.Query) comparison {
	want := t.Prometheus.Run(ctx, q)
	got, err := t.Engine.Run(ctx, q)
	if err != nil {
		return comparison{diff: &results.Diff{Kind: results.Transport, Text: err.Error()}, want: want}
	}
	if promengine.Panicked(want) || t.EnginePanics && promengine.Panicked(got) {
		return comparison{panicked: true, want: want}
	}
	o := t.Compare
	o.Ordered = q.Instant() && t.ordered(q.Text)
	diff := results.Compare(want, got, o)
	if diff == nil {
		return comparison{want: want}
	}
	for range repeats {
		again := t.Prometheus.Run(ctx, q)
		if results.Compare(again, got, o) == nil {
			return comparison{want: want}
		}
		if results.Compare(want, again, o) != nil {
			return comparison{undetermined: true, want: want}
		}
	}
	return comparison{diff: diff, want: want}
}

// ordered reports whether an instant query promises the order of its rows.
func (t *Tester) ordered(text string) bool {
	e, err := parser.NewParser(t.Parser).ParseExpr(text)
	if err != nil {
		return false
	}
	for {
		switch n := e.(type) {
		case *parser.ParenExpr:
			e = n.Expr
		case *parser.Call:
			return n.Func.Name == "sort" || n.Func.Name == "sort_desc"
		case *parser.AggregateExpr:
			return (n.Op == parser.TOPK || n.Op == parser.BOTTOMK) && !n.Without && len(n.Grouping) == 0
		default:
			return false
		}
	}
}

// Run checks all queries from the channel with the given number of workers and
// reports each failure as it is found.
func (t *Tester) Run(ctx context.Context, queries <-chan results.Query, workers int, report func(Failure)) *Tally {
	tally := &Tally{}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for q := range queries {
				if ctx.Err() != nil {
					continue
				}
				t.one(ctx, q, tally, report)
			}
		})
	}
	wg.Wait()
	return tally
}

func (t *Tester) one(ctx context.Context, q results.Query, tally *Tally, report func(Failure)) {
	v := t.check(ctx, q)
	if ctx.Err() != nil {
		return // stopped in the middle
	}
	var f Failure
	if v.diff != nil {
		f = t.shrink(ctx, q, *v.diff)
	}
	tally.mu.Lock()
	defer tally.mu.Unlock()
	tally.count(v.want)
	switch {
	case v.diff != nil:
		tally.Failed++
		report(f)
	case v.undetermined:
		tally.Undetermined++
	case v.panicked:
		tally.Panicked++
	default:
		tally.Passed++
	}
}

func (t *Tester) shrink(ctx context.Context, q results.Query, d results.Diff) Failure {
	f := Failure{Query: q, Diff: d, Small: q, SmallDiff: d}
	if t.ShrinkBudget <= 0 {
		return f
	}
	f.Small = shrink.Query(q, t.Parser, t.ShrinkBudget, func(c results.Query) *results.Diff {
		return t.check(ctx, c).diff
	})
	if v := t.check(ctx, f.Small); v.diff != nil {
		f.SmallDiff = *v.diff
	}
	return f
}
