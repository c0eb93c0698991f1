package apicheck

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// SearchRequests are requests for servers with the feature search-api.
func SearchRequests() []Request {
	var out []Request
	begin, end := strconv.FormatInt(fixtures.Start/1000, 10), strconv.FormatInt(fixtures.Start/1000+4*3600, 10)
	// search sends a request to all endpoints, in a range with data unless it says
	// another one.
	search := func(pairs ...string) {
		f := form(pairs...)
		for k, v := range map[string]string{"start": begin, "end": end, "label": "instance"} {
			if !f.Has(k) {
				f.Set(k, v)
			}
		}
		for _, p := range []string{"metric_names", "label_names", "label_values"} {
			out = append(out, Request{Method: http.MethodGet, Path: "/api/v1/search/" + p, Form: f, How: How{ParseError: true}})
		}
		out = append(out, Request{Method: http.MethodPost, Path: "/api/v1/search/metric_names", Form: f, How: How{ParseError: true}})
	}
	search()
	for _, term := range []string{"up", "total", "http", "htp", "reqtot", "cpu_seconds", "a", "_", "nope", "", "HTTP", "Up", "ü", "späße", "spa", "api-0:9090", "api", "instance", "le", "buckets", "seconds_total_http"} {
		for _, more := range [][]string{
			nil, {"case_sensitive", "false"}, {"sort_by", "score"}, {"sort_by", "alpha", "sort_dir", "dsc"}, {"sort_by", "alpha", "sort_dir", "asc", "limit", "3"}, {"limit", "2", "batch_size", "1"}, {"limit", "5", "sort_by", "score", "batch_size", "2"},
			{"fuzz_threshold", "50"}, {"fuzz_threshold", "10", "sort_by", "score"}, {"fuzz_alg", "jarowinkler"}, {"fuzz_alg", "jarowinkler", "fuzz_threshold", "60", "sort_by", "score"}, {"fuzz_alg", "jarowinkler", "fuzz_threshold", "80", "case_sensitive", "false"}, {"fuzz_alg", "subsequence", "fuzz_threshold", "100"},
			{"match[]", `{job="api"}`}, {"match[]", "up", "match[]", "ties"},
		} {
			search(append([]string{"search[]", term, "include_score", "true"}, more...)...)
		}
	}
	search("search[]", "up", "search[]", "ties", "include_score", "1")
	search("search[]", "up", "search[]", "", "search[]", "htp", "sort_by", "score", "include_score", "1")
	for _, p := range [][]string{
		{"limit", "x"}, {"limit", "0"}, {"limit", "-1"}, {"limit", "10000"}, {"limit", "10001"}, {"limit", "1.5"}, {"limit", "\xff"}, {"batch_size", "x"}, {"batch_size", "0"}, {"batch_size", "7"}, {"batch_size", "100000"}, {"limit", "0", "batch_size", "0"},
		{"start", "x"}, {"end", "x"}, {"start", end, "end", begin}, {"start", end, "end", end}, {"start", "0", "end", "1"}, {"start", "NaN"},
		{"fuzz_threshold", "x"}, {"fuzz_threshold", "-1"}, {"fuzz_threshold", "101"}, {"fuzz_alg", "x"}, {"fuzz_alg", "\xff"}, {"case_sensitive", "x"}, {"include_score", "x"}, {"include_metadata", "x"}, {"include_metadata", "true"},
		{"sort_by", "x"}, {"sort_by", "score"}, {"sort_by", "score", "sort_dir", "asc", "search[]", "a"}, {"sort_dir", "asc"}, {"sort_by", "alpha", "sort_dir", "x"}, {"sort_by", "x", "limit", "0"}, {"sort_by", "\xff"},
		{"match[]", "{"}, {"match[]", "{}"}, {"match[]", ""}, {"match[]", "nope"}, {"label", "job"}, {"label", "__name__"}, {"label", "nope"}, {"label", ""}, {"label", "", "limit", "0"},
	} {
		search(p...)
	}
	many := url.Values{"start": {begin}, "end": {end}}
	for i := range 33 {
		many.Add("search[]", strconv.Itoa(i))
	}
	out = append(out,
		Request{Method: http.MethodGet, Path: "/api/v1/search/metric_names", Form: many},
		Request{Method: http.MethodGet, Path: "/api/v1/search/label_names"},
		Request{Method: http.MethodGet, Path: "/api/v1/search/label_values"},
		Request{Method: http.MethodGet, Path: "/api/v1/search/label_names?a=%zz"},
		Request{Method: http.MethodGet, Path: "/api/v1/search/label_names", Header: http.Header{"Accept-Encoding": {"gzip"}, "Origin": {"http://example.org"}}},
		Request{Method: http.MethodDelete, Path: "/api/v1/search/label_names", How: How{HeadOnly: true}},
	)
	return out
}
