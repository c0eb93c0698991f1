package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// rights are queries with one number as answer, which follows from what the
// torture block holds.
func rights() map[string]float64 {
	mid, big := float64(fixtures.TortureMid), float64(fixtures.TortureBig)
	perGroup := mid / fixtures.TortureMidGroups
	// Sample n of a histogram counts n+1.
	last := float64(fixtures.TortureSteps)
	return map[string]float64{
		`count(mid)`:             mid,
		`sum(mid)`:               mid * (mid - 1) / 2,
		`max(mid{c="c-007"})`:    mid - fixtures.TortureMidGroups + 7,
		`count(mid{c="c-007"})`:  perGroup,
		`mid{pod="pod-004321"}`:  4321,
		`count(sum by (c)(mid))`: fixtures.TortureMidGroups,
		`max(topk(3, mid))`:      mid - 1,
		`count(mid{pod=~"pod-00000[0-4]|(?i)POD-000010"})`:             6,
		`sum(count_over_time(mid[5m]))`:                                4 * mid,
		`count(x)`:                                                     fixtures.BenchSeries,
		`sum(count_over_time(x[7h]))`:                                  fixtures.BenchSeries * fixtures.BenchSamples,
		`sum(histogram_count(latency))`:                                last * fixtures.TortureHistograms,
		`histogram_sum(latency{pod="pod-000003"})`:                     last,
		`count(mid * on (pod) group_left (version) target_info)`:       fixtures.TortureTargets,
		`sum(big{c="c-123"})`:                                          123*big/1000 + 1000*(big/1000)*(big/1000-1)/2,
		`count(label_join(mid{c="c-001"}, "x", "-", "c", "pod"))`:      perGroup,
		`count(mid{c="c-001"} or mid{c="c-002"} or mid{c="c-001"})`:    2 * perGroup,
		`count(mid unless on (pod) target_info)`:                       mid - fixtures.TortureTargets,
		`sum(max_over_time(mid{c="c-002"}[1m:15s]) == mid{c="c-002"})`: perGroup*2 + fixtures.TortureMidGroups*perGroup*(perGroup-1)/2,
	}
}

// rightAnswers asks all of them and says which answers are wrong.
func rightAnswers(url string) (asked int, wrong []string) {
	all := rights()
	for query, want := range all {
		got, err := number(url, query)
		if err != nil || math.Abs(got-want) > 1e-9*math.Abs(want) {
			wrong = append(wrong, fmt.Sprintf("%s: got %v, want %v, error %v", query, got, want, err))
		}
	}
	return len(all), wrong
}

// number is the value of a query with one row.
func number(url, query string) (float64, error) {
	req := instant(query)
	resp, err := http.Get(url + req.path + "?" + req.form.Encode())
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var parsed struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &parsed); err != nil {
		return 0, fmt.Errorf("%w: %.200s", err, body)
	}
	if parsed.Error != "" || len(parsed.Data.Result) != 1 {
		return 0, fmt.Errorf("status %d, %d rows, error %q", resp.StatusCode, len(parsed.Data.Result), parsed.Error)
	}
	text, _ := parsed.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}
