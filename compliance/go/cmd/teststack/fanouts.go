package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// passing are fields that change from one moment to the next.
var passing = []string{"lastEvaluation", "evaluationTime", "lastScrape", "lastScrapeDuration"}

// sameFanOut compares the answers of two servers to what they ask their endpoints
// for themselves: rules, targets, metadata, exemplars. In lists order does not count.
func (l *lab) sameFanOut(reference, test *node, path string) error {
	return l.waitFor(path, 20*time.Second, func() (bool, error) {
		var got [2]any
		for i, n := range []*node{reference, test} {
			var answer struct {
				Data any `json:"data"`
			}
			if err := l.get(n.URL+path, &answer); err != nil {
				return false, err
			}
			got[i] = lasting(answer.Data)
		}
		want, _ := json.Marshal(got[0])
		have, _ := json.Marshal(got[1])
		if len(want) < 10 {
			return false, fmt.Errorf("%s: the reference has nothing: %s", path, want)
		}
		if string(want) != string(have) {
			at := 0
			for at < min(len(want), len(have)) && want[at] == have[at] {
				at++
			}
			from := max(0, at-200)
			return false, fmt.Errorf("%s: reference ...%.400s; test ...%.400s", path, want[from:], have[from:])
		}
		return true, nil
	})
}

// sameFanOuts compares so over HTTP, and once more through a real Thanos Query in front
// of the tested server, which it asks over gRPC.
func (l *lab) sameFanOuts(reference, test *node, paths ...string) error {
	through, err := l.startQuery("query-over-"+test.name, []*node{test})
	if err != nil {
		return err
	}
	defer l.stop(through)
	var errs []error
	for _, path := range paths {
		errs = append(errs, l.sameFanOut(reference, test, path))
		if err := l.sameFanOut(reference, through, path); err != nil {
			errs = append(errs, fmt.Errorf("through Thanos Query: %w", err))
		}
	}
	return errors.Join(errs...)
}

// lasting is an answer without fields that change, without empty ones, and with
// sorted lists.
func lasting(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			field = lasting(field)
			list, isList := field.([]any)
			if field == nil || field == "" || isList && len(list) == 0 || slices.Contains(passing, name) {
				delete(v, name)
			} else {
				v[name] = field
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = lasting(v[i])
		}
		key := func(v any) string {
			text, _ := json.Marshal(v)
			return string(text)
		}
		slices.SortFunc(v, func(a, b any) int {
			switch a, b := key(a), key(b); {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		})
		return v
	}
	return v
}
