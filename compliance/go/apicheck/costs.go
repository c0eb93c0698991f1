package apicheck

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// CostRequests are requests for servers with the feature query-cost. How many
// samples are expected is each server's own guess. A selector that stands twice is
// read once by quarrel, so none does.
func CostRequests() []Request {
	var out []Request
	both := func(path string, f url.Values, how How) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			out = append(out, Request{Method: method, Path: path, Form: f, How: how})
		}
	}
	soon := strconv.FormatInt(fixtures.Start/1000+90*60, 10)
	guess := How{AnySamples: true, ParseError: true, Unordered: true}
	for _, q := range []string{"up", "1", "nope", `"text"`, "up[5m]", "sum(rate(http_requests_total[5m]))", "ties or up", "rate(up[5m] offset 1h)", "max_over_time(up[10m:1m])", "up{", "", "rate(up)", "up @ 1700011200", "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "topk(3, up) + scalar(ties)"} {
		both("/api/v1/query_cost", form("query", q, "time", at), guess)
		both("/api/v1/query_range_cost", form("query", q, "start", at, "end", soon, "step", "60"), guess)
		for _, cost := range []string{"true", "1", "false", ""} {
			both("/api/v1/query", form("query", q, "time", at, "cost", cost), guess)
			both("/api/v1/query_range", form("query", q, "start", at, "end", soon, "step", "60", "cost", cost), guess)
		}
	}
	for _, p := range [][2]string{
		{"cost", "x"}, {"limit", "x"}, {"limit", "5"}, {"stats", "1"}, {"timeout", "x"}, {"timeout", "-1"}, {"timeout", "5m"}, {"lookback_delta", "x"}, {"lookback_delta", "1s"},
		{"max_series", "x"}, {"max_series", "-1"}, {"max_series", "+1"}, {"max_series", "1.5"}, {"max_series", "99999999999999999999"}, {"max_series", "0"}, {"max_series", "1"}, {"max_series", "1000"}, {"max_series", "\xff"},
		{"max_samples_read", "x"}, {"max_samples_read", "1"}, {"max_samples_read", "0"}, {"max_samples_read", "100000"},
		{"max_query_duration", "x"}, {"max_query_duration", "-1"}, {"max_query_duration", "0"}, {"max_query_duration", "1m"}, {"max_query_duration", "2m"}, {"max_query_duration", "3m"}, {"max_query_duration", "1h"}, {"max_query_duration", "NaN"}, {"max_query_duration", "1e99"},
	} {
		how := guess
		how.CountOnly = p[1] == "5"
		if p[0] == "stats" {
			how = How{Shape: true}
		}
		both("/api/v1/query", form("query", "count(up)", "time", at, p[0], p[1]), how)
		both("/api/v1/query_cost", form("query", "count(up)", "time", at, p[0], p[1]), how)
		both("/api/v1/query_range", form("query", "count(up)", "start", at, "end", soon, "step", "60", p[0], p[1]), how)
		both("/api/v1/query_range_cost", form("query", "count(up)", "start", at, "end", soon, "step", "60", p[0], p[1]), how)
	}
	for _, f := range []url.Values{form("query", "up", "start", soon, "end", at, "step", "60"), form("query", "up", "start", "x", "end", at, "step", "60"), form("query", "up", "start", "0", "end", "11001", "step", "1"), form("query", "up", "start", "0", "end", "1", "step", "0"), form("query", "up[5m]", "start", "0", "end", "1", "step", "1"), nil} {
		both("/api/v1/query_range_cost", f, guess)
	}
	both("/api/v1/query_cost", form("query", "up", "time", "x"), guess)
	out = append(out, Request{Method: http.MethodGet, Path: "/api/v1/features", How: How{Only: []string{"promql"}}})
	return out
}
