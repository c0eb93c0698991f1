package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// stageSidecar compares answers over a sidecar beside a real Prometheus, which
// scrapes the servers of the stack, and itself, each second.
func (l *lab) stageSidecar() error {
	var targets []string
	for _, n := range l.servers {
		if n.http != "" {
			targets = append(targets, `"`+n.http+`"`)
		}
	}
	address, err := process.FreeAddress()
	if err != nil {
		return err
	}
	targets = append(targets, `"`+address+`"`)
	config, err := l.file("prometheus.yml", fmt.Sprintf(`global:
  scrape_interval: 1s
  scrape_native_histograms: true
  external_labels: {cluster: observed, replica: a}
scrape_configs:
- job_name: stack
  scrape_protocols: [PrometheusProto, OpenMetricsText1.0.0, PrometheusText0.0.4]
  static_configs:
  - targets: [%s]
`, strings.Join(targets, ", ")))
	if err != nil {
		return err
	}
	dir, err := l.fresh("prometheus")
	if err != nil {
		return err
	}
	prometheus, err := l.start("prometheus", l.program("prometheus"), 0, func(n *node) []string {
		n.http = address
		return []string{"--config.file=" + config, "--storage.tsdb.path=" + dir, "--web.listen-address=" + address, "--log.level=warn"}
	})
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
