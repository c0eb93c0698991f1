// Package apicheck sends the same requests to two servers and compares status
// codes, headers and bodies.
package apicheck

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// How is which parts of two answers must be equal.
type How struct {
	// Unordered compares the items of data, or of data.result, in any order.
	Unordered bool
	// CountOnly compares only how many of those items there are.
	CountOnly bool
	// Shape compares the keys and types of JSON objects, not the values.
	Shape bool
	// HeadOnly compares status and headers alone.
	HeadOnly bool
	// ParseError ignores the text of an error if it comes from the parser.
	ParseError bool
	// AnyText ignores the texts of errors and the warnings.
	AnyText bool
	// Only compares these members of data alone.
	Only []string
	// AnySamples ignores how many samples an estimate expects, and the warning that
	// it is a guess.
	AnySamples bool
	// Counts compares lists of names with counts by their counts alone: which of
	// several names with one count is shown is chance.
	Counts bool
}

// Request is one request.
type Request struct {
	Method, Path string
	Form         url.Values
	// Raw is a body to send as it is, with its ContentType.
	Raw, ContentType string
	// Wire is all bytes of the request, for what a client library would refuse or
	// escape. %HOST% stands for the server's address.
	Wire   string
	Header http.Header
	How    How
}

func (r Request) String() string {
	if r.Wire != "" {
		return fmt.Sprintf("%.300q", r.Wire)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Method, r.Path)
	if len(r.Form) > 0 {
		fmt.Fprintf(&b, " %s", r.Form.Encode())
	}
	if r.Raw != "" {
		fmt.Fprintf(&b, " %s: %q", r.ContentType, r.Raw)
	}
	for k, v := range r.Header {
		fmt.Fprintf(&b, " [%s: %s]", k, strings.Join(v, ", "))
	}
	return b.String()
}

// Curl is a command line that sends the request to a server.
func (r Request) Curl(server string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	args := []string{"curl", "-si", "-X", r.Method}
	target := server + r.Path
	if r.Method == http.MethodGet && len(r.Form) > 0 {
		target += "?" + r.Form.Encode()
	} else if len(r.Form) > 0 {
		args = append(args, "-d", quote(r.Form.Encode()))
	}
	for k, v := range r.Header {
		args = append(args, "-H", quote(k+": "+v[0]))
	}
	return strings.Join(append(args, quote(target)), " ")
}

// Answer is a server's response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // decompressed
}

var client = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Ask sends a request.
func Ask(ctx context.Context, server string, r Request) (Answer, error) {
	if r.Wire != "" {
		return askWire(ctx, server, r.Wire)
	}
	target, body, contentType := server+r.Path, "", ""
	switch {
	case r.Raw != "":
		body, contentType = r.Raw, r.ContentType
	case r.Method == http.MethodPost:
		body, contentType = r.Form.Encode(), "application/x-www-form-urlencoded"
	case len(r.Form) > 0:
		target += "?" + r.Form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	return read(resp)
}

// askWire sends the bytes of a request and reads one response.
func askWire(ctx context.Context, server, wire string) (Answer, error) {
	address := strings.TrimPrefix(server, "http://")
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return Answer{}, err
	}
	// A server that refuses a request need not read all of it.
	_, _ = io.WriteString(conn, strings.ReplaceAll(wire, "%HOST%", address))
	method, _, _ := strings.Cut(wire, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return Answer{}, err
	}
	return read(resp)
}

func read(resp *http.Response) (Answer, error) {
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	plain, err := decompress(raw, resp.Header.Get("Content-Encoding"))
	return Answer{resp.StatusCode, resp.Header, plain}, err
}

func decompress(b []byte, encoding string) ([]byte, error) {
	if len(b) == 0 {
		return b, nil
	}
	switch encoding {
	case "":
		return b, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case "deflate":
		if r, err := zlib.NewReader(bytes.NewReader(b)); err == nil {
			return io.ReadAll(r)
		}
		return io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	}
	return nil, fmt.Errorf("content encoding %q", encoding)
}

// headers are the headers that must be equal.
var headers = []string{
	"Content-Type", "Content-Encoding", "Allow", "Vary", "Location",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers",
}

// Compare describes how the second answer differs from the first; "" if it does
// not.
func Compare(r Request, want, got Answer) string {
	if want.Status != got.Status {
		return fmt.Sprintf("status: want %d, got %d; want %.200s, got %.200s", want.Status, got.Status, want.Body, got.Body)
	}
	for _, h := range headers {
		if w, g := normal(want.Header.Values(h)), normal(got.Header.Values(h)); !slices.Equal(w, g) {
			return fmt.Sprintf("header %s: want %q, got %q", h, w, g)
		}
	}
	if r.How.HeadOnly {
		return ""
	}
	if strings.HasPrefix(want.Header.Get("Content-Type"), "application/x-ndjson") {
		return compareLines(want.Body, got.Body)
	}
	var w, g any
	if json.Unmarshal(want.Body, &w) != nil {
		if !bytes.Equal(want.Body, got.Body) {
			return fmt.Sprintf("body: want %.200q, got %.200q", want.Body, got.Body)
		}
		return ""
	}
	if err := json.Unmarshal(got.Body, &g); err != nil {
		return fmt.Sprintf("body is no JSON: %v: %.200q", err, got.Body)
	}
	if r.How.Shape {
		return shape("", w, g)
	}
	normalize(w, r.How)
	normalize(g, r.How)
	return differ("", w, g)
}

// compareLines compares bodies of a JSON object a line.
func compareLines(want, got []byte) string {
	wants, gots := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	if len(wants) != len(gots) {
		return fmt.Sprintf("want %d lines, got %d: %.300s, %.300s", len(wants), len(gots), want, got)
	}
	for i := range wants {
		var w, g any
		if json.Unmarshal(wants[i], &w) != nil || json.Unmarshal(gots[i], &g) != nil {
			if !bytes.Equal(wants[i], gots[i]) {
				return fmt.Sprintf("line %d: want %.300s, got %.300s", i, wants[i], gots[i])
			}
			continue
		}
		scores(w)
		scores(g)
		if d := differ(fmt.Sprintf("line %d", i), w, g); d != "" {
			return d
		}
	}
	return ""
}

// scores makes texts of scores, whose last bits may differ.
func scores(line any) {
	m, _ := line.(map[string]any)
	results, _ := m["results"].([]any)
	for _, r := range results {
		if r, ok := r.(map[string]any); ok && r["score"] != nil {
			r["score"] = fmt.Sprint(r["score"])
		}
	}
}

// normal splits lists in headers and sorts their items.
func normal(values []string) []string {
	var out []string
	for _, v := range values {
		for _, item := range strings.Split(v, ",") {
			out = append(out, strings.ReplaceAll(strings.TrimSpace(item), " ", ""))
		}
	}
	sort.Strings(out)
	return out
}

// normalize sorts lists without an order, and removes what may differ.
func normalize(body any, how How) {
	m, ok := body.(map[string]any)
	if !ok {
		return
	}
	for _, k := range []string{"warnings", "infos"} {
		if list, ok := m[k].([]any); ok {
			sortItems(list)
		}
	}
	if how.AnyText {
		delete(m, "error")
		delete(m, "warnings")
	}
	if text, ok := m["error"].(string); ok && how.ParseError && strings.Contains(text, "parse error") {
		m["error"] = "parse error"
	} else if ok && how.ParseError && m["errorType"] == "bad_data" {
		m["error"] = "bad data"
	}
	if data, ok := m["data"].(map[string]any); ok {
		if how.AnySamples {
			delete(m, "warnings")
			forget(data, "samplesRead", "peakSamples")
		}
		for k, v := range data {
			if how.Only != nil && !slices.Contains(how.Only, k) {
				delete(data, k)
			}
			if list, ok := v.([]any); ok && how.Counts {
				for _, item := range list {
					delete(item.(map[string]any), "name")
				}
			}
		}
	}
	items := func(parent map[string]any, key string) {
		list, ok := parent[key].([]any)
		switch {
		case !ok:
		case how.CountOnly:
			parent[key] = float64(len(list))
		case how.Unordered:
			sortItems(list)
		}
	}
	items(m, "data")
	if data, ok := m["data"].(map[string]any); ok && (data["resultType"] == "vector" || data["resultType"] == "matrix") {
		items(data, "result")
	}
}

// forget removes members with these names, however deep.
func forget(v any, names ...string) {
	if m, ok := v.(map[string]any); ok {
		for _, name := range names {
			delete(m, name)
		}
		for _, member := range m {
			forget(member, names...)
		}
	}
}

func sortItems(list []any) {
	key := func(v any) string {
		if row, ok := v.(map[string]any); ok && row["metric"] != nil {
			v = row["metric"]
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
}

// differ compares two JSON values; numbers in strings may differ by rounding.
func differ(path string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for k := range w {
			if _, ok := g[k]; !ok {
				return fmt.Sprintf("%s.%s is missing", path, k)
			}
			if d := differ(path+"."+k, w[k], g[k]); d != "" {
				return d
			}
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				return fmt.Sprintf("%s.%s is too many: %.100v", path, k, g[k])
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range min(len(w), len(g)) {
			if d := differ(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); d != "" {
				return d
			}
		}
		if len(w) != len(g) {
			return fmt.Sprintf("%s: want %d items, got %d", path, len(w), len(g))
		}
		return ""
	case string:
		if g, ok := got.(string); ok && (w == g || sameNumber(w, g)) {
			return ""
		}
	default:
		if reflect.DeepEqual(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("%s: want %.300v, got %.300v", path, want, got)
}

func sameNumber(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), math.Abs(y))
}

// shape compares keys and types.
func shape(path string, want, got any) string {
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
		return fmt.Sprintf("%s: want a %T, got a %T", path, want, got)
	}
	switch w := want.(type) {
	case map[string]any:
		g := got.(map[string]any)
		for k := range w {
			if _, ok := g[k]; !ok {
				return fmt.Sprintf("%s.%s is missing", path, k)
			}
			if d := shape(path+"."+k, w[k], g[k]); d != "" {
				return d
			}
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				return fmt.Sprintf("%s.%s is too many", path, k)
			}
		}
	case []any:
		if g := got.([]any); len(w) > 0 && len(g) > 0 {
			return shape(path+"[]", w[0], g[0])
		}
	}
	return ""
}
