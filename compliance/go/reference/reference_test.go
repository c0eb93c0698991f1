package reference

import (
	"context"
	"math/rand"
	"path/filepath"
	"testing"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/querygen"
	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// Wherever the engine does not panic, leaving samples untrimmed changes nothing.
func TestUntrimmedGivesTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := fixtures.Build(dir, fixtures.Options{Seed: 1, Shape: fixtures.Mixed}); err != nil {
		t.Fatal(err)
	}
	ref, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := ref.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := context.Background()
	series, err := ref.Series(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mint, maxt := ref.Range()
	g := querygen.New(rand.New(rand.NewSource(5)), querygen.NewSchema(series, mint, maxt), querygen.Options{})
	panics, same := 0, 0
	for range 1_500 {
		q := g.Next()
		a, b := ref.run(ctx, ref.db, q), ref.run(ctx, untrimmed{ref.db}, q)
		if Panicked(b) {
			t.Errorf("%+v: panics even so: %s", q, b.Err)
		}
		if Panicked(a) {
			panics++
			continue
		}
		// Rows in random order may add up to other bits, or pick other rows.
		o := results.Options{Relative: 1e-9}
		if d := results.Compare(a, b, o); d != nil && results.Compare(a, ref.run(ctx, ref.db, q), o) == nil {
			t.Errorf("%+v: %+v", q, d)
			continue
		}
		same++
	}
	if panics == 0 || same < 1_000 {
		t.Errorf("%d panics, %d the same", panics, same)
	}
}
