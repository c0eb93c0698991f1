//! The C ABI, as `quarrel.h` declares it: what Go calls. [`c`](crate::c) has the
//! calls that are made for C.
//!
//! Each function returns the outcome of the call ([`Status`]) and fills a
//! [`Reply`]. No panic leaves a function: it becomes a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use crate::answer::FloatPoint;
use crate::failure::Failure;
use crate::handles::Handles;
use crate::run::{Run, RunEngine, Step, new_engine};

static ENGINES: Handles<RunEngine> = Handles::new("engine");
static QUERIES: Handles<Run> = Handles::new("query");
static BUFFERS: Handles<Vec<u8>> = Handles::new("buffer");

/// The outcome of a call; `quarrel.h` has the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Status {
    /// The call succeeded.
    Done = 0,
    /// The call failed; the reply holds the failure.
    Failed = 1,
    /// The query needs samples; the reply holds the request.
    Select = 2,
    /// The pointer to the reply is null.
    NoReply = 3,
    /// The query needs the chunks of series; the reply holds which.
    Feed = 4,
    /// The query does not need what it is given.
    Enough = 5,
    /// The query computes on the engine's threads.
    Busy = 6,
}

/// The reply of a call: a new object's handle, or a buffer with its handle, or
/// memory that the query holds, or nothing (zeros).
#[derive(Debug)]
#[repr(C)]
pub struct Reply {
    handle: u64,
    data: *mut u8,
    len: usize,
}

impl Reply {
    pub(crate) const EMPTY: Reply = Reply {
        handle: 0,
        data: ptr::null_mut(),
        len: 0,
    };

    fn object(handle: u64) -> Self {
        Reply {
            handle,
            ..Reply::EMPTY
        }
    }

    /// Bytes that the query holds.
    fn held(data: *mut u8, len: usize) -> Self {
        let handle = 0;
        Reply { handle, data, len }
    }

    /// The bytes stay where they are until the buffer is released.
    pub(crate) fn buffer(bytes: Vec<u8>) -> Self {
        let buffer = Arc::new(bytes);
        let (data, len) = (buffer.as_ptr().cast_mut(), buffer.len());
        Reply {
            handle: BUFFERS.insert(buffer),
            data,
            len,
        }
    }
}

#[cfg(test)]
impl Reply {
    /// What the buffer holds.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let buffer = BUFFERS.get(self.handle);
        buffer.map(|bytes| bytes.to_vec()).unwrap_or_default()
    }
}

pub(crate) type Outcome = Result<(Status, Reply), Failure>;

pub(crate) const DONE: Outcome = Ok((Status::Done, Reply::EMPTY));

/// Makes a call and writes its reply.
///
/// # Safety
/// `reply` is null or can be written to.
pub(crate) unsafe fn call(reply: *mut Reply, work: impl FnOnce() -> Outcome) -> i32 {
    if reply.is_null() {
        return Status::NoReply as i32;
    }
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Failure::Panic(text.unwrap_or_default()))
    });
    let (status, answer) =
        outcome.unwrap_or_else(|failure| (Status::Failed, Reply::buffer(failure.encode())));
    // SAFETY: not null, and the caller guarantees that it can be written to.
    unsafe { reply.write(answer) };
    status as i32
}

/// Makes an engine of its message.
pub(crate) fn make_engine(message: &[u8]) -> Outcome {
    let handle = ENGINES.insert(Arc::new(new_engine(message)?));
    Ok((Status::Done, Reply::object(handle)))
}

/// Makes a query of its message.
pub(crate) fn make_query(engine: u64, message: &[u8]) -> Outcome {
    let query = Run::new(&*ENGINES.get(engine)?, message)?;
    Ok((Status::Done, Reply::object(QUERIES.insert(Arc::new(query)))))
}

/// The query of a handle.
pub(crate) fn query(handle: u64) -> Result<Arc<Run>, Failure> {
    QUERIES.get(handle)
}

/// The bytes of a message.
///
/// # Safety
/// `data` is null, or points to `len` bytes that do not change during `'a`,
/// which the caller chooses.
unsafe fn message<'a>(data: *const u8, len: usize) -> Result<&'a [u8], Failure> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::Misuse("a message without bytes")),
        (false, len) if isize::try_from(len).is_err() => {
            Err(Failure::Misuse("a message that no memory holds"))
        }
        // SAFETY: not null, of a length that memory can have, and the caller
        // guarantees that `len` bytes are there and do not change.
        (false, len) => Ok(unsafe { std::slice::from_raw_parts(data, len) }),
    }
}

/// Makes an engine; the reply has its handle.
///
/// # Safety
/// `data` points to `len` bytes that do not change during the call, `reply`
/// is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_engine_new(data: *const u8, len: usize, reply: *mut Reply) -> i32 {
    let work = || {
        // SAFETY: the caller of this function guarantees it.
        make_engine(unsafe { message(data, len) }?)
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Releases an engine; its running queries continue.
///
/// # Safety
/// `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_engine_free(engine: u64, reply: *mut Reply) -> i32 {
    let work = || {
        drop(ENGINES.remove(engine)?);
        DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Parses a query; the reply has its handle.
///
/// # Safety
/// As [`quarrel_engine_new`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_new(
    engine: u64,
    data: *const u8,
    len: usize,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        // SAFETY: the caller of this function guarantees it.
        make_query(engine, unsafe { message(data, len) }?)
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Runs a query until it needs samples (`Select`, with the request), chunks
/// (`Feed`, with the number of their select) or ends (`Done`, with the answer). The message is there until the next call that takes
/// the query, and is only read.
///
/// # Safety
/// As [`quarrel_engine_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_next(query: u64, waits: u8, reply: *mut Reply) -> i32 {
    let work = || {
        let reply = |step, message: &[u8]| {
            let status = match step {
                Step::Select => Status::Select,
                Step::Feed => Status::Feed,
                Step::Busy => Status::Busy,
                Step::Done => Status::Done,
            };
            (
                status,
                Reply::held(message.as_ptr().cast_mut(), message.len()),
            )
        };
        QUERIES.get(query)?.next(waits != 0, reply)
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Gives memory of at least `least` bytes to write series to. It is there until
/// `quarrel_query_answer` takes it, the next call of this function, or the end of
/// the query.
///
/// # Safety
/// As [`quarrel_engine_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_part(query: u64, least: usize, reply: *mut Reply) -> i32 {
    let work = || {
        let (data, len) = QUERIES.get(query)?.part(least)?;
        Ok((Status::Done, Reply::held(data, len)))
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Takes the first `len` bytes of the memory as a part of the samples that a query
/// requested; `last` is not 0 for the last part.
///
/// # Safety
/// As [`quarrel_engine_free`], and nobody writes to the memory any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_answer(
    query: u64,
    len: usize,
    last: u8,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        QUERIES.get(query)?.answer(len, last != 0)?;
        DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Takes the first `len` bytes of the memory as chunks of the series that a query
/// needs them of; `last` is not 0 for the last part. The query goes on meanwhile.
/// `Enough` says that it needs no more of them.
///
/// # Safety
/// As [`quarrel_query_answer`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_feed(
    query: u64,
    len: usize,
    last: u8,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        let status = match QUERIES.get(query)?.feed(len, last != 0)? {
            true => Status::Done,
            false => Status::Enough,
        };
        Ok((status, Reply::EMPTY))
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Writes the floats of the answer, one series after the other; `len` is as many
/// as the answer has.
///
/// # Safety
/// As [`quarrel_engine_free`], and `points` is null or points to `len` points that
/// nobody else reads or writes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_floats(
    query: u64,
    points: *mut FloatPoint,
    len: usize,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        let points = match points.is_null() {
            true => &mut [],
            // SAFETY: not null, and the caller guarantees that `len` points are
            // there for this call alone.
            false => unsafe { std::slice::from_raw_parts_mut(points, len) },
        };
        QUERIES.get(query)?.floats(points)?;
        DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Ends a query from any thread; the call that runs it fails.
///
/// # Safety
/// As [`quarrel_engine_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_cancel(query: u64, reply: *mut Reply) -> i32 {
    let work = || {
        QUERIES.get(query)?.cancel();
        DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Releases a query, and ends it if it runs.
///
/// # Safety
/// As [`quarrel_engine_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_free(query: u64, reply: *mut Reply) -> i32 {
    let work = || {
        QUERIES.remove(query)?.cancel();
        DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Releases the buffer of a reply.
///
/// # Safety
/// As [`quarrel_engine_free`], and the buffer is not read after this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_buffer_free(buffer: u64, reply: *mut Reply) -> i32 {
    let work = || {
        drop(BUFFERS.remove(buffer)?);
        DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}

/// Counts what was made and not released: engines, queries and buffers.
///
/// # Safety
/// As [`quarrel_engine_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_objects(reply: *mut Reply) -> i32 {
    let work = || {
        let objects = ENGINES.len() + QUERIES.len() + BUFFERS.len();
        Ok((Status::Done, Reply::object(objects as u64)))
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { call(reply, work) }
}
