package main

import (
	"fmt"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/stackdata"
)

const (
	bucketSpan  = 30 * day
	bucketBlock = 2 * day
	// bucketLatency is how long each request of a bucket takes.
	bucketLatency = 20 * time.Millisecond
	// wakeFor is how long each is asked for what is in no bucket before it is timed:
	// processors that have slept are slower for a while.
	wakeFor = 300 * time.Millisecond
)

// bucketQueries are asked over the whole span, but for the first, which is asked of its
// last five minutes alone.
var bucketQueries = []struct {
	query string
	span  int64
	step  time.Duration
}{
	{`up{instance="10.0.0.1:9100"}`, 5 * minute, 5 * time.Minute},
	{`sum by (job) (rate(http_requests_total[5m]))`, 6 * hour, time.Minute},
	{`sum by (job) (rate(http_requests_total[5m]))`, bucketSpan, time.Hour},
	{`count by (job) (up)`, bucketSpan, time.Hour},
}

// overBucket is who answers over a bucket, and what counts its requests.
type overBucket struct {
	name   string
	server *node
	// start starts it anew over its cache on disk; the last node answers.
	start func() ([]*node, error)
}

// traffic is what a bucket was asked.
type traffic struct{ Requests, Bytes int64 }

// benchBucket times quarrel straight over a bucket that takes 20 ms for each answer,
// beside Thanos Query over a store gateway, and counts requests and bytes: cold, with
// nothing but tables of indexes on disk, which is what both can have there, and once
// more. It prints Markdown.
func (l *lab) benchBucket(rounds int) error {
	bucket, err := l.writeBucket("month-bucket", l.targets, bucketSpan, bucketBlock, benchEvery)
	if err != nil {
		return err
	}
	// Neither the disk nor this process's memory is tidied up in the time of others.
	debug.FreeOSMemory()
	syscall.Sync()
	var contestants []*overBucket
	for _, name := range []string{"quarrel", "thanos"} {
		c, err := l.contestant(name, bucket)
		if err != nil {
			return err
		}
		contestants = append(contestants, c)
		// What is on disk is made once: Thanos makes it at its start, quarrel when a block
		// is first asked.
		nodes, err := c.start()
		if err != nil {
			return err
		}
		to := l.bucketEnd()
		if _, err := l.timeRange(nodes[len(nodes)-1], "count(up)", span{to - bucketSpan, to - minute}, time.Hour); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		l.stop(nodes...)
	}
	fmt.Printf("\n%d series of 30 days in blocks of two days, a sample each %d s, %s a request, medians of %d rounds.\n\n", l.targets*stackdata.SeriesOfFleetTarget, benchEvery/1000, bucketLatency, rounds)
	fmt.Println("| query | over | | quarrel, ms | Thanos, ms | times faster | requests | Thanos's | MiB | Thanos's | memory, MiB | both Thanos's |")
	fmt.Println("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, q := range bucketQueries {
		if err := l.benchBucketQuery(contestants, q.query, q.span, q.step, rounds); err != nil {
			return err
		}
	}
	return nil
}

// writeBucket writes a bucket of a fleet's samples before its end, block by block.
func (l *lab) writeBucket(name string, targets int, length, block, every int64) (string, error) {
	bucket, err := l.fresh(name)
	if err != nil {
		return "", err
	}
	to := l.bucketEnd()
	external := map[string]string{"cluster": "bench", "replica": "a"}
	begin := time.Now()
	for _, part := range stackdata.Aligned(to-length, to, block) {
		fleet := stackdata.Fleet(l.seed, targets, to-length, to)
		series := (stackdata.Scraper{Every: every}).Scrape(fleet, part[0], part[1])
		if _, err := stackdata.WriteBlock(bucket, series, part[0], part[1], external); err != nil {
			return "", err
		}
	}
	fmt.Printf("%s: %.1f s\n", name, time.Since(begin).Seconds())
	return bucket, nil
}

// bucketEnd is the last midnight.
func (l *lab) bucketEnd() int64 {
	now := time.Now().UnixMilli()
	return now - now%bucketBlock
}

// contestant is one of both, with a bucket's server of its own.
func (l *lab) contestant(name, bucket string) (*overBucket, error) {
	server, err := l.start("bucket of "+name, l.program("bucketserver"), 0, func(n *node) []string {
		return []string{"-listen", n.http, "-bucket", "metrics", "-dir", bucket, "-latency", bucketLatency.String()}
	})
	if err != nil {
		return nil, err
	}
	text := "type: S3\nconfig:\n  bucket: metrics\n  endpoint: " + server.http +
		"\n  insecure: true\n  access_key: test\n  secret_key: test\n  region: eu-west-1\n"
	config, err := l.file(name+"-month.yml", text)
	if err != nil {
		return nil, err
	}
	cache, err := l.fresh(name + "-month-cache")
	if err != nil {
		return nil, err
	}
	c := &overBucket{name: name, server: server}
	c.start = func() ([]*node, error) {
		if name == "quarrel" {
			n, err := l.startQuarrel("quarrel over the bucket", nil, "--objstore.config-file", config, "--cache-dir", cache, "--bucket.disk-cache-size", "0B")
			return []*node{n}, err
		}
		store, err := l.thanos("store of the bucket", "store", 0, func(*node) []string {
			return []string{"--objstore.config-file=" + config, "--data-dir=" + cache}
		})
		if err != nil {
			return nil, err
		}
		query, err := l.startQuery("query over the bucket", []*node{store}, "--query.promql-engine=thanos")
		return []*node{store, query}, err
	}
	return c, nil
}

// asked is what the bucket was asked so far.
func (l *lab) asked(c *overBucket) (traffic, error) {
	var n map[string]int64
	err := l.get(c.server.URL+"/-/counts", &n)
	return traffic{n["requests"], n["bytes"]}, err
}

// askedBucket is what a query over a bucket took: the time of each round, and what the
// bucket was asked and the processes held in the last one.
type askedBucket struct {
	took   []time.Duration
	asked  traffic
	memory int64
}

// benchBucketQuery asks both a query, twice a round, and prints two rows.
func (l *lab) benchBucketQuery(contestants []*overBucket, query string, length int64, step time.Duration, rounds int) error {
	to := l.bucketEnd()
	of := span{to - length, to - minute}
	rows := map[string]*[2]askedBucket{}
	for round := range rounds {
		for i := range contestants {
			c := contestants[(i+round)%len(contestants)]
			if rows[c.name] == nil {
				rows[c.name] = &[2]askedBucket{}
			}
			if err := l.askBucket(c, query, of, step, rows[c.name]); err != nil {
				return fmt.Errorf("%s: %s: %w", c.name, query, err)
			}
		}
	}
	mib := func(n int64) float64 { return float64(n) / (1 << 20) }
	for i, when := range []string{"cold", "warm"} {
		q, t := rows["quarrel"][i], rows["thanos"][i]
		ours, theirs := median(q.took), median(t.took)
		fmt.Printf("| `%s` | %s | %s | %.1f | %.1f | %.1f | %d | %d | %.1f | %.1f | %.0f | %.0f |\n", query, time.Duration(length)*time.Millisecond, when,
			ms(ours), ms(theirs), float64(theirs)/float64(ours), q.asked.Requests, t.asked.Requests, mib(q.asked.Bytes), mib(t.asked.Bytes), mib(q.memory), mib(t.memory))
	}
	return nil
}

// askBucket starts one of both and asks it twice.
func (l *lab) askBucket(c *overBucket, query string, of span, step time.Duration, rows *[2]askedBucket) error {
	nodes, err := c.start()
	if err != nil {
		return err
	}
	defer l.stop(nodes...)
	// What a start leaves to do is done.
	time.Sleep(time.Second)
	last := nodes[len(nodes)-1]
	for begin := time.Now(); time.Since(begin) < wakeFor; {
		if _, err := l.timeRange(last, "vector(1)", of, step); err != nil {
			return err
		}
	}
	for i := range rows {
		before, err := l.asked(c)
		if err != nil {
			return err
		}
		took, err := l.timeRange(last, query, of, step)
		if err != nil {
			return err
		}
		after, err := l.asked(c)
		if err != nil {
			return err
		}
		rows[i].took = append(rows[i].took, took)
		rows[i].asked = traffic{after.Requests - before.Requests, after.Bytes - before.Bytes}
		rows[i].memory = 0
		for _, n := range nodes {
			peak, err := peakMemory(n.PID())
			if err != nil {
				return err
			}
			rows[i].memory += peak
		}
	}
	return nil
}
