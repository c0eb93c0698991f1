package apicheck

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// clients are requests as known clients send them, with their headers and their
// habits.
func clients() []Request {
	var out []Request
	out = append(out, grafana()...)
	out = append(out, perses()...)
	out = append(out, vmalert()...)
	return out
}

// grafana is Grafana's data source for Prometheus: its test, its editor, Explore
// and Metrics Drilldown.
func grafana() []Request {
	var out []Request
	header := http.Header{
		"User-Agent": {"Grafana/12.2.0"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate, br"},
		"X-Datasource-Uid": {"P1809F7CD0C75ACF3"}, "X-Grafana-Org-Id": {"1"}, "X-Plugin-Id": {"prometheus"}, "Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	}
	post := func(path string, f url.Values, how How) {
		out = append(out, Request{Method: http.MethodPost, Path: path, Form: f, Header: header, How: how})
	}
	get := func(path string, f url.Values, how How) {
		out = append(out, Request{Method: http.MethodGet, Path: path, Form: f, Header: header, How: how})
	}
	both := func(path string, f url.Values, how How) {
		// Grafana tries GET where POST is not allowed.
		post(path, f, how)
		get(path, f, how)
	}
	seconds := func(minutes int64, fraction string) string {
		return strconv.FormatInt(fixtures.Start/1000+minutes*60, 10) + fraction
	}
	from, to := seconds(70, ".123"), seconds(80, ".987")

	// "Save & test", and what kind of server it is: a member `features` of the
	// answer would make it a Mimir.
	both("/api/v1/query", form("query", "1+1", "time", "4"), How{})
	get("/api/v1/status/buildinfo", nil, How{Shape: true})
	get("/api/v1/rules", nil, How{})
	get("/api/v1/rules", form("limit_alerts", "0", "exclude_alerts", "true"), How{})
	get("/api/v1/alerts", nil, How{})

	// The editor.
	for _, m := range []string{`{__name__=~".+",}`, `{__name__="up",}`, `{job="api",}`, `{__name__="up",job=~"api|web",}`, `{__name__!="",}`, `up{}`, `{job="",__name__="up"}`} {
		both("/api/v1/labels", form("match[]", m, "start", seconds(70, ""), "end", seconds(80, "")), How{})
		both("/api/v1/series", form("match[]", m, "start", seconds(70, ""), "end", seconds(80, "")), How{Unordered: true})
		for _, l := range []string{"job", "__name__", "instance", "nope"} {
			get("/api/v1/label/"+l+"/values", form("match[]", m, "start", seconds(70, ""), "end", seconds(80, ""), "limit", "40000"), How{})
		}
	}
	both("/api/v1/labels", form("start", seconds(70, ""), "end", seconds(80, ""), "limit", "40000"), How{})
	get("/api/v1/label/__name__/values", form("start", seconds(70, ""), "end", seconds(80, ""), "limit", "40000"), How{})
	get("/api/v1/label/__name__/values", form("match[]", `{__name__=~"(?i).*CPU.*"}`, "limit", "40000"), How{})
	both("/api/v1/format_query", form("query", "sum(up)by(job)"), How{})
	both("/api/v1/parse_query", form("query", "sum(up)by(job)"), How{})

	// Panels and Explore: steps are floats, times have fractions.
	for _, q := range []string{"up", "sum by (job) (rate(http_requests_total[1m0s]))", `{__name__="up"}`, `histogram_quantile(0.95, sum by(le) (rate(http_request_duration_seconds_bucket[5m])))`, "topk(3, up)", "nope", "up / on(instance) up", "vector(1)"} {
		for _, step := range []string{"15", "15.000", "0.5", "14.9999", "1.5e1"} {
			both("/api/v1/query_range", form("query", q, "start", from, "end", to, "step", step), How{})
		}
		both("/api/v1/query", form("query", q, "time", to), How{Unordered: true})
	}
	both("/api/v1/query_exemplars", form("query", "http_requests_total", "start", from, "end", to), How{})
	both("/api/v1/query_exemplars", form("query", `histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`, "start", from, "end", to), How{})
	both("/api/v1/query_range", form("query", `ALERTS{alertname="x"}`, "start", from, "end", to, "step", "60"), How{})

	// Metrics Drilldown.
	for _, q := range []string{`group by (job) ({__name__="up"})`, `sum(rate({"http_requests_total", __ignore_usage__=""}[1m]))`, `avg({"temperature", __ignore_usage__=""})`, `quantile by (instance) (0.99, {"temperature"})`} {
		both("/api/v1/query_range", form("query", q, "start", from, "end", to, "step", "15"), How{})
	}
	return out
}

// perses asks by POST.
func perses() []Request {
	header := http.Header{"User-Agent": {"Mozilla/5.0"}, "Accept": {"*/*"}, "Origin": {"http://perses.example.org"}}
	var out []Request
	post := func(path string, f url.Values, how How) {
		out = append(out, Request{Method: http.MethodPost, Path: path, Form: f, Header: header, How: how})
	}
	for _, q := range []string{"up", `sum by (job) (rate(http_requests_total{code!~"5.."}[5m]))`, "1 +", ""} {
		post("/api/v1/parse_query", form("query", q), How{ParseError: true})
		post("/api/v1/format_query", form("query", q), How{ParseError: true})
	}
	end := strconv.FormatInt(fixtures.Start/1000+81*60, 10)
	post("/api/v1/query_range", form("query", "up", "start", at, "end", end, "step", "15"), How{})
	post("/api/v1/query", form("query", "up", "time", at), How{Unordered: true})
	post("/api/v1/labels", form("start", at, "end", end), How{})
	post("/api/v1/series", form("match[]", "up", "start", at, "end", end), How{Unordered: true})
	out = append(out,
		Request{Method: http.MethodGet, Path: "/api/v1/label/job/values", Form: form("start", at, "end", end, "match[]", "up"), Header: header},
		Request{Method: http.MethodPost, Path: "/api/v1/query_range?" + form("query", "up").Encode(), Form: form("start", at, "end", end, "step", "15"), Header: header},
	)
	return out
}

// vmalert gives times in RFC 3339 and a step to instant queries.
func vmalert() []Request {
	var out []Request
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, f := range []url.Values{
			form("query", "up == 0", "step", "60s", "time", "2023-11-15T01:20:00Z"),
			form("query", "sum(up) by (job)", "step", "5m0s", "time", "2023-11-15T01:20:00Z"),
			form("query", "count(up) > 0", "step", "15", "time", "2023-11-15T01:20:00.123Z", "nocache", "1"),
			form("query", "up", "step", "1m", "time", "2023-11-15T02:20:00+01:00", "limit", "0"),
		} {
			out = append(out, Request{Method: method, Path: "/api/v1/query", Form: f, How: How{Unordered: true}, Header: http.Header{"User-Agent": {"vmalert"}}})
		}
		out = append(out, Request{Method: method, Path: "/api/v1/query_range", Form: form("query", "up", "start", "2023-11-15T01:20:00Z", "end", "2023-11-15T01:30:00Z", "step", "60s")})
	}
	return out
}
