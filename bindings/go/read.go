package quarrel

import (
	"context"
	"math"
	"reflect"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// A sampleReader reads samples for one query, in the goroutine that runs it: as
// chunks if the storage has them, else sample by sample.
type sampleReader struct {
	ctx       context.Context
	queryable storage.Queryable
	// Whether the storage's chunks are not asked for.
	noChunks bool
	encoder  sampleEncoder
	part     partWriter
	warnings annotations.Annotations

	querier      storage.Querier
	chunkQuerier storage.ChunkQuerier
	mint, maxt   int64

	// The labels of the series of each select, where the query may give them back.
	labels [][]labels.Labels

	iterator      chunkenc.Iterator
	chunkIterator chunks.Iterator
}

// open opens the query's querier, of chunks if there is one.
func (s *sampleReader) open(mint, maxt int64) error {
	if (s.querier != nil || s.chunkQuerier != nil) && s.mint == mint && s.maxt == maxt {
		return nil
	}
	s.close()
	s.mint, s.maxt = mint, maxt
	if queryable, ok := s.queryable.(storage.ChunkQueryable); ok && !s.noChunks {
		querier, err := queryable.ChunkQuerier(mint, maxt)
		if err == nil {
			s.chunkQuerier = querier
			return nil
		}
		// Some storages have the method and nothing behind it. What goes wrong
		// otherwise goes wrong below, too.
	}
	querier, err := s.queryable.Querier(mint, maxt)
	if err == nil {
		s.querier = querier
	}
	return err
}

func (s *sampleReader) close() {
	if s.querier != nil {
		_ = s.querier.Close()
	}
	if s.chunkQuerier != nil {
		_ = s.chunkQuerier.Close()
	}
	s.querier, s.chunkQuerier = nil, nil
}

// A seriesSet is what sets of series and of series of chunks have in common.
type seriesSet interface {
	Next() bool
	Err() error
	Warnings() annotations.Annotations
}

// read hands over the requested series in the order of their labels.
func (s *sampleReader) read(wanted *request) error {
	if err := s.open(wanted.mint, wanted.maxt); err != nil {
		return err
	}
	var (
		set  seriesSet
		one  func() error
		hint = &wanted.hints
	)
	if s.chunkQuerier != nil {
		found := s.chunkQuerier.Select(s.ctx, true, hint, wanted.matchers...)
		set, one = found, func() error { return s.chunkSeries(found.At(), wanted) }
	} else {
		found := s.querier.Select(s.ctx, true, hint, wanted.matchers...)
		set, one = found, func() error { return s.series(found.At(), wanted) }
	}
	for set.Next() {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := one(); err != nil {
			return storageError{err}
		}
		if s.part.err != nil {
			return s.part.err
		}
	}
	s.warnings.Merge(set.Warnings())
	if err := set.Err(); err != nil {
		return storageError{err}
	}
	return s.part.finish()
}

// begin begins a series by its labels.
func (s *sampleReader) begin(set labels.Labels, wanted *request) {
	s.part.begin(set, wanted.projection)
	if wanted.projection == nil {
		for len(s.labels) <= wanted.number {
			s.labels = append(s.labels, nil)
		}
		of := &s.labels[wanted.number]
		*of = append(*of, set)
	}
}

// series hands over a series, whose samples are read one by one.
func (s *sampleReader) series(series storage.Series, wanted *request) error {
	s.begin(series.Labels(), wanted)
	s.iterator = series.Iterator(s.iterator)
	if err := s.encoder.encode(s.iterator, wanted.hints.Start, wanted.hints.End, &s.part); err != nil {
		return err
	}
	s.part.end()
	return nil
}

// chunkSeries hands over a series with its chunks as they are.
func (s *sampleReader) chunkSeries(series storage.ChunkSeries, wanted *request) error {
	s.begin(series.Labels(), wanted)
	s.chunkIterator = series.Iterator(s.chunkIterator)
	for s.chunkIterator.Next() {
		meta := s.chunkIterator.At()
		if meta.MaxTime < wanted.hints.Start || meta.MinTime > wanted.hints.End {
			continue
		}
		if err := s.chunk(&meta, wanted); err != nil {
			return err
		}
	}
	s.part.end()
	return s.chunkIterator.Err()
}

// chunk hands over a chunk, or those of its samples that its iterator gives: the
// chunks of a head may have samples beyond, of appends that are not committed or
// were not when the query began.
func (s *sampleReader) chunk(meta *chunks.Meta, wanted *request) error {
	chunk := meta.Chunk
	switch chunk.(type) {
	case *chunkenc.XORChunk, *chunkenc.XOR2Chunk, *chunkenc.HistogramChunk, *chunkenc.FloatHistogramChunk:
	default:
		s.iterator = chunk.Iterator(s.iterator)
		if reflect.TypeOf(s.iterator) != plainIterators[chunk.Encoding()] {
			return s.encoder.encode(s.iterator, wanted.hints.Start, wanted.hints.End, &s.part)
		}
	}
	if samples := chunk.NumSamples(); samples > 0 {
		s.part.chunk(chunk.Encoding(), 0, chunk.Bytes(), samples, meta.MinTime, meta.MaxTime)
	}
	return nil
}

// plainIterators are the iterators that give all samples of a chunk, by its
// encoding. Whatever else an iterator is may leave out some.
var plainIterators = func() map[chunkenc.Encoding]reflect.Type {
	iterators := map[chunkenc.Encoding]reflect.Type{}
	for encoding := range chunkenc.Encoding(math.MaxUint8) {
		if chunk, err := chunkenc.NewEmptyChunk(encoding); err == nil {
			iterators[encoding] = reflect.TypeOf(chunk.Iterator(nil))
		}
	}
	return iterators
}()
