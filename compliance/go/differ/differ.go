// Package differ runs queries on the reference and on another engine and says
// where they differ.
package differ

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quarrel-engine/quarrel/compliance/go/reference"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
	"github.com/quarrel-engine/quarrel/compliance/go/shrink"
)

// Engine answers queries. Run gives an error only where there is no answer
// that can be read.
type Engine interface {
	Run(ctx context.Context, q results.Query) (results.Result, error)
}

// Reference answers queries as they should be.
type Reference interface {
	Run(ctx context.Context, q results.Query) results.Result
}

// Tester compares an engine with the reference.
type Tester struct {
	Reference Reference
	Engine    Engine
	Compare   results.Options
	Parser    parser.Options
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
	// Undetermined queries have more than one right answer: the reference
	// itself gives different ones.
	Undetermined int
	// Panicked queries make the reference panic, which it reports as an
	// unexpected error that nobody has to share.
	Panicked int
	// What the reference gave, as a measure of the queries' worth.
	Data, Empty, Errors, Annotated int
}

func (t *Tally) String() string {
	return fmt.Sprintf("%d with data, %d empty, %d errors, %d with annotations; left out: %d to which the reference itself gives different answers, %d on which it panics",
		t.Data, t.Empty, t.Errors, t.Annotated, t.Undetermined, t.Panicked)
}

func (t *Tally) note(r results.Result) {
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

// verdict is the outcome of one comparison.
type verdict struct {
	diff         *results.Diff
	undetermined bool
	panicked     bool
	want         results.Result
}

// repeats is how often the reference is asked again before a difference
// counts: some answers of its depend on the random order of Go's maps.
const repeats = 6

func (t *Tester) check(ctx context.Context, q results.Query) verdict {
	want := t.Reference.Run(ctx, q)
	got, err := t.Engine.Run(ctx, q)
	if err != nil {
		return verdict{diff: &results.Diff{Kind: results.Transport, Text: err.Error()}, want: want}
	}
	if reference.Panicked(want) || t.EnginePanics && reference.Panicked(got) {
		return verdict{panicked: true, want: want}
	}
	o := t.Compare
	o.Ordered = q.Instant() && t.ordered(q.Text)
	diff := results.Compare(want, got, o)
	if diff == nil {
		return verdict{want: want}
	}
	for range repeats {
		again := t.Reference.Run(ctx, q)
		if results.Compare(again, got, o) == nil {
			return verdict{want: want}
		}
		if results.Compare(want, again, o) != nil {
			return verdict{undetermined: true, want: want}
		}
	}
	return verdict{diff: diff, want: want}
}

// ordered says whether an instant query promises the order of its rows.
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

// Run checks all queries that come, with so many workers, and reports each
// failure as it is found.
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
	tally.note(v.want)
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
