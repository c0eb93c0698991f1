package quarrel

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/parser/posrange"
)

// The kinds of failures; rust/src/failure.rs has the same numbers.
const (
	failureParse          = 1
	failureTooManySamples = 4
	failureTimeout        = 5
	failureCanceled       = 6
	failureStorage        = 7
	failureTooManySeries  = 9
	failureTooManyRead    = 10
)

// evaluation and execution are the phases in which a query ends early, as
// package promql names them.
const (
	evaluation = "expression evaluation"
	execution  = "query execution"
)

// A failure is what a call to the engine returns instead of a reply.
type failure struct {
	kind       uint8
	start, end uint32
	text       string
}

func (f *failure) Error() string { return f.text }

func decodeFailure(bytes []byte) error {
	r := reader{rest: bytes}
	f := &failure{kind: r.u8(), start: r.u32(), end: r.u32(), text: r.text()}
	if err := r.err(); err != nil {
		return err
	}
	return f
}

// asPromQL makes the error that package promql would give. ctx is the query's
// context, which tells a timeout from a cancellation.
func asPromQL(ctx context.Context, err error, query string) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.kind {
	case failureParse:
		position := posrange.PositionRange{Start: posrange.Pos(f.start), End: posrange.Pos(f.end)}
		return parser.ParseErrors{{PositionRange: position, Err: errors.New(f.text), Query: query}}
	case failureTooManySamples:
		return promql.ErrTooManySamples(execution)
	case failureTooManySeries:
		return promql.ErrTooManySeries(execution)
	case failureTooManyRead:
		return promql.ErrTooManySamplesRead(execution)
	case failureTimeout, failureCanceled:
		return ended(ctx, f.text)
	case failureStorage:
		return promql.ErrStorage{Err: errors.New(f.text)}
	default:
		return errors.New(f.text)
	}
}

// ended is the error of a query that ended early in a phase.
func ended(ctx context.Context, phase string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return promql.ErrQueryTimeout(phase)
	}
	return promql.ErrQueryCanceled(phase)
}

// A storageError is an error of the storage. It wraps the storage's own error,
// and is a promql.ErrStorage to errors.As.
type storageError struct{ err error }

func (e storageError) Error() string { return fmt.Sprintf("expanding series: %v", e.err) }
func (e storageError) Unwrap() error { return e.err }

func (e storageError) As(target any) bool {
	if storage, ok := target.(*promql.ErrStorage); ok {
		*storage = promql.ErrStorage{Err: e}
		return true
	}
	return false
}
