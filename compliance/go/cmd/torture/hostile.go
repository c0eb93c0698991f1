package main

import (
	"fmt"
	"math/rand"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// request is a well-formed HTTP request that asks for too much.
type request struct {
	path string
	form url.Values
}

// kinds are the hostile requests by name. Each makes another request for each
// state of r. What is no well-formed request is in wire.go.
var kinds = []struct {
	name  string
	make  func(r *rand.Rand) request
	large bool // megabytes
}{
	{"regex", regexBomb, false},
	{"label strings", labelStrings, false},
	{"chains", chain, false},
	{"label sources", labelSources, false},
	{"nesting", nesting, false},
	{"selections", selection, false},
	{"joins", blowup, false},
	{"grids", grid, false},
	{"histograms", histograms, false},
	{"metadata", metadata, false},
	{"long texts", longText, true},
	{"parameters", manyParameters, false},
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.Intn(len(all))] }

func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) }

func instant(query string) request {
	return request{"/api/v1/query", url.Values{"query": {query}, "time": {seconds(fixtures.TortureEnd)}}}
}

// ranged asks for a query at a number of steps up to the end of the data.
func ranged(query string, steps int) request {
	span := fixtures.TortureEnd - fixtures.Start
	step := max(span/int64(steps-1), 1)
	return request{"/api/v1/query_range", url.Values{
		"query": {query}, "start": {seconds(fixtures.TortureEnd - step*int64(steps-1))},
		"end": {seconds(fixtures.TortureEnd)}, "step": {seconds(step)},
	}}
}

// either is an instant or a range query.
func either(r *rand.Rand, query string) request {
	if r.Intn(3) == 0 {
		return ranged(query, pick(r, 2, 100, 10_000))
	}
	return instant(query)
}

// regexBomb has many matchers whose automata are large: counted repeats of
// large classes, long alternations, deep groups.
func regexBomb(r *rand.Rand) request {
	pattern := func() string {
		salt := strconv.Itoa(r.Intn(1_000_000))
		switch r.Intn(7) {
		case 0, 1:
			return `(?i)(\\pL|\\pN){1000}` + salt
		case 2:
			return `(` + strings.Repeat(`[^a]?`, 900) + salt + `)+`
		case 3:
			return `(.*` + salt + `){30}(\\p{Han}|[[:word:]]){30}`
		case 4:
			return strings.Repeat("(", 900) + salt + strings.Repeat(")*", 900)
		case 5:
			var b strings.Builder
			for i := range 3_000 {
				fmt.Fprintf(&b, "%sx%d.*|", salt, i*7919)
			}
			return b.String()
		default:
			return `(?i)[\\pL\\pN]{500}.{500}` + salt + `|((a|b|[^cd]){30}){30}`
		}
	}
	n := pick(r, 1, 10, 50, 200)
	label := pick(r, "c", "pod", "none")
	matchers := make([]string, n)
	for i := range matchers {
		matchers[i] = label + pick(r, "=~", "!~") + `"` + pattern() + `"`
	}
	selector := pick(r, "mid", "big", "latency") + "{" + strings.Join(matchers, ",") + "}"
	switch r.Intn(8) {
	case 0:
		return request{"/api/v1/series", url.Values{"match[]": {selector}}}
	case 1:
		return request{"/api/v1/labels", url.Values{"match[]": {selector}}}
	case 2:
		return request{"/api/v1/parse_query", url.Values{"query": {selector}}}
	case 3:
		return request{"/api/v1/format_query", url.Values{"query": {selector}}}
	case 4:
		text := strings.ReplaceAll(pattern(), `\\`, `\`)
		return instant(fmt.Sprintf("label_replace(mid, \"l\", \"$1\", \"pod\", `%s`)", text))
	default:
		return either(r, selector)
	}
}

// labelStrings doubles a label value, or multiplies it by eight, at each of
// many nested calls.
func labelStrings(r *rand.Rand) request {
	q := pick(r, `mid{pod="pod-000001"}`, "vector(1)", `mid{c="c-001"}`)
	switch r.Intn(3) {
	case 0:
		for range pick(r, 20, 31, 200) {
			q = `label_join(` + q + `, "x", "` + pick(r, "", "a") + `", "x", "x")`
		}
		q = strings.Replace(q, "vector(1)", `label_replace(vector(1), "x", "0123456789", "", "")`, 1)
	case 1:
		for range pick(r, 8, 10, 100) {
			q = `label_replace(` + q + `, "pod", "$1$1$1$1$1$1$1$1", "pod", "(.*)")`
		}
	default:
		q = `label_replace(` + q + `, "x", "` + strings.Repeat("$1", 10_000) + `", "pod", "(.+)")`
		for range pick(r, 1, 4) {
			q = `label_join(` + q + `, "x", "-", "x", "x", "pod")`
		}
	}
	return either(r, q)
}

// chain has many operands over all series of mid.
func chain(r *rand.Rand) request {
	n := pick(r, 100, 1_000, 3_000, 9_000)
	op := pick(r, "or", "or", "and", "unless", "+", "* on (pod) group_left", "or on (c, pod)")
	operands := make([]string, n)
	for i := range operands {
		operands[i] = "mid"
		if r.Intn(3) > 0 {
			operands[i] = fmt.Sprintf(`mid{c="c-%03d",pod!="a%d"}`, r.Intn(fixtures.TortureMidGroups), i)
		}
	}
	return either(r, strings.Join(operands, " "+op+" "))
}

func labelSources(r *rand.Rand) request {
	sources := make([]string, pick(r, 1_000, 10_000))
	for i := range sources {
		sources[i] = `"` + pick(r, "pod", "c", "l"+strconv.Itoa(i)) + `"`
	}
	q := fmt.Sprintf(`label_join(%s, "x", "%s", %s)`, pick(r, "mid", "big"), strings.Repeat("-", r.Intn(3)), strings.Join(sources, ","))
	if r.Intn(3) == 0 {
		q = "count by (x) (" + q + ")"
	}
	return either(r, q)
}

func nesting(r *rand.Rand) request {
	n := pick(r, 100, 900, 1_000, 100_000)
	around := func(open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	inner := pick(r, "mid", `mid{c="c-001"}`, "1")
	q := ""
	switch r.Intn(6) {
	case 0:
		q = around("(", inner, ")")
	case 1:
		q = strings.Repeat("-", n) + inner
	case 2:
		q = around("abs(", inner, ")")
	case 3:
		q = around("sum by (c) (", inner, ")")
	case 4:
		n = pick(r, 3, 20, 200)
		q = around("max_over_time(", `mid{c="c-001"}`, "[1m:1s])")
	default:
		n = pick(r, 10, 400)
		q = around("(mid + ", inner, ")")
	}
	if r.Intn(4) == 0 {
		return request{pick(r, "/api/v1/parse_query", "/api/v1/format_query"), url.Values{"query": {q}}}
	}
	return either(r, q)
}

// selection asks for a great many series, or aggregates them.
func selection(r *rand.Rand) request {
	s := pick(r, "big", "mid", "x", `{__name__=~".+"}`, `{pod=~".*5.*"}`, "x[6h]", "big[1h]", "{c!~\"c-00.\",pod!=\"\"}")
	if r.Intn(3) == 0 {
		return instant(s)
	}
	s = pick(r, "big", "mid", "rate(x[10m])", "big or mid", "big + on (pod) mid", `{__name__=~"big|mid|x"}`)
	q := pick(r,
		"sum by (c, pod) (%s)", "count_values(\"v\", %s)", "topk(100000, %s)", "bottomk by (c) (50, %s)",
		"quantile by (c) (0.9, %s)", "absent(%s)", "sort_desc(%s)", "sort(%s)", "count by (pod) (%s)",
		"group without (odd) (%s)", "stddev by (c) (%s)", "absent_over_time((%s)[1h:1m])", "%[1]s == %[1]s",
		"label_replace(%s, \"p\", \"$1-$2\", \"pod\", \"(.*)-(.*)\")", "-(%s)", "timestamp(%s)", "limitk(100000, %s)")
	return either(r, fmt.Sprintf(q, s))
}

// blowup joins sides of very many pairs.
func blowup(r *rand.Rand) request {
	q := pick(r,
		"mid * on () group_left x", "mid + on (c) mid", "mid / on (c) group_left () sum by (c) (mid)",
		"big * on (pod) group_left (version) target_info", "info(mid)", `info(big, {version=~".+"})`,
		"mid and on () big", "big unless on (pod) mid", "mid * ignoring (pod) group_right big",
		"topk by (pod) (1, big) * on (pod) group_left () max by (pod) (mid)",
		"count_values by (c) (\"v\", mid) * on (v) group_left (c) count_values(\"v\", mid)",
		"mid > bool on (pod) group_left (c) mid", "big and mid or big unless mid")
	return either(r, q)
}

// grid has many steps, or subqueries with very many.
func grid(r *rand.Rand) request {
	switch r.Intn(5) {
	case 0:
		return ranged(pick(r, "x", "rate(x[1h])", "sum(x)", "mid", "avg_over_time(x[6h])"), 11_000)
	case 1:
		return either(r, pick(r, "max_over_time(rate(x[5m])[6h:1s])", "x[6h:100ms]", "sum_over_time(mid[1000y:1ms])",
			"quantile_over_time(0.9, x[6h:1s])", "avg_over_time(sum(x)[6h:10ms])"))
	case 2:
		return ranged("vector(time())", 10_999)
	case 3:
		return ranged("x", 20_000) // above the limit of steps
	default:
		req := ranged("sum(x)", 100)
		req.form.Set("start", pick(r, "-9223372036854775.808", "0", "-1e300"))
		req.form.Set("end", pick(r, "9223372036854775.807", "1e17"))
		req.form.Set("step", pick(r, "1e12", "0.001", "1e300", "1"))
		return req
	}
}

func histograms(r *rand.Rand) request {
	q := pick(r, "latency[3h:100ms]", "latency[3h]", "latency", "sum(rate(latency[1h]))",
		"histogram_quantile(0.9, sum by (pod) (rate(latency[5m])))", "latency + latency", "latency[3h:1s]",
		"sum_over_time(latency[3h:1s])", "histogram_fraction(0, 2, latency)", "count_values(\"v\", latency)",
		"increase(latency[3h:1s])", "topk(5, latency)", "latency * on (pod) group_right mid", "label_join(latency, \"x\", \"\", \"pod\")")
	return either(r, q)
}

func metadata(r *rand.Rand) request {
	match := pick(r, `{__name__=~".+"}`, "big", `{pod=~".*1.*"}`, `{c!=""}`)
	form := url.Values{"match[]": {match}}
	if r.Intn(3) == 0 {
		form["match[]"] = slices.Repeat([]string{match}, pick(r, 10, 1_000))
	}
	return request{pick(r, "/api/v1/series", "/api/v1/series", "/api/v1/labels", "/api/v1/label/pod/values"), form}
}

// longText has up to 16 MiB, which is within what a query may have, and above.
func longText(r *rand.Rand) request {
	n := pick(r, 1<<20, 1<<20, 1<<20, 4<<20, 9<<20, 17<<20)
	var q string
	switch r.Intn(7) {
	case 0:
		q = `mid{pod="` + strings.Repeat("a", n) + `"}`
	case 1:
		q = strings.Repeat("1+", n/2) + "1"
	case 2:
		q = strings.Repeat(" ", n) + "mid"
	case 3:
		q = "mid #" + strings.Repeat("#", n)
	case 4:
		q = "mid{" + strings.Repeat(`pod!="",`, n/8) + "}"
	case 5:
		q = `mid{pod=~"` + strings.Repeat("a|", n/2) + `"}`
	default:
		q = strings.Repeat(pick(r, "(", "{", "\"", "[", "sum ", "\\", "1 "), n/4)
	}
	switch r.Intn(4) {
	case 0:
		return request{pick(r, "/api/v1/parse_query", "/api/v1/format_query"), url.Values{"query": {q}}}
	case 1:
		return request{"/api/v1/series", url.Values{"match[]": {q}}}
	default:
		return either(r, q)
	}
}

// manyParameters has as many parameters as are allowed, or more.
func manyParameters(r *rand.Rand) request {
	n := pick(r, 1_000, 9_990, 20_000)
	form := url.Values{}
	switch r.Intn(3) {
	case 0:
		for i := range n {
			form["match[]"] = append(form["match[]"], fmt.Sprintf(`mid{pod=~".*%d"}`, i))
		}
		return request{pick(r, "/api/v1/series", "/api/v1/labels"), form}
	case 1:
		form["query"] = slices.Repeat([]string{"sum(big)"}, n)
	default:
		for i := range n {
			form.Set(fmt.Sprintf("p%d", i), strings.Repeat("v", r.Intn(50)))
		}
		form.Set("query", "sum(big)")
	}
	return request{"/api/v1/query", form}
}
