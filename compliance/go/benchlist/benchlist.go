// Package benchlist names the queries that engines are timed on, over the
// benchmark block of package fixtures.
package benchlist

import "github.com/quarrel-engine/quarrel/compliance/go/fixtures"

// Query is one query of the list. Times are in milliseconds; step 0 makes it
// an instant query.
type Query struct {
	Name  string `json:"name"`
	Text  string `json:"query"`
	Start int64  `json:"start_ms"`
	End   int64  `json:"end_ms"`
	Step  int64  `json:"step_ms"`
}

// Timing is the result of running a query several times.
type Timing struct {
	Query
	MedianNanos int64 `json:"median_ns"`
	MinNanos    int64 `json:"min_ns"`
	Runs        int   `json:"runs"`
	// AllocBytes is how many bytes one run allocates.
	AllocBytes uint64 `json:"alloc_bytes"`
	// Series is the number of rows of the result.
	Series int    `json:"series"`
	Error  string `json:"error,omitempty"`
}

// Report is what a benchmark program prints.
type Report struct {
	Engine  string   `json:"engine"`
	Module  string   `json:"module"`
	CPUs    int      `json:"cpus"`
	Timings []Timing `json:"timings"`
}

const (
	hour int64 = 3_600_000
	// rangeStart leaves room for windows of two hours before it.
	rangeStart = fixtures.Start + 3*hour
)

// ranged are run over two hours at 30 s.
var ranged = [][2]string{
	{"select", `x`},
	{"sum", `sum(x)`},
	{"sum_by_job", `sum by (job) (x)`},
	{"sum_by_pod", `sum by (pod) (x)`},
	{"topk", `topk(2, x)`},
	{"bottomk", `bottomk(2, x)`},
	{"rate_1m", `rate(x[1m])`},
	{"rate_10m", `rate(x[10m])`},
	{"sum_rate_1m", `sum(rate(x[1m]))`},
	{"sum_rate_5m", `sum(rate(x[5m]))`},
	{"sum_rate_10m", `sum(rate(x[10m]))`},
	{"sum_rate_1h", `sum(rate(x[1h]))`},
	{"sum_by_pod_rate", `sum by (pod) (rate(x[1m]))`},
	{"sum_by_job_rate", `sum by (job) (rate(x[5m]))`},
	{"subquery", `sum_over_time(rate(x[1m])[10m:1m])`},
	{"quantile_by", `quantile by (zone) (0.9, x)`},
	{"binary_one_to_one", `x{zone="zone-1"} / ignoring (nothing) x{zone="zone-1"}`},
	{"binary_many_to_one", `x / on (job) group_left () sum by (job) (x)`},
	{"error_ratio", `sum by (job) (rate(x{zone="zone-1"}[5m])) / on (job) sum by (job) (rate(x[5m]))`},
	{"scalar_multiply", `x * 10`},
	{"negate", `-x`},
	{"compare", `x > 10`},
	{"offset", `x offset 5m`},
	{"at", `x @ end()`},
	{"clamp", `clamp(1 - x, 10 - 5, 10)`},
	{"clamp_irate", `clamp(irate(x[1m]), 10 - 5, 10)`},
	{"absent", `absent(x)`},
	{"absent_none", `absent(nothing)`},
	{"count_over_time_5m", `count_over_time(x[5m])`},
	{"sum_over_time_5m", `sum_over_time(x[5m])`},
	{"sum_over_time_1h", `sum_over_time(x[1h])`},
	{"avg_over_time_1h", `avg_over_time(x[1h])`},
	{"min_over_time_1h", `min_over_time(x[1h])`},
	{"max_over_time_5m", `max_over_time(x[5m])`},
	{"max_over_time_1h", `max_over_time(x[1h])`},
	{"stddev_over_time_1h", `stddev_over_time(x[1h])`},
	{"last_over_time_5m", `last_over_time(x[5m])`},
	{"quantile_over_time_10m", `quantile_over_time(0.9, x[10m])`},
	{"regex", `sum(rate(x{pod=~"app-1.*-.*[0-4]"}[5m]))`},
	{"one_series", `rate(x{instance="10.0.3.7:9100"}[5m])`},
}

// instant are run once at the end of the same two hours.
var instant = [][2]string{
	{"instant_select", `x`},
	{"instant_sum", `sum(x)`},
	{"instant_sum_rate_5m", `sum(rate(x[5m]))`},
	{"instant_sum_by_job_rate", `sum by (job) (rate(x[5m]))`},
	{"instant_count_values", `count_values("v", x)`},
	{"instant_sort", `sort(x)`},
	{"instant_max_over_time_3h", `max_over_time(x[3h])`},
	{"instant_one_series", `x{instance="10.0.3.7:9100"}`},
	{"instant_number", `1 + 1`},
}

// Queries is the list.
func Queries() []Query {
	var out []Query
	for _, q := range ranged {
		out = append(out, Query{q[0], q[1], rangeStart, rangeStart + 2*hour, 30_000})
	}
	for _, q := range instant {
		out = append(out, Query{q[0], q[1], rangeStart + 2*hour, rangeStart + 2*hour, 0})
	}
	return out
}
