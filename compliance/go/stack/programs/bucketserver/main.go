// Command bucketserver serves the files of a folder as a bucket, by the protocol of S3
// (gofakes3, MIT) or of Google's storage (fake-gcs-server, BSD-2-Clause). It can be slow
// and fail, and counts what it is asked.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address to listen on")
	protocol := flag.String("protocol", "s3", "s3 or gcs")
	bucket := flag.String("bucket", "metrics", "name of the bucket")
	dir := flag.String("dir", "", "folder with the objects")
	latency := flag.Duration("latency", 0, "how long each answer takes at least")
	failures := flag.Int("failures", 0, "how many of 100 requests fail: by a status 503, a reset, or a body that ends too soon")
	seed := flag.Uint64("seed", 1, "which of them")
	flag.Parse()
	inner, err := serve(*protocol, *listen, *bucket, *dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bucketserver:", err)
		os.Exit(1)
	}
	s := &server{inner: inner, latency: *latency, failures: *failures, random: rand.New(rand.NewPCG(*seed, 1))}
	if err := http.ListenAndServe(*listen, s); err != nil {
		fmt.Fprintln(os.Stderr, "bucketserver:", err)
		os.Exit(1)
	}
}

// serve is a server of a protocol that has all files of the folder.
func serve(protocol, listen, bucket, dir string) (http.Handler, error) {
	switch protocol {
	case "s3":
		backend := s3mem.New()
		if err := backend.CreateBucket(bucket); err != nil {
			return nil, err
		}
		// Thanos's client refuses an object without it.
		modified := time.Now().UTC().Format(http.TimeFormat)
		err := files(dir, func(name string, content []byte) error {
			meta := map[string]string{"Last-Modified": modified}
			_, err := backend.PutObject(bucket, name, meta, bytes.NewReader(content), int64(len(content)), nil)
			return err
		})
		return gofakes3.New(backend, gofakes3.WithAutoBucket(false)).Server(), err
	case "gcs":
		var objects []fakestorage.Object
		err := files(dir, func(name string, content []byte) error {
			attrs := fakestorage.ObjectAttrs{BucketName: bucket, Name: name}
			objects = append(objects, fakestorage.Object{ObjectAttrs: attrs, Content: content})
			return nil
		})
		if err != nil {
			return nil, err
		}
		server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
			InitialObjects: objects, NoListener: true, PublicHost: listen, ExternalURL: "http://" + listen, Scheme: "http",
		})
		if err != nil {
			return nil, err
		}
		server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
		return server.HTTPHandler(), nil
	}
	return nil, fmt.Errorf("unknown protocol %q", protocol)
}

// files calls put with each file of a folder.
func files(dir string, put func(name string, content []byte) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return put(filepath.ToSlash(name), content)
	})
}

// server stands before a bucket.
type server struct {
	inner    http.Handler
	latency  time.Duration
	failures int

	mu     sync.Mutex
	random *rand.Rand

	requests, bytes, failed atomic.Int64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/-/ready":
		return
	case "/-/counts":
		_ = json.NewEncoder(w).Encode(map[string]int64{"requests": s.requests.Load(), "bytes": s.bytes.Load(), "failures": s.failed.Load()})
		return
	}
	s.requests.Add(1)
	time.Sleep(s.latency)
	s.mu.Lock()
	fails, how := s.random.IntN(100) < s.failures, s.random.IntN(3)
	s.mu.Unlock()
	if !fails {
		s.inner.ServeHTTP(&counted{ResponseWriter: w, bytes: &s.bytes}, r)
		return
	}
	s.failed.Add(1)
	switch how {
	case 0:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	case 1:
		panic(http.ErrAbortHandler)
	default:
		s.inner.ServeHTTP(&cut{ResponseWriter: w}, r)
		panic(http.ErrAbortHandler)
	}
}

// counted counts the bytes of a body.
type counted struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// cut gives the beginning of a body: half of its first piece, and nothing more.
type cut struct {
	http.ResponseWriter
	done bool
}

func (c *cut) Write(p []byte) (int, error) {
	if c.done {
		return len(p), nil
	}
	c.done = true
	_, err := c.ResponseWriter.Write(p[:len(p)/2])
	return len(p), err
}
