package promengine

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// Serve answers Prometheus's HTTP API on a local port, and returns its URL and
// what ends it.
func (r *Engine) Serve() (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: r.handler()}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

// handler is Prometheus's API over the engine, without what needs targets, rules
// and remote storages.
func (r *Engine) handler() http.Handler {
	var (
		registry   = prometheus.NewRegistry()
		noPools    = func(context.Context) v1.ScrapePoolsRetriever { return nil }
		noTargets  = func(context.Context) v1.TargetRetriever { return targets{} }
		noManagers = func(context.Context) v1.AlertmanagerRetriever { return nil }
		noRules    = func(context.Context) v1.RulesRetriever { return nil }
		noNotes    = func() []notifications.Notification { return nil }
		noFeed     = func() (<-chan notifications.Notification, func(), bool) { return nil, func() {}, false }
		always     = func(f http.HandlerFunc) http.HandlerFunc { return f }
		info       = func() (v1.RuntimeInfo, error) { return v1.RuntimeInfo{}, nil }
	)
	api := v1.NewAPI(again{r.engine}, r.db, nil, exemplars{}, noPools, noTargets, noManagers,
		func() config.Config { return config.DefaultConfig }, nil, v1.GlobalURLOptions{}, always,
		nil, r.db.Dir(), false, false, 0, slog.New(slog.DiscardHandler), noRules, 50_000_000, 10, 1<<20, false,
		regexp.MustCompile(".*"), info, &v1.PrometheusVersion{}, noNotes, noFeed,
		registry, registry, nil, false, nil, false, false, false, 5*time.Minute,
		slices.Contains(r.features, "type-and-unit-labels"), false, nil,
		features.NewRegistry(), v1.OpenAPIOptions{}, parser.NewParser(ParserOptions(r.features)), false, 2*time.Minute)
	router := route.New()
	api.Register(router.WithPrefix("/api/v1"))
	return router
}

// exemplars are none.
type exemplars struct{}

func (exemplars) ExemplarQuerier(context.Context) (storage.ExemplarQuerier, error) {
	return nil, storage.ErrNotFound
}

// targets are none.
type targets struct{ v1.TargetRetriever }

func (targets) TargetsActive() map[string][]*scrape.Target { return nil }
