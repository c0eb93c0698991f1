package stackdata

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// Long describes counters over years, of which only windows of an hour are left.
// Within a window the raw samples, one a minute, grew by the same step.
type Long struct {
	Seed   uint64
	Series int
	// From and To are milliseconds since the epoch, whole hours.
	From, To int64
	External map[string]string
}

const (
	window           = hour
	samplesOfWindow  = 60
	windowsOfChunk   = 120
	encodingOfAggrs  = 0xff
	numberOfAggrs    = 5
	stepsOfWindow    = samplesOfWindow * (samplesOfWindow + 1) / 2
	maxStepOfCounter = 50
)

// Labels are those of a series.
func (l Long) Labels(i int) labels.Labels {
	return labels.FromStrings("__name__", "long_requests_total", "job", fmt.Sprintf("job-%d", i%10),
		"instance", fmt.Sprintf("10.0.%d.%d:9100", i/250, i%250), "zone", fmt.Sprintf("zone-%d", i%3))
}

// step is by how much a series grows in each minute of the window that begins at t.
func (l Long) step(i int, t int64) float64 {
	return float64(hash(l.Seed, uint64(i), uint64(t/window))%maxStepOfCounter + 1)
}

// aggregates is a chunk of downsampled samples: those of count, sum, min, max and
// counter, each with its length, an encoding and its bytes, as Thanos's package
// downsample has them.
type aggregates struct {
	*chunkenc.XORChunk
	bytes []byte
}

func (a aggregates) Bytes() []byte               { return a.bytes }
func (a aggregates) Encoding() chunkenc.Encoding { return encodingOfAggrs }

// WriteBlocks writes the blocks, each as long as the longest of a Compactor.
func (l Long) WriteBlocks(dir string) error {
	reached := make([]float64, l.Series)
	for _, part := range Aligned(l.From, l.To, 14*24*hour) {
		if err := l.writeBlock(dir, part[0], part[1], reached); err != nil {
			return fmt.Errorf("stackdata: hours of [%d, %d) in %s: %w", part[0], part[1], dir, err)
		}
	}
	return nil
}

// writeBlock writes one block. reached is what each counter has reached before, and
// afterwards.
func (l Long) writeBlock(dir string, from, to int64, reached []float64) (err error) {
	id, err := ulid.New(uint64(to), rand.NewChaCha8([32]byte{byte(l.Seed), byte(from >> 24), byte(from >> 32)}))
	if err != nil {
		return err
	}
	block := filepath.Join(dir, id.String())
	if err := os.MkdirAll(block, 0o755); err != nil {
		return err
	}
	cw, err := chunks.NewWriter(filepath.Join(block, "chunks"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cw.Close()) }()
	iw, err := index.NewWriter(context.Background(), filepath.Join(block, "index"))
	if err != nil {
		return err
	}
	order := make([]int, l.Series)
	symbols := map[string]struct{}{}
	for i := range order {
		order[i] = i
		l.Labels(i).Range(func(p labels.Label) { symbols[p.Name], symbols[p.Value] = struct{}{}, struct{}{} })
	}
	slices.SortFunc(order, func(a, b int) int { return labels.Compare(l.Labels(a), l.Labels(b)) })
	sorted := make([]string, 0, len(symbols))
	for s := range symbols {
		sorted = append(sorted, s)
	}
	slices.Sort(sorted)
	for _, s := range sorted {
		if err := iw.AddSymbol(s); err != nil {
			return err
		}
	}
	numChunks := 0
	for ref, i := range order {
		metas, err := l.chunks(i, from, to, &reached[i])
		if err != nil {
			return err
		}
		numChunks += len(metas)
		if err := cw.WriteChunks(metas...); err != nil {
			return err
		}
		if err := iw.AddSeries(storage.SeriesRef(ref+1), l.Labels(i), metas...); err != nil {
			return err
		}
	}
	if err := iw.Close(); err != nil {
		return err
	}
	windows := (to - from) / window
	text, err := json.Marshal(map[string]any{
		"ulid": id.String(), "minTime": from, "maxTime": to, "version": 1,
		"stats":      map[string]any{"numSeries": l.Series, "numChunks": numChunks, "numSamples": windows * int64(l.Series) * numberOfAggrs},
		"compaction": map[string]any{"level": 4, "sources": []string{id.String()}},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(block, "meta.json"), text, 0o644); err != nil {
		return err
	}
	return addThanos(block, l.External, window)
}

// chunks makes the chunks of a series.
func (l Long) chunks(i int, from, to int64, reached *float64) (out []chunks.Meta, err error) {
	for begin := from; begin < to; begin += windowsOfChunk * window {
		end := min(begin+windowsOfChunk*window, to)
		var parts [numberOfAggrs]*chunkenc.XORChunk
		var apps [numberOfAggrs]chunkenc.Appender
		for k := range parts {
			parts[k] = chunkenc.NewXORChunk()
			if apps[k], err = parts[k].Appender(); err != nil {
				return nil, err
			}
		}
		// A counter begins with its first raw sample and ends with its last.
		first := begin + minute
		apps[4].Append(0, first, *reached+l.step(i, begin))
		last := int64(0)
		for t := begin; t < end; t += window {
			step := l.step(i, t)
			at := t + window - 1
			values := [numberOfAggrs]float64{
				samplesOfWindow, samplesOfWindow**reached + step*stepsOfWindow, *reached + step, *reached + step*samplesOfWindow,
				*reached + step*samplesOfWindow,
			}
			for k, v := range values {
				apps[k].Append(0, at, v)
			}
			*reached += step * samplesOfWindow
			last = at
		}
		apps[4].Append(0, last, *reached)
		var bytes []byte
		for _, p := range parts {
			bytes = binary.AppendUvarint(bytes, uint64(len(p.Bytes())))
			bytes = append(bytes, byte(p.Encoding()))
			bytes = append(bytes, p.Bytes()...)
		}
		out = append(out, chunks.Meta{Chunk: aggregates{parts[0], bytes}, MinTime: first, MaxTime: last})
	}
	return out, nil
}

// Summary sums up raw samples of a series.
type Summary struct{ Count, Sum, Min, Max float64 }

// Over sums up what the raw samples of a series were in the whole hours of
// [from, to), milliseconds since the epoch.
func (l Long) Over(i int, from, to int64) (out Summary) {
	reached := 0.0
	for t := l.From; t < to; t += window {
		step := l.step(i, t)
		if t >= from {
			if out.Count == 0 {
				out.Min = reached + step
			}
			out.Count += samplesOfWindow
			out.Sum += samplesOfWindow*reached + step*stepsOfWindow
			out.Max = reached + step*samplesOfWindow
		}
		reached += step * samplesOfWindow
	}
	return out
}
