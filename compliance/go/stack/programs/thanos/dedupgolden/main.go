// Dedupgolden prints what Thanos's deduplication makes of replicas: cases in JSON,
// a line each, for functions/tests/penalty.rs.
//
//	go run -tags slicelabels ./dedupgolden > PATH/functions/tests/data/penalty.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/thanos-io/thanos/pkg/dedup"
)

const (
	cases   = 200
	longest = 40
)

type point struct {
	t int64
	v float64
}

func (p point) T() int64                      { return p.t }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.v }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

// replicas are the series of a set, which have the same labels.
type replicas struct {
	series []storage.Series
	at     int
}

func (r *replicas) Next() bool                        { r.at++; return r.at <= len(r.series) }
func (r *replicas) At() storage.Series                { return r.series[r.at-1] }
func (r *replicas) Err() error                        { return nil }
func (r *replicas) Warnings() annotations.Annotations { return nil }

// golden is a line: times and values of each replica, and what Thanos makes of them.
type golden struct {
	Counter  bool        `json:"counter"`
	Times    [][]int64   `json:"times"`
	Values   [][]float64 `json:"values"`
	Expected [][2]int64  `json:"expected"`
}

// replica is scraped every 15 seconds or so, and misses some scrapes.
func replica(random *rand.Rand) ([]int64, []float64) {
	var (
		times  []int64
		values []float64
	)
	time, value := random.Int63n(40_000), float64(random.Intn(100))
	for i := random.Intn(longest); i > 0; i-- {
		switch random.Intn(12) {
		case 0:
			time += random.Int63n(200_000)
		case 1:
			time += 1 + random.Int63n(10_000)
		default:
			time += 15_000
		}
		if random.Intn(15) == 0 {
			value = 0
		}
		value += float64(random.Intn(10))
		if random.Intn(8) > 0 && (len(times) == 0 || times[len(times)-1] < time) {
			times, values = append(times, time), append(values, value)
		}
	}
	return times, values
}

func deduplicated(c golden) ([][2]int64, error) {
	function := "avg_over_time"
	if c.Counter {
		function = "rate"
	}
	set := &replicas{}
	for i, times := range c.Times {
		var samples []chunks.Sample
		for j, t := range times {
			samples = append(samples, point{t, c.Values[i][j]})
		}
		set.series = append(set.series, storage.NewListSeries(labels.FromStrings("a", "b"), samples))
	}
	united := dedup.NewSeriesSet(set, function, dedup.AlgorithmPenalty)
	out := [][2]int64{}
	for united.Next() {
		it := united.At().Iterator(nil)
		for it.Next() != chunkenc.ValNone {
			t, v := it.At()
			if v != float64(int64(v)) {
				return nil, fmt.Errorf("%v is no integer", v)
			}
			out = append(out, [2]int64{t, int64(v)})
		}
		if it.Err() != nil {
			return nil, it.Err()
		}
	}
	return out, united.Err()
}

func main() {
	random := rand.New(rand.NewSource(1))
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for i := 0; i < cases; i++ {
		c := golden{Counter: i%2 == 0}
		for count := 2 + random.Intn(3); count > 0; count-- {
			times, values := replica(random)
			if times == nil {
				times, values = []int64{}, []float64{}
			}
			c.Times, c.Values = append(c.Times, times), append(c.Values, values)
		}
		var err error
		if c.Expected, err = deduplicated(c); err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(c); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
