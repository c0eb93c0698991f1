// Command fuzzseeds writes inputs of quarrel's fuzz targets, in fuzz/corpus,
// from what Prometheus writes: chunks of all encodings, records of the logs,
// head chunks. Inputs have the form that fuzz/targets/ takes.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/tombstones"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

// perKind is how many inputs of one kind are kept, most their longest length.
const (
	perKind = 2
	most    = 500
)

func main() {
	out := flag.String("out", "../../fuzz/corpus", "the folder of all corpora")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "fuzzseeds:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	tmp, err := os.MkdirTemp("", "fuzzseeds-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	w := writer{out: out, counts: map[string]int{}}
	for i, o := range []fixtures.Options{
		{Seed: 1, Shape: fixtures.Mixed, Histograms: true},
		{Seed: 1, Shape: fixtures.Mixed, Histograms: true, XOR2: true, ST: true},
	} {
		dir := filepath.Join(tmp, fmt.Sprint(i))
		if err := fixtures.Build(dir, o); err != nil {
			return err
		}
		if err := errors.Join(w.records(record.Encoder{EnableSTStorage: o.ST}, fmt.Sprint(i)), w.headChunks(dir)); err != nil {
			return err
		}
	}
	fmt.Println(w.counts)
	return errors.Join(w.floatHistograms(), w.remoteRead())
}

type writer struct {
	out    string
	counts map[string]int
}

func (w *writer) write(target, kind string, input []byte) error {
	name := filepath.Join(target, kind)
	if w.counts[name] >= perKind || len(input) > most {
		return nil
	}
	w.counts[name]++
	if err := os.MkdirAll(filepath.Join(w.out, target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.out, fmt.Sprintf("%s-%d", name, w.counts[name])), input, 0o644)
}

// records writes records of all types about the series 1 and 2, which the
// target knows, each as the only one of a log. It is no matter that some are
// never in the log of out-of-order samples.
func (w *writer) records(e record.Encoder, version string) error {
	const t = 1_700_000_000_000
	samples := []record.RefSample{{Ref: 1, ST: t - 5, T: t, V: 1}, {Ref: 2, T: t, V: -2.5}, {Ref: 1, ST: t - 5, T: t + 15_000, V: 2}}
	histograms := []record.RefHistogramSample{
		{Ref: 1, T: t, H: tsdbutil.GenerateTestHistogram(1)}, {Ref: 2, ST: t - 5, T: t, H: tsdbutil.GenerateTestGaugeHistogram(2)},
	}
	floats := []record.RefFloatHistogramSample{
		{Ref: 1, T: t, FH: tsdbutil.GenerateTestFloatHistogram(1)}, {Ref: 2, ST: t - 5, T: t, FH: tsdbutil.GenerateTestFloatHistogram(2)},
	}
	custom := []record.RefHistogramSample{{Ref: 1, T: t, H: tsdbutil.GenerateTestCustomBucketsHistogram(1)}}
	customFloats := []record.RefFloatHistogramSample{{Ref: 1, T: t, FH: tsdbutil.GenerateTestCustomBucketsFloatHistogram(1)}}
	integer, _ := e.HistogramSamples(histograms, nil)
	float, _ := e.FloatHistogramSamples(floats, nil)
	all := map[string][]byte{
		"series":           e.Series([]record.RefSeries{{Ref: 3, Labels: labels.FromStrings("__name__", "b", "pod", "pod-01")}}, nil),
		"samples":          e.Samples(samples, nil),
		"tombstones":       e.Tombstones([]tombstones.Stone{{Ref: 1, Intervals: tombstones.Intervals{{Mint: t, Maxt: t + 1}, {Mint: t + 9, Maxt: t + 10}}}}, nil),
		"exemplars":        e.Exemplars([]record.RefExemplar{{Ref: 1, T: t, V: 1, Labels: labels.FromStrings("id", "x")}}, nil),
		"markers":          e.MmapMarkers([]record.RefMmapMarker{{Ref: 1, MmapRef: 1<<32 + 8}}, nil),
		"metadata":         e.Metadata([]record.RefMetadata{{Ref: 1, Type: 1, Unit: "s", Help: "help"}}, nil),
		"histograms":       integer,
		"float-histograms": float,
		"custom":           e.CustomBucketsHistogramSamples(custom, nil),
		"custom-floats":    e.CustomBucketsFloatHistogramSamples(customFloats, nil),
	}
	for kind, rec := range all {
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(rec))), 0)
		for pick, log := range map[byte]string{0: "wal", 2: "wbl"} {
			if err := w.write("wal", log+"-"+kind+version, append(append([]byte{pick}, framed...), rec...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// headChunks writes chunks of each encoding, alone and as they lie in a head
// chunk file.
func (w *writer) headChunks(dir string) error {
	mapper, err := chunks.NewChunkDiskMapper(nil, filepath.Join(dir, "chunks_head"), chunkenc.NewPool(), chunks.DefaultWriteBufferSize, chunks.DefaultWriteQueueSize)
	if err != nil {
		return err
	}
	defer mapper.Close()
	err = mapper.IterateAllChunks(func(_ chunks.HeadSeriesRef, ref chunks.ChunkDiskMapperRef, minT, maxT int64, _ uint16, enc chunkenc.Encoding, _ bool) error {
		chunk, err := mapper.Chunk(ref)
		if err != nil {
			return err
		}
		bytes := chunk.Bytes()
		if len(bytes) > most-50 {
			return nil // counts of samples are in the first bytes, so none is cut
		}
		if target, pick := decoder(enc); target != "" {
			if err := w.write(target, enc.String(), append([]byte{pick}, bytes...)); err != nil {
				return err
			}
		}
		// Both as a chunk in order and as one out of order.
		for i, flag := range []byte{0, 0x80} {
			var entry []byte
			entry = binary.BigEndian.AppendUint64(entry, 1)
			entry = binary.BigEndian.AppendUint64(entry, uint64(minT))
			entry = binary.BigEndian.AppendUint64(entry, uint64(maxT))
			entry = append(entry, byte(enc)|flag)
			entry = binary.AppendUvarint(entry, uint64(len(bytes)))
			entry = append(entry, bytes...)
			input := binary.BigEndian.AppendUint16([]byte{0}, uint16(len(entry)))
			kind := fmt.Sprint(enc, "-", []string{"in", "out-of"}[i], "-order")
			if err := w.write("head_chunks", kind, append(input, entry...)); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// floatHistograms writes chunks of float histograms, of which the heads have
// only large ones.
func (w *writer) floatHistograms() error {
	for _, enc := range []chunkenc.Encoding{chunkenc.EncFloatHistogram, chunkenc.EncFloatHistogramST} {
		chunk, err := chunkenc.NewEmptyChunk(enc)
		if err != nil {
			return err
		}
		app, err := chunk.Appender()
		if err != nil {
			return err
		}
		for i := range int64(3) {
			h := tsdbutil.GenerateTestGaugeFloatHistogram(i)
			if _, _, app, err = app.AppendFloatHistogram(nil, i*15_000-5, i*15_000, h, true); err != nil {
				return err
			}
		}
		target, pick := decoder(enc)
		if err := w.write(target, enc.String(), append([]byte{pick}, chunk.Bytes()...)); err != nil {
			return err
		}
	}
	return nil
}

// decoder is the target of an encoding, and the first byte of its inputs.
func decoder(enc chunkenc.Encoding) (target string, pick byte) {
	switch enc {
	case chunkenc.EncXOR:
		return "float_chunk", 0
	case chunkenc.EncXOR2:
		return "float_chunk", 1
	case chunkenc.EncHistogram:
		return "histogram_chunk", 0
	case chunkenc.EncFloatHistogram:
		return "histogram_chunk", 1
	case chunkenc.EncHistogramST:
		return "histogram_chunk", 2
	case chunkenc.EncFloatHistogramST:
		return "histogram_chunk", 3
	}
	return "", 0
}
