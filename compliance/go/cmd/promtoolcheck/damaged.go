package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/quarrel-engine/quarrel/compliance/go/apicheck"
	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// damage is something that is wrong with a block.
type damage struct {
	name string
	do   func(block string) error
	// hidden is whether Prometheus leaves the block out. quarrel then warns.
	hidden bool
}

// meta is a damage that replaces a text in meta.json.
func meta(old, text string, hidden bool) damage {
	return damage{old + " > " + text, func(block string) error {
		path := filepath.Join(block, "meta.json")
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed := regexp.MustCompile(old).ReplaceAll(b, []byte(text))
		if bytes.Equal(changed, b) {
			return fmt.Errorf("nothing matches %s", old)
		}
		return os.WriteFile(path, changed, 0o666)
	}, hidden}
}

// corruptChunks changes a byte of every hundredth kilobyte of a block's chunks.
func corruptChunks(block string) error {
	path := filepath.Join(block, "chunks", "000001")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := 50_000; i < len(b); i += 100_000 {
		b[i] ^= 0x55
	}
	return os.WriteFile(path, b, 0o666)
}

var damages = []damage{
	{"corrupt chunks", corruptChunks, false},
	{"no meta.json", func(block string) error { return os.Remove(filepath.Join(block, "meta.json")) }, true},
	{"an empty meta.json", func(block string) error { return os.Truncate(filepath.Join(block, "meta.json"), 0) }, true},
	meta(`"stats": \{[^}]*\}`, `"stats": null`, false),
	meta(`"compaction": \{[^}]*\}`, `"compaction": null`, false),
	meta(`"sources": \[[^]]*\]`, `"sources": null, "parents": null, "hints": null, "failed": null`, false),
	meta(`"numSeries"`, `"NUMSERIES"`, false),
	meta(`"(minTime|maxTime|ulid|version|stats|compaction)"`, `"_$1_"`, true),
	meta(`"minTime"`, `"MinTime"`, false),
	meta(`"version"`, `"VERſION"`, false),
	meta(`"version": 1`, `"version": 2`, false),
	meta(`"version": 1`, `"version": 3`, true),
	meta(`"version": 1`, `"version": 2, "version": 1`, false),
	meta(`"version": 1`, `"version": 1, "Version": 2`, false),
	meta(`"version": 1`, `"version": 1, "Version": null`, false),
	meta(`"version": 1`, `"version": null`, true),
	meta(`"version": 1`, `"version": "1"`, true),
	meta(`"version": 1`, `"version": 1.0`, true),
	meta(`"minTime": (\d+)`, `"minTime": 5, "minTime": $1`, false),
	meta(`"minTime": (\d+)`, `"minTime": $1, "minTime": null`, false),
	meta(`"minTime": (\d+)`, `"minTime": 1e3`, true),
	meta(`"level": 1`, `"level": "1"`, true),
	meta(`"level": 1`, `"level": -1, "other": {"a": [1.5, {}]}`, false),
	meta(`"ulid": "(.)`, `"ulid": "`, true),
	meta(`"ulid": "01`, `"ulid": "0i`, false),
	meta(`"ulid": "01`, `"ulid": "91`, true),
	meta(`\}\s*$`, `} x`, true),
	meta(`\}\s*$`, `,}`, true),
	meta(`\{`, "{\"\xff\": \"\xff\", ", false),
}

// compareDamaged compares what both servers make of blocks that are damaged.
func compareDamaged(ctx context.Context, c config, tmp string, only *regexp.Regexp, count func(string)) error {
	data := filepath.Join(tmp, "blocks")
	if err := fixtures.Build(data, fixtures.Options{Seed: 1, Shape: fixtures.Blocks}); err != nil {
		return err
	}
	for i, d := range damages {
		if !only.MatchString("damage: " + d.name) {
			continue
		}
		if err := compareDamage(ctx, c, filepath.Join(tmp, fmt.Sprint("damage-", i)), data, d, count); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

func compareDamage(ctx context.Context, c config, tmp, data string, d damage, count func(string)) error {
	var servers [2]*process.Server
	for i := range servers {
		dir := filepath.Join(tmp, fmt.Sprint(i))
		if err := fixtures.CopyDir(dir, data); err != nil {
			return err
		}
		block, err := largest(dir)
		if err != nil {
			return err
		}
		if err := d.do(block); err != nil {
			return err
		}
		if i == 0 || c.self {
			servers[i], err = process.Prometheus(ctx, c.prometheus, dir, "", nil)
		} else {
			servers[i], err = process.Quarrel(ctx, c.quarrel, dir, nil)
		}
		if err != nil {
			return err
		}
		defer servers[i].Close()
	}
	how := apicheck.How{Unordered: true, AnyText: true}
	get := func(path string, pairs ...string) apicheck.Request {
		f := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return apicheck.Request{Method: http.MethodGet, Path: path, Form: f, How: how}
	}
	end := strconv.FormatInt(fixtures.Start/1000+4*3600, 10)
	requests := []apicheck.Request{get("/api/v1/labels"), get("/api/v1/label/__name__/values"), get("/api/v1/series", "match[]", "up")}
	for _, name := range []string{"up", "http_requests_total", "irregular", "special", "temperature", "ties", "pod_cpu_seconds_total", "half_a", "http_request_duration_seconds_bucket"} {
		requests = append(requests, get("/api/v1/query", "query", "count_over_time("+name+"[5h])", "time", end), get("/api/v1/query", "query", "sum(rate("+name+"[5h]))", "time", end), get("/api/v1/query", "query", name+"[5h]", "time", end))
	}
	for _, r := range requests {
		difference := compareHTTP(ctx, servers[0].URL, servers[1].URL, r)
		if difference != "" {
			difference = "damage: " + d.name + "\n" + difference
		}
		count(difference)
	}
	if c.self {
		return nil
	}
	count(warns(ctx, servers[1], d, get("/api/v1/query", "query", "up[5h]", "time", end)))
	return nil
}

// warns describes how quarrel's warnings and its log are wrong; "" if they are not.
func warns(ctx context.Context, server *process.Server, d damage, r apicheck.Request) string {
	answer, err := apicheck.Ask(ctx, server.URL, r)
	if err != nil {
		return err.Error()
	}
	warned := bytes.Contains(answer.Body, []byte("meta.json"))
	logged := strings.Contains(server.Log(), "Failed to read meta.json")
	if warned != d.hidden || logged != d.hidden {
		return fmt.Sprintf("damage: %s: warning %v, log %v, want %v", d.name, warned, logged, d.hidden)
	}
	return ""
}

// largest is the block with the most bytes of chunks.
func largest(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "chunks", "000001"))
	if err != nil || len(files) == 0 {
		return "", errors.Join(err, errors.New("no blocks"))
	}
	var found string
	var most int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return "", err
		}
		if info.Size() > most {
			found, most = f, info.Size()
		}
	}
	return filepath.Dir(filepath.Dir(found)), nil
}
