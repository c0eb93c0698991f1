package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/quarrel-engine/quarrel/compliance/go/promengine"
)

// raw, fine and coarse are parameters that choose a resolution, without
// deduplication.
var (
	raw    = []string{"dedup=false"}
	fine   = []string{"dedup=false", "max_source_resolution=5m"}
	coarse = []string{"dedup=false", "max_source_resolution=1h"}
)

// between are both endpoints of comparisons of Thanos Query with who stands in its
// place.
func (l *lab) between(reference, test *node) comparison {
	return comparison{reference: reference.URL, test: test.URL, referenceParams: raw, testParams: raw, accept: []string{"thanos"}, least: 500}
}

// at sets the name and the times of a comparison.
func (c comparison) at(name string, of span) comparison {
	c.name, c.from, c.until = name, of.from, of.to
	return c
}

// resolved sets a resolution of downsampled data on both sides.
func (c comparison) resolved(params []string) comparison {
	c.referenceParams, c.testParams = params, params
	c.accept = append(slices.Clone(c.accept), "downsampled")
	return c
}

// stageStore compares answers over a store gateway without deduplication: over raw
// blocks of the last hours and of the fortnight, and over downsampled ones.
func (l *lab) stageStore() error {
	reference, err := l.reference()
	if err != nil {
		return err
	}
	test, err := l.inPlace()
	if err != nil {
		return err
	}
	c := l.between(reference, test)
	joins := c.at("joins across stores", l.data.fresh)
	joins.lists, joins.least = []string{"joins"}, 50
	return l.all(
		c.at("recent", l.data.recent),
		c.at("history, raw", l.data.history),
		c.at("history, 5 m", l.data.history).resolved(fine),
		c.at("history, 1 h", l.data.history).resolved(coarse),
		joins,
	)
}

// stageReceive compares answers over what two receivers hold, late samples and
// those of the future among it.
func (l *lab) stageReceive() error {
	reference, err := l.reference()
	if err != nil {
		return err
	}
	test, err := l.inPlace()
	if err != nil {
		return err
	}
	c := l.between(reference, test).at("fresh", l.data.fresh)
	future := c.at("the future", span{l.data.fresh.to - ahead, l.data.fresh.to})
	future.lists, future.least = []string{"dashboards"}, 30
	return l.all(c, future)
}

// stageCompactor compares answers over a bucket that a real Compactor has
// compacted and downsampled; raw ones also with those of Prometheus's engine over
// the same series, since Thanos Query changes what functions of counters see.
func (l *lab) stageCompactor() error {
	store, err := l.storeOfCompacted()
	if err != nil {
		return err
	}
	reference, err := l.startQuery("query-compacted", []*node{store})
	if err != nil {
		return err
	}
	test, err := l.startStand("quarrel-compacted", []*node{store})
	if err != nil {
		return err
	}
	defer l.stop(reference, test, store)
	both, stop, err := l.prometheus(l.data.both)
	if err != nil {
		return err
	}
	defer stop()
	c := l.between(reference, test)
	c2 := comparison{reference: both, test: test.URL, testParams: raw, least: 500}
	return l.all(
		c2.at("compacted, raw, with Prometheus", l.data.history),
		c.at("compacted, raw", l.data.history),
		c.at("compacted, 5 m", l.data.history).resolved(fine),
		c.at("compacted, 1 h", l.data.history).resolved(coarse),
	)
}

// prometheus serves Prometheus's engine over a data directory.
func (l *lab) prometheus(dir string) (url string, stop func(), err error) {
	engine, err := promengine.Open(dir, []string{"promql-experimental-functions", "promql-binop-fill-modifiers"})
	if err != nil {
		return "", nil, err
	}
	url, end, err := engine.Serve()
	if err != nil {
		return "", nil, errors.Join(err, engine.Close())
	}
	return url, func() { end(); _ = engine.Close() }, nil
}

// stageReplicas compares deduplicated answers over two replicas that miss nothing
// together with Prometheus's over what one scraper sees that misses nothing.
func (l *lab) stageReplicas() error {
	test, err := l.inPlace()
	if err != nil {
		return err
	}
	truth, stop, err := l.prometheus(l.data.truth)
	if err != nil {
		return err
	}
	defer stop()
	c := comparison{reference: truth, test: test.URL, least: 500}
	if l.stand != "thanos" {
		c.more = []string{"--annotations"}
	}
	joins := c.at("joins across stores", l.data.fresh)
	joins.lists, joins.least = []string{"joins"}, 50
	random := c.at("random queries", l.data.fresh)
	random.more = append([]string{"--random", "500"}, random.more...)
	random.least = 100
	return l.all(c.at("recent", l.data.recent), c.at("history", l.data.history), c.at("fresh", l.data.fresh), joins, random)
}

// stageShifted looks at two replicas with clocks some seconds apart. No answer is
// the only right one there, but they are near to the truth: a series counts once,
// and no counter resets where one replica takes over.
func (l *lab) stageShifted() error {
	store, err := l.startStore("store-shifted", l.data.shifted)
	if err != nil {
		return err
	}
	test, err := l.startStand("quarrel-shifted", []*node{store})
	if err != nil {
		return err
	}
	defer l.stop(test, store)
	truth, stop, err := l.prometheus(l.data.ap)
	if err != nil {
		return err
	}
	defer stop()
	c := comparison{reference: truth, test: test.URL, lists: []string{"shifted"}, least: 20}
	c.more = []string{"--tolerance", "0.05", "--floor", "0.05"}
	return l.all(c.at("shifted clocks", l.data.recent))
}

// startFrontend starts a query frontend before a server, which splits by the hour,
// shards and caches in Redis.
func (l *lab) startFrontend(before *node, redis *redis) (*node, error) {
	cache, err := l.file("redis.yml", fmt.Sprintf("type: REDIS\nconfig:\n  addr: %s\n", redis.address))
	if err != nil {
		return nil, err
	}
	return l.thanos("query-frontend", "query-frontend", 0, func(*node) []string {
		return []string{
			"--query-frontend.downstream-url=" + before.URL, "--query-range.split-interval=1h", "--query-frontend.vertical-shards=2",
			"--query-range.response-cache-config-file=" + cache, "--labels.response-cache-config-file=" + cache,
			"--no-query-range.align-range-with-step", "--enable-feature=promql-experimental-functions",
		}
	})
}

// stageFrontend compares answers through a query frontend, which splits, shards
// and caches, with direct ones: twice, the second time from its cache.
func (l *lab) stageFrontend() error {
	test, err := l.inPlace()
	if err != nil {
		return err
	}
	redis, err := l.startRedis()
	if err != nil {
		return err
	}
	frontend, err := l.startFrontend(test, redis)
	if err != nil {
		return err
	}
	defer l.stop(frontend)
	c := comparison{reference: test.URL, test: frontend.URL, accept: []string{"frontend"}, least: 500, more: []string{"--range", "4h"}}
	// Of a split with one time alone, the frontend moves it to a multiple of the step;
	// with a start that is one, nothing moves.
	recent := multiples(l.data.recent, 4*minute)
	if err := l.all(c.at("split", recent)); err != nil {
		return err
	}
	before, err := redis.keys()
	if err != nil {
		return err
	}
	if before == 0 {
		return errors.New("the frontend cached nothing")
	}
	fmt.Printf("  %d keys in Redis\n", before)
	return l.all(c.at("cached", recent))
}
