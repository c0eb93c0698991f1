package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wires are what clients do to a connection that no HTTP library would. Each
// runs once for each state of r.
var wires = []struct {
	name string
	do   func(a *attack, ctx context.Context, r *rand.Rand) answer
}{
	{"hang-ups", (*attack).hangUp},
	{"half requests", (*attack).halfRequest},
	{"odd requests", (*attack).oddRequest},
	{"pipelines", (*attack).pipeline},
}

// crowds are many connections at once, each of them doing little.
var crowds = []struct {
	name string
	size int
	do   func(a *attack, ctx context.Context, r *rand.Rand) answer
}{
	{"unfinished bodies", 200, (*attack).unfinishedBody},
	{"slow readers", 25, (*attack).slowReader},
}

func (a *attack) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: giveUp}
	return d.DialContext(ctx, "tcp", strings.TrimPrefix(a.url, "http://"))
}

// refused is a connection that could not be made or written to. The server may
// close it at any time, but must not be away.
func (a *attack) refused(err error) answer {
	if a.ctx.Err() != nil || a.dying {
		return answer{code: "end"}
	}
	if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout") {
		return answer{code: "none", fault: "no connection"}
	}
	return answer{code: "closed"}
}

// text is a request as bytes.
func text(req request, get bool) string {
	body := req.form.Encode()
	if get {
		return "GET " + req.path + "?" + body + " HTTP/1.1\r\nHost: torture\r\n\r\n"
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: torture\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		req.path, len(body), body)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// hangUp sends a hostile request and goes at a random moment, also in the
// middle of the request or of the answer.
func (a *attack) hangUp(ctx context.Context, r *rand.Rand) answer {
	conn, err := a.dial(ctx)
	if err != nil {
		return a.refused(err)
	}
	defer conn.Close()
	bytes := text(kinds[r.Intn(len(kinds))].make(r), false)
	if r.Intn(4) == 0 {
		bytes = bytes[:r.Intn(len(bytes))]
	}
	_ = conn.SetDeadline(time.Now().Add(giveUp))
	if _, err := io.WriteString(conn, bytes); err != nil {
		return a.refused(err)
	}
	wait(ctx, time.Duration(r.Intn(300))*time.Millisecond)
	if r.Intn(2) == 0 {
		_, _ = io.CopyN(io.Discard, conn, int64(r.Intn(1000)))
	}
	if tcp, ok := conn.(*net.TCPConn); ok && r.Intn(2) == 0 {
		_ = tcp.SetLinger(0) // a reset instead of an end
	}
	return answer{code: "hung up"}
}

// halfRequest lets the bytes of a request drip, and never sends the last.
func (a *attack) halfRequest(ctx context.Context, r *rand.Rand) answer {
	conn, err := a.dial(ctx)
	if err != nil {
		return a.refused(err)
	}
	defer conn.Close()
	whole := text(instant("sum(big)"), r.Intn(2) == 0)
	upTo := 1 + r.Intn(len(whole)-1)
	begin := time.Now()
	for i := range upTo {
		if time.Since(begin) > 5*time.Second || ctx.Err() != nil {
			break
		}
		_ = conn.SetDeadline(time.Now().Add(giveUp))
		if _, err := io.WriteString(conn, whole[i:i+1]); err != nil {
			return a.refused(err)
		}
		wait(ctx, time.Duration(r.Intn(60))*time.Millisecond)
	}
	return answer{code: "hung up"}
}

// oddRequest sends one request that is none, or hardly one. The server answers
// by an error of the client's, or closes the connection.
func (a *attack) oddRequest(ctx context.Context, r *rand.Rand) answer {
	path := pick(r, "/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/", "/-/healthy", "/metrics", "/api/v1/label/x/values")
	large := strings.Repeat(pick(r, "a", "%41", "x=1&"), pick(r, 100, 70_000, 300_000))
	odd := []struct {
		bytes string
		want  string // the statuses it may have; "" for any but 5xx
	}{
		{"GET " + path + " HTTP/1.1\r\n\r\n", "400"},
		{"POST /api/v1/query HTTP/1.1\r\nContent-Length: 5\r\n\r\nquery", "400"},
		{pick(r, "PUT ", "DELETE ", "TRACE ", "PATCH ", "BREW ") + "/api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "400 404 405 501"},
		{"GET /api/v1/query?query=\xff\xfe\x01\x80 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		{"GET /api/v1/query?query=%zz%ff HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		{"GET " + path + "?" + large + " HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Large: " + large + "\r\n\r\n", ""},
		{"GET " + path + " HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-Many: 1\r\n", 10_000) + "\r\n", ""},
		{"GET / HTTP/9.9\r\nHost: a\r\n\r\n", "400 505"},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS to a plain port\r\n\r\n", "400"},
		{"POST /api/v1/query HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nquery\r\n", "400"},
		{"POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", "400"},
		{"POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400 413"},
		{"POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=" + large + "\r\nContent-Length: 2\r\n\r\n--", ""},
		{"POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Type: " + pick(r, "text/html", "multipart/form-data", "\x80") + "\r\nContent-Length: 3\r\n\r\na=b", "400 405 415"},
	}
	one := odd[r.Intn(len(odd))]
	conn, err := a.dial(ctx)
	if err != nil {
		return a.refused(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(giveUp))
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, one.bytes)
		sent <- err
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		ans := a.refused(err)
		if ans.fault != "" {
			ans.fault = fmt.Sprintf("no answer to %.60q", one.bytes)
		}
		return ans
	}
	defer resp.Body.Close()
	ans := answer{code: strconv.Itoa(resp.StatusCode)}
	if one.want != "" && !strings.Contains(one.want, ans.code) && resp.StatusCode != http.StatusServiceUnavailable {
		ans.fault = fmt.Sprintf("status %s to %.60q", ans.code, one.bytes)
	}
	if resp.StatusCode >= 400 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if _, fault := checkError(resp, body); ans.fault == "" {
			ans.fault = fault
		}
	}
	return ans
}

// pipeline writes many requests at once and reads the answers, or some.
func (a *attack) pipeline(ctx context.Context, r *rand.Rand) answer {
	conn, err := a.dial(ctx)
	if err != nil {
		return a.refused(err)
	}
	defer conn.Close()
	n := pick(r, 10, 40)
	var all strings.Builder
	for i := range n {
		all.WriteString(text(instant("1 + "+strconv.Itoa(i)), r.Intn(2) == 0))
	}
	go func() { _, _ = io.WriteString(conn, all.String()) }()
	reader := bufio.NewReader(conn)
	for i := range pick(r, n, n/2) {
		// They are answered one after the other.
		_ = conn.SetDeadline(time.Now().Add(giveUp))
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			return a.refused(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return a.refused(err)
		}
		switch {
		case resp.StatusCode == http.StatusServiceUnavailable:
			_, fault := checkError(resp, body)
			return answer{code: "503", fault: fault}
		case resp.StatusCode != http.StatusOK || !strings.Contains(string(body), fmt.Sprintf(`"%d"]`, i+1)):
			return answer{code: strconv.Itoa(resp.StatusCode), fault: fmt.Sprintf("pipelined request %d: %.200s", i, body)}
		}
	}
	return answer{code: "200"}
}

// unfinishedBody promises a multipart body of 10 MB, sends most of it, and
// leaves the rest out.
func (a *attack) unfinishedBody(ctx context.Context, r *rand.Rand) answer {
	conn, err := a.dial(ctx)
	if err != nil {
		return a.refused(err)
	}
	defer conn.Close()
	const size = 10_000_000
	head := fmt.Sprintf("POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n", size)
	_ = conn.SetDeadline(time.Now().Add(giveUp))
	if _, err := io.WriteString(conn, head); err != nil {
		return a.refused(err)
	}
	piece := strings.Repeat(pick(r, "1+", "a", " "), 1<<16)[:1<<16]
	for range r.Intn(size / len(piece)) {
		if ctx.Err() != nil {
			break
		}
		// A server that refuses or no longer reads is right to.
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := io.WriteString(conn, piece); err != nil {
			break
		}
	}
	wait(ctx, time.Duration(2_000+r.Intn(4_000))*time.Millisecond)
	return answer{code: "hung up"}
}

// slowReader asks for an answer of many megabytes and hardly reads it.
func (a *attack) slowReader(ctx context.Context, r *rand.Rand) answer {
	conn, err := a.dial(ctx)
	if err != nil {
		return a.refused(err)
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	_ = conn.SetDeadline(time.Now().Add(giveUp))
	req := pick(r, instant("big"), ranged("x", 300), instant("latency[1h]"),
		request{"/api/v1/series", map[string][]string{"match[]": {"big"}}})
	if _, err := io.WriteString(conn, text(req, true)); err != nil {
		return a.refused(err)
	}
	one, read := make([]byte, 1), r.Intn(2) == 0
	for begin := time.Now(); time.Since(begin) < 8*time.Second && ctx.Err() == nil; wait(ctx, time.Second) {
		if !read {
			continue
		}
		if _, err := conn.Read(one); err != nil {
			return a.refused(err)
		}
	}
	return answer{code: "hung up"}
}
