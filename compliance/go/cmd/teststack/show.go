package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// shown is a server of a stack that somebody looks at, and what it is there for.
type shown struct {
	*node
	what string
}

// show starts the whole stack over the demo data and waits until it is told to end:
// Prometheus with a sidecar, which uploads the demo data to a bucket, store gateway,
// a receiver that Prometheus writes to, quarrel over the three, a query frontend
// with Redis before it, Thanos Query beside it and over it, and both rulers.
func (l *lab) show() error {
	l.stage = "show"
	bucket, err := l.fresh("bucket")
	if err != nil {
		return err
	}
	receiver, write, err := l.startReceiver("receive")
	if err != nil {
		return err
	}
	prometheus, sidecar, err := l.showPrometheus(bucket, write, receiver)
	if err != nil {
		return err
	}
	store, err := l.startStore("store", bucket)
	if err != nil {
		return err
	}
	below := []*node{sidecar, store, receiver}
	quarrel, err := l.startQuarrel("quarrel", below)
	if err != nil {
		return err
	}
	out := []shown{
		{quarrel, "in the place of Thanos Query"},
		{prometheus, "scrapes the stack each 5 s, has the demo data"},
		{sidecar, "beside Prometheus, uploads its blocks"},
		{store, "over the bucket " + bucket},
		{receiver, "takes Prometheus's remote writes"},
	}
	above, err := l.showAbove(quarrel, below, write)
	if err != nil {
		return err
	}
	l.print(append(out, above...), quarrel)
	<-l.ctx.Done()
	return nil
}

// showPrometheus starts a Prometheus over a copy of the demo data, and its sidecar.
func (l *lab) showPrometheus(bucket, write string, more ...*node) (prometheus, sidecar *node, err error) {
	dir := filepath.Join(l.dir, "prometheus")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(l.root, "../../examples/demo-data"))); err != nil {
		return nil, nil, err
	}
	prometheus, err = l.startPrometheus(dir, "demo", 5*time.Second, "remote_write:\n- url: "+write+"\n", more,
		"--storage.tsdb.retention.time=100y", "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h")
	if err != nil {
		return nil, nil, err
	}
	config, err := l.bucketConfig(bucket)
	if err != nil {
		return nil, nil, err
	}
	sidecar, err = l.thanos("sidecar", "sidecar", 0, func(*node) []string {
		return []string{
			"--prometheus.url=" + prometheus.URL, "--tsdb.path=" + dir, "--objstore.config-file=" + config, "--shipper.upload-compacted",
			"--shipper.ignore-unequal-block-size",
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return prometheus, sidecar, l.waitFor("the demo data's blocks in the bucket", time.Minute, func() (bool, error) {
		levels, err := resolutions(bucket)
		return levels[0] >= 2, err
	})
}

// showAbove starts what asks quarrel.
func (l *lab) showAbove(quarrel *node, below []*node, write string) ([]shown, error) {
	beside, err := l.startQuery("query beside", below)
	if err != nil {
		return nil, err
	}
	over, err := l.startQuery("query over", []*node{quarrel}, "--query.mode=distributed", "--query.promql-engine=thanos")
	if err != nil {
		return nil, err
	}
	redis, err := l.startRedis()
	if err != nil {
		return nil, err
	}
	frontend, err := l.startFrontend(quarrel, redis)
	if err != nil {
		return nil, err
	}
	alerts, err := startNotifier()
	if err != nil {
		return nil, err
	}
	go func() { <-l.ctx.Done(); alerts.close() }()
	ruler, err := l.startRuler(quarrel, alerts)
	if err != nil {
		return nil, err
	}
	vmalert, err := l.startVmalert(quarrel, write, alerts)
	if err != nil {
		return nil, err
	}
	return []shown{
		{frontend, "query frontend with Redis, before quarrel: point Grafana at it"},
		{beside, "Thanos Query over the same stores, to compare with"},
		{over, "Thanos Query that hands its queries to quarrel"},
		{ruler, "Thanos Rule, evaluates on quarrel by gRPC"},
		{vmalert, "vmalert, evaluates on quarrel by HTTP"},
	}, nil
}

// print says where everything is, and what to try.
func (l *lab) print(all []shown, quarrel *node) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSERVER\tHTTP\tGRPC\tWHAT IT IS")
	for _, s := range all {
		grpc := s.grpc
		switch s.name {
		case "prometheus", "query-frontend", "vmalert":
			grpc = "" // they have no such API
		}
		fmt.Fprintf(w, "%s\thttp://%s\t%s\t%s\n", s.name, s.http, grpc, s.what)
	}
	_ = w.Flush()
	fmt.Printf(`
Try:
  curl '%[1]s/api/v1/stores'
  curl '%[1]s/api/v1/query?query=sum+by+(job)+(up)'
  curl '%[1]s/api/v1/query_range?query=sum+by+(mode)+(rate(node_cpu_seconds_total%%5B1m%%5D))&start=1795474800&end=1795480140&step=60'

Control-C ends it all; the folder is %[2]s.
`, quarrel.URL, l.dir)
}
