package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// replicaLabels are the labels that tell replicas apart: those of scrapers and
// those of receivers.
var replicaLabels = []string{"replica", "receive"}

// once makes something when it is first needed.
type once[T any] struct {
	done  bool
	value T
	err   error
}

func (o *once[T]) get(make func() (T, error)) (T, error) {
	if !o.done {
		o.value, o.err = make()
		o.done = true
	}
	return o.value, o.err
}

// stations are the servers that several stages use.
type stations struct {
	downsampled      once[string]
	compacted        once[string]
	store            once[*node]
	storeOfCompacted once[*node]
	receivers        once[*receivers]
	reference        once[*node]
	inPlace          once[*node]
}

// downsample is a bucket with history in blocks of three resolutions. Thanos's tool
// for this never ends, and is stopped when the blocks are there.
func (l *lab) downsample() (string, error) {
	return l.stations.downsampled.get(func() (string, error) {
		config, err := l.bucketConfig(l.data.bucket)
		if err != nil {
			return "", err
		}
		tmp, err := l.fresh("downsample")
		if err != nil {
			return "", err
		}
		address, err := process.FreeAddress()
		if err != nil {
			return "", err
		}
		tool, err := process.Spawn(l.program("thanos"), "tools", "bucket", "downsample", "--objstore.config-file="+config,
			"--data-dir="+tmp, "--http-address="+address, "--log.level=warn")
		if err != nil {
			return "", err
		}
		defer tool.Close()
		err = l.waitFor("downsampled blocks", 2*time.Minute, func() (bool, error) {
			if !tool.Alive() {
				return false, fmt.Errorf("thanos tools bucket downsample ended:\n%s", tool.Log())
			}
			levels, err := resolutions(l.data.bucket)
			return levels[5*minute] == len(replicas) && levels[hour] == len(replicas), err
		})
		return l.data.bucket, err
	})
}

// compact is a bucket that a Compactor has compacted and downsampled.
func (l *lab) compact() (string, error) {
	return l.stations.compacted.get(func() (string, error) {
		config, err := l.bucketConfig(l.data.pieces)
		if err != nil {
			return "", err
		}
		tmp, err := l.fresh("compact")
		if err != nil {
			return "", err
		}
		address, err := process.FreeAddress()
		if err != nil {
			return "", err
		}
		compactor, err := process.Spawn(l.program("thanos"), "compact", "--objstore.config-file="+config, "--data-dir="+tmp,
			"--http-address="+address, "--log.level=info", "--consistency-delay=0s", "--delete-delay=0s", "--http-grace-period=1s",
			"--no-enable-auto-gomemlimit")
		if err != nil {
			return "", err
		}
		defer compactor.Close()
		// Without --wait it ends when all is done.
		select {
		case <-compactor.Exited():
		case <-l.ctx.Done():
			return "", l.ctx.Err()
		case <-time.After(4 * time.Minute):
			return "", fmt.Errorf("thanos compact is not done:\n%s", compactor.Log())
		}
		levels, err := resolutions(l.data.pieces)
		if err == nil && (levels[5*minute] < len(replicas) || levels[hour] < len(replicas)) {
			err = fmt.Errorf("thanos compact left blocks %v:\n%s", levels, compactor.Log())
		}
		return l.data.pieces, err
	})
}

// startStore starts a store gateway over a bucket.
func (l *lab) startStore(name, bucket string) (*node, error) {
	config, err := l.bucketConfig(bucket)
	if err != nil {
		return nil, err
	}
	dir, err := l.fresh(name)
	if err != nil {
		return nil, err
	}
	return l.thanos(name, "store", 0, func(*node) []string {
		return []string{"--objstore.config-file=" + config, "--data-dir=" + dir, "--sync-block-duration=1h"}
	})
}

// store is a store gateway over raw and downsampled blocks.
func (l *lab) store() (*node, error) {
	return l.stations.store.get(func() (*node, error) {
		bucket, err := l.downsample()
		if err != nil {
			return nil, err
		}
		return l.startStore("store", bucket)
	})
}

// storeOfCompacted is a store gateway over what a Compactor made.
func (l *lab) storeOfCompacted() (*node, error) {
	return l.stations.storeOfCompacted.get(func() (*node, error) {
		bucket, err := l.compact()
		if err != nil {
			return nil, err
		}
		return l.startStore("store-of-compacted", bucket)
	})
}

// receivers are a router and the two receivers that it writes to.
type receivers struct {
	router    *node
	ingesters []*node
	// write is the URL for remote writes.
	write string
}

// receivers starts them and sends them the fresh samples.
func (l *lab) receivers() (*receivers, error) {
	return l.stations.receivers.get(func() (*receivers, error) {
		out := &receivers{}
		var endpoints []string
		for i := range 2 {
			name := fmt.Sprintf("receive-%d", i+1)
			dir, err := l.fresh(name)
			if err != nil {
				return nil, err
			}
			n, err := l.thanos(name, "receive", 2, func(n *node) []string {
				return []string{
					"--remote-write.address=" + n.extra[0], "--receive.capnproto-address=" + n.extra[1], "--tsdb.path=" + dir, "--label=receive=\"" + fmt.Sprint(i+1) + "\"",
					"--receive.local-endpoint=" + n.grpc, "--tsdb.out-of-order.time-window=2h", "--tsdb.too-far-in-future.time-window=5m",
					"--tsdb.enable-native-histograms",
				}
			})
			if err != nil {
				return nil, err
			}
			out.ingesters = append(out.ingesters, n)
			endpoints = append(endpoints, `"`+n.grpc+`"`)
		}
		ring, err := l.file("hashring.json", `[{"endpoints": [`+strings.Join(endpoints, ", ")+`]}]`)
		if err != nil {
			return nil, err
		}
		out.router, err = l.thanos("receive-router", "receive", 2, func(n *node) []string {
			return []string{
				"--remote-write.address=" + n.extra[0], "--receive.capnproto-address=" + n.extra[1], "--receive.hashrings-file=" + ring,
				"--receive.hashrings-algorithm=ketama", "--label=router=\"1\"",
			}
		})
		if err != nil {
			return nil, err
		}
		out.write = "http://" + out.router.extra[0] + "/api/v1/receive"
		return out, l.data.send(l.ctx, out.write)
	})
}

// startQuery starts a Thanos Query over endpoints.
func (l *lab) startQuery(name string, endpoints []*node, more ...string) (*node, error) {
	n, err := l.thanos(name, "query", 0, func(*node) []string {
		args := []string{"--enable-feature=promql-experimental-functions"}
		for _, label := range replicaLabels {
			args = append(args, "--query.replica-label="+label)
		}
		for _, e := range endpoints {
			args = append(args, "--endpoint="+e.grpc)
		}
		return append(args, more...)
	})
	if err != nil {
		return nil, err
	}
	return n, l.waitStores(n, len(endpoints))
}

// startQuarrel starts `quarrel serve` in the place of Thanos Query.
func (l *lab) startQuarrel(name string, endpoints []*node, more ...string) (*node, error) {
	n, err := l.start(name, l.quarrel, 0, func(n *node) []string {
		args := []string{"serve", "--listen", n.http, "--grpc-address", n.grpc}
		for _, label := range replicaLabels {
			args = append(args, "--query.replica-label", label)
		}
		for _, e := range endpoints {
			args = append(args, "--endpoint", e.grpc)
		}
		args = append(args, "--enable-feature", "promql-experimental-functions,promql-binop-fill-modifiers")
		return append(args, more...)
	})
	if err != nil {
		return nil, err
	}
	return n, l.waitStores(n, len(endpoints))
}

// startStand starts who stands in the place of Thanos Query.
func (l *lab) startStand(name string, endpoints []*node) (*node, error) {
	if l.stand == "thanos" {
		return l.startQuery(name, endpoints)
	}
	return l.startQuarrel(name, endpoints)
}

// stores are all that hold data: the store gateway and both receivers.
func (l *lab) stores() ([]*node, error) {
	store, err := l.store()
	if err != nil {
		return nil, err
	}
	receivers, err := l.receivers()
	if err != nil {
		return nil, err
	}
	return append([]*node{store}, receivers.ingesters...), nil
}

// reference is a Thanos Query over all stores.
func (l *lab) reference() (*node, error) {
	return l.stations.reference.get(func() (*node, error) {
		stores, err := l.stores()
		if err != nil {
			return nil, err
		}
		return l.startQuery("query", stores)
	})
}

// inPlace is quarrel over all stores.
func (l *lab) inPlace() (*node, error) {
	return l.stations.inPlace.get(func() (*node, error) {
		stores, err := l.stores()
		if err != nil {
			return nil, err
		}
		return l.startStand("in-place", stores)
	})
}

// resolutions counts the blocks of a bucket by their resolution in milliseconds.
func resolutions(bucket string) (map[int64]int, error) {
	entries, err := os.ReadDir(bucket)
	if err != nil {
		return nil, err
	}
	out := map[int64]int{}
	for _, e := range entries {
		meta, err := readMeta(filepath.Join(bucket, e.Name(), "meta.json"))
		if errors.Is(err, os.ErrNotExist) {
			continue // a block that is being written has none yet
		}
		if err != nil {
			return nil, err
		}
		out[meta.Thanos.Downsample.Resolution]++
	}
	return out, nil
}
