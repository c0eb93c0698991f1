// Package querygen makes random PromQL queries over the labels of real data.
// It is directed by types and by the labels that each part of a query has, so
// that most queries give data; a few are wrong on purpose.
package querygen

import (
	"slices"
	"sort"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Schema is what the generator knows about the data.
type Schema struct {
	Metrics    []*Metric
	Mint, Maxt int64 // milliseconds

	byName map[string]*Metric
	values map[string][]string // of each label, over all metrics
}

// Metric is the set of series that share a name.
type Metric struct {
	Name   string // empty for series without one
	Labels []string
	Values map[string][]string
	Series int
	// sets are the label sets of some series.
	sets []map[string]string
	// Weight is how often the metric is picked.
	Weight int
}

// mostSets is how many label sets of a metric are kept for making matchers.
const mostSets = 500

// NewSchema summarizes label sets; mint and maxt are the data's first and last
// time in milliseconds.
func NewSchema(series []labels.Labels, mint, maxt int64) *Schema {
	s := &Schema{Mint: mint, Maxt: maxt, byName: map[string]*Metric{}, values: map[string][]string{}}
	for _, ls := range series {
		name := ls.Get("__name__")
		m := s.byName[name]
		if m == nil {
			m = &Metric{Name: name, Values: map[string][]string{}}
			s.byName[name] = m
			s.Metrics = append(s.Metrics, m)
		}
		m.Series++
		if len(m.sets) < mostSets {
			m.sets = append(m.sets, ls.Map())
		}
		ls.Range(func(l labels.Label) {
			if l.Name == "__name__" {
				return
			}
			m.Values[l.Name] = append(m.Values[l.Name], l.Value)
			s.values[l.Name] = append(s.values[l.Name], l.Value)
		})
	}
	for _, m := range s.Metrics {
		for l := range m.Values {
			m.Labels = append(m.Labels, l)
			m.Values[l] = unique(m.Values[l])
		}
		sort.Strings(m.Labels)
		m.Weight = 2 + min(m.Series, 10)
		if m.Series > 110 {
			m.Weight = 4 // slow, or short-lived series that few queries select
		}
	}
	for l := range s.values {
		s.values[l] = unique(s.values[l])
	}
	sort.Slice(s.Metrics, func(i, j int) bool { return s.Metrics[i].Name < s.Metrics[j].Name })
	return s
}

func unique(v []string) []string {
	sort.Strings(v)
	return slices.Compact(v)
}

// counter reports whether a metric looks like a counter by its name.
func (m *Metric) counter() bool {
	return strings.HasSuffix(m.Name, "_total") || strings.HasSuffix(m.Name, "_count") || strings.HasSuffix(m.Name, "_sum") || m.bucket()
}

// bucket reports whether a metric holds the buckets of classic histograms.
func (m *Metric) bucket() bool { return strings.HasSuffix(m.Name, "_bucket") }

// info reports whether a metric is an info metric.
func (m *Metric) info() bool { return strings.HasSuffix(m.Name, "_info") }

// native reports whether a metric holds native histograms, by the names that the
// fixtures give them.
func (m *Metric) native() bool { return strings.HasPrefix(m.Name, "native_") }
