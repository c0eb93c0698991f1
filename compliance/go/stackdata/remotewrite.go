package stackdata

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
)

// samplesOfRequest bounds a remote write request.
const samplesOfRequest = 5_000

// arrival is a sample on its way to a receiver.
type arrival struct {
	at     int64
	series int
	sample int
}

// Write sends the series by remote write 1.0 to a URL, in the order of time. A
// twentieth of the samples arrive late, by up to `late` milliseconds, after newer
// samples of their series.
func Write(ctx context.Context, url string, all []Series, seed uint64, late int64) error {
	r := rand.New(rand.NewPCG(seed, 3))
	var arrivals []arrival
	for i, s := range all {
		for k, p := range s.Samples {
			at := p.T
			if late > 0 && r.IntN(20) == 0 {
				at += r.Int64N(late)
			}
			arrivals = append(arrivals, arrival{at, i, k})
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.at - b.at) })
	for part := range slices.Chunk(arrivals, samplesOfRequest) {
		if err := send(ctx, url, request(all, part)); err != nil {
			return fmt.Errorf("stackdata: remote write to %s: %w", url, err)
		}
	}
	return nil
}

// request puts samples into one request, a series once.
func request(all []Series, part []arrival) *prompb.WriteRequest {
	places := map[int]int{}
	out := &prompb.WriteRequest{}
	for _, a := range part {
		place, ok := places[a.series]
		if !ok {
			place = len(out.Timeseries)
			places[a.series] = place
			out.Timeseries = append(out.Timeseries, prompb.TimeSeries{Labels: protoLabels(all[a.series].Labels)})
		}
		series := &out.Timeseries[place]
		switch p := all[a.series].Samples[a.sample]; {
		case p.H != nil:
			series.Histograms = append(series.Histograms, prompb.FromIntHistogram(p.T, p.H))
		case p.FH != nil:
			series.Histograms = append(series.Histograms, prompb.FromFloatHistogram(p.T, p.FH))
		default:
			series.Samples = append(series.Samples, prompb.Sample{Timestamp: p.T, Value: p.V})
		}
	}
	return out
}

func protoLabels(lset labels.Labels) (out []prompb.Label) {
	lset.Range(func(l labels.Label) { out = append(out, prompb.Label{Name: l.Name, Value: l.Value}) })
	return out
}

func send(ctx context.Context, url string, message *prompb.WriteRequest) error {
	raw, err := message.Marshal()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(snappy.Encode(nil, raw)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(io.LimitReader(resp.Body, 2048)); resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return nil
}
