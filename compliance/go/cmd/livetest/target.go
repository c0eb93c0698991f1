package main

import (
	"fmt"
	"math"
	"math/rand"
	"net"
	"net/http"
	"sync"
	"time"
)

// target is a made-up program to scrape: it counts up, restarts, fails, and
// has series that come and go.
type target struct {
	address string
	server  *http.Server

	mu      sync.Mutex
	r       *rand.Rand
	scrapes int
	counts  map[string]float64
}

func startTarget() (*target, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &target{address: l.Addr().String(), r: rand.New(rand.NewSource(1)), counts: map[string]float64{}}
	t.server = &http.Server{Handler: http.HandlerFunc(t.metrics), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = t.server.Serve(l) }()
	return t, nil
}

func (t *target) close() { _ = t.server.Close() }

// metrics writes one scrape.
func (t *target) metrics(w http.ResponseWriter, _ *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scrapes++
	n := t.scrapes
	if n%31 >= 28 {
		http.Error(w, "down for a moment", http.StatusServiceUnavailable)
		return
	}
	if n%47 == 0 {
		clear(t.counts) // a restart
	}
	add := func(name string, by float64) {
		t.counts[name] += by
		fmt.Fprintf(w, "%s %v\n", name, t.counts[name])
	}
	for _, code := range []string{"200", "404", "500"} {
		for _, handler := range []string{"/", "/api"} {
			if code == "500" && n%20 < 10 {
				continue // comes and goes
			}
			add(fmt.Sprintf("fake_requests_total{code=%q,handler=%q}", code, handler), float64(t.r.Intn(9)))
		}
	}
	for i, le := range []string{"0.1", "1", "+Inf"} {
		add(fmt.Sprintf("fake_latency_seconds_bucket{le=%q}", le), float64(3*(i+1)))
	}
	fmt.Fprintf(w, "fake_temperature{room=\"a\"} %v\n", 20+5*math.Sin(float64(n)/10))
	fmt.Fprintf(w, "fake_temperature{room=\"b\"} %v\n", t.r.NormFloat64())
	fmt.Fprintf(w, "fake_special{kind=\"nan\"} NaN\nfake_special{kind=\"inf\"} +Inf\n")
	fmt.Fprintf(w, "fake_pod_info{pod=\"web-%x\",version=\"1.%d\"} 1\n", n/7*7919, n/40)
	fmt.Fprintf(w, "fake_ties{i=\"1\"} %d\nfake_ties{i=\"2\"} %d\n", n/5%3, n/7%3)
}
