package apicheck

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// at is a time with data in the blocks of package fixtures, late one in the head.
var (
	at   = strconv.FormatInt(fixtures.Start/1000+80*60, 10)
	late = strconv.FormatInt(fixtures.Start/1000+215*60, 10)
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// Requests are the requests that both servers get.
func Requests() []Request {
	var out []Request
	add := func(path string, f url.Values, how How) {
		out = append(out, Request{Method: http.MethodGet, Path: path, Form: f, How: how})
	}
	both := func(path string, f url.Values, how How) {
		add(path, f, how)
		out = append(out, Request{Method: http.MethodPost, Path: path, Form: f, How: how})
	}
	queries(both)
	ranges(both)
	metadata(add, both)
	texts(both)
	status(add, both)
	out = append(out, protocol()...)
	out = append(out, wire()...)
	out = append(out, forms()...)
	out = append(out, ends()...)
	out = append(out, clients()...)
	return out
}

type adder func(path string, f url.Values, how How)

func queries(both adder) {
	const path = "/api/v1/query"
	for _, q := range []string{"up", "1", "time()", `"text"`, "up[1m]", "sum by (job) (up)", "nope", "special", "quoting", `{"my.dotted.metric"}`, `{"späße_total"}`, "with", "sort(ties)"} {
		both(path, form("query", q, "time", at), How{Unordered: q != "sort(ties)"})
	}
	for _, t := range []string{at + ".5", at + ".123456", "2023-11-15T01:20:00Z", "2023-11-15T01:20:00.5Z", "2023-11-15T02:20:00+01:00", "1.7000112e9", "-1", "0", late,
		"now", "x", "2023-11-15", "2023-11-15 01:20:00", "1e20", "NaN", "Inf", "-Inf", "0x10", "1_700_000_000", "-292273086-05-16T16:47:06Z", "292277025-08-18T07:12:54.999999999Z"} {
		both(path, form("query", "timestamp(up) > 0 or vector(time())", "time", t), How{Unordered: true})
	}
	for _, p := range [][2]string{
		{"timeout", "x"}, {"timeout", "10s"}, {"timeout", "5"}, {"timeout", "-1s"}, {"timeout", "1e99"}, {"timeout", ""},
		{"limit", "x"}, {"limit", "-1"}, {"limit", "0"}, {"limit", "1000"}, {"limit", "1.5"}, {"limit", ""},
		{"lookback_delta", "x"}, {"lookback_delta", "1m"}, {"lookback_delta", "10s"}, {"lookback_delta", "0"}, {"lookback_delta", "-1m"}, {"lookback_delta", "60"},
		{"unknown", "parameter"},
	} {
		both(path, form("query", "up", "time", at, p[0], p[1]), How{Unordered: true})
	}
	both(path, form("query", "up", "time", at, "limit", "2"), How{CountOnly: true})
	both(path, form("query", "up[1m]", "time", at, "limit", "2"), How{CountOnly: true})
	both(path, form("query", "1", "time", at, "limit", "1"), How{})
	for _, s := range []string{"all", "true", "1", "false", ""} {
		both(path, form("query", "sum(up)", "time", at, "stats", s), How{Shape: true})
	}
	both(path, nil, How{})
	both(path, form("query", ""), How{})
	both(path, form("query", "up", "query", "1", "time", at), How{Unordered: true})
	for _, q := range []string{"up +", "sum(", "foo{", "rate(up)", `up{a=~"("}`, "up{}[", "1 == 1", "nofunction(1)", "{}", "sum by (x", "up @ foo", "limitk(1, up)", "up + fill(0) up", "abs(1, 2)"} {
		both(path, form("query", q, "time", at), How{})
	}
	for _, q := range []string{"up * on(job) up", "up * on(job) group_left job_limit{job=~\"api|none\"} + on(job) up", `label_replace(up, "instance", "x", "", "")`, `label_replace(up, "x", "y", "job", "(")`, `count_values("", up)`, `label_join(up, "", "x")`, `rate({__name__=~"both_.*"}[5m])`} {
		both(path, form("query", q, "time", at), How{})
	}
	for _, q := range []string{"rate(up[5m])", "quantile(2, up)", "histogram_quantile(0.5, odd_bucket)", "quantile_over_time(-1, up[5m])", "rate({__name__=~\"irregular|special|temperature|ties|up\"}[5m])"} {
		both(path, form("query", q, "time", at), How{Unordered: true})
	}
}

func ranges(both adder) {
	const path = "/api/v1/query_range"
	grid := func(q, start, end, step string, more ...string) url.Values {
		return form(append([]string{"query", q, "start", start, "end", end, "step", step}, more...)...)
	}
	soon := strconv.FormatInt(fixtures.Start/1000+90*60, 10)
	for _, q := range []string{"up", "1", "time()", "sum by (job) (rate(http_requests_total[5m]))", "nope", "half_a", "special", "topk(2, ties)"} {
		both(path, grid(q, at, soon, "60"), How{})
	}
	for _, step := range []string{"15", "15s", "1m", "1m30s", "0.5", "0", "-1", "x", "", "1h", "1e3", "NaN", "Inf", "1ms", "0.0001", "1y"} {
		both(path, grid("up", at, soon, step), How{})
	}
	both(path, grid("up", soon, at, "15"), How{})
	both(path, grid("up", at, at, "15"), How{})
	both(path, grid("up", "x", at, "15"), How{})
	both(path, grid("up", at, "x", "15"), How{})
	both(path, grid("up", "", at, "15"), How{})
	both(path, grid("up", at, "", "15"), How{})
	both(path, grid("up", "0", at, "15"), How{})
	both(path, grid("up", "0", "11000", "1"), How{})
	both(path, grid("up", "0", "11001", "1"), How{})
	both(path, grid("up", at, soon, "60", "limit", "2"), How{})
	both(path, grid("up", at, soon, "60", "limit", "x"), How{})
	both(path, grid("up", at, soon, "60", "timeout", "x"), How{})
	both(path, grid("up", at, soon, "60", "lookback_delta", "x"), How{})
	both(path, grid("irregular", at, soon, "60", "lookback_delta", "1m"), How{})
	both(path, grid("up", at, soon, "60", "stats", "all"), How{Shape: true})
	both(path, grid("up[5m]", at, soon, "60"), How{})
	both(path, grid(`"text"`, at, soon, "60"), How{})
	both(path, grid("up +", at, soon, "60"), How{})
	both(path, grid("sort(up)", at, soon, "60"), How{})
	both(path, grid("up * on(job) up", at, soon, "60"), How{})
	both(path, form("query", "up"), How{})
	both(path, nil, How{})
}

func metadata(add, both adder) {
	const series, names, values = "/api/v1/series", "/api/v1/labels", "/api/v1/label/"
	both(series, nil, How{})
	for _, m := range [][]string{
		{"up"}, {`{job="api"}`}, {`{__name__=~"up|ties"}`}, {"up", "ties"}, {"up", `{job="api"}`}, {"nope"}, {`up{job!="api"}`}, {`{instance=~"api.*"}`}, {`{"my.dotted.metric"}`}, {"half_a"}, {"pod_cpu_seconds_total"},
		{"up{"}, {"{}"}, {`{x=""}`}, {"rate(up[5m])"}, {"up[5m]"}, {"up", "up{"}, {""}, {"up offset 5m"}, {"up @ 5"}, {`up{a=~"("}`}, {"1"},
	} {
		f := url.Values{"match[]": m}
		both(series, f, How{Unordered: true})
		both(names, f, How{})
		add(values+"job/values", f, How{})
		add(values+"__name__/values", f, How{})
		f = url.Values{"match[]": m, "start": {at}, "end": {at}}
		both(series, f, How{Unordered: true})
		both(names, f, How{})
		add(values+"instance/values", f, How{})
	}
	for _, p := range []url.Values{
		form("limit", "2"), form("limit", "0"), form("limit", "-1"), form("limit", "x"), form("limit", "100000"), form("start", "x"), form("end", "x"), form("start", late), form("end", at),
		form("start", "5", "end", "4"), form("start", at, "end", "2023-11-15T01:20:00Z"), form("start", "0", "end", "1"), form("start", "4000000000"), form("start", "1e12", "end", "1e13"),
	} {
		both(names, p, How{})
		add(values+"job/values", p, How{})
		add(values+"pod/values", p, How{})
		add(values+"__name__/values", p, How{})
		p = url.Values(http.Header(p).Clone())
		p.Set("match[]", "up")
		how := How{Unordered: true, CountOnly: p.Get("limit") == "2"}
		both(series, p, how)
		both(names, p, How{})
		add(values+"instance/values", p, How{})
	}
	both(names, nil, How{})
	for _, l := range []string{"job", "nope", "le", "version", "service.name", "U__service_2e_name", "U__a_20_b", "U__bad", "__name__", "bad-name", "1x", "%C3%BCn%C3%AFcode", "with%20space", "U__", "a%2Fb", "%FF", "v"} {
		add(values+l+"/values", nil, How{})
	}
	for _, p := range []url.Values{nil, form("limit", "1"), form("limit", "x"), form("limit", "-1"), form("metric", "up"), form("metric", "nope"), form("limit_per_metric", "1"), form("limit_per_metric", "x")} {
		add("/api/v1/metadata", p, How{})
	}
	for _, p := range []url.Values{nil, form("query", "up", "start", at, "end", late), form("query", "up", "start", late, "end", at), form("query", "up{"), form("query", "up", "start", "x"), form("query", "up", "start", at, "end", "x"), form("query", "sum(up)", "start", at, "end", late)} {
		both("/api/v1/query_exemplars", p, How{})
	}
}

// Texts are queries for the formatter and the parser.
var Texts = []string{
	"up", "sum(up)", "sum by(job)(rate(http_requests_total{code=~\"5..\"}[5m]))/ignoring(code) group_left sum by (job)(rate(http_requests_total[5m]))",
	"1", "-1", "0x1F", "1e3", "Inf", "NaN", "5m", "1 + 2 * 3", "(1 + 2) * 3", "-(1)", "2 ^ 3 ^ 4", `"text"`, `'it\'s'`, "`raw`",
	"up offset 5m", "up @ 100", "up @ start()", "up[5m] offset -1h @ end()", "up[1h30m:15s]", "max_over_time(rate(up[5m])[1h:] @ end() offset 3m)",
	"topk(5, up)", "quantile without (a, b) (0.9, up)", `count_values("v", up)`, "up == bool 1", "up and on(a) down unless ignoring(b) sideways or last", "a + on(x) group_left(y, z) b", "a * on() group_right b",
	`{"my.dotted.metric", "service.name"="x"}`, `{__name__="with space"}`, `{__name__=~"a.*", b!~"c", d!="e"}`, `sum by ("service.name") (up)`, `label_replace(up, "a", "$1", "b", "(.*)")`,
	"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{job=\"api\",handler=\"/api/v1/query\",code=\"200\"}[5m])))",
	"sum(rate(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[5m])) / sum(rate(bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb[5m])) > 0.5",
	"((((up))))", "absent(up{a=\"b\"})", "scalar(up) + time()", "hour()", "up[5m] # comment", "rate(up[5m + 1m])", "rate(up[step()])", "up offset (1h - 5m)", "up[5m] anchored", "up smoothed",
	"- - 1", "+up", "-up ^ 2", "a atan2 b", "a % b", "up{a=\"x\\ny\"}", "up{a=\"ü🦀\"}", "on", "sum", "offset", "start", "by{on=\"off\"}",
	"sum(", "up{", "", "up up", "1 == 1", "sum by (x", "rate(up)", "nofunction(up)", "info(up)", "limitk(2, up)", "sort_by_label(up, \"a\")", "a + fill(0) b", "mad_over_time(up[5m])",
}

func texts(both adder) {
	for _, t := range Texts {
		both("/api/v1/format_query", form("query", t), How{})
		both("/api/v1/parse_query", form("query", t), How{})
	}
	both("/api/v1/format_query", nil, How{})
	both("/api/v1/parse_query", nil, How{})
}

func status(add, both adder) {
	for _, p := range []string{"buildinfo", "runtimeinfo"} {
		add("/api/v1/status/"+p, nil, How{Shape: true})
	}
	add("/api/v1/status/flags", nil, How{HeadOnly: true})
	add("/api/v1/status/config", nil, How{Shape: true})
	add("/api/v1/status/walreplay", nil, How{Shape: true})
	add("/version", nil, How{Shape: true})
	add("/api/v1/features", nil, How{Only: []string{"promql", "promql_functions", "promql_operators"}})
	counts := []string{"seriesCountByMetricName", "labelValueCountByLabelName", "memoryInBytesByLabelName", "seriesCountByLabelValuePair"}
	for _, limit := range []string{"", "1", "3", "10000", "10001", "0", "-1", "x", "1.5"} {
		add("/api/v1/status/tsdb", form("limit", limit), How{Only: counts, Counts: true})
	}
	add("/api/v1/status/tsdb", nil, How{Shape: true})
	for _, p := range []url.Values{nil, form("limit", "x"), form("limit", "1"), form("match_target", "{"), form("match_target", `{job="a"}`), form("metric", "up")} {
		add("/api/v1/targets/metadata", p, How{ParseError: true})
	}
	add("/api/v1/scrape_pools", nil, How{})
	for _, p := range []string{"metric_names", "label_names", "label_values"} {
		both("/api/v1/search/"+p, nil, How{})
	}
	add("/api/v1/notifications", nil, How{})
	for _, p := range []url.Values{nil, form("type", "alert"), form("type", "record"), form("type", "x")} {
		add("/api/v1/rules", p, How{})
	}
	add("/api/v1/alerts", nil, How{})
	add("/-/ready", nil, How{HeadOnly: true})
	add("/-/healthy", nil, How{HeadOnly: true})
	for _, p := range []string{"/api/v1/query_cost", "/api/v1/query_range_cost", "/api/v1/nope", "/nope", "/api/v1/", "/api/v1", "/api/v2/query", "/api/v1/query/x", "/api/v1/label/values", "/api/v1/label//values", "/api/v1/label/job", "/api/v1/status", "/api/v1/status/nope"} {
		add(p, nil, How{})
	}
}

// protocol tests methods, encodings and headers.
func protocol() []Request {
	var out []Request
	up := form("query", "sum(up)", "time", at)
	for _, m := range []string{http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPatch} {
		for _, p := range []string{"/api/v1/query", "/api/v1/series", "/api/v1/status/flags", "/api/v1/label/job/values", "/api/v1/nope"} {
			if p == "/api/v1/series" && m == http.MethodDelete {
				continue
			}
			out = append(out, Request{Method: m, Path: p, How: How{HeadOnly: true}})
		}
	}
	out = append(out,
		Request{Method: http.MethodPost, Path: "/api/v1/status/flags", How: How{HeadOnly: true}},
		Request{Method: http.MethodPost, Path: "/api/v1/label/job/values", How: How{HeadOnly: true}},
		Request{Method: http.MethodPost, Path: "/api/v1/query?query=1&time=5", How: How{}},
		Request{Method: http.MethodPost, Path: "/api/v1/query?query=1&time=5", Form: form("query", "2"), How: How{}},
		Request{Method: http.MethodPost, Path: "/api/v1/query", Raw: "query=up", ContentType: "text/plain", How: How{}},
		Request{Method: http.MethodPost, Path: "/api/v1/query", Raw: `{"query":"up"}`, ContentType: "application/json", How: How{}},
		Request{Method: http.MethodPost, Path: "/api/v1/query", Raw: "query=%zz", ContentType: "application/x-www-form-urlencoded", How: How{}},
		Request{Method: http.MethodGet, Path: "/api/v1/query?query=%zz&time=5", How: How{HeadOnly: true}},
		Request{Method: http.MethodGet, Path: "/api/v1/query?query=1;time=5", How: How{HeadOnly: true}},
	)
	for _, h := range [][2]string{
		{"Origin", "http://example.org"}, {"Accept-Encoding", "gzip"}, {"Accept-Encoding", "deflate"}, {"Accept-Encoding", "gzip;q=0"}, {"Accept-Encoding", "identity"}, {"Accept-Encoding", "br"},
		{"Accept", "application/json"}, {"Accept", "text/html"}, {"Accept", "*/*"},
	} {
		for _, r := range []Request{
			{Method: http.MethodGet, Path: "/api/v1/query", Form: up},
			{Method: http.MethodPost, Path: "/api/v1/query", Form: up},
			{Method: http.MethodGet, Path: "/api/v1/query", Form: form("query", "up{")},
			{Method: http.MethodGet, Path: "/api/v1/series", Form: form("match[]", `{__name__!=""}`), How: How{Unordered: true}},
			{Method: http.MethodOptions, Path: "/api/v1/query"},
			{Method: http.MethodGet, Path: "/api/v1/nope"},
		} {
			r.Header = http.Header{h[0]: {h[1]}}
			out = append(out, r)
		}
	}
	return out
}
