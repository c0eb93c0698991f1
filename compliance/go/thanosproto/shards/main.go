// Command shards writes in which shard Thanos's own code puts series:
//
//	go run -tags slicelabels ./shards > ../../../storage/testdata/shards.txt
//
// A line has the number of shards, "by" or "without", their labels, the number of the
// shard, and the series' labels, all separated by tabs, lists by commas.
package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/thanos-io/thanos/pkg/store/storepb"
)

var series = []labels.Labels{
	labels.FromStrings(),
	labels.FromStrings("__name__", "up"),
	labels.FromStrings("__name__", "up", "job", "api", "pod", "a-1"),
	labels.FromStrings("__name__", "up", "job", "api", "pod", "a-2", "zone", "eu"),
	labels.FromStrings("__name__", "http_requests_total", "code", "200", "job", "ünï", "le", "+Inf"),
	labels.FromStrings("__name__", "x", "long", strings.Repeat("0123456789", 40)),
}

var groupings = [][]string{nil, {"job"}, {"pod", "job"}, {"__name__", "le"}, {"nothing"}}

func main() {
	pool := &sync.Pool{New: func() any {
		buffer := make([]byte, 0, 100)
		return &buffer
	}}
	for _, total := range []int64{1, 2, 3, 16, 1000} {
		for _, by := range []bool{true, false} {
			for _, grouping := range groupings {
				for _, one := range series {
					write(pool, total, by, grouping, one)
				}
			}
		}
	}
}

func write(pool *sync.Pool, total int64, by bool, grouping []string, one labels.Labels) {
	for index := range total {
		info := &storepb.ShardInfo{ShardIndex: index, TotalShards: total, By: by, Labels: grouping}
		matcher := info.Matcher(pool)
		if matcher.MatchesLabels(one) {
			kind := map[bool]string{true: "by", false: "without"}[by]
			var pairs []string
			one.Range(func(l labels.Label) { pairs = append(pairs, l.Name+"="+l.Value) })
			fmt.Printf("%d\t%s\t%s\t%d\t%s\n", total, kind, strings.Join(grouping, ","), index, strings.Join(pairs, ","))
		}
		matcher.Close()
	}
}
