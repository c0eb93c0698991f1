package main

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/prometheus/prometheus/util/compression"
)

const (
	second = int64(1000)
	hour   = 3600 * second
	// Start of a two-hour block, so that scenarios can fill whole ones.
	epoch = int64(1_700_006_400_000)
)

type scenario struct {
	name  string
	alter func(*tsdb.Options)
	fill  func(*lab) error
}

var scenarios = []scenario{
	{"plain", nil, fillPlain},
	{"zstd", func(o *tsdb.Options) { o.WALCompression = compression.Zstd }, fillPlain},
	{"snappy", func(o *tsdb.Options) { o.WALCompression = compression.Snappy }, fillPlain},
	{"segments", func(o *tsdb.Options) { o.WALSegmentSize = 64 * 1024 }, fillPlain},
	{"outoforder", nil, fillOutOfOrder},
	{"outoforder-cap", func(o *tsdb.Options) { o.OutOfOrderCapMax = 8 }, fillOutOfOrder},
	{"checkpoint", func(o *tsdb.Options) { o.WALSegmentSize = 64 * 1024 }, fillCheckpoint},
	{"reborn", nil, fillReborn},
	{"reborn-checkpoint", func(o *tsdb.Options) { o.WALSegmentSize = 32 * 1024 }, fillReborn},
	{"stale", nil, fillStale},
	{"deleted", nil, fillDeleted},
	{"histograms", nil, fillHistograms},
	{"histograms-st", withST, fillHistograms},
	{"start-timestamps", withST, fillStartTimestamps},
	{"xor2", func(o *tsdb.Options) { o.FloatChunkEncoding = chunkenc.EncXOR2 }, fillPlain},
}

func withST(o *tsdb.Options) {
	o.EnableSTStorage = true
	o.EnableHistogramSTEncoding = true
	o.FloatChunkEncoding = chunkenc.EncXOR2
}

type lab struct {
	db   *tsdb.DB
	rand *rand.Rand
}

func makeAll(root string) error {
	for _, s := range scenarios {
		if err := makeOne(filepath.Join(root, s.name), s.alter, s.fill); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		// So that histograms are read from the log.
		if strings.HasPrefix(s.name, "histograms") {
			if err := os.RemoveAll(filepath.Join(root, s.name, "chunks_head")); err != nil {
				return err
			}
		}
		fmt.Println(s.name)
	}
	return nil
}

func makeOne(dir string, alter func(*tsdb.Options), fill func(*lab) error) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	opts := tsdb.DefaultOptions()
	opts.OutOfOrderTimeWindow = 100 * hour
	opts.RetentionDuration = 0
	opts.NoLockfile = true
	if alter != nil {
		alter(opts)
	}
	db, err := tsdb.Open(dir, promslog.NewNopLogger(), nil, opts, nil)
	if err != nil {
		return err
	}
	db.DisableCompactions()
	if err := fill(&lab{db, rand.New(rand.NewSource(7))}); err != nil {
		return err
	}
	return db.Close()
}

func name(i int) labels.Labels {
	return labels.FromStrings(labels.MetricName, fmt.Sprintf("m%d", i%7), "i", fmt.Sprint(i), "path", "/ü/"+fmt.Sprint(i%3))
}

// commit runs one transaction, as one scrape does.
func (l *lab) commit(fill func(app storage.AppenderV2) error) error {
	app := l.db.AppenderV2(context.Background())
	if err := fill(app); err != nil {
		return err
	}
	return app.Commit()
}

func (l *lab) float(app storage.AppenderV2, series int, t int64, v float64) error {
	_, err := app.Append(0, name(series), 0, t, v, nil, nil, storage.AOptions{})
	return err
}

// scrapes writes samples of some series at a pace, with jitter.
func (l *lab) scrapes(series []int, from, to, pace int64) error {
	for t := from; t < to; t += pace {
		err := l.commit(func(app storage.AppenderV2) error {
			for _, s := range series {
				if err := l.float(app, s, t+int64(s%5), math.Floor(l.rand.NormFloat64()*100)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func upTo(n int) []int {
	var all []int
	for i := range n {
		all = append(all, i)
	}
	return all
}

func fillPlain(l *lab) error {
	if err := l.scrapes(upTo(40), epoch, epoch+hour, 15*second); err != nil {
		return err
	}
	// Values that are special, and a record of more than a page.
	for i, v := range []float64{math.Inf(1), math.NaN(), math.Float64frombits(value.StaleNaN), math.Copysign(0, -1)} {
		err := l.commit(func(app storage.AppenderV2) error { return l.float(app, 1, epoch+hour+int64(i), v) })
		if err != nil {
			return err
		}
	}
	return l.scrapes(upTo(5000), epoch+hour+10*second, epoch+hour+30*second, 15*second)
}

func fillOutOfOrder(l *lab) error {
	if err := l.scrapes(upTo(20), epoch, epoch+hour, 15*second); err != nil {
		return err
	}
	// Between existing samples, more than an out-of-order chunk holds.
	if err := l.scrapes([]int{1, 2}, epoch+7*second, epoch+hour/2, 30*second); err != nil {
		return err
	}
	// At the times of existing samples, with other values.
	if err := l.scrapes([]int{3, 4}, epoch, epoch+hour/4, 15*second); err != nil {
		return err
	}
	// The same times out of order twice, backwards, and at random.
	for range 2 {
		for t := epoch + hour/2; t > epoch; t -= 97 * second {
			if err := l.scrapes([]int{5, 6}, t, t+1, second); err != nil {
				return err
			}
		}
	}
	for range 500 {
		t := epoch + l.rand.Int63n(hour/second)*second
		if err := l.scrapes([]int{7, 8, 100}, t, t+1, second); err != nil {
			return err
		}
	}
	return l.scrapes(upTo(20), epoch+hour, epoch+hour+hour/4, 15*second)
}

// fillCheckpoint makes blocks, so that the head is truncated twice.
func fillCheckpoint(l *lab) error {
	for i := range int64(4) {
		from := epoch + i*2*hour
		// Some series end, others begin.
		if err := l.scrapes(upTo(60)[10*i:20+10*i], from, from+2*hour, 30*second); err != nil {
			return err
		}
		if err := l.db.Compact(context.Background()); err != nil {
			return err
		}
	}
	return l.scrapes(upTo(60), epoch+8*hour, epoch+8*hour+hour/4, 30*second)
}

// fillReborn lets the head drop series, which return with another series
// reference.
func fillReborn(l *lab) error {
	if err := l.scrapes(upTo(20), epoch, epoch+hour, 15*second); err != nil {
		return err
	}
	if err := l.scrapes(upTo(5), epoch+hour, epoch+6*hour, 30*second); err != nil {
		return err
	}
	if err := l.db.Compact(context.Background()); err != nil {
		return err
	}
	if err := l.scrapes(upTo(30), epoch+6*hour, epoch+7*hour, 30*second); err != nil {
		return err
	}
	// Out of order for a series of either kind.
	return l.scrapes([]int{1, 17}, epoch+6*hour+second, epoch+6*hour+hour/2, 60*second)
}

func fillStale(l *lab) error {
	if err := l.scrapes(upTo(20), epoch, epoch+hour, 15*second); err != nil {
		return err
	}
	err := l.commit(func(app storage.AppenderV2) error {
		for s := range 10 {
			if err := l.float(app, s, epoch+hour+100, math.Float64frombits(value.StaleNaN)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.db.CompactStaleHead(); err != nil {
		return err
	}
	return l.scrapes(upTo(20)[5:], epoch+hour+hour/2, epoch+2*hour, 15*second)
}

func fillDeleted(l *lab) error {
	if err := l.scrapes(upTo(20), epoch, epoch+hour, 15*second); err != nil {
		return err
	}
	for _, r := range [][2]int64{{0, 10}, {30, 40}, {8, 33}, {50, 51}, {52, 90}} {
		m := labels.MustNewMatcher(labels.MatchRegexp, "i", "1.?|5")
		from, to := epoch+r[0]*60*second, epoch+r[1]*60*second
		if err := l.db.Delete(context.Background(), from, to, m); err != nil {
			return err
		}
	}
	return l.scrapes(upTo(20), epoch+hour, epoch+hour+hour/4, 15*second)
}

func fillHistograms(l *lab) error {
	add := func(series int, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram) error {
		return l.commit(func(app storage.AppenderV2) error {
			_, err := app.Append(0, name(series), st, t, v, h, fh, storage.AOptions{})
			return err
		})
	}
	stale := math.Float64frombits(value.StaleNaN)
	for i := range int64(60) {
		t, st := epoch+i*15*second, epoch-i%3
		for s := range 5 {
			var err error
			switch s {
			case 0:
				err = add(s, st, t, 0, tsdbutil.GenerateTestHistogram(i), nil)
			case 1:
				err = add(s, st, t, 0, nil, tsdbutil.GenerateTestFloatHistogram(i))
			case 2:
				err = add(s, st, t, 0, tsdbutil.GenerateTestCustomBucketsHistogram(i), nil)
			case 3:
				err = add(s, st, t, 0, nil, tsdbutil.GenerateTestCustomBucketsFloatHistogram(i))
			case 4:
				// All types, one after the other.
				switch i / 5 % 3 {
				case 0:
					err = add(s, st, t, float64(i), nil, nil)
				case 1:
					err = add(s, st, t, 0, tsdbutil.GenerateTestGaugeHistogram(i), nil)
				case 2:
					err = add(s, st, t, 0, nil, tsdbutil.GenerateTestGaugeFloatHistogram(i))
				}
			}
			if err == nil && i%20 == 19 {
				err = add(s, 0, t+second, stale, nil, nil)
			}
			if err != nil {
				return err
			}
		}
	}
	// Out of order.
	for i := range int64(50) {
		t := epoch + i*15*second + 7
		if err := add(0, 0, t, 0, tsdbutil.GenerateTestHistogram(i), nil); err != nil {
			return err
		}
		if err := add(1, 0, t, 0, nil, tsdbutil.GenerateTestFloatHistogram(i)); err != nil {
			return err
		}
		if err := add(4, 0, t, float64(i), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func fillStartTimestamps(l *lab) error {
	for i := range int64(300) {
		err := l.commit(func(app storage.AppenderV2) error {
			for s := range 10 {
				st := int64(0)
				if int64(s) < 5 && i > int64(s)*20 {
					st = epoch - 1000 + i/int64(s+1)
				}
				t := epoch + i*15*second
				if _, err := app.Append(0, name(s), st, t, float64(i), nil, nil, storage.AOptions{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// makeWAL writes a head without chunk files.
func makeWAL(dir string, series, samples int) error {
	fill := func(l *lab) error {
		refs := make([]storage.SeriesRef, series)
		for i := range samples {
			t := epoch + int64(i)*10*second
			app := l.db.AppenderV2(context.Background())
			for s := range series {
				ref, err := app.Append(refs[s], name(s), 0, t, float64(i*(s%9))+float64(s), nil, nil, storage.AOptions{})
				if err != nil {
					return err
				}
				refs[s] = ref
			}
			if err := app.Commit(); err != nil {
				return err
			}
		}
		return nil
	}
	start := time.Now()
	if err := makeOne(dir, nil, fill); err != nil {
		return err
	}
	fmt.Printf("written in %d ms\n", time.Since(start).Milliseconds())
	return os.RemoveAll(filepath.Join(dir, "chunks_head"))
}
