package quarrel

// #include "quarrel.h"
import "C"

import (
	"errors"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// abiVersion is the version of the ABI; rust/src/options.rs has the same
// number.
const abiVersion = 4

// A status is the outcome of a call.
type status int32

const (
	statusDone   status = C.QUARREL_DONE
	statusFailed status = C.QUARREL_FAILED
	statusSelect status = C.QUARREL_SELECT
)

// invoke makes a call and hands the bytes of its reply to use, which keeps
// none of them. A failed call is an error, of type *failure.
func invoke(call func(*C.quarrel_reply) C.int32_t, use func(status, uint64, []byte) error) error {
	var reply C.quarrel_reply
	became := status(call(&reply))
	if reply.data == nil {
		return use(became, uint64(reply.handle), nil)
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(reply.data)), int(reply.len))
	defer func() {
		var none C.quarrel_reply
		C.quarrel_buffer_free(reply.handle, &none)
	}()
	if became == statusFailed {
		return decodeFailure(bytes)
	}
	return use(became, 0, bytes)
}

// start points to the bytes of a message. They hold no pointers, and the
// called function copies what it keeps.
func start(message []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(message)))
}

func nothing(became status, _ uint64, _ []byte) error {
	if became != statusDone {
		return errors.New("quarrel: an unexpected reply")
	}
	return nil
}

// object makes a call that creates an object, and returns its handle.
func object(call func(*C.quarrel_reply) C.int32_t) (handle uint64, err error) {
	err = invoke(call, func(became status, made uint64, _ []byte) error {
		handle = made
		return nothing(became, made, nil)
	})
	return handle, err
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
	return object(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_engine_new(start(options), C.size_t(len(options)), reply)
	})
}

func freeEngine(engine uint64) error {
	return invoke(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_engine_free(C.uint64_t(engine), reply)
	}, nothing)
}

func newQuery(engine uint64, message []byte) (uint64, error) {
	return object(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_query_new(C.uint64_t(engine), start(message), C.size_t(len(message)), reply)
	})
}

// next runs a query until it requests samples or ends.
func next(query uint64, use func(status, []byte) error) error {
	return invoke(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_query_next(C.uint64_t(query), reply)
	}, func(became status, _ uint64, bytes []byte) error {
		return use(became, bytes)
	})
}

// answer hands a part of the requested samples to a query.
func answer(query uint64, part []byte, last bool) error {
	var flag C.uint8_t
	if last {
		flag = 1
	}
	return invoke(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_query_answer(C.uint64_t(query), start(part), C.size_t(len(part)), flag, reply)
	}, nothing)
}

func cancelQuery(query uint64) error {
	return invoke(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_query_cancel(C.uint64_t(query), reply)
	}, nothing)
}

func freeQuery(query uint64) error {
	return invoke(func(reply *C.quarrel_reply) C.int32_t {
		return C.quarrel_query_free(C.uint64_t(query), reply)
	}, nothing)
}
