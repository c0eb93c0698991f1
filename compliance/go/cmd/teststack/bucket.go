package main

import (
	"fmt"
	"os"
	"strings"
)

// stageBucket compares answers of quarrel straight over a bucket with those of Thanos
// Query over a store gateway of the same bucket: as a folder, and through servers that
// speak S3 and Google's protocol, slow ones that fail now and then.
func (l *lab) stageBucket() error {
	bucket, err := l.compact()
	if err != nil {
		return err
	}
	store, err := l.startStore("store-of-bucket", bucket)
	if err != nil {
		return err
	}
	reference, err := l.startQuery("query-bucket", []*node{store})
	if err != nil {
		return err
	}
	defer l.stop(reference, store)
	folder, err := l.bucketConfig(bucket)
	if err != nil {
		return err
	}
	test, err := l.startOverBucket("quarrel-folder", folder)
	if err != nil {
		return err
	}
	c := l.between(reference, test)
	err = l.all(
		c.at("bucket, raw", l.data.history),
		c.at("bucket, 5 m", l.data.history).resolved(fine),
		c.at("bucket, 1 h", l.data.history).resolved(coarse),
	)
	l.stop(test)
	if err != nil {
		return err
	}
	for _, protocol := range []string{"s3", "gcs"} {
		if err := l.overServer(reference, protocol); err != nil {
			return fmt.Errorf("%s: %w", protocol, err)
		}
	}
	return nil
}

// overServer compares over a server that takes 2 ms for each answer and fails 5 times of
// 100.
func (l *lab) overServer(reference *node, protocol string) error {
	server, err := l.start("bucket-"+protocol, l.program("bucketserver"), 0, func(n *node) []string {
		return []string{
			"-listen", n.http, "-protocol", protocol, "-bucket", "metrics", "-dir", l.data.pieces,
			"-latency", "2ms", "-failures", "5", "-seed", fmt.Sprint(l.seed),
		}
	})
	if err != nil {
		return err
	}
	defer l.stop(server)
	var text string
	switch protocol {
	case "s3":
		text = "type: S3\nconfig:\n  bucket: metrics\n  endpoint: " + server.http +
			"\n  insecure: true\n  access_key: test\n  secret_key: test\n  region: eu-west-1\n"
	case "gcs":
		text = "type: GCS\nconfig:\n  bucket: metrics\n"
		if err := os.Setenv("STORAGE_EMULATOR_HOST", server.http); err != nil {
			return err
		}
		defer os.Unsetenv("STORAGE_EMULATOR_HOST")
	}
	config, err := l.file(protocol+"-bucket.yml", text)
	if err != nil {
		return err
	}
	test, err := l.startOverBucket("quarrel-"+protocol, config)
	if err != nil {
		return err
	}
	defer l.stop(test)
	c := l.between(reference, test)
	if err := l.all(c.at("bucket by "+protocol+", raw", l.data.history), c.at("bucket by "+protocol+", 5 m", l.data.history).resolved(fine)); err != nil {
		return err
	}
	var asked map[string]int64
	if err := l.get(server.URL+"/-/counts", &asked); err != nil {
		return err
	}
	fmt.Printf("  %s: %d requests, %d bytes, %d failed\n", protocol, asked["requests"], asked["bytes"], asked["failures"])
	if asked["failures"] == 0 {
		return fmt.Errorf("no request failed")
	}
	return nil
}

// startOverBucket starts quarrel, or Thanos's store gateway and query to test the
// tester, over a bucket.
func (l *lab) startOverBucket(name, config string) (*node, error) {
	cache, err := l.fresh(strings.ReplaceAll(name, "/", "-") + "-cache")
	if err != nil {
		return nil, err
	}
	if l.stand == "thanos" {
		store, err := l.thanos(name+"-store", "store", 0, func(*node) []string {
			return []string{"--objstore.config-file=" + config, "--data-dir=" + cache}
		})
		if err != nil {
			return nil, err
		}
		return l.startQuery(name, []*node{store})
	}
	return l.startQuarrel(name, nil, "--objstore.config-file", config, "--cache-dir", cache)
}
