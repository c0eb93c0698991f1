// Command regexcost measures what Prometheus's regular expressions cost on
// hostile patterns. The bench "pathological" of quarrel's matchers measures the
// same.
//
// Usage: go run ./cmd/regexcost < ../../matchers/benches/pathological.jsonl
//
// It prints, for each pattern, microseconds to make a matcher, microseconds of
// its first match and of a later one, and the kilobytes that making and matching
// allocated and that the matcher holds then.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/grafana/regexp"
)

type entry struct {
	Name    string  `json:"name"`
	Pattern string  `json:"pattern"`
	Value   [][]any `json:"value"`
}

func (e entry) text() string {
	var text strings.Builder
	for _, part := range e.Value {
		text.WriteString(strings.Repeat(part[0].(string), int(part[1].(float64))))
	}
	return text.String()
}

const rounds = 9

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	fmt.Printf("%-32s %10s %10s %10s %10s %10s\n", "pattern", "make us", "first us", "match us", "alloc KB", "held KB")
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			log.Fatal(err)
		}
		measure(e)
	}
}

func measure(e entry) {
	value := e.text()
	// As Prometheus does, without its shortcuts for simple patterns.
	build := func() *regexp.Regexp { return regexp.MustCompile("^(?s:" + e.Pattern + ")$") }
	var made, first, later []float64
	for range rounds {
		begin := time.Now()
		re := build()
		made = append(made, micros(begin))
		begin = time.Now()
		re.MatchString(value)
		first = append(first, micros(begin))
		begin = time.Now()
		re.MatchString(value)
		later = append(later, micros(begin))
	}
	before := memory()
	re := build()
	re.MatchString(value)
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	allocated := now.TotalAlloc - before.TotalAlloc
	held := memory().HeapAlloc - before.HeapAlloc
	runtime.KeepAlive(re)
	fmt.Printf("%-32s %10.1f %10.1f %10.1f %10.1f %10.1f\n", e.Name, median(made), median(first), median(later), float64(allocated)/1024, float64(int64(held))/1024)
}

func memory() runtime.MemStats {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats
}

func micros(begin time.Time) float64 {
	return float64(time.Since(begin).Nanoseconds()) / 1000
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
