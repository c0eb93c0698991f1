package main

import (
	"fmt"
	"path/filepath"
	"time"
)

const (
	// thousandBlocks of two hours each.
	thousandBlocks = 1000
	thousandSpan   = thousandBlocks * 2 * hour
	thousandEvery  = 5 * minute
	// fewRequests is more than an instant query may ask.
	fewRequests = 10
)

// stageThousand starts quarrel over a bucket of a thousand blocks that takes 20 ms for
// each answer: over an empty cache it asks a listing and one meta.json a block, over a
// warm one a listing alone; an instant query asks few ranges.
func (l *lab) stageThousand() error {
	bucket, err := l.writeBucket("thousand-bucket", 1, thousandSpan, 2*hour, thousandEvery)
	if err != nil {
		return err
	}
	c, err := l.contestant("quarrel", bucket)
	if err != nil {
		return err
	}
	defer l.stop(c.server)
	objects, err := filepath.Glob(filepath.Join(bucket, "*", "*"))
	if err != nil {
		return err
	}
	// A page of the listing has a thousand objects. A block has one folder, of one.
	listing := int64(len(objects)/1000 + 1)
	for _, start := range []struct {
		name  string
		least int64
		most  int64
	}{
		{"empty cache", thousandBlocks + 1, thousandBlocks + listing},
		{"warm cache", 1, listing},
	} {
		before, err := l.asked(c)
		if err != nil {
			return err
		}
		begin := time.Now()
		nodes, err := c.start()
		if err != nil {
			return err
		}
		took := time.Since(begin)
		ready, err := l.asked(c)
		if err != nil {
			return err
		}
		if asked := ready.Requests - before.Requests; asked < start.least || asked > start.most {
			return fmt.Errorf("%s: %d requests until ready, not %d to %d", start.name, asked, start.least, start.most)
		}
		rows, err := l.query(nodes[0], `last_over_time(up[15m])`, seconds(l.bucketEnd()-7*hour+30*minute))
		if err != nil {
			return err
		}
		after, err := l.asked(c)
		if err != nil {
			return err
		}
		asked := after.Requests - ready.Requests
		if len(rows) != 1 || asked == 0 || asked >= fewRequests {
			return fmt.Errorf("%s: %d rows by %d requests", start.name, len(rows), asked)
		}
		fmt.Printf("  %d blocks, %s: ready after %.2f s by %d requests; an instant query by %d\n",
			thousandBlocks, start.name, took.Seconds(), ready.Requests-before.Requests, asked)
		l.stop(nodes...)
	}
	return nil
}
