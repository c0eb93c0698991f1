package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Each planted fault of a server is found, and right answers are none.
func TestFaultsAreFound(t *testing.T) {
	const latest = 300 * time.Millisecond
	for _, test := range []struct {
		name    string
		fault   string // "" for none
		handler http.HandlerFunc
	}{
		{"a result", "", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"success"}`) }},
		{"an error", "", respond(400, "bad_data", nil)},
		{"a timeout", "", respond(503, "timeout", nil)},
		{"overload", "", respond(503, "unavailable", http.Header{"Retry-After": {"1"}})},
		{"overload without Retry-After", "without Retry-After", respond(503, "unavailable", nil)},
		{"an error of the server", "status 500", respond(500, "internal", nil)},
		{"another shape", "Prometheus's shape", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			fmt.Fprint(w, `{"message":"no"}`)
		}},
		{"broken JSON", "broken JSON", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			fmt.Fprint(w, `{"status":`)
		}},
		{"plain text in place of JSON", "without JSON", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) }},
		{"late", "late answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(2 * latest)
		}},
		{"a closed connection", "closed without an answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		s := httptest.NewServer(test.handler)
		a := attack{url: s.URL, latest: latest, ctx: context.Background()}
		for _, get := range []bool{true, false} {
			ans := a.send(a.ctx, newClient(), instant("up"), get)
			if (test.fault == "") != (ans.fault == "") || !strings.Contains(ans.fault, test.fault) {
				t.Errorf("%s: got %+v", test.name, ans)
			}
		}
		s.Close()
	}
}

func respond(code int, errorType string, header http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"status":"error","errorType":%q,"error":"why"}`, errorType)
	}
}

// The nth request of a kind depends on the seed and on nothing else.
func TestRequestsAreRepeatable(t *testing.T) {
	one, same, other := attack{seed: 1}, attack{seed: 1}, attack{seed: 2}
	for _, k := range kinds {
		differ := false
		for nth := range 10 {
			form := func(a *attack) string {
				req := k.make(a.random(k.name, nth))
				return req.path + req.form.Encode()
			}
			first := form(&one)
			if first != form(&same) {
				t.Errorf("%s %d differs with one seed", k.name, nth)
			}
			differ = differ || first != form(&other)
		}
		if !differ {
			t.Errorf("%s is the same with two seeds", k.name)
		}
	}
}

// A server that stands still for a second has many late answers.
func TestLatenciesCountWhatWasNotSent(t *testing.T) {
	var l latencies
	for range 900 {
		l.add(time.Millisecond, 10*time.Millisecond, true)
	}
	l.add(time.Second, 10*time.Millisecond, true)
	if all, bad := l.counts(); all != 1000 || bad != 0 {
		t.Errorf("%d requests, %d bad", all, bad)
	}
	if got := l.quantile(0.95); got < 400*time.Millisecond || got > 600*time.Millisecond {
		t.Errorf("95th percentile %s", got)
	}
	if got := l.quantile(1); got != time.Second {
		t.Errorf("worst %s", got)
	}
}
