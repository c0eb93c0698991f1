// Package scripts runs quarrel's own scripts on Prometheus. The scripts must
// expect what Prometheus answers.
package scripts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// TestScripts runs every script of compliance/tests/scripts with the engine and
// the storage of Prometheus's own tests.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../../tests/scripts/*.test")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
			promqltest.RunTestWithStorage(t, string(text), engine, func(t testing.TB) storage.Storage {
				return promqltest.NewBuiltinTestStorage(t)
			})
		})
	}
}
