package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/stackdata"
)

// dashboardQueries are what the bench asks: the panels of a dashboard over a fleet.
var dashboardQueries = []string{
	`sum(rate(http_requests_total[5m]))`,
	`sum by (job, code) (rate(http_requests_total[5m]))`,
	`sum by (instance) (increase(http_requests_total[15m]))`,
	`rate(http_requests_total{code="500"}[5m])`,
	`histogram_quantile(0.99, sum by (le) (rate(request_duration_seconds_bucket[5m])))`,
	`histogram_quantile(0.9, sum by (job, handler, le) (rate(request_duration_seconds_bucket[5m])))`,
	`sum by (handler) (rate(request_duration_seconds_sum[5m])) / sum by (handler) (rate(request_duration_seconds_count[5m]))`,
	`avg by (job) (process_resident_memory_bytes)`,
	`topk(5, process_resident_memory_bytes)`,
	`max_over_time(process_resident_memory_bytes[30m])`,
	`100 * (1 - avg by (instance) (rate(cpu_seconds_total{mode="idle"}[5m])))`,
	`sum by (mode) (irate(cpu_seconds_total[5m]))`,
	`sum by (job) (up) / count by (job) (up)`,
	`sum by (handler) (rate(http_requests_total{code="500"}[5m])) / sum by (handler) (rate(http_requests_total[5m]))`,
	`quantile by (zone) (0.95, process_open_fds)`,
	`sum by (job) (delta(go_goroutines[15m]))`,
}

const (
	benchEvery = 30_000
	benchSpan  = 6 * hour
	benchStep  = time.Minute
	// settle is a pause after who was asked before, in which what that left behind is
	// collected: Go's collector would work in the next one's time.
	settle = 30 * time.Millisecond
	// burst is how often each is asked in a round, one query after the other, when a
	// first one has woken it up: processors that have slept are slower for a while.
	burst = 3
)

// place is a store that the bench asks through both.
type place struct {
	name            string
	store           *node
	quarrel, thanos *node
}

// bench times quarrel and Thanos Query over the same store gateway and the same
// receiver, beside a client that throws the store's stream away, and prints
// Markdown.
func (l *lab) bench(rounds int) error {
	now := time.Now().UnixMilli()
	of := span{now - benchSpan - hour, now}
	places, err := l.benchPlaces(of)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := l.benchPlace(p, span{now - benchSpan, now}, rounds); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return l.benchYears(rounds)
}

// benchPlaces starts a store gateway and a receiver with the same series, and over
// each a quarrel and a Thanos Query.
func (l *lab) benchPlaces(of span) (out []place, err error) {
	series := (stackdata.Scraper{Every: benchEvery}).Scrape(stackdata.Fleet(l.seed, l.targets, of.from, of.to), of.from, of.to)
	bucket, err := l.fresh("bench-bucket")
	if err != nil {
		return nil, err
	}
	external := map[string]string{"cluster": "bench", "replica": "a"}
	for _, part := range stackdata.Aligned(of.from, of.to, 2*hour) {
		if _, err := stackdata.WriteBlock(bucket, stackdata.Between(series, part[0], part[1]), part[0], part[1], external); err != nil {
			return nil, err
		}
	}
	store, err := l.startStore("bench-store", bucket)
	if err != nil {
		return nil, err
	}
	receiver, write, err := l.startReceiver("bench-receive")
	if err != nil {
		return nil, err
	}
	if err := stackdata.Write(l.ctx, write, series, l.seed, 0); err != nil {
		return nil, err
	}
	out = []place{{name: "store gateway", store: store}, {name: "receiver", store: receiver}}
	for i := range out {
		p := &out[i]
		if p.quarrel, err = l.startStand("quarrel over the "+p.name, []*node{p.store}); err != nil {
			return nil, err
		}
		if p.thanos, err = l.startQuery("thanos query over the "+p.name, []*node{p.store}, "--query.promql-engine=thanos"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// startReceiver starts one receiver that takes remote writes itself.
func (l *lab) startReceiver(name string) (n *node, write string, err error) {
	dir, err := l.fresh(name)
	if err != nil {
		return nil, "", err
	}
	n, err = l.thanos(name, "receive", 2, func(n *node) []string {
		return []string{
			"--remote-write.address=" + n.extra[0], "--receive.capnproto-address=" + n.extra[1], "--tsdb.path=" + dir,
			"--label=replica=\"a\"", "--label=cluster=\"bench\"", "--receive.local-endpoint=" + n.grpc,
			"--receive.hashrings=[{\"endpoints\": [\"" + n.grpc + "\"]}]",
		}
	})
	if err != nil {
		return nil, "", err
	}
	return n, "http://" + n.extra[0] + "/api/v1/receive", nil
}

// benchPlace times all queries in one place and prints a table.
func (l *lab) benchPlace(p place, of span, rounds int) error {
	stream, err := newStream(p.store.grpc)
	if err != nil {
		return err
	}
	defer stream.close()
	fmt.Printf("\nOver a %s: %d series, %s at a step of %s, medians of %d rounds of %d queries, milliseconds.\n\n", p.name, l.targets*stackdata.SeriesOfFleetTarget,
		time.Duration(benchSpan)*time.Millisecond, benchStep, rounds, burst)
	fmt.Println("| query | quarrel | Thanos Query | times faster | the store's stream alone | MiB |\n| --- | ---: | ---: | ---: | ---: | ---: |")
	product, least := 1.0, math.Inf(1)
	for _, query := range dashboardQueries {
		var quarrel, thanos, alone []time.Duration
		var size int
		for round := range rounds {
			asked := []struct {
				took *[]time.Duration
				ask  func() (time.Duration, error)
			}{
				{&quarrel, func() (time.Duration, error) { return l.timeQuery(p.quarrel, query, of) }},
				{&thanos, func() (time.Duration, error) { return l.timeQuery(p.thanos, query, of) }},
				{&alone, func() (took time.Duration, err error) {
					begin := time.Now()
					size, err = stream.throwAway(l.ctx, query, of)
					return time.Since(begin), err
				}},
			}
			if round%2 == 1 {
				asked[0], asked[1] = asked[1], asked[0]
			}
			for _, a := range asked {
				took, err := askBurst(a.ask)
				if err != nil {
					return fmt.Errorf("%s: %w", query, err)
				}
				*a.took = append(*a.took, took...)
			}
		}
		ratio := float64(median(thanos)) / float64(median(quarrel))
		product *= ratio
		least = min(least, ratio)
		fmt.Printf("| `%s` | %.1f | %.1f | %.2f | %.1f | %.1f |\n", strings.ReplaceAll(query, "|", `\|`), ms(median(quarrel)), ms(median(thanos)), ratio,
			ms(median(alone)), float64(size)/(1<<20))
	}
	fmt.Printf("\nGeometric mean %.2f, least %.2f.\n\n| process | peak of resident memory, MiB |\n| --- | ---: |\n", math.Pow(product, 1/float64(len(dashboardQueries))), least)
	for _, n := range []*node{p.quarrel, p.thanos, p.store} {
		peak, err := peakMemory(n.PID())
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.0f |\n", n.name, float64(peak)/(1<<20))
	}
	return nil
}

// askBurst gives the times of a burst.
func askBurst(ask func() (time.Duration, error)) (all []time.Duration, err error) {
	time.Sleep(settle)
	if _, err := ask(); err != nil {
		return nil, err
	}
	for range burst {
		took, err := ask()
		if err != nil {
			return nil, err
		}
		all = append(all, took)
	}
	return all, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// timeQuery asks a range query of the dashboard.
func (l *lab) timeQuery(n *node, query string, of span) (time.Duration, error) {
	return l.timeRange(n, query, of, benchStep)
}

// timeRange asks a range query with more parameters NAME=VALUE and reads the whole
// answer, compressed. An empty one is an error.
func (l *lab) timeRange(n *node, query string, of span, step time.Duration, more ...string) (time.Duration, error) {
	form := url.Values{"query": {query}, "start": {seconds(of.from)}, "end": {seconds(of.to)}, "step": {fmt.Sprint(step.Seconds())}}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		form.Set(name, value)
	}
	req, err := http.NewRequestWithContext(l.ctx, http.MethodPost, n.URL+"/api/v1/query_range", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// As Grafana asks. Said so, the client leaves the answer as it is: what it takes to
	// decompress it is not the server's.
	req.Header.Set("Accept-Encoding", "gzip")
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		if body, err = io.ReadAll(plain); err != nil {
			return 0, err
		}
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"values":[[`) {
		return 0, fmt.Errorf("status %s: %.300s", resp.Status, body)
	}
	return took, nil
}

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory is the peak of a process's resident memory in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	found := peakLine.FindSubmatch(text)
	if found == nil {
		return 0, errors.New("no VmHWM in the status of a process")
	}
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kib << 10, err
}
