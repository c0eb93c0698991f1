package benchdata

import (
	"context"
	"errors"
	"log/slog"
	"math"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// samplesOfCommit bounds what an appender holds.
const samplesOfCommit = 100_000

// write writes blocks of one span, aligned as Prometheus aligns them.
func write(dir string, span int64, all []*source) error {
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range all {
		from, to = min(from, s.from), max(to, s.to)
	}
	for begin := from - from%span; begin < to; begin += span {
		if err := writeBlock(dir, begin, begin+span, all); err != nil {
			return err
		}
	}
	return nil
}

func writeBlock(dir string, from, to int64, all []*source) (err error) {
	// Series come one after the other here. A head takes samples that are half
	// of its range older than its newest one.
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, 2*(to-from))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	b := &block{writer: w, ctx: context.Background(), from: from, to: to}
	for _, s := range all {
		if err := b.append(s); err != nil {
			return err
		}
	}
	if b.app == nil && b.total == 0 {
		return nil
	}
	if err := b.commit(); err != nil {
		return err
	}
	_, err = w.Flush(b.ctx)
	return err
}

type block struct {
	writer         *tsdb.BlockWriter
	ctx            context.Context
	from, to       int64
	app            storage.AppenderV2
	pending, total int
}

func (b *block) commit() error {
	if b.app == nil {
		return nil
	}
	app := b.app
	b.app, b.pending = nil, 0
	return app.Commit()
}

// append appends the samples of one series that fall into the block.
func (b *block) append(s *source) error {
	first, last := max(b.from, s.from), min(b.to, s.to)
	if first >= last {
		return nil
	}
	var ref storage.SeriesRef
	n := (first - s.from - s.offset + s.every - 1) / s.every
	for t := s.from + s.offset + max(n, 0)*s.every; t < last; t += s.every {
		at := t + s.random.Int64N(10)
		if at < first || at >= last {
			continue
		}
		if b.app == nil {
			b.app = b.writer.AppenderV2(b.ctx)
		}
		var err error
		if s.native != nil {
			ref, err = b.app.Append(ref, s.labels, 0, at, 0, s.native.observe(s.random), nil, storage.AppendV2Options{})
		} else {
			ref, err = b.app.Append(ref, s.labels, 0, at, s.next(s), nil, nil, storage.AppendV2Options{})
		}
		if err != nil {
			return errors.Join(err, b.app.Rollback())
		}
		b.pending++
		b.total++
	}
	if b.pending >= samplesOfCommit {
		return b.commit()
	}
	return nil
}
