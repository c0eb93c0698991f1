package quarrel

import (
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// A request describes the samples that a query needs.
type request struct {
	// The number of the select in its query.
	number int
	// So many samples are read at once. Where there are more, the engine is given
	// the labels of all series first, and computes while their samples are read.
	atOnce uint64
	// The range of time of all selects of the query, ms.
	mint, maxt int64
	hints      storage.SelectHints
	matchers   []*labels.Matcher
	projection *projection
}

// decodeRequests reads what rust/src/run.rs writes: all selects that a query needs
// now.
func decodeRequests(bytes []byte) ([]request, error) {
	r := reader{rest: bytes}
	all := make([]request, r.count(1))
	for i := range all {
		if err := all[i].decode(&r); err != nil {
			return nil, err
		}
	}
	return all, r.err()
}

// decode reads what rust/src/storage.rs writes.
func (wanted *request) decode(r *reader) error {
	*wanted = request{number: int(r.u32()), atOnce: r.u64(), mint: r.i64(), maxt: r.i64()}
	wanted.hints = storage.SelectHints{
		Start: r.i64(),
		End:   r.i64(),
		Step:  r.i64(),
		Range: r.i64(),
		Func:  r.text(),
		By:    r.u8() != 0,
		// The storage need not cut series to the requested time: Prometheus's
		// TSDB can panic there if samples are deleted, and encodes chunks anew
		// that are cut.
		DisableTrimming: true,
	}
	wanted.hints.Grouping = r.texts()
	matchers := r.count(9)
	wanted.matchers = make([]*labels.Matcher, 0, matchers)
	for range matchers {
		kind, name, value := labels.MatchType(r.u8()), r.text(), r.text()
		matcher, err := labels.NewMatcher(kind, name, value)
		if err != nil {
			return err
		}
		wanted.matchers = append(wanted.matchers, matcher)
	}
	if projected, names := r.u8() != 0, r.texts(); projected {
		wanted.projection = &projection{names}
	}
	return r.err()
}
