// Package shrink cuts a query on which two engines differ down to the smallest
// one that still shows the difference.
package shrink

import (
	"sort"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quarrel-engine/quarrel/compliance/go/results"
)

// Query shrinks q. fails returns how the engines differ on a query, nil if they
// do not; it is called at most budget times. A smaller query counts when it
// shows a difference of the same kind.
func Query(q results.Query, opts parser.Options, budget int, fails func(results.Query) *results.Diff) results.Query {
	s := &shrinker{parser: parser.NewParser(opts), fails: fails, budget: budget}
	first := s.try(q)
	if first == nil {
		return q
	}
	s.kind = first.Kind
	q = s.times(q, first.T)
	for s.budget > 0 {
		smaller, ok := s.step(q)
		if !ok {
			break
		}
		q = smaller
	}
	return s.times(q, 0)
}

type shrinker struct {
	parser parser.Parser
	fails  func(results.Query) *results.Diff
	budget int
	kind   results.Kind
}

func (s *shrinker) try(q results.Query) *results.Diff {
	if s.budget <= 0 {
		return nil
	}
	s.budget--
	d := s.fails(q)
	if d != nil && s.kind != "" && d.Kind != s.kind {
		return nil
	}
	return d
}

// times narrows a range query: to an instant, to one step, or to halves.
func (s *shrinker) times(q results.Query, at int64) results.Query {
	if q.Instant() {
		return q
	}
	if at == 0 {
		at = q.Start
	}
	for _, c := range []results.Query{
		{Text: q.Text, Start: at, End: at},
		{Text: q.Text, Start: at, End: at, Step: q.Step},
	} {
		if c != q && s.try(c) != nil {
			return c
		}
	}
	for q.Steps() > 2 {
		half := (q.End - q.Start) / q.Step / 2 * q.Step
		low := results.Query{Text: q.Text, Start: q.Start, End: q.Start + half, Step: q.Step}
		high := results.Query{Text: q.Text, Start: q.Start + half, End: q.End, Step: q.Step}
		switch {
		case s.try(low) != nil:
			q = low
		case s.try(high) != nil:
			q = high
		default:
			return q
		}
	}
	return q
}

// step finds a shorter query that fails the same way.
func (s *shrinker) step(q results.Query) (results.Query, bool) {
	for _, text := range s.candidates(q.Text) {
		c := q
		c.Text = text
		if s.try(c) != nil {
			return c, true
		}
	}
	return q, false
}

// candidates are shorter forms of a text, the shortest first.
func (s *shrinker) candidates(text string) []string {
	if _, err := s.parser.ParseExpr(text); err != nil {
		return cuts(text)
	}
	seen := map[string]bool{text: true}
	var out []string
	for i := 0; ; i++ {
		// Each change is made on a tree of its own.
		root, err := s.parser.ParseExpr(text)
		if err != nil {
			break
		}
		changes := changesOf(&root)
		if i >= len(changes) {
			break
		}
		changes[i]()
		c := root.String()
		if len(c) >= len(text) || seen[c] {
			continue
		}
		seen[c] = true
		out = append(out, c)
	}
	sort.SliceStable(out, func(i, j int) bool { return len(out[i]) < len(out[j]) })
	return out
}

// cuts removes pieces from a text that is no query: halves, quarters, down to
// single bytes.
func cuts(text string) []string {
	var out []string
	for size := len(text) / 2; size > 0; size /= 2 {
		for from := 0; from < len(text); from += size {
			out = append(out, text[:from]+text[min(from+size, len(text)):])
		}
	}
	return out
}
