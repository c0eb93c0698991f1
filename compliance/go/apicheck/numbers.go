package apicheck

import (
	"net/url"
	"strconv"
	"strings"
)

// numbers are texts of times and durations, at their ends and beyond.
var numbers = []string{
	"NaN", "nan", "-NaN", "Inf", "+Inf", "-inf", "infinity", "1e308", "1e309", "-1e309", "1e400",
	"1e18", "9.3e18", "-9.3e18", "1e19", "9223372036", "9223372036.854775807", "9223372036.9", "9223372037", "-9223372036.9", "-9223372037", "9223372036854775", "9223372036854776", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e15", "1e16", "-1e16", "1e12", "62135596800", "-62135596800", "253402300799", "253402300800",
	"1e-9", "9e-10", "5e-10", "1e-10", "1e-400", "0.0005", "0.00049", "0", "-0", "0x10", "0x1p-3", "1_0", "1e1_0", ".5", "5.", "+5", "-5", " 5", "5 ", "", "5e", "e5", "0b1", "0o7", "٣",
	"1h", "1h30m", "30m1h", "1h1h", "1.5h", "1ms", "0s", "-1s", "1y", "292y", "293y", "106751d", "106752d", "15250w", "15251w", "9223372036854ms", "9223372036855ms", "9223372036854775807ms", "99999999999999999999s", "1s1ms", "1 s", "1S", "1µs", "1us",
	"2023-11-15T01:20:00Z", "2023-11-15T01:20:00", "2023-11-15t01:20:00z", "2023-11-15T01:20:00.123456789123Z", "2023-11-15T01:20:00,5Z", "2023-11-15T24:00:00Z", "2023-02-29T00:00:00Z", "2023-11-15T01:20:60Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "10000-01-01T00:00:00Z", "2023-11-15T01:20:00+24:00", "2023-11-15T01:20:00-23:59", "2023-11-15T01:20:00+00:60", "2023-11-15T01:20:00+0100", "2023-11-15T1:20:00Z", "-292273086-05-16T16:47:06Z", "292277025-08-18T07:12:54.999999999Z",
}

// ends are requests with these texts as each parameter that is a time or a
// duration.
func ends() []Request {
	var out []Request
	add := func(path string, f url.Values) {
		how := How{Unordered: true, ParseError: true}
		out = append(out, Request{Method: "GET", Path: path, Form: f, How: how})
	}
	for _, n := range numbers {
		for _, p := range []string{"time", "timeout", "lookback_delta", "limit"} {
			// An empty time is now.
			if p == "timeout" && (hurried(n) || n == "") || p == "time" && n == "" {
				continue
			}
			add("/api/v1/query", with(form("query", "count(up) or vector(0)", "time", at), p, n))
		}
		for _, p := range []string{"start", "end", "step", "timeout", "lookback_delta"} {
			// Neither of the two evaluates many steps.
			if p == "step" && below(n) || p == "timeout" && hurried(n) {
				continue
			}
			add("/api/v1/query_range", with(form("query", "1", "start", "1700000000", "end", "1700000003", "step", "1"), p, n))
			add("/api/v1/query_range", with(form("query", "count(up) or vector(0)", "start", at, "end", at, "step", "1e9"), p, n))
		}
		// In queries. Prometheus panics at some steps of subqueries, and 2^63
		// nanoseconds are a negative step there.
		for _, q := range []string{"count(up[%s])", "count_over_time(up[%s])", "count(up offset %s)", "count(up offset -%s)", "count_over_time(up[5m] offset %s)", "count_over_time(up[5m:%s])", "count_over_time(up[1h:5m] offset %s)", "count(up @ %s)"} {
			if strings.Contains(q, ":%s") && (below(n) || n == "9e-10" || n == "5e-10" || n == "9223372036.854775807") {
				continue
			}
			add("/api/v1/query", form("query", strings.ReplaceAll(q, "%s", n), "time", at))
		}
		add("/api/v1/query_range", form("query", "1", "start", n, "end", n, "step", "1"))
		for _, p := range []string{"start", "end"} {
			add("/api/v1/series", with(form("match[]", "up"), p, n))
			add("/api/v1/labels", with(nil, p, n))
			add("/api/v1/label/job/values", with(nil, p, n))
			add("/api/v1/query_exemplars", with(form("query", "up", "start", at, "end", late), p, n))
		}
		for _, p := range []string{"limit", "limit_per_metric"} {
			add("/api/v1/metadata", with(nil, p, n))
			add("/api/v1/labels", with(nil, p, n))
		}
	}
	return out
}

// hurried says whether a timeout is so short that it suffices or not, as the
// machine is quick or busy. Prometheus reports it in one of four ways.
func hurried(timeout string) bool {
	return timeout == "1ms" || below(timeout)
}

// below says whether a step has less than a millisecond, at which Prometheus
// panics.
func below(step string) bool {
	f, err := strconv.ParseFloat(step, 64)
	return err == nil && f >= 1e-9 && f < 1e-3
}

func with(f url.Values, name, value string) url.Values {
	out := url.Values{name: {value}}
	for k, v := range f {
		if k != name {
			out[k] = v
		}
	}
	return out
}
