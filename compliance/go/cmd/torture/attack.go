package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand"
	"net/http"
	"sync"
	"time"
)

// An attack is the hostile side. It runs in a process of its own, with nice
// 19, so that its work on the same machine delays neither the server nor those
// who watch it.
type attack struct {
	url     string
	seed    int64
	clients int
	// latest is the time within which every query is answered.
	latest time.Duration
	// dying says that the server may end at any time.
	dying bool
	// only is the one kind that is run, or "" for all.
	only string
	// large is held while a request of megabytes is made and sent, which costs
	// this side more than the other.
	large chan struct{}

	ctx context.Context
	mu  sync.Mutex
	sum summary
}

// summary is what an attack saw, by kind.
type summary struct {
	Kinds map[string]*kindFigures
}

type kindFigures struct {
	Requests int
	Worst    time.Duration
	Codes    map[string]int
	Faults   map[string]int
	// Examples has one request for some faults.
	Examples map[string]string
}

// add counts an answer.
func (a *attack) add(kind string, nth int, ans answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.sum.Kinds[kind]
	if k == nil {
		k = &kindFigures{Codes: map[string]int{}, Faults: map[string]int{}, Examples: map[string]string{}}
		a.sum.Kinds[kind] = k
	}
	k.Requests++
	k.Codes[ans.code]++
	k.Worst = max(k.Worst, ans.took)
	if ans.fault == "" {
		return
	}
	k.Faults[ans.fault]++
	if len(k.Examples) < 5 && k.Examples[ans.fault] == "" {
		k.Examples[ans.fault] = fmt.Sprintf("number %d", nth)
	}
}

// random is the source of the nth request of a kind, the same in each run with
// one seed, however the clients are scheduled.
func (a *attack) random(kind string, nth int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", a.seed, kind, nth)
	return rand.New(rand.NewSource(int64(h.Sum64())))
}

// run attacks for a time and writes the summary as JSON.
func (a *attack) run(ctx context.Context, duration time.Duration, out io.Writer) error {
	// No deadline: connections would notice it before the context does.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(duration, cancel).Stop()
	a.ctx = ctx
	a.large = make(chan struct{}, 8)
	a.sum.Kinds = map[string]*kindFigures{}
	var wg sync.WaitGroup
	next := a.turns()
	for range a.clients {
		wg.Go(func() {
			client := newClient()
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				kind, nth, do := next()
				if do == nil {
					return
				}
				r := a.random(kind, nth)
				a.add(kind, nth, do(ctx, client, r))
			}
		})
	}
	for _, c := range crowds {
		if a.only != "" && a.only != c.name {
			continue
		}
		for member := range c.size {
			wg.Go(func() {
				for nth := member; ctx.Err() == nil; nth += c.size {
					a.add(c.name, nth, c.do(a, ctx, a.random(c.name, nth)))
					// Between two comes a pause, so that a crowd comes and goes.
					wait(ctx, time.Second)
				}
			})
		}
	}
	wg.Wait()
	return json.NewEncoder(out).Encode(a.sum)
}

// turns hands the kinds out one after the other.
func (a *attack) turns() func() (kind string, nth int, do func(context.Context, *http.Client, *rand.Rand) answer) {
	type turn struct {
		name string
		do   func(context.Context, *http.Client, *rand.Rand) answer
	}
	var all []turn
	for _, k := range kinds {
		all = append(all, turn{k.name, func(ctx context.Context, client *http.Client, r *rand.Rand) answer {
			if k.large {
				select {
				case a.large <- struct{}{}:
					defer func() { <-a.large }()
				case <-ctx.Done():
					return answer{code: "end"}
				}
			}
			return a.send(ctx, client, k.make(r), r.Intn(2) == 0)
		}})
	}
	for _, w := range wires {
		all = append(all, turn{w.name, func(ctx context.Context, _ *http.Client, r *rand.Rand) answer { return w.do(a, ctx, r) }})
	}
	if a.only != "" {
		var one []turn
		for _, t := range all {
			if t.name == a.only {
				one = append(one, t)
			}
		}
		all = one
	}
	var mu sync.Mutex
	count := 0
	return func() (string, int, func(context.Context, *http.Client, *rand.Rand) answer) {
		if len(all) == 0 {
			return "", 0, nil // a crowd alone
		}
		mu.Lock()
		defer mu.Unlock()
		t, nth := all[count%len(all)], count/len(all)
		count++
		return t.name, nth, t.do
	}
}
