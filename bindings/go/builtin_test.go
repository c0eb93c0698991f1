package quarrel_test

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

// Prometheus's own acceptance tests for query engines: all .test scripts of
// promql/promqltest, instant queries also with pinned times and as range
// queries.
func TestPrometheusScripts(t *testing.T) {
	engine, err := quarrel.NewEngine(quarrel.Options{
		EngineOpts: promql.EngineOpts{
			MaxSamples:               promqltest.DefaultMaxSamplesPerQuery,
			Timeout:                  100 * time.Second,
			EnableAtModifier:         true,
			EnableNegativeOffset:     true,
			EnableDelayedNameRemoval: true,
			UseStartTimestamps:       true,
		},
		ParserOptions: promqltest.TestParserOpts,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	promqltest.RunBuiltinTests(t, engine)
}
