package results

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"vector", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"NaN"]}]}}`, `vector {a="b"} NaN@1.500`},
		{"matrix", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1e-9"],[2,"+Inf"]]}]}}`, `matrix {} 1e-09@1 +Inf@2`},
		{"scalar", `{"status":"success","data":{"resultType":"scalar","result":[7,"3"]}}`, `scalar {} 3@7`},
		{"string", `{"status":"success","data":{"resultType":"string","result":[7,"text"]}}`, `string text`},
		{"histograms", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[2,"1"]],"histograms":[[1,{"count":"3","sum":"2","buckets":[[0,"-1","1","3"]]}]]}]}}`,
			`matrix {} {count:3 sum:2 0(-1,1):3}@1 1@2`},
		{"error", `{"status":"error","errorType":"bad_data","error":"no"}`, `bad_data: no`},
		{"warnings", `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["w"],"infos":["i"]}`, `vector [w] [i]`},
		{"statistics", `{"status":"success","data":{"resultType":"vector","result":[],"stats":{"timings":{},"samples":{"totalQueryableSamplesPerStep":[[1.5,7]],"samplesReadPerStep":[[1.5,6]]}}}}`, `vector steps [[1.5 7]] [[1.5 6]]`},
		{"nothing", `{}`, `!status "" without data`},
		{"cut off", `{"status":"success","data":{"resultType":"vector","result":[{"metric"`, "!unexpected end"},
		{"no number", `{"status":"success","data":{"resultType":"scalar","result":[7,"x"]}}`, "!invalid syntax"},
		{"number without quotes", `{"status":"success","data":{"resultType":"scalar","result":[7,3]}}`, "!cannot unmarshal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Decode([]byte(c.body))
			if wantErr, ok := strings.CutPrefix(c.want, "!"); ok {
				if err == nil || !strings.Contains(err.Error(), wantErr) {
					t.Errorf("got error %v, want %s", err, wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := text(r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func text(r Result) string {
	if r.ErrType != "" {
		return r.outcome()
	}
	out := r.Type
	for _, s := range r.Series {
		out += " " + describe(s)
	}
	if r.Text != "" {
		out += " " + r.Text
	}
	for _, l := range [][]string{r.Warnings, r.Infos} {
		if len(l) > 0 {
			out += " [" + strings.Join(l, " ") + "]"
		}
	}
	if r.Steps != nil {
		out += fmt.Sprintf(" steps %v %v", r.Steps.Total, r.Steps.Read)
	}
	return out
}

func TestSame(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		a, b float64
		want bool
	}{
		{1, 1, true}, {nan, nan, true}, {nan, 1, false}, {inf, inf, true}, {inf, -inf, false}, {inf, 1e308, false},
		{0, math.Copysign(0, -1), true}, {1, 1 + 1e-10, true}, {1, 1 + 1e-8, false}, {0, 1e-300, false}, {1e-300, 1e-300 * (1 + 1e-10), true},
	} {
		if got := same(c.a, c.b, 1e-9); got != c.want || same(c.b, c.a, 1e-9) != c.want {
			t.Errorf("%v and %v: %v", c.a, c.b, got)
		}
	}
}

func TestAnnotations(t *testing.T) {
	many := strings.Split("abcdefghijkl", "")
	for _, c := range []struct {
		name      string
		want, got []string
		same      bool
	}{
		{"none", nil, nil, true},
		{"in another order", []string{"a", "b"}, []string{"b", "a"}, true},
		{"missing", []string{"a", "b"}, []string{"b"}, false},
		{"twice", []string{"a", "b"}, []string{"b", "b"}, false},
		{"capped", many, append(append([]string{}, many[2:]...), "2 more warning annotations omitted"), true},
		{"capped with another", many, append(append([]string{"x"}, many[3:]...), "2 more warning annotations omitted"), false},
		{"capped, miscounted", many, append(append([]string{}, many[2:]...), "3 more warning annotations omitted"), false},
		{"not capped", many, many, false},
		{"both capped", append(append([]string{}, many[:10]...), "2 more warning annotations omitted"), append(append([]string{}, many[2:]...), "2 more warning annotations omitted"), true},
		{"both capped, miscounted", append(append([]string{}, many[:10]...), "3 more warning annotations omitted"), append(append([]string{}, many[2:]...), "2 more warning annotations omitted"), false},
	} {
		if got := sameAnnotations(c.want, c.got); got != c.same {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
