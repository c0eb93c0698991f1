package main

import (
	"bytes"
	"errors"

	"github.com/gogo/protobuf/proto"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
)

// remoteRead writes the messages of remote read: requests with the first byte that says
// how they are sent, answers with samples, and frames with the byte that says how they
// are cut.
func (w *writer) remoteRead() error {
	const t = 1_700_000_000_000
	query := func(hints *prompb.ReadHints, matchers ...*prompb.LabelMatcher) *prompb.Query {
		return &prompb.Query{StartTimestampMs: t - 300_000, EndTimestampMs: t + 300_000, Matchers: matchers, Hints: hints}
	}
	up := &prompb.LabelMatcher{Name: labels.MetricName, Value: "up"}
	pods := &prompb.LabelMatcher{Type: prompb.LabelMatcher_RE, Name: "pod", Value: "a|b"}
	hints := &prompb.ReadHints{StepMs: 15_000, Func: "rate", StartMs: t - 60_000, EndMs: t, Grouping: []string{"pod"}, By: true, RangeMs: 60_000}
	var errs []error
	for way, r := range []*prompb.ReadRequest{
		{Queries: []*prompb.Query{query(nil, up)}},
		{Queries: []*prompb.Query{query(hints, up, pods)}, AcceptedResponseTypes: remote.AcceptedResponseTypes},
		{Queries: []*prompb.Query{query(&prompb.ReadHints{Func: "series", EndMs: t}, pods), query(nil, up)}},
	} {
		message, err := proto.Marshal(r)
		errs = append(errs, err, w.write("remote_read_request", "message", append([]byte{byte(way + 1)}, message...)))
	}
	name := []prompb.Label{{Name: labels.MetricName, Value: "up"}, {Name: "pod", Value: "a"}}
	series := []*prompb.TimeSeries{
		{Labels: name, Samples: []prompb.Sample{{Value: 1, Timestamp: t}, {Value: 2.5, Timestamp: t + 15_000}}},
		{Labels: name[:1], Histograms: []prompb.Histogram{
			prompb.FromIntHistogram(t, tsdbutil.GenerateTestHistogram(1)), prompb.FromFloatHistogram(t+1, tsdbutil.GenerateTestFloatHistogram(2)),
		}},
	}
	for _, one := range series {
		message, err := proto.Marshal(&prompb.ReadResponse{Results: []*prompb.QueryResult{{Timeseries: []*prompb.TimeSeries{one}}}})
		errs = append(errs, err, w.write("remote_read_response", "message", message))
	}
	chunk := chunkenc.NewXOR2Chunk()
	app, err := chunk.Appender()
	errs = append(errs, err)
	app.Append(t-5, t, 1)
	message, err := proto.Marshal(&prompb.ChunkedReadResponse{ChunkedSeries: []*prompb.ChunkedSeries{{
		Labels: name,
		Chunks: []prompb.Chunk{{MinTimeMs: t, MaxTimeMs: t, Type: prompb.Chunk_XOR2, Data: chunk.Bytes()}},
	}}})
	var frames bytes.Buffer
	_, werr := remote.NewChunkedWriter(&frames, nil).Write(message)
	errs = append(errs, err, werr,
		w.write("remote_read_frames", "message", append([]byte{7}, message...)),
		w.write("remote_read_frames", "frames", append([]byte{6}, frames.Bytes()...)))
	return errors.Join(errs...)
}
