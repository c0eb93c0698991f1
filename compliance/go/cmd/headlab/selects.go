package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// request is one line of input to selects.
type request struct {
	// Kind is "series", "names" or "values".
	Kind string `json:"kind"`
	// Mint and Maxt are the closed range of time in milliseconds.
	Mint int64 `json:"mint"`
	Maxt int64 `json:"maxt"`
	// Name is the label whose values are asked for.
	Name string `json:"name"`
	// Matchers are operator, name and value of each.
	Matchers [][3]string `json:"matchers"`
}

var operators = map[string]labels.MatchType{
	"=":  labels.MatchEqual,
	"!=": labels.MatchNotEqual,
	"=~": labels.MatchRegexp,
	"!~": labels.MatchNotRegexp,
}

// selects opens dir, which it may change, and answers each request of r. If the
// log is torn, this is the second start, since the first one leaves the
// out-of-order log unread.
func selects(dir string, torn bool, r io.Reader) error {
	db, err := open(dir)
	if err != nil {
		return err
	}
	if torn {
		if err := db.Close(); err != nil {
			return err
		}
		if db, err = open(dir); err != nil {
			return err
		}
	}
	// The database is not closed, since closing waits for queriers, and one
	// that panicked never ends. The caller deletes the directory.
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var req request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			return err
		}
		q, err := db.Querier(req.Mint, req.Maxt)
		if err != nil {
			return err
		}
		if err := answerOrPanic(q, req); err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
	}
	return lines.Err()
}

// answerOrPanic answers "panic" where Prometheus itself panics: cutting series
// at the ends of the range of time fails for some deletions.
func answerOrPanic(q storage.Querier, req request) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Println("panic")
		}
	}()
	return errors.Join(answer(q, req), q.Close())
}

func answer(q storage.Querier, req request) error {
	var ms []*labels.Matcher
	for _, m := range req.Matchers {
		matcher, err := labels.NewMatcher(operators[m[0]], m[1], m[2])
		if err != nil {
			return err
		}
		ms = append(ms, matcher)
	}
	ctx := context.Background()
	switch req.Kind {
	case "names", "values":
		var texts []string
		var err error
		if req.Kind == "names" {
			texts, _, err = q.LabelNames(ctx, nil, ms...)
		} else {
			texts, _, err = q.LabelValues(ctx, req.Name, nil, ms...)
		}
		if err != nil {
			return err
		}
		if !slices.IsSorted(texts) {
			return fmt.Errorf("%v: not sorted: %q", req, texts)
		}
		for _, text := range texts {
			fmt.Printf("text %x\n", text)
		}
	default:
		hints := &storage.SelectHints{Start: req.Mint, End: req.Maxt}
		set := q.Select(ctx, true, hints, ms...)
		for set.Next() {
			s := set.At()
			n, digest, err := sketchOf(&sought{Iterator: s.Iterator(nil), to: req.Mint})
			if err != nil {
				return err
			}
			fmt.Printf("series %s %d %016x\n", labelLine(s.Labels()), n, digest)
		}
		if err := set.Err(); err != nil {
			return err
		}
	}
	fmt.Println("end")
	return nil
}

// sought is an iterator that reaches its first sample by Seek, as in the
// engine.
type sought struct {
	chunkenc.Iterator
	to   int64
	done bool
}

func (s *sought) Next() chunkenc.ValueType {
	if !s.done {
		s.done = true
		return s.Iterator.Seek(s.to)
	}
	return s.Iterator.Next()
}

// sketchOf is like digestOf, but of histograms it takes sum and count alone,
// since how their buckets are laid out may differ.
func sketchOf(it chunkenc.Iterator) (n int, digest uint64, err error) {
	d := digester{fnv.New64a()}
	for vt := it.Next(); vt != chunkenc.ValNone; vt = it.Next() {
		n++
		d.word(uint64(it.AtT()))
		d.word(uint64(it.AtST()))
		if vt == chunkenc.ValFloat {
			_, v := it.At()
			d.float(v)
			continue
		}
		_, h := it.AtFloatHistogram(nil)
		d.float(h.Sum)
		if value.IsStaleNaN(h.Sum) {
			d.float(0)
		} else {
			d.float(h.Count)
		}
	}
	return n, d.h.Sum64(), it.Err()
}
