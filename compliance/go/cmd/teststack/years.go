package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/stackdata"
)

const (
	years = 3 * 365 * day
	// seriesOfYears are those of a test, longSeriesOfYears those of a bench.
	seriesOfYears, longSeriesOfYears = 20, 1000
)

// years is three years of counters in windows of an hour.
type yearsOf struct {
	stackdata.Long
	store *node
}

// startYears writes them and starts a store gateway.
func (l *lab) startYears(series int) (*yearsOf, error) {
	end := time.Now().UnixMilli()
	end -= end % day
	y := &yearsOf{Long: stackdata.Long{Seed: l.seed, Series: series, From: end - years, To: end, External: map[string]string{"cluster": "old", "replica": "a"}}}
	bucket, err := l.fresh(fmt.Sprintf("years-%d", series))
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := y.WriteBlocks(bucket); err != nil {
		return nil, err
	}
	blocks, err := os.ReadDir(bucket)
	if err != nil {
		return nil, err
	}
	fmt.Printf("  three years of %d series: %d blocks in %.1f s\n", series, len(blocks), time.Since(begin).Seconds())
	y.store, err = l.startStore(filepath.Base(bucket)+"-store", bucket)
	return y, err
}

// stageYears compares answers over three years of windows of an hour with Thanos
// Query's, and what sums up windows with the raw samples that were in them.
func (l *lab) stageYears() error {
	series := seriesOfYears
	if l.soak {
		series = longSeriesOfYears
	}
	y, err := l.startYears(series)
	if err != nil {
		return err
	}
	reference, err := l.startQuery("query-years", []*node{y.store})
	if err != nil {
		return err
	}
	test, err := l.startStand("quarrel-years", []*node{y.store})
	if err != nil {
		return err
	}
	defer l.stop(reference, test, y.store)
	c := l.between(reference, test).at("three years", span{y.From, y.To}).resolved(coarse)
	c.lists, c.least = []string{"years"}, 30
	c.more = []string{"--range", "1090d", "--step", "1d"}
	return errors.Join(l.compare(c), l.summaries(test, y))
}

// summaries compares aggregates over days with those of the raw samples.
func (l *lab) summaries(test *node, y *yearsOf) error {
	checked := 0
	for _, days := range []int64{1, 30, 365} {
		for _, ago := range []int64{1, 100, 700} {
			to := y.To - ago*day
			for i := range 3 {
				want := y.Over(i, to-days*day, to)
				for name, value := range map[string]float64{
					"count": want.Count, "sum": want.Sum, "min": want.Min, "max": want.Max, "avg": want.Sum / want.Count,
				} {
					query := fmt.Sprintf("%s_over_time(long_requests_total{instance=%q}[%dd])", name, y.Labels(i).Get("instance"), days)
					// A window's time is its end less a millisecond.
					rows, err := l.query(test, query, seconds(to-1), "max_source_resolution=1h")
					if err != nil {
						return err
					}
					if len(rows) != 1 {
						return fmt.Errorf("%s: %d series", query, len(rows))
					}
					if got := number(rows[0].Value[1]); math.Abs(got-value) > 1e-9*value {
						return fmt.Errorf("%s at %s: %v, the raw samples had %v", query, seconds(to-1), got, value)
					}
					checked++
				}
			}
		}
	}
	fmt.Printf("  %d summaries of days are those of the raw samples\n", checked)
	return nil
}

// benchYears times queries over three years of 1,000 series.
func (l *lab) benchYears(rounds int) error {
	y, err := l.startYears(longSeriesOfYears)
	if err != nil {
		return err
	}
	quarrel, err := l.startStand("quarrel over three years", []*node{y.store})
	if err != nil {
		return err
	}
	thanos, err := l.startQuery("thanos query over three years", []*node{y.store}, "--query.promql-engine=thanos")
	if err != nil {
		return err
	}
	fmt.Printf("\nThree years of %d series in windows of an hour, a step of a day, medians of %d rounds, milliseconds.\n\n", longSeriesOfYears, rounds)
	fmt.Println("| query | quarrel | Thanos Query | times faster |\n| --- | ---: | ---: | ---: |")
	for _, query := range []string{
		`sum by (job) (rate(long_requests_total[1d]))`, `sum(increase(long_requests_total[1d]))`, `max by (zone) (max_over_time(long_requests_total[1d]))`,
	} {
		var took [2][]time.Duration
		for round := range rounds + 1 {
			for i, n := range []*node{quarrel, thanos} {
				d, err := l.timeRange(n, query, span{y.From + day, y.To}, 24*time.Hour, "max_source_resolution=1h")
				if err != nil {
					return fmt.Errorf("%s: %s: %w", n.name, query, err)
				}
				if round > 0 {
					took[i] = append(took[i], d)
				}
			}
		}
		a, b := median(took[0]), median(took[1])
		fmt.Printf("| `%s` | %.0f | %.0f | %.2f |\n", query, ms(a), ms(b), float64(b)/float64(a))
	}
	return nil
}
