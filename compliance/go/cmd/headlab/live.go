package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

// live writes as Prometheus does, but faster: each round is a scrape, and every
// few hundred rounds it writes blocks, truncates the head, and deletes old
// files.
func live(dir string, duration time.Duration) error {
	alter := func(o *tsdb.Options) {
		o.WALSegmentSize = 64 * 1024
		o.RetentionDuration = 12 * hour
	}
	return makeOne(dir, alter, func(l *lab) error {
		end := time.Now().Add(duration)
		for i := int64(0); time.Now().Before(end); i++ {
			t := epoch + i*30*second
			// Series come and go.
			series := upTo(int(i/100) + 30)[i/100:]
			if err := l.scrapes(series, t, t+1, second); err != nil {
				return err
			}
			if i%7 == 6 {
				if err := l.scrapes(series[:3], t-100*second, t-99*second, second); err != nil {
					return err
				}
			}
			if i%300 == 299 {
				if err := l.db.Compact(context.Background()); err != nil {
					return err
				}
				if err := l.db.CompactOOOHead(context.Background()); err != nil {
					return err
				}
			}
			time.Sleep(200 * time.Microsecond)
		}
		fmt.Println("written")
		return nil
	})
}
