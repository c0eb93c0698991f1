package apicheck

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// head is the bytes of a request without a body.
func head(method, target string, lines ...string) string {
	out := method + " " + target + " HTTP/1.1\r\nHost: %HOST%\r\n"
	for _, l := range lines {
		out += l + "\r\n"
	}
	return out + "\r\n"
}

// wire are requests as some clients send them, byte for byte.
func wire() []Request {
	var out []Request
	add := func(how How, wires ...string) {
		for _, w := range wires {
			out = append(out, Request{Wire: w, How: how})
		}
	}
	get := func(target string) string { return head("GET", target) }
	query := "/api/v1/query?time=" + at + "&query="
	// What clients do not escape.
	for _, q := range []string{
		`up{job="api"}`, `up{job=~"api|web"}>0`, `up<1`, `up>=1`, `{"my.dotted.metric"}`, "{\"sp\xc3\xa4\xc3\x9fe_total\"}", "up[1m]", "2^3", "`raw`", `"back\\slash"`, "up#comment", "up%23comment", `label_replace(up,"a","\xc3\xbc","","")`, "1+1", "1%2B1", "sum(up)by(job)", `"~!@$*()_-=[]{}|:<>,./?"`, `"a?b=c"`, "up/*x*/",
	} {
		add(How{Unordered: true, ParseError: true}, get(query+q))
	}
	// Bytes that are not UTF-8.
	for _, q := range []string{"\"\xff\"", "%22%FF%22", "up{job=\"\xff\"}", "up{job=%22a%FFi%22}", "\xff", "%C3", "up%23%FF", "{%22\xc3%22=%22a%22}", "%22\\xff%22", "count(label_replace(up,%22a%22,%22\\xff%22,%22%22,%22%22))", "%EF%BF%BD", "%22%EF%BF%BD%22", "up{job=%22%EF%BF%BD%22}", "up%23%EF%BF%BD"} {
		add(How{Unordered: true, ParseError: true}, get(query+q), get("/api/v1/format_query?query="+q), get("/api/v1/series?match[]="+q), get("/api/v1/labels?match[]="+q))
	}
	for _, p := range []string{"time", "limit", "timeout", "lookback_delta", "start", "end", "step", "match[]"} {
		for _, path := range []string{"query", "query_range", "labels", "series", "metadata", "query_exemplars"} {
			add(How{Unordered: true, ParseError: true}, get("/api/v1/"+path+"?"+p+"=\xff&query=1&time=5&start=5&end=6&step=1&match[]=up"), get("/api/v1/"+path+"?"+p+"=a%FFb%C3%BC&query=1&time=5&start=5&end=6&step=1&match[]=up"))
		}
	}
	// Odd targets.
	add(How{Unordered: true},
		get("/api/v1/label/job\"/values"), get("/api/v1/label/\xff/values"), get("/api/v1/label/\xc3\xbc/values"), get("/api/v1/label/a|b/values"),
		get("/api/v1/query?"), get("/api/v1/query"), get("/api/v1/labels?match[]={__name__=\"up\"}"), get("/api/v1/labels?match[]={__name__=~\".+\",}"),
		get("/api/v1/series?match[]=up{job=\"api\"}&match[]=ties"),
		get("//api/v1/query?query=\"a\"&time=5"), get("/api//v1/query?query=\"a\"&b=\xff"), get("/api/v1/query/../query?query=1"),
		get("http://example.org/api/v1/query?query=\"a\"&time=5"), get("http://example.org/api/v1/query?query=1&time=5"), get("HTTP://example.org/api/v1/query?query={}&time=5"),
		get("http://example.org?a=\""), get("*"), get("api\""), get("ftp://x/\""), get("/a\x7f"), get("/\"\x01"),
		get("/nope\""), get("/%zz\""), get("/%zz"), get("/api/v1/query?query=%zz&time=5"), get("/api/v1/series?match[]=up&a=%zz"), get("/api/v1/series?match[]=up&a=%\xffa"), get("/api/v1/series?match[]=up;b"),
		"GET /api/v1/query?query=\"a b\"&time=5 HTTP/1.1\r\nHost: %HOST%\r\n\r\n", "GET  /api/v1/query HTTP/1.1\r\nHost: %HOST%\r\n\r\n", "GET /\" \r\n\r\n", "GET /\"\r\n\r\n",
		"GET /api/v1/query?query=\"a\"&time=5 HTTP/1.0\r\n\r\n", "GET /api/v1/query?query=\"a\"&time=5 HTTP/1.1\nHost: %HOST%\n\n", "GET /api/v1/query?query=\"a\"&time=5 HTTP/1.1\r\n\r\n",
		"POST /api/v1/query?query=\"a\" HTTP/1.1\r\nHost: %HOST%\r\nContent-Length: 6\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\ntime=5",
		"POST /api/v1/query?query=\"a\" HTTP/1.1\r\nHost: %HOST%\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n6\r\ntime=5\r\n0\r\n\r\n",
	)
	// Long targets and large heads.
	for _, size := range []int{16 << 10, 65_000, 65_534, 65_535, 65_536, 200_000, 900_000} {
		long := "1%20%23" + strings.Repeat("a", size)
		add(How{Unordered: true}, get("/api/v1/query?time=5&query="+long), get("/api/v1/query?time=5&query=1&x="+long[3:]))
		job := `up{job=~"api|` + strings.Repeat("b", size) + `"}`
		add(How{Unordered: true}, get(query+job), get(query+url.QueryEscape(job)))
		add(How{Unordered: true}, head("GET", "/api/v1/query?query=1&time=5", "X-Long: "+strings.Repeat("a", size)))
		add(How{Unordered: true}, head("GET", "/api/v1/query?query=1&time=5", "Cookie: "+strings.Repeat("a=b; ", size/5)))
	}
	for _, lines := range []int{90, 98, 99, 100, 101, 150, 1_000, 20_000} {
		add(How{Unordered: true}, head("GET", query+"sum(up)", strings.Split(strings.TrimSuffix(strings.Repeat("X-Many: a\n", lines), "\n"), "\n")...))
		var different []string
		for i := range lines {
			different = append(different, fmt.Sprintf("X-%d: a", i))
		}
		different = append(different, "Origin: http://example.org", "Accept-Encoding: gzip")
		add(How{Unordered: true}, head("GET", query+"sum({__name__=\"up\"})", different...))
		body := "query=sum(up)&time=" + at
		different = append(different, "Content-Type: application/x-www-form-urlencoded", fmt.Sprintf("Content-Length: %d", len(body)))
		add(How{Unordered: true}, head("POST", "/api/v1/query", different...)+body)
	}
	return out
}

// forms are the ways in which parameters are sent.
func forms() []Request {
	var out []Request
	const path, pairs = "/api/v1/query", "application/x-www-form-urlencoded"
	parts := func(lineEnd string, fields ...string) string {
		var b strings.Builder
		for i := 0; i < len(fields); i += 2 {
			for _, line := range []string{"--X", `Content-Disposition: form-data; name="` + fields[i] + `"`, "", fields[i+1]} {
				b.WriteString(line + lineEnd)
			}
		}
		return b.String() + "--X--" + lineEnd
	}
	add := func(method, target, contentType, body string) {
		wire := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %%HOST%%\r\nContent-Length: %d\r\n", method, target, len(body))
		if contentType != "" {
			wire += "Content-Type: " + contentType + "\r\n"
		}
		out = append(out, Request{Wire: wire + "\r\n" + body, How: How{Unordered: true, ParseError: true}})
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, kind := range []string{
			pairs, pairs + "; charset=utf-8", pairs + ";", pairs + "; charset", pairs + "; a=1; a=2", pairs + "; a=1; a=1", "Application/X-WWW-Form-URLencoded", " " + pairs, pairs + "; a=\"b", pairs + ";;", pairs + "x",
			"", "text/plain", "application/json", "a b", "/", "a/", "a/b/c", ";", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=X", "\xff", "application/\xff",
		} {
			add(method, path, kind, "query=2&time=6")
			add(method, path+"?query=1&time=5", kind, "query=2&time=6")
			add(method, path+"?time=5", kind, "query=2")
			add(method, "/api/v1/series?match[]=up", kind, "match[]=ties&start="+at)
			add(method, "/api/v1/series", kind, "match[]=ties")
			add(method, "/api/v1/labels?match[]=up", kind, "match[]=half_a")
		}
		for _, kind := range []string{"multipart/form-data; boundary=X", "multipart/form-data; boundary=\"X\"", "Multipart/Form-Data; Boundary=X; charset=utf-8", "multipart/form-data; boundary=Y", "multipart/form-data; boundary=X; boundary=Y"} {
			for _, lineEnd := range []string{"\r\n", "\n"} {
				add(method, path+"?query=1&time=5", kind, parts(lineEnd, "query", "2", "time", "6"))
				add(method, path, kind, parts(lineEnd, "query", "2", "time", "6"))
				add(method, path, kind, parts(lineEnd, "time", "6", "query", "\"a\r\nb\"", "query", "3"))
				add(method, "/api/v1/series?match[]=up", kind, parts(lineEnd, "match[]", "ties"))
				add(method, "/api/v1/series", kind, parts(lineEnd, "match[]", "ties"))
				add(method, "/api/v1/labels?match[]=up", kind, parts(lineEnd, "match[]", "half_a"))
				add(method, path+"?time=5", kind, strings.Replace(parts(lineEnd, "query", "2"), "--X--", "--X", 1))
				add(method, path+"?time=5", kind, "preamble"+lineEnd+parts(lineEnd, "query", "2"))
				add(method, path+"?time=5", kind, strings.Replace(parts(lineEnd, "query", "2"), "form-data;", "form-data; filename=\"a\";", 1))
				add(method, path+"?time=5", kind, strings.Replace(parts(lineEnd, "query", "2"), "\"query\"", "query", 1))
				add(method, path+"?time=5", kind, strings.Replace(parts(lineEnd, "query", "2"), "form-data;", "attachment;", 1))
			}
		}
		add(method, path+"?query=1&time=5", pairs, "query=%zz")
		add(method, path+"?query=1&time=5", pairs, "query=2;time=6")
		add(method, path+"?query=1&time=5", pairs, "")
		add(method, path+"?query=%zz&time=5", pairs, "query=2")
		add(method, path+"?query=1&time=5", pairs, "query=")
		add(method, "/api/v1/series?match[]=%zz", pairs, "match[]=up&a=%xx")
		add(method, path+"?query=1&time=5", pairs, strings.Repeat("a", 11<<20))
		add(method, "/api/v1/series?match[]=up", pairs, strings.Repeat("a", 11<<20))
		add(method, path+"?query=1&time=5", pairs, strings.Repeat("a&", 10_001)+"query=2")
	}
	for _, p := range []string{"query=1&query=2&time=5", "query=1&time=5&time=x", "time=5&query=&query=1", "match[]=up&match[]=ties"} {
		add(http.MethodGet, "/api/v1/query?"+p, "", "")
		add(http.MethodPost, path, pairs, p)
		add(http.MethodPost, "/api/v1/series", pairs, p)
	}
	return out
}
