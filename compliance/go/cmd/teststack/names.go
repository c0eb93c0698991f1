package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
)

// stageNames compares look-ups of label names, label values and series.
func (l *lab) stageNames() error {
	reference, err := l.reference()
	if err != nil {
		return err
	}
	test, err := l.inPlace()
	if err != nil {
		return err
	}
	var errs []error
	asked := 0
	for _, dedup := range []string{"false", "true"} {
		for _, of := range []span{l.data.recent, l.data.fresh, {l.data.fresh.from, l.data.fresh.from + minute}} {
			for _, matches := range [][]string{
				nil, {`up`}, {`http_requests_total{cluster="eu"}`}, {`{cluster="us",job=~"d.*"}`}, {`up`, `target_info{version!="v1"}`},
				{`{replica="a"}`}, {`{__name__=~"queue.*",receive=""}`}, {`no_such_metric`}, {`temperature_celsius{cluster=~"eu|us",sensor!="in"}`},
			} {
				paths := []string{
					"/api/v1/labels", "/api/v1/label/__name__/values", "/api/v1/label/cluster/values", "/api/v1/label/instance/values",
					"/api/v1/label/version/values", "/api/v1/label/nope/values",
				}
				if matches != nil {
					paths = append(paths, "/api/v1/series")
				}
				for _, path := range paths {
					form := url.Values{"match[]": matches, "start": {seconds(of.from)}, "end": {seconds(of.to)}, "dedup": {dedup}}
					if err := l.sameData(reference, test, path+"?"+form.Encode()); err != nil {
						errs = append(errs, err)
					}
					if len(errs) == 10 {
						return errors.Join(errs...)
					}
					asked++
				}
			}
		}
	}
	fmt.Printf("  %d look-ups\n", asked)
	return errors.Join(errs...)
}

// sameData compares the `data` of two answers, in which order does not count.
func (l *lab) sameData(reference, test *node, path string) error {
	var got [2][]string
	for i, n := range []*node{reference, test} {
		var answer struct {
			Data []any `json:"data"`
		}
		if err := l.get(n.URL+path, &answer); err != nil {
			return err
		}
		for _, v := range answer.Data {
			// Thanos Query names replica labels even if it deduplicates.
			if name, ok := v.(string); ok && slices.Contains(replicaLabels, name) {
				continue
			}
			text, err := json.Marshal(v) // of maps with sorted keys
			if err != nil {
				return err
			}
			got[i] = append(got[i], string(text))
		}
		slices.Sort(got[i])
	}
	if reflect.DeepEqual(got[0], got[1]) {
		return nil
	}
	shown, _ := url.QueryUnescape(path)
	return fmt.Errorf("%s: missing %.300q, extra %.300q", shown, without(got[0], got[1]), without(got[1], got[0]))
}

// without are the texts of a that are not in b; both are sorted.
func without(a, b []string) (out []string) {
	for _, text := range a {
		if _, found := slices.BinarySearch(b, text); !found {
			out = append(out, text)
		}
	}
	return out
}
