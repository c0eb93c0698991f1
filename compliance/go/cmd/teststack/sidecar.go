package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// startPrometheus starts a Prometheus over a data directory, which scrapes servers
// and itself. What its configuration has besides is `more`.
func (l *lab) startPrometheus(dir, cluster string, every time.Duration, more string, servers []*node, flags ...string) (*node, error) {
	var targets []string
	for _, n := range servers {
		if n.http != "" {
			targets = append(targets, `"`+n.http+`"`)
		}
	}
	return l.start("prometheus", l.program("prometheus"), 0, func(n *node) []string {
		config := filepath.Join(l.dir, "prometheus.yml")
		text := fmt.Sprintf(`global:
  scrape_interval: %s
  scrape_native_histograms: true
  external_labels: {cluster: %s, replica: a}
scrape_configs:
- job_name: stack
  scrape_protocols: [PrometheusProto, OpenMetricsText1.0.0, PrometheusText0.0.4]
  static_configs:
  - targets: [%s]
%s`, every, cluster, strings.Join(append(targets, `"`+n.http+`"`), ", "), more)
		// A file that is not there ends Prometheus with a word about it.
		_ = os.WriteFile(config, []byte(text), 0o644)
		return append([]string{"--config.file=" + config, "--storage.tsdb.path=" + dir, "--web.listen-address=" + n.http, "--log.level=warn"}, flags...)
	})
}

// stageSidecar compares answers over a sidecar beside a real Prometheus, which
// scrapes the servers of the stack, and itself, each second.
func (l *lab) stageSidecar() error {
	dir, err := l.fresh("prometheus")
	if err != nil {
		return err
	}
	prometheus, err := l.startPrometheus(dir, "observed", time.Second, "", l.servers)
	if err != nil {
		return err
	}
	begin := time.Now()
	sidecar, err := l.thanos("sidecar", "sidecar", 0, func(*node) []string {
		return []string{"--prometheus.url=" + prometheus.URL, "--tsdb.path=" + dir}
	})
	if err != nil {
		return err
	}
	reference, err := l.startQuery("query-sidecar", []*node{sidecar})
	if err != nil {
		return err
	}
	test, err := l.startStand("quarrel-sidecar", []*node{sidecar})
	if err != nil {
		return err
	}
	defer l.stop(test, reference, sidecar, prometheus)
	const enough = 20 * time.Second
	time.Sleep(max(0, enough-time.Since(begin)))
	// What is asked lies in the past: nothing is added there any more.
	until := time.Now().Add(-2 * time.Second).UnixMilli()
	c := l.between(reference, test).at("sidecar", span{until - 15_000, until})
	c.more = []string{"--range", "15s", "--step", "1s"}
	c.least = 300
	return errors.Join(
		l.all(c),
		l.sameFanOuts(reference, test, "/api/v1/metadata", "/api/v1/metadata?metric=go_goroutines", "/api/v1/targets?state=active"),
	)
}
