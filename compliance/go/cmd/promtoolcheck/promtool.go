package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"sort"
	"strconv"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/apicheck"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// server stands for the server's address in the arguments of promtool.
const server = "SERVER"

// promtoolCalls are arguments for promtool. Queries give the same bits in any
// order of additions, since promtool prints all digits.
func promtoolCalls() [][]string {
	const base = fixtures.Start / 1000
	second := func(minutes int64) string { return strconv.FormatInt(base+60*minutes, 10) }
	var out [][]string
	for _, q := range []string{"up", "1", "time()", `"text"`, "up[1m]", "sum by (job) (up)", "nope", "max(http_requests_total)", "special", "quoting", `{"my.dotted.metric"}`, "rate(up", "up * on(job) up", "rate(up[5m])"} {
		for _, format := range [][]string{nil, {"--format=json"}} {
			out = append(out, append([]string{"query", "instant", "--time=" + second(80), server, q}, format...))
			out = append(out, append([]string{"query", "range", "--start=" + second(60), "--end=" + second(70), "--step=1m", server, q}, format...))
		}
	}
	out = append(out,
		[]string{"query", "instant", "--time=2023-11-15T01:20:00Z", server, "up"},
		[]string{"query", "range", "--start=" + second(70), "--end=" + second(60), "--step=1m", server, "up"},
		[]string{"query", "range", "--start=" + second(0), "--end=" + second(230), "--step=10s", server, "count(up)"},
		[]string{"query", "range", "--start=0", "--end=" + second(230), "--step=10s", server, "count(up)"},
		[]string{"query", "series", "--match=up", server},
		[]string{"query", "series", "--match=up", "--match=ties", "--format=json", server},
		[]string{"query", "series", "--match=up{", server},
		[]string{"query", "series", "--match=nope", server},
		[]string{"query", "series", `--match={job="api"}`, "--start=" + second(60), "--end=" + second(61), server},
		[]string{"query", "labels", server, "job"},
		[]string{"query", "labels", server, "nope"},
		[]string{"query", "labels", server, "service.name"},
		[]string{"query", "labels", "--format=json", server, "__name__"},
		[]string{"query", "labels", "--match=up", server, "instance"},
		[]string{"query", "labels", "--match=up", "--start=" + second(60), "--end=" + second(61), server, "instance"},
		[]string{"query", "analyze", "--server=" + server, "--type=histogram", "--match=http_request_duration_seconds", "--time=" + second(80)},
		[]string{"check", "healthy", "--url=" + server},
		[]string{"check", "ready", "--url=" + server},
	)
	return out
}

// outcome is the result of a run of promtool.
type outcome struct {
	code           int
	stdout, stderr string
}

func promtool(ctx context.Context, program, url string, args []string) (outcome, error) {
	args = append([]string{}, args...)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], server, url)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return outcome{}, err
	}
	clean := func(s string) string {
		if url == "" {
			return s
		}
		return strings.ReplaceAll(s, url, server)
	}
	return outcome{cmd.ProcessState.ExitCode(), clean(stdout.String()), clean(stderr.String())}, nil
}

func comparePromtool(ctx context.Context, program, want, got string, args []string) string {
	w, err := promtool(ctx, program, want, args)
	if err != nil {
		return err.Error()
	}
	g, err := promtool(ctx, program, got, args)
	if err != nil {
		return err.Error()
	}
	for _, c := range []struct{ what, want, got string }{
		{"exit code", strconv.Itoa(w.code), strconv.Itoa(g.code)},
		{"output", sorted(w.stdout), sorted(g.stdout)},
		{"error output", sorted(w.stderr), sorted(g.stderr)},
	} {
		if c.want != c.got {
			return fmt.Sprintf("DIFFERENCE: promtool %s\n  %s: only Prometheus has %.400s\n  only quarrel has %.400s\n",
				strings.Join(args, " "), c.what, beyond(c.want, c.got), beyond(c.got, c.want))
		}
	}
	return ""
}

// beyond are the lines of a text that the other one lacks.
func beyond(text, other string) string {
	others := map[string]bool{}
	for _, line := range strings.Split(other, "\n") {
		others[line] = true
	}
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if !others[line] {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// sorted sorts lines and the items of a JSON list, since instant vectors and
// series have no order.
func sorted(text string) string {
	var list []json.RawMessage
	lines := strings.Split(text, "\n")
	if json.Unmarshal([]byte(text), &list) == nil {
		lines = lines[:0]
		for _, item := range list {
			lines = append(lines, string(item))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// compareFormat compares `promtool promql format`, which needs no server, with
// the server's own formatter.
func compareFormat(ctx context.Context, program, got, text string) string {
	w, err := promtool(ctx, program, "", []string{"promql", "format", "--experimental", "--", text})
	if err != nil {
		return err.Error()
	}
	a, err := apicheck.Ask(ctx, got, apicheck.Request{Method: http.MethodGet, Path: "/api/v1/format_query", Form: url.Values{"query": {text}}})
	if err != nil {
		return fmt.Sprintf("DIFFERENCE: format %q: %v\n", text, err)
	}
	var body struct{ Data string }
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return fmt.Sprintf("DIFFERENCE: format %q: %v\n", text, err)
	}
	if (w.code == 0) != (a.Status == http.StatusOK) {
		return fmt.Sprintf("DIFFERENCE: format %q: promtool ends with %d, the server with %d\n", text, w.code, a.Status)
	}
	if w.code == 0 && strings.TrimRight(w.stdout, "\n") != strings.TrimRight(body.Data, "\n") {
		return fmt.Sprintf("DIFFERENCE: format %q\n  want %s\n  got %s\n", text, w.stdout, body.Data)
	}
	return ""
}
