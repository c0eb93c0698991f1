// Command querier serves a Prometheus data directory with Prometheus's own HTTP API,
// and quarrel as its engine.
//
//	querier -data DIR [-listen :9090]
//
// cmd/prometheus itself cannot be given another engine without a patch: package web
// takes a *promql.Engine. Its API, package web/api/v1, takes a promql.QueryEngine.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/route"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"

	quarrel "github.com/quarrel-engine/quarrel/bindings/go"
)

func main() {
	data := flag.String("data", "", "data directory of a Prometheus that does not run")
	listen := flag.String("listen", ":9090", "address to listen on")
	flag.Parse()
	if err := serve(*data, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "querier:", err)
		os.Exit(1)
	}
}

func serve(data, listen string) error {
	db, err := tsdb.Open(data, slog.Default(), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return err
	}
	defer db.Close()
	db.DisableCompactions()
	registry := prometheus.NewRegistry()
	engine, handler, err := newHandler(db, registry)
	if err != nil {
		return err
	}
	defer engine.Close()
	slog.Info("listening", "address", listen)
	return http.ListenAndServe(listen, handler)
}

// newHandler makes the engine, and the API over it.
func newHandler(db *tsdb.DB, registry *prometheus.Registry) (*quarrel.Engine, http.Handler, error) {
	const timeout = 2 * time.Minute
	supported := features.NewRegistry()
	promqlParser := parser.NewParser(parser.Options{})
	engine, err := quarrel.NewEngine(quarrel.Options{EngineOpts: promql.EngineOpts{
		Logger:               slog.Default(),
		Reg:                  registry,
		Timeout:              timeout,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		EnablePerStepStats:   true,
		FeatureRegistry:      supported,
		Parser:               promqlParser,
	}})
	if err != nil {
		return nil, nil, err
	}
	// What a server with targets, rules and remote storages would have.
	var (
		noPools    = func(context.Context) v1.ScrapePoolsRetriever { return nil }
		noTargets  = func(context.Context) v1.TargetRetriever { return nil }
		noManagers = func(context.Context) v1.AlertmanagerRetriever { return nil }
		noRules    = func(context.Context) v1.RulesRetriever { return nil }
		noNotes    = func() []notifications.Notification { return nil }
		noFeed     = func() (<-chan notifications.Notification, func(), bool) { return nil, func() {}, false }
		always     = func(f http.HandlerFunc) http.HandlerFunc { return f }
		info       = func() (v1.RuntimeInfo, error) { return v1.RuntimeInfo{}, nil }
	)
	api := v1.NewAPI(engine, db, nil, exemplars{}, noPools, noTargets, noManagers,
		func() config.Config { return config.DefaultConfig }, nil, v1.GlobalURLOptions{}, always,
		nil, db.Dir(), false, false, 0, slog.Default(), noRules, 50_000_000, 10, 1<<20, false,
		regexp.MustCompile(".*"), info, &v1.PrometheusVersion{Version: "3.16.0"}, noNotes, noFeed,
		registry, registry, nil, false, nil, false, false, false, 5*time.Minute, false, false, nil,
		supported, v1.OpenAPIOptions{}, promqlParser, false, timeout)
	router := route.New()
	api.Register(router.WithPrefix("/api/v1"))
	router.Get("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP)
	router.Get("/-/ready", func(http.ResponseWriter, *http.Request) {})
	return engine, router, nil
}

// exemplars are none.
type exemplars struct{}

func (exemplars) ExemplarQuerier(context.Context) (storage.ExemplarQuerier, error) {
	return nil, storage.ErrNotFound
}
