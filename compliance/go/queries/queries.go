// Package queries holds hand-written queries over the metrics of package
// fixtures. They cover the semantics that engines get wrong.
package queries

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
)

//go:embed *.txt
var files embed.FS

// Load reads the queries of all files whose needs are met. A file is one query
// a line; # begins a comment; "!needs NAME..." names the features, or kinds of
// data ("histograms", "st"), that all queries of the file need.
func Load(have []string) ([]string, error) {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		found, err := Parse(string(b), have)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// Parse reads queries from a text; see Load.
func Parse(text string, have []string) ([]string, error) {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "!needs "):
			for _, need := range strings.Fields(line)[1:] {
				if !slices.Contains(have, need) {
					return nil, nil
				}
			}
		case strings.HasPrefix(line, "!"):
			return nil, fmt.Errorf("unknown directive %q", line)
		default:
			out = append(out, line)
		}
	}
	return out, nil
}

const minute int64 = 60_000

// Query is a text with its times in milliseconds, as a line of the files that
// `quarrel compare --queries` reads: in seconds. Without a step it is an instant
// query, at Start.
type Query struct {
	Text             string
	Start, End, Step int64
}

// MarshalJSON makes the line.
func (q Query) MarshalJSON() ([]byte, error) {
	seconds := func(ms int64) json.Number { return json.Number(fmt.Sprintf("%.3f", float64(ms)/1000)) }
	if q.Step == 0 {
		return json.Marshal(struct {
			Query string      `json:"query"`
			Time  json.Number `json:"time"`
		}{q.Text, seconds(q.Start)})
	}
	return json.Marshal(struct {
		Query string      `json:"query"`
		Start json.Number `json:"start"`
		End   json.Number `json:"end"`
		Step  json.Number `json:"step"`
	}{q.Text, seconds(q.Start), seconds(q.End), seconds(q.Step)})
}

// At returns a text as queries at the times at which hand-written queries run:
// instants and grids over the blocks, over the border to the head, and past the
// end.
func At(text string, mint, maxt int64) []Query {
	mint = max(mint, fixtures.Start)
	end := maxt - maxt%minute
	mid := mint - mint%minute + 80*minute
	return []Query{
		{Text: text, Start: mid, End: mid},
		{Text: text, Start: end - 25*minute, End: end - 25*minute},
		{Text: text, Start: end - 70*minute + 7_123, End: end - 70*minute + 7_123},
		{Text: text, Start: mid - 30*minute, End: mid + 30*minute, Step: minute},
		{Text: text, Start: end - 40*minute, End: end + 10*minute, Step: 47_000},
		{Text: text, Start: mint - 10*minute, End: end + 10*minute, Step: 5 * minute},
		{Text: text, Start: mid, End: mid, Step: minute},
	}
}
