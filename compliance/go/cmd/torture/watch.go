package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A watch looks at a server while it is attacked.
type watch struct {
	server *server
	health latencies
	light  latencies
	peak   memory
	// samples of the memory, for the bound and what is printed.
	samples int

	mu     sync.Mutex
	faults map[string]int
}

// latencies are the times of equal requests, one of which is sent after the
// other.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
	bad int // without the right answer
}

// add adds a request, and those that would have been sent at each pause while it
// was waited for: a server that stands still for seconds is not slow once.
func (l *latencies) add(d, pause time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := d; rest > 0; rest -= pause {
		l.all = append(l.all, rest)
	}
	if !ok {
		l.bad++
	}
}

// quantile is the time within which a share of all requests was answered.
func (l *latencies) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	slices.Sort(l.all)
	return l.all[min(int(q*float64(len(l.all))), len(l.all)-1)]
}

func (l *latencies) counts() (all, bad int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all), l.bad
}

func (w *watch) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[fmt.Sprintf(format, args...)]++
}

// run watches until the context ends.
func (w *watch) run(ctx context.Context) {
	w.faults = map[string]int{}
	var wg sync.WaitGroup
	each := func(pause time.Duration, do func(pause time.Duration)) {
		wg.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do(pause)
				}
			}
		})
	}
	kept := &http.Client{Timeout: giveUp}
	fresh := &http.Client{Timeout: giveUp, Transport: &http.Transport{DisableKeepAlives: true}}
	healthy := request{path: "/-/healthy"}
	each(20*time.Millisecond, func(pause time.Duration) { w.probe(ctx, &w.health, pause, kept, healthy, nil) })
	each(100*time.Millisecond, func(pause time.Duration) { w.probe(ctx, &w.health, pause, fresh, healthy, nil) })
	each(50*time.Millisecond, func(pause time.Duration) { w.probe(ctx, &w.light, pause, kept, lightQuery, lightAnswer) })
	each(10*time.Millisecond, func(time.Duration) {
		m, err := w.server.memory()
		if err != nil {
			w.fault("memory: %v", err)
			return
		}
		w.samples++
		w.peak.grow(m)
	})
	wg.Wait()
	kept.CloseIdleConnections()
}

// A light query: one series at one time.
var (
	lightQuery  = instant(`mid{pod="pod-004321"}`)
	lightAnswer = []byte(`"4321"]`)
)

// probe sends one request and wants status 200, with a text in the answer.
func (w *watch) probe(ctx context.Context, l *latencies, pause time.Duration, client *http.Client, req request, want []byte) {
	begin := time.Now()
	h, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.url()+req.path+"?"+req.form.Encode(), nil)
	if err != nil {
		w.fault("%s: %v", req.path, err)
		return
	}
	resp, err := client.Do(h)
	if err != nil {
		// When the watch is over, what was waited for till then counts, too.
		over := ctx.Err() != nil
		l.add(time.Since(begin), pause, over)
		if !over {
			w.fault("%s: %s", req.path, strip(err))
		}
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if ctx.Err() != nil {
		return
	}
	ok := err == nil && resp.StatusCode == http.StatusOK && bytes.Contains(body, want)
	l.add(time.Since(begin), pause, ok)
	if !ok {
		w.fault("%s: status %d: %.150q", req.path, resp.StatusCode, body)
	}
}
