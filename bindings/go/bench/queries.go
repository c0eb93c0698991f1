package main

import "time"

// A question is a query with the data and the times that it is asked over. A
// step of 0 is an instant query at the end.
type question struct {
	data, text string
	end        time.Time
	length     time.Duration
	step       time.Duration
}

// A group is questions with a goal: how many times as fast as Prometheus they
// are answered, as a geometric mean, and each.
type group struct {
	name       string
	mean, each float64
	questions  []question
}

// start is where compliance/go/fixtures begins its data.
var start = time.UnixMilli(1_700_006_400_000)

const day = 24 * time.Hour

// panel is a query of a dashboard over the last 6 h of a day, at 30 s.
func panel(text string) question {
	return question{"day", text, start.Add(25 * time.Hour), 6 * time.Hour, 30 * time.Second}
}

// week is a query of a dashboard over the last week of a month, at 10 min.
func week(text string) question {
	return question{"month", text, start.Add(30*day + 12*time.Hour), 7 * day, 10 * time.Minute}
}

// ranged is a query over 2 h of 3,000 series, at 30 s.
func ranged(text string) question {
	return question{"x", text, start.Add(5 * time.Hour), 2 * time.Hour, 30 * time.Second}
}

func instant(text string) question {
	return question{data: "x", text: text, end: start.Add(5 * time.Hour)}
}

// groups are the goals of the Go module. Panels are those of
// benches/src/classes/dashboards.rs.
var groups = []group{
	{"sixteen dashboard queries", 8, 1, []question{
		panel(`memory_bytes{job="job-3"}`),
		panel(`rate(requests_total{job="job-3"}[2m])`),
		panel(`sum by (job) (rate(requests_total[2m]))`),
		panel(`histogram_quantile(0.99, sum by (le, job) (rate(latency_seconds_bucket[2m])))`),
		panel(`memory_bytes / on (job, pod) group_left () memory_limit_bytes`),
		panel(`max_over_time(sum by (job) (rate(requests_total[2m]))[1h:5m])`),
		panel(`sum by (app) (label_replace(rate(requests_total[2m]), "app", "$1", "pod", "(app-[0-9]+)-.*"))`),
		panel(`topk(5, sum by (pod) (rate(requests_total[2m])))`),
		panel(`predict_linear(memory_bytes[1h], 14400)`),
		panel(`stddev by (job) (memory_bytes)`),
		panel(`quantile_over_time(0.95, memory_bytes[1h])`),
		week(`rate(requests_total{job="job-3"}[11m])`),
		week(`sum by (job) (rate(requests_total[11m]))`),
		week(`histogram_quantile(0.99, sum by (le, job) (rate(latency_seconds_bucket[11m])))`),
		week(`memory_bytes / on (job, pod) group_left () memory_limit_bytes`),
		week(`topk(5, sum by (pod) (rate(requests_total[11m])))`),
	}},
	{"sums of rates", 10, 10, []question{
		ranged(`sum(rate(x[5m]))`),
		ranged(`sum by (job) (rate(x[5m]))`),
	}},
	{"plain selectors", 3, 3, []question{
		ranged(`x`),
		ranged(`x{zone="zone-1"}`),
	}},
	{"instants on one series", 1 / 1.5, 1 / 1.5, []question{
		instant(`x{instance="10.0.3.7:9100"}`),
		instant(`rate(x{instance="10.0.3.7:9100"}[5m])`),
	}},
}
