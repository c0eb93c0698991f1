package quarrel

import (
	"context"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// partSize is how many bytes of series one call hands over: enough that the
// calls cost little, and little compared with the memory of a query.
const partSize = 1 << 20

// A request describes the samples that a query needs.
type request struct {
	// The range of time of all selects of the query, ms.
	mint, maxt int64
	hints      storage.SelectHints
	matchers   []*labels.Matcher
}

// decodeRequest reads what rust/src/storage.rs writes.
func decodeRequest(bytes []byte) (request, error) {
	r := reader{rest: bytes}
	wanted := request{mint: r.i64(), maxt: r.i64()}
	wanted.hints = storage.SelectHints{
		Start: r.i64(),
		End:   r.i64(),
		Step:  r.i64(),
		Range: r.i64(),
		Func:  r.text(),
		By:    r.u8() != 0,
		// The storage need not cut series to the requested time: Prometheus's
		// TSDB can panic there if samples are deleted. encodeChunks cuts them.
		DisableTrimming: true,
	}
	wanted.hints.Grouping = r.texts()
	for range r.count(9) {
		kind, name, value := labels.MatchType(r.u8()), r.text(), r.text()
		matcher, err := labels.NewMatcher(kind, name, value)
		if err != nil {
			return request{}, err
		}
		wanted.matchers = append(wanted.matchers, matcher)
	}
	return wanted, r.err()
}

// A sampleReader reads samples for one query, in the goroutine that runs it.
type sampleReader struct {
	ctx       context.Context
	queryable storage.Queryable
	warnings  annotations.Annotations

	querier    storage.Querier
	mint, maxt int64
	iterator   chunkenc.Iterator
}

// open returns the query's querier.
func (s *sampleReader) open(mint, maxt int64) (storage.Querier, error) {
	if s.querier != nil && s.mint == mint && s.maxt == maxt {
		return s.querier, nil
	}
	s.close()
	querier, err := s.queryable.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	s.querier, s.mint, s.maxt = querier, mint, maxt
	return querier, nil
}

func (s *sampleReader) close() {
	if s.querier != nil {
		_ = s.querier.Close()
		s.querier = nil
	}
}

// read hands over the requested series in the order of their labels, as
// rust/src/samples.rs reads them.
func (s *sampleReader) read(wanted request, give func(part []byte, last bool) error) error {
	querier, err := s.open(wanted.mint, wanted.maxt)
	if err != nil {
		return err
	}
	set := querier.Select(s.ctx, true, &wanted.hints, wanted.matchers...)
	var part writer
	for set.Next() {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := s.series(set.At(), &wanted.hints, &part); err != nil {
			return storageError{err}
		}
		if len(part.bytes) >= partSize {
			if err := give(part.bytes, false); err != nil {
				return err
			}
			part.bytes = part.bytes[:0]
		}
	}
	s.warnings.Merge(set.Warnings())
	if err := set.Err(); err != nil {
		return storageError{err}
	}
	return give(part.bytes, true)
}

// series appends a series: its labels, and its samples as chunks.
func (s *sampleReader) series(series storage.Series, hints *storage.SelectHints, part *writer) error {
	set := series.Labels()
	part.u32(uint32(set.Len()))
	set.Range(func(l labels.Label) {
		part.text(l.Name)
		part.text(l.Value)
	})
	s.iterator = series.Iterator(s.iterator)
	return encodeChunks(s.iterator, hints.Start, hints.End, part)
}
