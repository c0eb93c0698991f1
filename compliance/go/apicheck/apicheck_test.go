package apicheck

import (
	"net/http"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	json := http.Header{"Content-Type": {"application/json"}}
	answer := func(status int, body string) Answer { return Answer{status, json, []byte(body)} }
	for _, c := range []struct {
		name      string
		how       How
		want, got Answer
		diff      string
	}{
		{"same", How{}, answer(200, `{"data":[1,"x"]}`), answer(200, `{"data": [1, "x"]}`), ""},
		{"status", How{}, answer(200, `{}`), answer(400, `{}`), "status: want 200, got 400"},
		{"header", How{}, answer(200, `{}`), Answer{200, http.Header{"Content-Type": {"text/html"}}, []byte(`{}`)}, "header Content-Type"},
		{"missing key", How{}, answer(200, `{"a":1,"b":2}`), answer(200, `{"a":1}`), ".b is missing"},
		{"key too many", How{}, answer(200, `{"a":1}`), answer(200, `{"a":1,"b":2}`), ".b is too many"},
		{"value", How{}, answer(200, `{"a":{"b":[1,2]}}`), answer(200, `{"a":{"b":[1,3]}}`), ".a.b[1]: want 2, got 3"},
		{"shorter list", How{}, answer(200, `{"a":[1,2]}`), answer(200, `{"a":[1]}`), "want 2 items, got 1"},
		{"null for a list", How{}, answer(200, `{"a":[]}`), answer(200, `{"a":null}`), ".a: want"},
		{"rounding", How{}, answer(200, `{"a":"1.0000000001"}`), answer(200, `{"a":"1"}`), ""},
		{"other number", How{}, answer(200, `{"a":"1.0001"}`), answer(200, `{"a":"1"}`), ".a: want"},
		{"order", How{}, answer(200, `{"data":["a","b"]}`), answer(200, `{"data":["b","a"]}`), ".data[0]"},
		{"any order", How{Unordered: true}, answer(200, `{"data":["a","b"]}`), answer(200, `{"data":["b","a"]}`), ""},
		{"count", How{CountOnly: true}, answer(200, `{"data":["a","b"]}`), answer(200, `{"data":["c"]}`), ".data: want 2, got 1"},
		{"warnings", How{}, answer(200, `{"warnings":["a","b"]}`), answer(200, `{"warnings":["b","a"]}`), ""},
		{"shape", How{Shape: true}, answer(200, `{"a":1,"b":"x"}`), answer(200, `{"a":2,"b":"y"}`), ""},
		{"shape of another type", How{Shape: true}, answer(200, `{"a":1}`), answer(200, `{"a":"1"}`), ".a: want a float64"},
		{"error text", How{}, answer(400, `{"error":"a"}`), answer(400, `{"error":"b"}`), ".error"},
		{"parse error text", How{ParseError: true}, answer(400, `{"error":"1:2: parse error: x"}`), answer(400, `{"error":"parse error: y"}`), ""},
		{"no JSON", How{}, answer(404, "not found\n"), answer(404, "Not Found\n"), "body: want"},
		{"head only", How{HeadOnly: true}, answer(200, "a"), answer(200, "b"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Compare(Request{How: c.how}, c.want, c.got)
			if (got == "") != (c.diff == "") || !strings.Contains(got, c.diff) {
				t.Errorf("got %q, want %q", got, c.diff)
			}
		})
	}
}
