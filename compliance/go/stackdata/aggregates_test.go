package stackdata

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// anyChunk hands out chunks of all encodings.
type anyChunk struct{ chunkenc.Pool }

func (anyChunk) Get(e chunkenc.Encoding, b []byte) (chunkenc.Chunk, error) {
	return aggregates{bytes: b}, nil
}

func TestHoursAddUp(t *testing.T) {
	dir := t.TempDir()
	begin := int64(1_700_006_400_000)
	l := Long{Seed: 3, Series: 12, From: begin, To: begin + 40*24*hour, External: map[string]string{"cluster": "old"}}
	if err := l.WriteBlocks(dir); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "*", "index"))
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	var count, sum, last float64
	for _, path := range blocks {
		ir, err := index.NewFileReader(path, index.DecodePostingsRaw)
		if err != nil {
			t.Fatal(err)
		}
		defer ir.Close()
		cr, err := chunks.NewDirReader(filepath.Join(filepath.Dir(path), "chunks"), anyChunk{})
		if err != nil {
			t.Fatal(err)
		}
		defer cr.Close()
		postings, err := ir.Postings(t.Context(), "instance", l.Labels(7).Get("instance"))
		if err != nil {
			t.Fatal(err)
		}
		for postings.Next() {
			var b labels.ScratchBuilder
			var metas []chunks.Meta
			if err := ir.Series(postings.At(), &b, &metas); err != nil {
				t.Fatal(err)
			}
			for _, m := range metas {
				chunk, _, err := cr.ChunkOrIterable(m)
				if err != nil {
					t.Fatal(err)
				}
				parts := split(t, chunk.Bytes())
				for it := parts[0].Iterator(nil); it.Next() != chunkenc.ValNone; {
					_, v := it.At()
					count += v
				}
				for it := parts[1].Iterator(nil); it.Next() != chunkenc.ValNone; {
					_, v := it.At()
					sum += v
				}
				for it := parts[4].Iterator(nil); it.Next() != chunkenc.ValNone; {
					_, v := it.At()
					last = max(last, v)
				}
			}
		}
	}
	// The raw samples, one after the other.
	var wantCount, wantSum, value float64
	for at := l.From; at < l.To; at += hour {
		for range samplesOfWindow {
			value += l.step(7, at)
			wantCount++
			wantSum += value
		}
	}
	if count != wantCount || sum != wantSum || last != value {
		t.Errorf("count %v, sum %v, last %v; want %v, %v, %v", count, sum, last, wantCount, wantSum, value)
	}
}

// split takes the five parts of a chunk.
func split(t *testing.T, b []byte) (out []chunkenc.Chunk) {
	t.Helper()
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		b = b[size:]
		chunk, err := chunkenc.FromData(chunkenc.Encoding(b[0]), b[1:1+n])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, chunk)
		b = b[1+n:]
	}
	if len(out) != numberOfAggrs {
		t.Fatalf("%d parts", len(out))
	}
	return out
}
