package quarrel

// #cgo noescape quarrel_engine_new
// #cgo nocallback quarrel_engine_new
// #cgo noescape quarrel_engine_free
// #cgo nocallback quarrel_engine_free
// #cgo noescape quarrel_query_new
// #cgo nocallback quarrel_query_new
// #cgo noescape quarrel_query_next
// #cgo nocallback quarrel_query_next
// #cgo noescape quarrel_query_part
// #cgo nocallback quarrel_query_part
// #cgo noescape quarrel_query_answer
// #cgo nocallback quarrel_query_answer
// #cgo noescape quarrel_query_feed
// #cgo nocallback quarrel_query_feed
// #cgo noescape quarrel_query_floats
// #cgo nocallback quarrel_query_floats
// #cgo noescape quarrel_query_cancel
// #cgo nocallback quarrel_query_cancel
// #cgo noescape quarrel_query_free
// #cgo nocallback quarrel_query_free
// #cgo noescape quarrel_objects
// #cgo nocallback quarrel_objects
// #cgo noescape quarrel_buffer_free
// #cgo nocallback quarrel_buffer_free
// #include "quarrel.h"
import "C"

import (
	"errors"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/prometheus/prometheus/promql"
)

// abiVersion is the version of the ABI; rust/src/options.rs has the same
// number.
const abiVersion = 5

// A status is the outcome of a call.
type status int32

const (
	statusDone   status = C.QUARREL_DONE
	statusFailed status = C.QUARREL_FAILED
	statusSelect status = C.QUARREL_SELECT
	statusFeed   status = C.QUARREL_FEED
	statusEnough status = C.QUARREL_ENOUGH
	statusBusy   status = C.QUARREL_BUSY
)

// Both are a time and a float, so that the engine writes an answer where it
// stays.
const (
	_ = -(unsafe.Sizeof(promql.FPoint{}) ^ unsafe.Sizeof(C.quarrel_point{}))
	_ = -(unsafe.Offsetof(promql.FPoint{}.F) ^ unsafe.Offsetof(C.quarrel_point{}.value))
)

// failed is the error of a call that failed, of type *failure.
func failed(became C.int32_t, reply *C.quarrel_reply) error {
	if status(became) != statusFailed {
		return errors.New("quarrel: an unexpected reply")
	}
	err := decodeFailure(unsafe.Slice((*byte)(reply.data), reply.len))
	var none C.quarrel_reply
	C.quarrel_buffer_free(reply.handle, &none)
	return err
}

// done is the error of a call that has nothing to say otherwise.
func done(became C.int32_t, reply *C.quarrel_reply) error {
	if status(became) == statusDone {
		return nil
	}
	return failed(became, reply)
}

// start points to the bytes of a message. They hold no pointers, and the
// called function copies what it keeps.
func start(message []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.SliceData(message))
}

// An owned handle is released once: by release, or when its owner becomes
// unreachable.
type owned struct {
	handle *atomic.Uint64
	free   func(uint64) error
}

func owns[T any](owner *T, handle uint64, free func(uint64) error) owned {
	stored := new(atomic.Uint64)
	stored.Store(handle)
	o := owned{handle: stored, free: free}
	runtime.AddCleanup(owner, func(o owned) { _ = o.release() }, o)
	return o
}

func (o owned) get() uint64 { return o.handle.Load() }

func (o owned) release() error {
	if handle := o.handle.Swap(0); handle != 0 {
		return o.free(handle)
	}
	return nil
}

func newEngine(options []byte) (uint64, error) {
	var reply C.quarrel_reply
	became := C.quarrel_engine_new(start(options), C.size_t(len(options)), &reply)
	return uint64(reply.handle), done(became, &reply)
}

func freeEngine(engine uint64) error {
	var reply C.quarrel_reply
	return done(C.quarrel_engine_free(C.uint64_t(engine), &reply), &reply)
}

func newQuery(engine uint64, message []byte) (uint64, error) {
	var reply C.quarrel_reply
	became := C.quarrel_query_new(C.uint64_t(engine), start(message), C.size_t(len(message)), &reply)
	return uint64(reply.handle), done(became, &reply)
}

// next runs a query until it requests samples or chunks, or ends; if that takes
// waiting it does so if it may, and else is busy. The message is the query's, until
// the next call that takes it.
func next(query uint64, waits bool) (status, []byte, error) {
	var flag C.uint8_t
	if waits {
		flag = 1
	}
	var reply C.quarrel_reply
	became := C.quarrel_query_next(C.uint64_t(query), flag, &reply)
	switch status(became) {
	case statusDone, statusSelect, statusFeed, statusBusy:
	default:
		return status(became), nil, failed(became, &reply)
	}
	return status(became), unsafe.Slice((*byte)(reply.data), reply.len), nil
}

// part is memory of at least so many bytes for the next part of an answer. It is
// the query's.
func part(query uint64, least int) ([]byte, error) {
	var reply C.quarrel_reply
	became := C.quarrel_query_part(C.uint64_t(query), C.size_t(least), &reply)
	if err := done(became, &reply); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(reply.data), reply.len), nil
}

// answer hands over what was written to the memory that part gave last.
func answer(query uint64, written int, last bool) error {
	var flag C.uint8_t
	if last {
		flag = 1
	}
	var reply C.quarrel_reply
	return done(C.quarrel_query_answer(C.uint64_t(query), C.size_t(written), flag, &reply), &reply)
}

// feed hands over chunks that were written to the memory that part gave last, and
// tells whether the query needs more of them.
func feed(query uint64, written int, last bool) (more bool, err error) {
	var flag C.uint8_t
	if last {
		flag = 1
	}
	var reply C.quarrel_reply
	became := C.quarrel_query_feed(C.uint64_t(query), C.size_t(written), flag, &reply)
	if status(became) == statusEnough {
		return false, nil
	}
	return true, done(became, &reply)
}

// floats writes the floats of a query's answer, of which there are so many.
func floats(query uint64, points []promql.FPoint) error {
	var reply C.quarrel_reply
	first := (*C.quarrel_point)(unsafe.Pointer(unsafe.SliceData(points)))
	return done(C.quarrel_query_floats(C.uint64_t(query), first, C.size_t(len(points)), &reply), &reply)
}

func cancelQuery(query uint64) error {
	var reply C.quarrel_reply
	return done(C.quarrel_query_cancel(C.uint64_t(query), &reply), &reply)
}

func freeQuery(query uint64) error {
	var reply C.quarrel_reply
	return done(C.quarrel_query_free(C.uint64_t(query), &reply), &reply)
}

// objects counts what was made and not released, of all engines.
func objects() uint64 {
	var reply C.quarrel_reply
	C.quarrel_objects(&reply)
	return uint64(reply.handle)
}
