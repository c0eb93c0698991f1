package promengine

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/queries"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// Where the engine does not panic, untrimmed samples give the same answer.
func TestUntrimmedGivesTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := fixtures.Build(dir, fixtures.Options{Seed: 1, Shape: fixtures.Mixed}); err != nil {
		t.Fatal(err)
	}
	prom, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := prom.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := context.Background()
	texts, err := queries.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	mint, maxt := prom.Range()
	var all []results.Query
	for _, text := range texts {
		all = append(all, queries.At(text, mint, maxt)...)
	}
	panics, same := 0, 0
	for i := 0; i < len(all); i += 3 {
		q := all[i]
		a, b := prom.run(ctx, prom.db, q), prom.run(ctx, untrimmed{prom.db}, q)
		if Panicked(b) {
			t.Errorf("%+v: panics even so: %s", q, b.Err)
		}
		if Panicked(a) {
			panics++
			continue
		}
		// Rows in random order may add up to other bits, or select other rows.
		o := results.Options{Relative: 1e-9}
		if d := results.Compare(a, b, o); d != nil && !prom.varies(ctx, q, a, o) {
			t.Errorf("%+v: %+v", q, d)
			continue
		}
		same++
	}
	if panics == 0 || same < 1_000 {
		t.Errorf("%d panics, %d the same", panics, same)
	}
}

// varies says whether the engine itself gives another answer now and then, as
// where ties of rows in random order decide.
func (r *Engine) varies(ctx context.Context, q results.Query, first results.Result, o results.Options) bool {
	for range 20 {
		if results.Compare(first, r.run(ctx, r.db, q), o) != nil {
			return true
		}
	}
	return false
}
