package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	config_util "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/quarrel-engine/quarrel/compliance/go/fixtures"
	"github.com/quarrel-engine/quarrel/compliance/go/process"
)

// selectors are read from both servers.
var selectors = [][]*labels.Matcher{
	{labels.MustNewMatcher(labels.MatchEqual, "__name__", "up")},
	{labels.MustNewMatcher(labels.MatchRegexp, "__name__", "native.*")},
	{labels.MustNewMatcher(labels.MatchRegexp, "__name__", "h.*"), labels.MustNewMatcher(labels.MatchNotEqual, "job", "")},
	{labels.MustNewMatcher(labels.MatchNotRegexp, "__name__", "h.*|pod.*")},
	{labels.MustNewMatcher(labels.MatchEqual, "__name__", "nobody")},
}

// ranges are those that each selector is read in: all of the data, parts that cut chunks,
// and what lies before.
func (l *lab) ranges() [][2]int64 {
	width := l.until - l.from
	return [][2]int64{
		{l.from, l.until},
		{l.from + width/3, l.from + width/2},
		{l.from + width/2 + 7, l.from + width/2 + 7},
		{l.from - 3_600_000, l.from - 1},
	}
}

var forms = map[string][]prompb.ReadRequest_ResponseType{
	"chunks":  {prompb.ReadRequest_STREAMED_XOR_CHUNKS},
	"samples": {prompb.ReadRequest_SAMPLES},
}

// compareClients reads from both servers by Prometheus's own client, and by a request that
// shows the chunks.
func (l *lab) compareClients(ctx context.Context, o fixtures.Options) error {
	for name, accepted := range forms {
		ofPrometheus, err := client(l.prometheus, accepted)
		if err != nil {
			return err
		}
		ofQuarrel, err := client(l.quarrel, accepted)
		if err != nil {
			return err
		}
		for _, matchers := range selectors {
			for _, r := range l.ranges() {
				query, err := remote.ToQuery(r[0], r[1], matchers, nil)
				if err != nil {
					return err
				}
				want, err := read(ctx, ofPrometheus, query)
				if err != nil {
					return err
				}
				got, err := read(ctx, ofQuarrel, query)
				if err != nil {
					return err
				}
				if difference := firstDifference(want, got); difference != "" {
					return fmt.Errorf("client, %s of %v in %v: %s", name, matchers, r, difference)
				}
			}
		}
	}
	return l.compareChunks(ctx, o)
}

// compareChunks compares the chunks of both servers byte by byte, as a Prometheus of this
// version gets them: nearly all are the same, and all have the same samples. Others must get no chunk that they cannot read, with the same samples.
func (l *lab) compareChunks(ctx context.Context, o fixtures.Options) error {
	sawNew := false
	for _, matchers := range selectors {
		for _, r := range l.ranges() {
			query, err := remote.ToQuery(r[0], r[1], matchers, nil)
			if err != nil {
				return err
			}
			want, err := chunks(ctx, l.prometheus, query, "Prometheus/3.16.0")
			if err != nil {
				return err
			}
			got, err := chunks(ctx, l.quarrel, query, "Prometheus/3.16.0")
			if err != nil {
				return err
			}
			// Histograms of chunks that overlap are cut at other places.
			if share := sameShare(want.text, got.text); share < 0.9 {
				return fmt.Errorf("chunks of %v in %v: %.3f are the same: %s", matchers, r, share, firstDifference(want.text, got.text))
			}
			if difference := firstDifference(want.samples, got.samples); difference != "" {
				return fmt.Errorf("samples of chunks of %v in %v: %s", matchers, r, difference)
			}
			sawNew = sawNew || got.newest > prompb.Chunk_FLOAT_HISTOGRAM
			old, err := chunks(ctx, l.quarrel, query, "thanos/0.42.4")
			if err != nil {
				return err
			}
			if old.newest > prompb.Chunk_FLOAT_HISTOGRAM {
				return fmt.Errorf("chunks of %v in %v: a client that does not know %v gets it", matchers, r, old.newest)
			}
			if difference := firstDifference(want.samples, old.samples); difference != "" {
				return fmt.Errorf("old chunks of %v in %v: %s", matchers, r, difference)
			}
		}
	}
	if o.XOR2 && !sawNew {
		return errors.New("no chunk of a new encoding was compared")
	}
	return nil
}

func client(server *process.Server, accepted []prompb.ReadRequest_ResponseType) (remote.ReadClient, error) {
	u, err := url.Parse(server.URL + "/api/v1/read")
	if err != nil {
		return nil, err
	}
	return remote.NewReadClient("check", &remote.ClientConfig{
		URL:                   &config_util.URL{URL: u},
		Timeout:               model.Duration(time.Minute),
		HTTPClientConfig:      config_util.DefaultHTTPClientConfig,
		ChunkedReadLimit:      50_000_000,
		AcceptedResponseTypes: accepted,
	})
}

// read reads all series of a query, a line each sample.
func read(ctx context.Context, c remote.ReadClient, query *prompb.Query) ([]string, error) {
	set, err := c.Read(ctx, query, true)
	if err != nil {
		return nil, err
	}
	var out []string
	for set.Next() {
		series := set.At()
		name := series.Labels().String()
		lines, err := samples(series.Iterator(nil))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, line := range lines {
			out = append(out, name+" "+line)
		}
		if len(lines) == 0 {
			out = append(out, name)
		}
	}
	return out, set.Err()
}

// samples are a line each. Hints on counter resets are left out: where chunks overlap
// they are encoded anew, and cut at other places than in Prometheus.
func samples(it chunkenc.Iterator) ([]string, error) {
	var out []string
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		switch kind {
		case chunkenc.ValFloat:
			t, v := it.At()
			if v == 0 {
				// Prometheus sends a negative zero as zero, where it sends samples.
				v = 0
			}
			out = append(out, fmt.Sprintf("%d %x", t, math.Float64bits(v)))
		case chunkenc.ValHistogram:
			t, h := it.AtHistogram(nil)
			out = append(out, fmt.Sprintf("%d %s", t, h.String()))
		case chunkenc.ValFloatHistogram:
			t, h := it.AtFloatHistogram(nil)
			out = append(out, fmt.Sprintf("%d %s", t, h.String()))
		}
	}
	return out, it.Err()
}

// frames is an answer with chunks.
type frames struct {
	// text has a line for each chunk, samples one for each sample.
	text, samples []string
	newest        prompb.Chunk_Encoding
}

func chunks(ctx context.Context, server *process.Server, query *prompb.Query, agent string) (frames, error) {
	var out frames
	message, err := proto.Marshal(&prompb.ReadRequest{Queries: []*prompb.Query{query}, AcceptedResponseTypes: forms["chunks"]})
	if err != nil {
		return out, err
	}
	response, err := post(ctx, server, snappy.Encode(nil, message), agent)
	if err != nil {
		return out, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return out, fmt.Errorf("status %s: %s", response.Status, text)
	}
	reader := remote.NewChunkedReader(response.Body, 50_000_000, nil)
	for {
		var frame prompb.ChunkedReadResponse
		err := reader.NextProto(&frame)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for _, series := range frame.ChunkedSeries {
			var name strings.Builder
			for _, l := range series.Labels {
				fmt.Fprintf(&name, "%s=%q,", l.Name, l.Value)
			}
			for _, chunk := range series.Chunks {
				out.newest = max(out.newest, chunk.Type)
				out.text = append(out.text, fmt.Sprintf("%s %d-%d %v %x", name.String(), chunk.MinTimeMs, chunk.MaxTimeMs, chunk.Type, chunk.Data))
				decoded, err := chunkenc.FromData(chunkenc.Encoding(chunk.Type), chunk.Data)
				if err != nil {
					return out, err
				}
				lines, err := samples(decoded.Iterator(nil))
				if err != nil {
					return out, err
				}
				for _, line := range lines {
					out.samples = append(out.samples, name.String()+" "+line)
				}
			}
		}
	}
}

func post(ctx context.Context, server *process.Server, body []byte, agent string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/api/v1/read", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Content-Encoding", "snappy")
	request.Header.Set("X-Prometheus-Remote-Read-Version", "0.1.0")
	request.Header.Set("User-Agent", agent)
	return http.DefaultClient.Do(request)
}

// firstDifference describes where two lists differ; "" if they do not.
func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		var a, b string
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			return fmt.Sprintf("line %d of %d and %d:\n- %s\n+ %s", i, len(want), len(got), short(a), short(b))
		}
	}
	return ""
}

// sameShare is the share of lines of the first list that the second one has, too.
func sameShare(want, got []string) float64 {
	if len(want) == 0 {
		return 1
	}
	have := make(map[string]bool, len(got))
	for _, line := range got {
		have[line] = true
	}
	same := 0
	for _, line := range want {
		if have[line] {
			same++
		}
	}
	return float64(same) / float64(len(want))
}

func short(text string) string {
	if len(text) > 600 {
		return text[:600] + "..."
	}
	return text
}

// compareRefusals compares status, content type and text of what is wrong.
func (l *lab) compareRefusals(ctx context.Context) error {
	limit := "--storage.remote.read-sample-limit=1000"
	prometheus, err := l.startPrometheus(ctx, "limited", "", limit)
	if err != nil {
		return err
	}
	defer prometheus.Close()
	quarrel, err := process.Quarrel(ctx, l.c.quarrel, l.data, nil, limit)
	if err != nil {
		return err
	}
	defer quarrel.Close()
	encode := func(r *prompb.ReadRequest) []byte {
		message, err := proto.Marshal(r)
		if err != nil {
			panic(err)
		}
		return snappy.Encode(nil, message)
	}
	query := func(m ...*prompb.LabelMatcher) []*prompb.Query {
		return []*prompb.Query{{StartTimestampMs: l.from, EndTimestampMs: l.until, Matchers: m}}
	}
	all := &prompb.LabelMatcher{Type: prompb.LabelMatcher_NEQ, Name: "__name__"}
	for name, body := range map[string][]byte{
		"too many samples": encode(&prompb.ReadRequest{Queries: query(all)}),
		"unknown forms":    encode(&prompb.ReadRequest{Queries: query(all), AcceptedResponseTypes: []prompb.ReadRequest_ResponseType{7, 9}}),
		"a bad pattern":    encode(&prompb.ReadRequest{Queries: query(&prompb.LabelMatcher{Type: prompb.LabelMatcher_RE, Name: "a", Value: "("})}),
		"a bad matcher":    encode(&prompb.ReadRequest{Queries: query(&prompb.LabelMatcher{Type: 9, Name: "a"})}),
		"a bad pattern, by chunks": encode(&prompb.ReadRequest{
			Queries:               query(&prompb.LabelMatcher{Type: prompb.LabelMatcher_RE, Name: "a", Value: "*"}),
			AcceptedResponseTypes: forms["chunks"],
		}),
		"no query":      encode(&prompb.ReadRequest{}),
		"no body":       {},
		"not Snappy":    []byte("nonsense"),
		"a bomb":        {0xff, 0xff, 0xff, 0xff, 0x0f, 0},
		"33 MiB":        {0x80, 0x80, 0x80, 0x11, 0},
		"a short block": snappy.Encode(nil, bytes.Repeat([]byte("ab"), 50))[:20],
	} {
		want, err := answer(ctx, prometheus, body)
		if err != nil {
			return err
		}
		got, err := answer(ctx, quarrel, body)
		if err != nil {
			return err
		}
		if want != got {
			return fmt.Errorf("%s:\n- %s\n+ %s", name, want, got)
		}
	}
	// Where the message is none, the text is that of a library.
	for _, server := range []*process.Server{prometheus, quarrel} {
		text, err := answer(ctx, server, snappy.Encode(nil, []byte{0xff, 0xff}))
		if err != nil || !strings.HasPrefix(text, "400 Bad Request text/plain; charset=utf-8 ") {
			return fmt.Errorf("no message: %q, %w", text, err)
		}
	}
	return nil
}

func answer(ctx context.Context, server *process.Server, body []byte) (string, error) {
	response, err := post(ctx, server, body, "check")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	// Prometheus leaves Content-Encoding: snappy before texts that are not compressed.
	return fmt.Sprintf("%s %s %q", response.Status, response.Header.Get("Content-Type"), text), nil
}
