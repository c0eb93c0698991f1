package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// dump prints one line for each series: labels, number of samples, and a
// digest of them. A start that finds the log torn leaves the out-of-order log
// unread, so that only a second start sees all that is left.
func dump(dir string, twice bool) error {
	if err := dropBlocks(dir); err != nil {
		return err
	}
	fmt.Printf("dir %s\n", dir)
	db, err := open(dir)
	if err != nil {
		fmt.Printf("error %v\nend\n", err)
		return nil
	}
	if twice {
		if err := db.Close(); err != nil {
			return err
		}
		if db, err = open(dir); err != nil {
			return err
		}
	}
	defer db.Close()
	// After the end of the blocks there is only the head.
	from := int64(math.MinInt64)
	for _, b := range db.Blocks() {
		from = max(from, b.Meta().MaxTime)
	}
	q, err := db.Querier(from, math.MaxInt64)
	if err != nil {
		return err
	}
	defer q.Close()
	return dumpSeries(q)
}

// dropBlocks deletes the blocks from which a start takes nothing for the head:
// all if a checkpoint holds the same, else those made of some series or of
// samples out of order.
func dropBlocks(dir string) error {
	checkpoints, err := filepath.Glob(filepath.Join(dir, "wal", "checkpoint.*"))
	if err != nil {
		return err
	}
	metas, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil {
		return err
	}
	for _, meta := range metas {
		text, err := os.ReadFile(meta)
		if err != nil {
			return err
		}
		if len(checkpoints) == 0 && !bytes.Contains(text, []byte(`"hints"`)) {
			continue
		}
		if err := os.RemoveAll(filepath.Dir(meta)); err != nil {
			return err
		}
	}
	return nil
}

func open(dir string) (*tsdb.DB, error) {
	opts := tsdb.DefaultOptions()
	opts.OutOfOrderTimeWindow = int64(100 * time.Hour / time.Millisecond)
	opts.RetentionDuration = 0
	opts.NoLockfile = true
	withST(opts)
	db, err := tsdb.Open(dir, promslog.NewNopLogger(), nil, opts, nil)
	if err == nil {
		db.DisableCompactions()
	}
	return db, err
}

func dumpSeries(q storage.Querier) error {
	all := labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, ".*")
	set := q.Select(context.Background(), true, nil, all)
	for set.Next() {
		s := set.At()
		n, digest, err := digestOf(s.Iterator(nil))
		if err != nil {
			return err
		}
		if n > 0 {
			fmt.Printf("series %s %d %016x\n", labelLine(s.Labels()), n, digest)
		}
	}
	fmt.Println("end")
	return set.Err()
}

// labelLine is the labels without a space between them.
func labelLine(ls labels.Labels) string {
	line := ""
	ls.Range(func(l labels.Label) {
		line += fmt.Sprintf("%s=%x;", l.Name, l.Value)
	})
	return line
}

type digester struct{ h hash.Hash64 }

func (d digester) word(x uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], x)
	d.h.Write(b[:])
}

func (d digester) float(f float64) { d.word(math.Float64bits(f)) }

func (d digester) floats(fs []float64) {
	d.word(uint64(len(fs)))
	for _, f := range fs {
		d.float(f)
	}
}

func (d digester) spans(spans []histogram.Span) {
	d.word(uint64(len(spans)))
	for _, s := range spans {
		d.word(uint64(int64(s.Offset)))
		d.word(uint64(s.Length))
	}
}

func digestOf(it chunkenc.Iterator) (n int, digest uint64, err error) {
	d := digester{fnv.New64a()}
	for vt := it.Next(); vt != chunkenc.ValNone; vt = it.Next() {
		n++
		d.word(uint64(it.AtT()))
		d.word(uint64(it.AtST()))
		switch vt {
		case chunkenc.ValFloat:
			_, v := it.At()
			d.float(v)
		case chunkenc.ValHistogram:
			_, h := it.AtHistogram(nil)
			d.histogram(h)
		case chunkenc.ValFloatHistogram:
			_, h := it.AtFloatHistogram(nil)
			d.floatHistogram(h)
		}
	}
	return n, d.h.Sum64(), it.Err()
}

// stale markers in a chunk carry nothing but their sum.
func (d digester) histogram(h *histogram.Histogram) {
	d.float(h.Sum)
	if math.Float64bits(h.Sum) == 0x7ff0000000000002 {
		return
	}
	d.word(uint64(int64(h.Schema)))
	d.float(h.ZeroThreshold)
	d.word(h.ZeroCount)
	d.word(h.Count)
	d.spans(h.PositiveSpans)
	d.spans(h.NegativeSpans)
	for _, buckets := range [][]int64{h.PositiveBuckets, h.NegativeBuckets} {
		d.word(uint64(len(buckets)))
		for _, b := range buckets {
			d.word(uint64(b))
		}
	}
	d.floats(h.CustomValues)
}

func (d digester) floatHistogram(h *histogram.FloatHistogram) {
	d.float(h.Sum)
	if math.Float64bits(h.Sum) == 0x7ff0000000000002 {
		return
	}
	d.word(uint64(int64(h.Schema)))
	d.float(h.ZeroThreshold)
	d.float(h.ZeroCount)
	d.float(h.Count)
	d.spans(h.PositiveSpans)
	d.spans(h.NegativeSpans)
	d.floats(h.PositiveBuckets)
	d.floats(h.NegativeBuckets)
	d.floats(h.CustomValues)
}

func timeStart(dir string) error {
	start := time.Now()
	db, err := open(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%d ms\n", time.Since(start).Milliseconds())
	return db.Close()
}
