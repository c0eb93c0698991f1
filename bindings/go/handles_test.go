package quarrel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

func testOptions() *Options {
	return &Options{EngineOpts: promql.EngineOpts{LookbackDelta: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true}}
}

func testQuery(t *testing.T, engine uint64, text string) uint64 {
	t.Helper()
	e := &Engine{options: *testOptions()}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	require.NoError(t, err)
	message, err := e.encodeQuery(expr, text, time.UnixMilli(0), time.UnixMilli(0), 0, e.ownOptions(nil))
	require.NoError(t, err)
	query, err := newQuery(engine, message)
	require.NoError(t, err)
	return query
}

// A handle stands for one object until it is released.
func TestHandlesAreReleasedOnce(t *testing.T) {
	engine, err := newEngine(testOptions().encode())
	require.NoError(t, err)
	query := testQuery(t, engine, "1")

	require.ErrorContains(t, freeEngine(query), "no engine has the handle")
	require.ErrorContains(t, freeQuery(engine), "no query has the handle")
	require.ErrorContains(t, freeEngine(0), "no engine has the handle 0")
	require.NoError(t, freeQuery(query))
	require.ErrorContains(t, freeQuery(query), "no query has the handle")
	require.ErrorContains(t, cancelQuery(query), "no query has the handle")
	require.ErrorContains(t, answer(query, 0, true), "no query has the handle")
	_, _, err = next(query, true)
	require.ErrorContains(t, err, "no query has the handle")
	_, err = part(query, 0)
	require.ErrorContains(t, err, "no query has the handle")
	require.ErrorContains(t, floats(query, nil), "no query has the handle")
	require.NoError(t, freeEngine(engine))
	require.ErrorContains(t, freeEngine(engine), "no engine has the handle")
	_, err = newQuery(engine, nil)
	require.ErrorContains(t, err, "no engine has the handle")
}

// A handle may be released more than once.
func TestOwnersReleaseOnce(t *testing.T) {
	released := 0
	owner := new(int)
	o := owns(owner, 7, func(uint64) error { released++; return nil })
	require.NoError(t, o.release())
	require.NoError(t, o.release())
	require.Equal(t, 1, released)
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	good := testOptions().encode()
	_, err := newEngine(nil)
	require.ErrorContains(t, err, "malformed message at byte 0: it ends early")
	_, err = newEngine(good[:len(good)-1])
	require.ErrorContains(t, err, "it ends early")
	_, err = newEngine(append(good, 0))
	require.ErrorContains(t, err, "it goes on")
	good[0]++
	_, err = newEngine(good)
	require.ErrorContains(t, err, "the static library is not that of the Go code")
}

// Calls on a query alternate: next, answer, next.
func TestQueryCallsAlternate(t *testing.T) {
	engine, err := newEngine(testOptions().encode())
	require.NoError(t, err)
	defer func() { require.NoError(t, freeEngine(engine)) }()
	query := testQuery(t, engine, "up")
	defer func() { require.NoError(t, freeQuery(query)) }()

	refused := func(err error, text string) {
		t.Helper()
		require.ErrorContains(t, err, text)
	}
	failed := func() error {
		_, _, err := next(query, true)
		return err
	}
	refused(answer(query, 0, true), "no select waits for an answer")
	_, err = part(query, 0)
	refused(err, "no select waits for an answer")
	became, bytes, err := next(query, true)
	require.NoError(t, err)
	require.Equal(t, statusSelect, became)
	all, err := decodeRequests(bytes)
	require.NoError(t, err)
	require.Len(t, all, 1)
	wanted := all[0]
	require.Zero(t, wanted.number)
	require.Nil(t, wanted.projection)
	require.Len(t, wanted.matchers, 1)
	require.Equal(t, `__name__="up"`, wanted.matchers[0].String())
	require.EqualValues(t, -59_999, wanted.hints.Start)
	require.EqualValues(t, 0, wanted.hints.End)

	refused(failed(), "a select waits for its answer")
	refused(floats(query, nil), "the query has no answer")
	refused(answer(query, 1, false), "a part is longer than its memory")
	memory, err := part(query, partBytes)
	require.NoError(t, err)
	require.Len(t, memory, partBytes)
	refused(answer(query, partBytes+1, false), "a part is longer than its memory")
	refused(answer(query, 1, false), "a part is longer than its memory")
	memory, err = part(query, 0)
	require.NoError(t, err)
	copy(memory, []byte{1, 2, 3})
	require.NoError(t, answer(query, 3, false))
	require.NoError(t, answer(query, 0, true))
	refused(failed(), "malformed message at byte 0")
	refused(failed(), "the query has ended")
}

// An answer is given where the caller wants it, and only whole.
func TestFloatsOfAnAnswer(t *testing.T) {
	engine, err := newEngine(testOptions().encode())
	require.NoError(t, err)
	defer func() { require.NoError(t, freeEngine(engine)) }()
	query := testQuery(t, engine, "vector(7)")
	defer func() { require.NoError(t, freeQuery(query)) }()
	became, _, err := next(query, true)
	require.NoError(t, err)
	require.Equal(t, statusDone, became)
	points := make([]promql.FPoint, 2)
	require.ErrorContains(t, floats(query, nil), "another number of floats")
	require.ErrorContains(t, floats(query, points), "another number of floats")
	require.NoError(t, floats(query, points[:1]))
	require.Equal(t, promql.FPoint{T: 0, F: 7}, points[0])
}
