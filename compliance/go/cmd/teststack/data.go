package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/stackdata"
)

const (
	minute = int64(time.Minute / time.Millisecond)
	hour   = 60 * minute
	day    = 24 * hour

	// longest is the longest block that a Compactor makes.
	longest = 14 * day
	// historyEvery and recentEvery are intervals of scrapes, in milliseconds.
	historyEvery = minute
	recentEvery  = 15_000
	// shift is how much later the second of two replicas scrapes whose clocks are
	// not equal.
	shift = 7_000
	// ahead is how far samples reach into the future.
	ahead = 3 * minute
	// late is how late samples get to a receiver at most.
	late = 20 * minute
	// tenant is whose the samples are.
	tenant = "default-tenant"
)

// replicas are the names of the two scrapers of each cluster.
var replicas = [2]string{"a", "b"}

// span is a half-open range of milliseconds.
type span struct{ from, to int64 }

// data is what the stores of the stack hold:
//
//   - cluster eu, two replicas of equal clocks: the last whole fortnight (history),
//     and the last hours (recent), in blocks;
//   - cluster us, two replicas of equal clocks: the last hours and some minutes of
//     the future (fresh), which are sent to receivers;
//   - cluster ap, two replicas of shifted clocks: the last hours, in blocks.
//
// Of each there is the truth: what one scraper that misses nothing has seen, in
// blocks of Prometheus.
type data struct {
	seed                   uint64
	history, recent, fresh span
	// bucket has history as one block a replica; pieces has it in blocks of two days,
	// for a Compactor. shifted has cluster ap.
	bucket, pieces, shifted string
	// truth is that of eu and us, lately without history, ap that of ap; their series
	// have the label cluster.
	truth, lately, ap string
	// both is what the replicas of eu have seen, with the labels cluster and replica.
	both string
	// parts are those of lately, a folder for eu and one for us, without the label.
	parts [2]string
	// targets are those of us; written is what is sent of them to receivers, a list for
	// each replica.
	targets []*stackdata.Target
	written [2][]stackdata.Series
	// sent is until when receivers have samples.
	sent int64
}

func (l *lab) makeData() (*data, error) {
	now := time.Now().UnixMilli()
	d := &data{seed: l.seed, recent: span{now - 6*hour, now}, fresh: span{now - 3*hour, now + ahead}, sent: now + ahead}
	end := d.recent.from - d.recent.from%longest
	d.history = span{end - longest, end}
	for name, path := range map[string]*string{
		"bucket": &d.bucket, "pieces": &d.pieces, "shifted": &d.shifted, "truth": &d.truth, "lately": &d.lately, "ap": &d.ap,
		"eu": &d.parts[0], "us": &d.parts[1], "both": &d.both,
	} {
		dir, err := l.fresh(filepath.Join("data", name))
		if err != nil {
			return nil, err
		}
		*path = dir
	}
	for _, step := range []func() error{d.writeRecent, d.writeShifted, d.writeFresh, d.writeHistory} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// whole writes what a scraper sees that misses nothing, in blocks of two hours.
func whole(dir string, targets []*stackdata.Target, every int64, of span, extra ...string) error {
	all := (stackdata.Scraper{Every: every, Extra: extra}).Scrape(targets, of.from, of.to)
	for _, part := range stackdata.Aligned(of.from, of.to, 2*hour) {
		if _, err := stackdata.WriteBlock(dir, stackdata.Between(all, part[0], part[1]), part[0], part[1], nil); err != nil {
			return err
		}
	}
	return nil
}

// writeHistory writes the fortnight.
func (d *data) writeHistory() error {
	targets := stackdata.Targets(d.seed, d.history.from, d.history.to)
	scraper := stackdata.Scraper{Every: historyEvery, Extra: []string{"cluster", "eu"}}
	if _, err := stackdata.WriteBlock(d.truth, scraper.Scrape(targets, d.history.from, d.history.to), d.history.from, d.history.to, nil); err != nil {
		return err
	}
	var missed [2]func(int, int64) bool
	missed[0], missed[1] = stackdata.Replicas(d.seed, historyEvery, d.history.from, d.history.to)
	for i, replica := range replicas {
		all := (stackdata.Scraper{Every: historyEvery, Missed: missed[i]}).Scrape(targets, d.history.from, d.history.to)
		external := map[string]string{"cluster": "eu", "replica": replica}
		if _, err := stackdata.WriteBlock(d.bucket, all, d.history.from, d.history.to, external); err != nil {
			return err
		}
		if _, err := stackdata.WriteBlock(d.both, stackdata.Labelled(all, "cluster", "eu", "replica", replica), d.history.from, d.history.to, nil); err != nil {
			return err
		}
		for _, part := range stackdata.Aligned(d.history.from, d.history.to, 2*day) {
			if _, err := stackdata.WriteBlock(d.pieces, stackdata.Between(all, part[0], part[1]), part[0], part[1], external); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeRecent writes the last hours of cluster eu, in blocks of two hours.
func (d *data) writeRecent() error {
	targets := stackdata.Targets(d.seed+1, d.recent.from, d.recent.to)
	err := errors.Join(
		whole(d.truth, targets, recentEvery, d.recent, "cluster", "eu"),
		whole(d.lately, targets, recentEvery, d.recent, "cluster", "eu"),
		whole(d.parts[0], targets, recentEvery, d.recent))
	if err != nil {
		return err
	}
	return d.writeReplicas(targets, d.seed+1, 0, "eu", d.bucket, d.pieces)
}

// writeShifted writes the last hours of cluster ap. Its truth is what the first
// replica would have seen without misses.
func (d *data) writeShifted() error {
	targets := stackdata.Targets(d.seed+2, d.recent.from, d.recent.to)
	if err := whole(d.ap, targets, recentEvery, d.recent, "cluster", "ap"); err != nil {
		return err
	}
	return d.writeReplicas(targets, d.seed+2, shift, "ap", d.shifted)
}

// writeReplicas writes blocks of two hours of both replicas, of which the second
// scrapes later.
func (d *data) writeReplicas(targets []*stackdata.Target, seed uint64, later int64, cluster string, buckets ...string) error {
	var missed [2]func(int, int64) bool
	missed[0], missed[1] = stackdata.Replicas(seed, recentEvery, d.recent.from, d.recent.to)
	for i, replica := range replicas {
		all := (stackdata.Scraper{Every: recentEvery, Shift: int64(i) * later, Missed: missed[i]}).Scrape(targets, d.recent.from, d.recent.to)
		external := map[string]string{"cluster": cluster, "replica": replica}
		for _, part := range stackdata.Aligned(d.recent.from, d.recent.to, 2*hour) {
			for _, bucket := range buckets {
				if _, err := stackdata.WriteBlock(bucket, stackdata.Between(all, part[0], part[1]), part[0], part[1], external); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeFresh makes what receivers get, and its truth. The first hour of it is in
// the bucket, too, as if a receiver had uploaded it.
func (d *data) writeFresh() error {
	// They outlive the test.
	targets := stackdata.Targets(d.seed+3, d.fresh.from, d.fresh.to+2*hour)
	d.targets = targets
	err := errors.Join(
		whole(d.truth, targets, recentEvery, d.fresh, "cluster", "us", "tenant_id", tenant),
		whole(d.lately, targets, recentEvery, d.fresh, "cluster", "us", "tenant_id", tenant),
		whole(d.parts[1], targets, recentEvery, d.fresh, "tenant_id", tenant))
	if err != nil {
		return err
	}
	var missed [2]func(int, int64) bool
	missed[0], missed[1] = stackdata.Replicas(d.seed+3, recentEvery, d.fresh.from, d.fresh.to)
	for i, replica := range replicas {
		scraper := stackdata.Scraper{Every: recentEvery, Missed: missed[i], Extra: []string{"cluster", "us", "replica", replica}}
		d.written[i] = scraper.Scrape(targets, d.fresh.from, d.fresh.to)
		uploaded := stackdata.Between(d.written[i], d.fresh.from, d.fresh.from+hour)
		external := map[string]string{"receive": "1", "tenant_id": tenant}
		if _, err := stackdata.WriteBlock(d.bucket, uploaded, d.fresh.from, d.fresh.from+hour, external); err != nil {
			return err
		}
	}
	return nil
}

// send sends the fresh samples of both replicas to a receiver, some of them late.
func (d *data) send(ctx context.Context, url string) error {
	return stackdata.Write(ctx, url, slices.Concat(d.written[0], d.written[1]), d.seed, late)
}

// copyBucket makes a bucket that a program may change.
func (l *lab) copyBucket(from, name string) (string, error) {
	to := filepath.Join(l.dir, name)
	if err := fixtures.CopyDir(to, from); err != nil {
		return "", fmt.Errorf("copy of %s: %w", from, err)
	}
	return to, nil
}

// bucketConfig writes the configuration of a bucket in a folder.
func (l *lab) bucketConfig(dir string) (string, error) {
	return l.file(filepath.Base(dir)+"-bucket.yml", fmt.Sprintf("type: FILESYSTEM\nconfig:\n  directory: %s\n", dir))
}

// meta is what is looked at of a block's meta.json.
type meta struct {
	MinTime int64 `json:"minTime"`
	MaxTime int64 `json:"maxTime"`
	Thanos  struct {
		Downsample struct {
			Resolution int64 `json:"resolution"`
		} `json:"downsample"`
	} `json:"thanos"`
}

func readMeta(path string) (m meta, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
