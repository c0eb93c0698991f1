package main

// wrongTexts are refused by the parser or its type check.
var wrongTexts = []string{
	"", " ", "#only a comment", "foo{", "foo}", "foo[5m", "foo[5m]]", "foo[0s]", "foo[-5m]", "foo[5]m", "(", ")", "sum(", "sum()", "sum(lonely[5m])",
	"rate(lonely)", "rate(1)", "rate()", "abs(lonely[5m])", "abs('x')", "abs(lonely, lonely)", "nofunction(lonely)", "lonely offset", "lonely offset 5x",
	"lonely @", "lonely @ foo", "lonely @ start", "lonely @ inf", "lonely @ nan", "1 @ 5", "sum(lonely) @ 5", "sum(lonely) offset 5m", "{}", `{x=""}`, `{x=~".*"}`, `{x!="a"}`, `{x=~""}`,
	`lonely{x=~"("}`, `lonely{x=~"a**"}`, `lonely{x=~"[z-a]"}`, `lonely{x=~"a{2,1}"}`, `lonely{x=~"x{1001}"}`, `lonely{x=~"\\8"}`, `lonely{x=~"(?<n>a)(?<n>b)"}`, `lonely{x=~"(?=a)"}`,
	`lonely{x="a" y="b"}`, `lonely{x}`, `lonely{"a", "b"}`, `lonely{__name__="x"}`, `lonely{1="x"}`, `lonely{x=1}`, `lonely{x=='a'}`,
	"1 and 1", "lonely and 1", "1 unless lonely", "lonely or vector(1) on(x)", "lonely + on(a) group_left(a) lonely", "lonely and on(a) group_left lonely", "lonely + ignoring(a) group_right(a) group_left lonely",
	"1 == 1", "1 < 2", "1 + bool 1", "lonely + bool lonely", "lonely == bool bool lonely", "-'a'", "!lonely", "'a' + 'b'", "lonely + 'a'", "1 + on(a) 1", "lonely + on(a) 1",
	"topk(lonely)", "topk(1)", "topk('a', lonely)", "quantile(lonely, lonely)", "count_values(1, lonely)", "count_values(v, lonely)", "sum by lonely", "sum by (a by (b) (lonely)", "sum by (a) by (b) (lonely)", "sum(lonely) by (a) without (b)", "sum by (1) (lonely)", `sum by ("") (lonely)`,
	"lonely[5m:", "lonely[5m:1m:1m]", "lonely[:1m]", "lonely[5m][5m]", "lonely[5m:1m][5m]", "lonely[5m:0s]", "lonely[5m:-1m]", "1[5m]", "(lonely)[5m]", "sum(lonely)[5m]", "time()[5m]",
	"0x", "0xg", "1e", "1.2.3", "1__0", "1_", "_1 + 1 1", "5m5", "5m3h", "1y1y", "08", "1e400x", "'unclosed", `"unclosed`, "`unclosed", `"\q"`, `"\x"`, "'\n'", "$", "lonely;", "a b", "lonely lonely", "lonely,lonely", "lonely.x", "lonely!", "lonely=~'a'", "lonely & lonely", "^1", "1 ^", "* 1",
	"label_replace(lonely, 'a', 'b', 'c')", "label_join(lonely)", "label_join(lonely, 'a')", "label_replace(lonely, 1, 'b', 'c', 'd')", "histogram_quantile(lonely, 0.9)", "round(lonely, lonely)", "clamp(lonely, 1)", "scalar(1)", "vector(lonely)", "time(1)", "pi(1)", "hour(1)", "absent(1)", "predict_linear(lonely[5m])", "quantile_over_time(lonely[5m], 0.5)", "sort(1)", "timestamp(1)",
	`up{job="a" instance="b"}`, `up{job="a"`, "avg by (job (up)", `up{p="C:\logs"}`, "rate(up[1.5m])", "sum(up down)", "rate(up[5m)", "up +\nsum(up, 1)", "m[9223372037]", "m offset 9223372036.9", "m offset -9223372036.9", "m[1:9223372037]", "m[293y]", "m @ 293y",
	"nope(x) }", "sum() }", "sum by (a) () }", "x[0s] }", "x[0s}", `x{a=~"("} }`, "a + on(b) group_left * c", "up = 1", "up && down", "up{job=api}", `{a="b"`, "sum(rate(up[5m]) by (job)", "1e1_000", "topk by (a (1, x)", "x offset (1 + y)", "x[max_of(1, 2]",
	"group_left", "bool", "on(a)", "by", "lonely offset 1h offset 2h", "lonely @ 1 @ 2", "lonely[5m] @ 1 offset 2m @ 3", "sum(lonely) by", "sum by () ()", "count_values('x')",
}

// wrongOnData parses and then fails, or warns, depending on the data.
var wrongOnData = []string{
	`both_a + both_a{l="x"} + on() both_b`, "http_requests_total * on(job) http_requests_total", "http_requests_total * on(job) group_left job_limit", "up * on(job) build_info", "up * ignoring(instance) group_left build_info",
	`label_replace(up, "instance", "const", "", "")`, `label_replace(up, "instance", "x", "instance", ".*")`, `label_join(up, "instance", "")`, `rate({__name__=~"both_.*"}[5m])`, `abs({__name__=~"both_.*"})`, `{__name__=~"both_.*"} + 1`, `rate({__name__=~"half_.*"}[5m])`, `rate({__name__=~"half_.*"}[1h])`, `-{__name__=~"both_.*"}`, `-{__name__=~"half_.*"}`,
	`label_replace(up, "", "x", "job", ".*")`, `label_replace(up, "x", "y", "job", "(")`, `label_join(up, "", "-", "job")`, `count_values("", ties)`, `quantile(2, up)`, `quantile(NaN, up)`, `quantile_over_time(-1, up[5m])`, `topk(NaN, up)`, `topk(Inf, up)`, `topk(1e20, up)`, `bottomk(-Inf, up)`, `histogram_quantile(5, odd_bucket)`, `histogram_quantile(0.5, odd_bucket{kind="bad_le"})`, `histogram_quantile(0.9, up)`,
	`sum by (kind) (rate(special[5m]))`, "rate(up[5m])", "increase(node_memory_bytes[10m])", "irate(temperature[5m])", "deriv(up[1m])", "clamp(up, 2, 1)", "clamp(up, NaN, 1)", "sum(scalar(up) * up)", "label_replace(both_a, '__name__', 'both_b', '', '') or both_b", "sum_over_time(up[1h:1s])", "vector(scalar(up))", "scalar(nope)", "nope", "nope[5m]", "sum(nope)", "absent(nope) * 2", "http_requests_total and on() vector(1) or on() up",
	"sort(ties)", "sort_desc(special)", "sort(special)", "sort_desc(sum by (kind) (special))", "topk(3, special)", "bottomk(3, special)", "topk by (job) (1, http_requests_total)", "min(special)", "max(special)", "group by (nope) (up)",
	"up == on(instance) group_right(version) build_info", "build_info * on(instance) group_right(job) up", "up + on(instance, job) group_left(version) build_info", "up + on(instance, job) group_left(version, revision) (build_info == 1)",
}
