package stackdata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// samplesOfCommit bounds what an appender holds.
const samplesOfCommit = 100_000

// WriteBlock writes one block with all samples of the series, which lie in
// [from, to), and returns the block's folder, or nothing where there are no samples.
// external are its external labels, without which it is a block of Prometheus.
func WriteBlock(dir string, all []Series, from, to int64, external map[string]string) (string, error) {
	if len(all) == 0 {
		return "", nil
	}
	id, err := writeBlock(dir, all, from, to)
	if err != nil {
		return "", fmt.Errorf("stackdata: block of [%d, %d) in %s: %w", from, to, dir, err)
	}
	block := filepath.Join(dir, id.String())
	if len(external) == 0 {
		return block, nil
	}
	return block, addThanos(block, external, 0)
}

func writeBlock(dir string, all []Series, from, to int64) (id ulid.ULID, err error) {
	// Series come one after the other here. A head takes samples that are half of
	// its range older than its newest one.
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, 2*(to-from))
	if err != nil {
		return id, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	ctx := context.Background()
	var app storage.AppenderV2
	pending := 0
	commit := func() error {
		if app == nil {
			return nil
		}
		last := app
		app, pending = nil, 0
		return last.Commit()
	}
	for _, s := range all {
		var ref storage.SeriesRef
		for _, p := range s.Samples {
			if app == nil {
				app = w.AppenderV2(ctx)
			}
			if ref, err = app.Append(ref, s.Labels, 0, p.T, p.V, p.H, p.FH, storage.AppendV2Options{}); err != nil {
				return id, errors.Join(fmt.Errorf("%s at %d: %w", s.Labels, p.T, err), app.Rollback())
			}
			pending++
		}
		if pending >= samplesOfCommit {
			if err := commit(); err != nil {
				return id, err
			}
		}
	}
	if err := commit(); err != nil {
		return id, err
	}
	return w.Flush(ctx)
}

// addThanos adds to a block's meta.json what Thanos keeps there: the external
// labels, and the resolution in milliseconds, 0 for raw samples.
func addThanos(block string, external map[string]string, resolution int64) error {
	path := filepath.Join(block, "meta.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var meta map[string]any
	if err := json.Unmarshal(text, &meta); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	meta["thanos"] = map[string]any{
		"version":    1,
		"labels":     external,
		"downsample": map[string]any{"resolution": resolution},
		"source":     "sidecar",
	}
	if text, err = json.MarshalIndent(meta, "", "\t"); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// Aligned are the ranges of a length that [from, to) touches, aligned as Prometheus
// and Thanos align blocks; the first and the last are cut to [from, to).
func Aligned(from, to, length int64) (out [][2]int64) {
	for begin := from - from%length; begin < to; begin += length {
		out = append(out, [2]int64{max(begin, from), min(begin+length, to)})
	}
	return out
}
