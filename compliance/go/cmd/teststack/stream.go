package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// stream asks a StoreAPI for what a query reads, and throws the answer away: what
// it takes is the least that a querier over that store can take.
type stream struct {
	conn   *grpc.ClientConn
	parser parser.Parser
}

// anything is a codec of messages that are encoded already, and that nobody reads.
type anything struct{}

func (anything) Name() string { return "proto" }

func (anything) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

func (anything) Unmarshal(data mem.BufferSlice, v any) error {
	size, ok := v.(*int)
	if !ok {
		return fmt.Errorf("%T is no size", v)
	}
	*size = data.Len()
	return nil
}

func newStream(address string) (*stream, error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(anything{}), grpc.MaxCallRecvMsgSize(1<<30)))
	if err != nil {
		return nil, err
	}
	return &stream{conn, parser.NewParser(parser.Options{})}, nil
}

func (s *stream) close() { _ = s.conn.Close() }

// throwAway asks for all selectors of a query at once and returns how many bytes came.
func (s *stream) throwAway(ctx context.Context, query string, of span) (int, error) {
	expr, err := s.parser.ParseExpr(query)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	var total atomic.Int64
	var mu sync.Mutex
	var errs []error
	ask := func(selector *parser.VectorSelector, window int64) {
		request := seriesRequest(selector.LabelMatchers, of.from-window+1, of.to)
		group.Go(func() {
			n, err := s.series(ctx, request)
			total.Add(int64(n))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		if selector, ok := n.(*parser.VectorSelector); ok {
			window := 5 * minute // the lookback
			if len(path) > 0 {
				if matrix, ok := path[len(path)-1].(*parser.MatrixSelector); ok {
					window = matrix.Range.Milliseconds()
				}
			}
			ask(selector, window)
		}
		return nil
	})
	group.Wait()
	return int(total.Load()), errors.Join(errs...)
}

func (s *stream) series(ctx context.Context, request []byte) (total int, err error) {
	call, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/thanos.Store/Series")
	if err != nil {
		return 0, err
	}
	if err := call.SendMsg(request); err != nil {
		return 0, err
	}
	if err := call.CloseSend(); err != nil {
		return 0, err
	}
	for {
		var size int
		err := call.RecvMsg(&size)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		total += size
	}
}

// seriesRequest is a thanos.SeriesRequest for raw samples, in batches as Thanos
// Query asks for them.
func seriesRequest(matchers []*labels.Matcher, from, to int64) (out []byte) {
	number := func(field protowire.Number, v int64) {
		out = protowire.AppendTag(out, field, protowire.VarintType)
		out = protowire.AppendVarint(out, uint64(v))
	}
	number(1, from)
	number(2, to)
	for _, m := range matchers {
		var message []byte
		message = protowire.AppendTag(message, 1, protowire.VarintType)
		message = protowire.AppendVarint(message, uint64(m.Type)) // =, !=, =~, !~ in this order in both
		message = protowire.AppendTag(message, 2, protowire.BytesType)
		message = protowire.AppendString(message, m.Name)
		message = protowire.AppendTag(message, 3, protowire.BytesType)
		message = protowire.AppendString(message, m.Value)
		out = protowire.AppendTag(out, 3, protowire.BytesType)
		out = protowire.AppendBytes(out, message)
	}
	const raw = 0
	out = protowire.AppendTag(out, 5, protowire.BytesType)
	out = protowire.AppendBytes(out, []byte{raw})
	number(16, 64)
	return out
}
