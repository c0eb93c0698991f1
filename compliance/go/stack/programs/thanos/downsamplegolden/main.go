// Command downsamplegolden writes blocks and downsamples them as Thanos's Compactor
// does, so that quarrel's reader of downsampled chunks is tested on real ones.
//
// Usage, in the folder of this module:
//
//	go run -tags slicelabels ./downsamplegolden -out ../../../../../storage/testdata/downsampled \
//	  > ../../../../../chunks/tests/data/downsampled.jsonl
//
// The folder out gets a folder for each resolution, raw, 5m and 1h, with one block
// for each part of the time: 160 hours with a sample each ten minutes, and twice 14
// hours with one each minute. It also prints, for chunks/tests/data, the first chunk
// of each series of the second part at one hour: a line each, with the bytes and what
// Thanos reads of them.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"

	gokit "github.com/go-kit/log"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/thanos-io/thanos/pkg/block/metadata"
	"github.com/thanos-io/thanos/pkg/compact/downsample"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
	// base is a full hour, in ms.
	base = 498720 * hour
)

// part is a block's time.
type part struct {
	from, to, step int64
}

var parts = []part{
	{base - 160*hour, base, 10 * minute},
	{base, base + 14*hour, minute},
	{base + 14*hour, base + 28*hour, minute},
}

// point is a sample of any kind.
type point struct {
	t  int64
	v  float64
	fh *histogram.FloatHistogram
	h  *histogram.Histogram
}

func (p point) T() int64                      { return p.t }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.v }
func (p point) H() *histogram.Histogram       { return p.h }
func (p point) FH() *histogram.FloatHistogram { return p.fh }
func (p point) Copy() chunks.Sample           { return p }
func (p point) Type() chunkenc.ValueType {
	switch {
	case p.h != nil:
		return chunkenc.ValHistogram
	case p.fh != nil:
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

// times are those of all parts, in order, with the offset of a scrape.
func times(of []part) []int64 {
	var out []int64
	for _, p := range of {
		for t := p.from; t < p.to; t += p.step {
			out = append(out, t+7_000)
		}
	}
	return out
}

// random is a small generator, so that the data never change.
type random uint64

func (r *random) next(n int64) int64 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return int64(uint64(*r)>>33) % n
}

type series struct {
	name string
	data []point
}

// counter grows by whole numbers and is reset at the times that resets says.
func counter(name string, step float64, resets func(i int, t int64) bool) series {
	r := random(len(name))
	var data []point
	total := 1000.0
	for i, t := range times(parts) {
		if resets(i, t) {
			total = 0
		}
		total += float64(r.next(10)) * step
		data = append(data, point{t: t, v: total})
	}
	return series{name, data}
}

func gauge() series {
	r := random(77)
	var data []point
	level := 50.0
	for i, t := range times(parts) {
		level += float64(r.next(21)-10) / 8
		v := level
		switch {
		// Half a day without samples, and hours with some.
		case t >= base-100*hour && t < base-88*hour:
			continue
		case t >= base+3*hour && t < base+6*hour && r.next(4) > 0:
			continue
		case i%501 == 500:
			v = math.Float64frombits(value.StaleNaN)
		}
		data = append(data, point{t: t, v: v})
	}
	return series{"gauge", data}
}

// histograms of part two, whose counter is reset now and then.
func histograms(name string, gauge bool) series {
	r := random(5)
	hint := histogram.UnknownCounterReset
	if gauge {
		hint = histogram.GaugeType
	}
	buckets := []int64{0, 0, 0}
	var data []point
	for i, t := range times(parts[1:2]) {
		if i%4 > 0 {
			continue
		}
		if !gauge && (i == 300 || i == 640) {
			buckets = []int64{0, 0, 0}
		}
		count := int64(0)
		for b := range buckets {
			if gauge {
				buckets[b] = r.next(20)
			} else {
				buckets[b] += r.next(5)
			}
			count += buckets[b]
		}
		h := &histogram.Histogram{
			CounterResetHint: hint,
			Schema:           0,
			ZeroThreshold:    0.001,
			Count:            uint64(count),
			Sum:              float64(count) * 1.5,
			PositiveSpans:    []histogram.Span{{Offset: 0, Length: 3}},
			PositiveBuckets:  []int64{buckets[0], buckets[1] - buckets[0], buckets[2] - buckets[1]},
		}
		data = append(data, point{t: t, h: h})
	}
	return series{name, data}
}

// mixed are floats, then histograms.
func mixed() series {
	data := histograms("", false).data
	for i := range data[:len(data)/2] {
		data[i] = point{t: data[i].t, v: float64(i)}
	}
	return series{"mixed", data}
}

func all() []series {
	return []series{
		counter("requests_total", 1, func(i int, t int64) bool {
			windowBorder := t == base+2*hour+7_000
			blockBorder := t == base+14*hour+7_000
			return windowBorder || blockBorder || i%337 == 100
		}),
		counter("steady_total", 0.1, func(int, int64) bool { return false }),
		counter("restarting_total", 1, func(i int, _ int64) bool { return i%5 == 0 }),
		gauge(),
		{"single", []point{{t: base + 90*minute, v: 3.5}}},
		histograms("latency", false),
		histograms("sizes", true),
		mixed(),
	}
}

func main() {
	out := flag.String("out", "", "folder to write, which must not exist")
	flag.Parse()
	if *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out); err != nil {
		log.Fatal(err)
	}
}

func run(out string) error {
	for i, p := range parts {
		raw, err := write(filepath.Join(out, "raw"), p)
		if err != nil {
			return fmt.Errorf("raw block: %w", err)
		}
		fine, err := coarser(raw, filepath.Join(out, "5m"), downsample.ResLevel1)
		if err != nil {
			return fmt.Errorf("5m: %w", err)
		}
		coarse, err := coarser(fine, filepath.Join(out, "1h"), downsample.ResLevel2)
		if err != nil {
			return fmt.Errorf("1h: %w", err)
		}
		if i != 1 {
			continue
		}
		if err := show(coarse); err != nil {
			return err
		}
	}
	return nil
}

// write makes the raw block of a part and returns its folder.
func write(dir string, p part) (string, error) {
	var list []storage.Series
	for _, s := range all() {
		var samples []chunks.Sample
		for _, sample := range s.data {
			if p.from <= sample.t && sample.t < p.to {
				samples = append(samples, sample)
			}
		}
		if len(samples) > 0 {
			lset := labels.FromStrings(labels.MetricName, s.name, "job", "golden")
			list = append(list, storage.NewListSeries(lset, samples))
		}
	}
	block, err := tsdb.CreateBlock(list, dir, 10_000*hour, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	return block, metadataOf(block)
}

// metadataOf adds Thanos's part to a block's meta.json.
func metadataOf(block string) error {
	_, err := metadata.InjectThanos(gokit.NewNopLogger(), block, metadata.Thanos{
		Labels:     map[string]string{"replica": "a"},
		Downsample: metadata.ThanosDownsample{Resolution: 0},
		Source:     metadata.TestSource,
	}, nil)
	return err
}

// coarser makes the block of a resolution and returns its folder.
func coarser(from, dir string, resolution int64) (string, error) {
	ctx, logger := context.Background(), gokit.NewNopLogger()
	meta, err := metadata.ReadFromDir(from)
	if err != nil {
		return "", err
	}
	block, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), from, downsample.NewPool(), nil)
	if err != nil {
		return "", err
	}
	defer block.Close()
	var id ulid.ULID
	id, err = downsample.Downsample(ctx, logger, meta, block, dir, resolution)
	return filepath.Join(dir, id.String()), err
}

type sample struct {
	T int64  `json:"t"`
	V string `json:"v"`
}

// show prints the first chunk of each series of a block.
func show(dir string) error {
	ctx := context.Background()
	block, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), dir, downsample.NewPool(), nil)
	if err != nil {
		return err
	}
	defer block.Close()
	ir, err := block.Index()
	if err != nil {
		return err
	}
	defer ir.Close()
	cr, err := block.Chunks()
	if err != nil {
		return err
	}
	defer cr.Close()
	key, values := index.AllPostingsKey()
	postings, err := ir.Postings(ctx, key, values)
	if err != nil {
		return err
	}
	for postings.Next() {
		var builder labels.ScratchBuilder
		var metas []chunks.Meta
		if err := ir.Series(postings.At(), &builder, &metas); err != nil {
			return err
		}
		chunk, _, err := cr.ChunkOrIterable(metas[0])
		if err != nil {
			return err
		}
		read, err := aggregates(chunk.(*downsample.AggrChunk))
		if err != nil {
			return err
		}
		line, err := json.Marshal(map[string]any{
			"series":     builder.Labels().Get(labels.MetricName),
			"bytes":      hex.EncodeToString(chunk.Bytes()),
			"aggregates": read,
		})
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return postings.Err()
}

// aggregates reads each aggregate of a chunk: floats as text, histograms as their
// counts.
func aggregates(chunk *downsample.AggrChunk) (map[string][]sample, error) {
	read := map[string][]sample{}
	for kind := downsample.AggrCount; kind <= downsample.AggrCounter; kind++ {
		part, err := chunk.Get(kind)
		if errors.Is(err, downsample.ErrAggrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		samples := []sample{}
		it := part.Iterator(nil)
		for {
			var t int64
			var v float64
			switch it.Next() {
			case chunkenc.ValNone:
				if it.Err() != nil {
					return nil, it.Err()
				}
				read[kind.String()] = samples
			case chunkenc.ValFloat:
				t, v = it.At()
			default:
				var h *histogram.FloatHistogram
				t, h = it.AtFloatHistogram(nil)
				v = h.Count
			}
			if _, done := read[kind.String()]; done {
				break
			}
			samples = append(samples, sample{t, strconv.FormatFloat(v, 'g', -1, 64)})
		}
	}
	return read, nil
}
