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
	queriers []openQuerier
	selects  []selectState

	iterator      chunkenc.Iterator
	chunkIterator chunks.Iterator
}

// An openQuerier is a querier of samples or of chunks.
type openQuerier struct {
	samples storage.Querier
	chunks  storage.ChunkQuerier
}

// A selectState is what is known of a select that has been answered.
type selectState struct {
	request *request
	// The labels of its series, where the answer may give them back.
	labels []labels.Labels
	// The series whose samples come later, of one kind.
	series      []storage.Series
	chunkSeries []storage.ChunkSeries
}

// open opens a querier for a range of time, of chunks if there is one.
func (s *sampleReader) open(mint, maxt int64) (openQuerier, error) {
	var open openQuerier
	if queryable, ok := s.queryable.(storage.ChunkQueryable); ok && !s.noChunks {
		// Some storages have the method and nothing behind it. What goes wrong
		// otherwise goes wrong below, too.
		if querier, err := queryable.ChunkQuerier(mint, maxt); err == nil {
			open.chunks = querier
		}
	}
	if open.chunks == nil {
		querier, err := s.queryable.Querier(mint, maxt)
		if err != nil {
			return open, err
		}
		open.samples = querier
	}
	s.queriers = append(s.queriers, open)
	return open, nil
}

func (s *sampleReader) close() {
	for _, open := range s.queriers {
		if open.chunks != nil {
			_ = open.chunks.Close()
		} else {
			_ = open.samples.Close()
		}
	}
	s.queriers = nil
}

// A seriesSet is what sets of series and of series of chunks have in common.
type seriesSet interface {
	Next() bool
	Err() error
	Warnings() annotations.Annotations
}

// A reading is a select that was begun: a set of series, or of series of chunks.
type reading struct {
	set     seriesSet
	samples storage.SeriesSet
	chunks  storage.ChunkSeriesSet
}

// begin begins a select.
func (o openQuerier) begin(ctx context.Context, wanted *request) reading {
	if o.chunks != nil {
		set := o.chunks.Select(ctx, true, &wanted.hints, wanted.matchers...)
		return reading{set: set, chunks: set}
	}
	set := o.samples.Select(ctx, true, &wanted.hints, wanted.matchers...)
	return reading{set: set, samples: set}
}

// read hands over the requested series of all selects. All are begun before the
// first is read, as a fan-out wants it; selects that a query asks for afterwards
// have a querier of their own.
func (s *sampleReader) read(all []request) error {
	if len(all) == 0 {
		return errShort
	}
	open, err := s.open(all[0].mint, all[0].maxt)
	if err != nil {
		return err
	}
	readings := make([]reading, len(all))
	for i := range all {
		readings[i] = open.begin(s.ctx, &all[i])
	}
	s.part.feeding = false
	for i := range all {
		if err := s.readOne(readings[i], &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// readOne hands over the requested series in the order of their labels: with
// their samples, or if there are many at first without.
func (s *sampleReader) readOne(of reading, wanted *request) error {
	for len(s.selects) <= wanted.number {
		s.selects = append(s.selects, selectState{})
	}
	state := &s.selects[wanted.number]
	state.request = wanted
	samples := uint64(0)
	for of.set.Next() {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		atOnce := samples <= wanted.atOnce
		if err := s.series(of, state, atOnce); err != nil {
			return storageError{err}
		}
		if atOnce {
			samples += uint64(s.part.samples)
		}
		if s.part.err != nil {
			return s.part.err
		}
	}
	s.warnings.Merge(of.set.Warnings())
	if err := of.set.Err(); err != nil {
		return storageError{err}
	}
	return s.part.finish()
}

// series hands over the series that a set is at.
func (s *sampleReader) series(of reading, state *selectState, atOnce bool) error {
	if of.chunks != nil {
		series := of.chunks.At()
		s.begin(series.Labels(), state)
		if atOnce {
			err := s.chunks(series, state.request)
			s.part.end()
			return err
		}
		state.chunkSeries = append(state.chunkSeries, series)
	} else {
		series := of.samples.At()
		s.begin(series.Labels(), state)
		if atOnce {
			err := s.samples(series, state.request)
			s.part.end()
			return err
		}
		state.series = append(state.series, series)
	}
	s.part.postpone()
	return nil
}

// feed hands over the samples of the series that were handed over without.
func (s *sampleReader) feed(number int) error {
	if number >= len(s.selects) {
		return errShort
	}
	state := &s.selects[number]
	s.part.feeding, s.part.enough = true, false
	for i := range max(len(state.series), len(state.chunkSeries)) {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		s.part.resume()
		var err error
		if state.chunkSeries != nil {
			err = s.chunks(state.chunkSeries[i], state.request)
		} else {
			err = s.samples(state.series[i], state.request)
		}
		if err != nil {
			return storageError{err}
		}
		s.part.end()
		if err := s.part.flush(); err != nil || s.part.enough {
			return err
		}
	}
	state.series, state.chunkSeries = nil, nil
	return s.part.finish()
}

// begin begins a series by its labels.
func (s *sampleReader) begin(set labels.Labels, state *selectState) {
	s.part.begin(set, state.request.projection)
	if state.request.projection == nil {
		state.labels = append(state.labels, set)
	}
}

// samples writes the samples of a series.
func (s *sampleReader) samples(series storage.Series, wanted *request) error {
	s.iterator = series.Iterator(s.iterator)
	return s.encoder.encode(s.iterator, wanted.hints.Start, wanted.hints.End, &s.part)
}

// chunks writes the chunks of a series as they are.
func (s *sampleReader) chunks(series storage.ChunkSeries, wanted *request) error {
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
	return s.chunkIterator.Err()
}

// chunk writes a chunk, or those of its samples that its iterator gives: the
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
