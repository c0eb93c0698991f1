//! The part of the C ABI that is made for programs in C: options as structs, series
//! by calls, answers as Arrow. Go has messages instead (`abi`), which take fewer calls.

use std::slice;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow_array::{Array, StructArray};

use crate::abi::{self, Reply, Status};
use crate::failure::Failure;
use crate::message::{Reader, Writer};
use crate::options::ABI_VERSION;
use crate::texts::{LabelText, MatcherText, Text, Told, text_of};

/// The subquery step of [`QueryOptions`] that is not set, ms.
const DEFAULT_SUBQUERY_STEP: i64 = 60_000;

/// Options of an engine; what is 0 is quarrel's default.
#[derive(Debug)]
#[repr(C)]
pub struct EngineOptions {
    abi: u32,
    flags: u32,
    lookback_delta_ms: i64,
    max_samples: u64,
    max_memory: u64,
    max_series: u64,
    max_concurrency: u64,
    threads: u32,
}

/// What a query asks.
#[derive(Debug)]
#[repr(C)]
pub struct QueryOptions {
    text: Text,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    lookback_delta_ms: i64,
    subquery_step_ms: i64,
    max_selected_series: u64,
    max_samples_read: u64,
    use_start_timestamps: u8,
}

/// A select that waits for its series.
#[derive(Debug)]
#[repr(C)]
pub struct SelectText {
    start_ms: i64,
    end_ms: i64,
    matchers: *const MatcherText,
    count: usize,
}

/// So many items.
///
/// # Safety
/// `items` is null, or points to `len` items that do not change during `'a`.
unsafe fn items<'a, T>(items: *const T, len: usize) -> Result<&'a [T], Failure> {
    match (items.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::Misuse("a null pointer to something")),
        // SAFETY: not null, and the caller guarantees the rest.
        (false, len) => Ok(unsafe { slice::from_raw_parts(items, len) }),
    }
}

/// What a pointer points to.
///
/// # Safety
/// `item` is null, or points to an item that does not change during `'a`.
unsafe fn item<'a, T>(item: *const T) -> Result<&'a T, Failure> {
    // SAFETY: the caller guarantees it.
    unsafe { item.as_ref() }.ok_or(Failure::Misuse("a null pointer to something"))
}

/// Makes an engine; the reply has its handle.
///
/// # Safety
/// `options` is null or points to options, `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_engine_open(
    options: *const EngineOptions,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        // SAFETY: the caller of this function guarantees it.
        let options = unsafe { item(options) }?;
        if options.abi != ABI_VERSION {
            return Err(Failure::Misuse("the library is not that of the header"));
        }
        let mut message = Writer::default();
        message.u32(options.abi);
        message.u32(options.flags);
        message.i64(options.lookback_delta_ms);
        message.u64(options.max_samples);
        message.u64(options.max_memory);
        message.u64(options.max_series);
        message.u64(match options.max_concurrency {
            0 => u64::MAX,
            most => most,
        });
        message.u32(options.threads);
        abi::make_engine(&message.into_bytes())
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Makes a query; the reply has its handle.
///
/// # Safety
/// `options` is null or points to options with a text, `reply` is null or can be
/// written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_open(
    engine: u64,
    options: *const QueryOptions,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        // SAFETY: the caller of this function guarantees it.
        let options = unsafe { item(options) }?;
        // SAFETY: the same.
        let text = unsafe { items(options.text.data, options.text.len) }?;
        let not_utf8 = |_| Failure::Misuse("the query is not UTF-8");
        let mut message = Writer::default();
        message.text(std::str::from_utf8(text).map_err(not_utf8)?)?;
        message.i64(options.start_ms);
        message.i64(options.end_ms);
        message.i64(options.step_ms);
        message.i64(options.lookback_delta_ms);
        message.u8(options.use_start_timestamps);
        message.u8(0);
        message.u64(options.max_selected_series);
        message.u64(options.max_samples_read);
        // A step for all subqueries.
        message.u32(1);
        message.i64(0);
        message.i64(match options.subquery_step_ms {
            step if step > 0 => step,
            _ => DEFAULT_SUBQUERY_STEP,
        });
        abi::make_query(engine, &message.into_bytes())
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Says what the select asks for whose series are to be handed over now. Texts are
/// there until the next call that takes the query.
///
/// # Safety
/// `select` is null or can be written to, `reply` too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_select(
    query: u64,
    select: *mut SelectText,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        let query = abi::query(query)?;
        let mut told = query.told.lock();
        let (start_ms, end_ms) =
            query.requests(|message, left| read(message, left, &mut told))??;
        if select.is_null() {
            return Err(Failure::Misuse("a null pointer to something"));
        }
        let text = SelectText {
            start_ms,
            end_ms,
            matchers: told.0.as_ptr(),
            count: told.0.len(),
        };
        // SAFETY: not null, and the caller guarantees that it can be written to.
        unsafe { select.write(text) };
        abi::DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Reads the times and the matchers of the first of `left` requests that a message
/// ends with (`storage.rs`).
fn read(message: &[u8], left: usize, told: &mut Told) -> Result<(i64, i64), Failure> {
    let mut fields = Reader::new(message);
    let all = fields.u32()? as usize;
    let mut times = (0, 0);
    for _ in left..=all {
        told.0.clear();
        // Number, samples at once, times of the snapshot.
        fields.take(4 + 8 + 16)?;
        times = (fields.i64()?, fields.i64()?);
        fields.take(16)?;
        fields.text()?;
        fields.u8()?;
        skip_texts(&mut fields)?;
        for _ in 0..fields.u32()? {
            let op = i32::from(fields.u8()?);
            let (name, value) = (fields.text()?, fields.text()?);
            let label = LabelText {
                name: text_of(name.as_bytes()),
                value: text_of(value.as_bytes()),
            };
            told.0.push(MatcherText { op, label });
        }
        fields.u8()?;
        skip_texts(&mut fields)?;
    }
    Ok(times)
}

fn skip_texts(fields: &mut Reader<'_>) -> Result<(), Failure> {
    for _ in 0..fields.u32()? {
        fields.text()?;
    }
    Ok(())
}

/// Begins a series of the current select, by its labels, sorted by name. Series come
/// in the order of their labels.
///
/// # Safety
/// `labels` is null or points to `count` labels, `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_series(
    query: u64,
    labels: *const LabelText,
    count: usize,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        let query = abi::query(query)?;
        // SAFETY: the caller of this function guarantees it.
        let labels = unsafe { items(labels, count) }?;
        let pair = |label: &LabelText| {
            // SAFETY: the same.
            let name = unsafe { items(label.name.data, label.name.len) }?;
            // SAFETY: the same.
            let value = unsafe { items(label.value.data, label.value.len) }?;
            Ok::<_, Failure>((name, value))
        };
        let labels: Vec<_> = labels.iter().map(pair).collect::<Result<_, _>>()?;
        query.series.lock().begin(&labels)?;
        abi::DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

const NO_SERIES: Failure = Failure::Misuse("there is no series to add to");

/// Adds floats to the current series: columns of `len` timestamps and values in order
/// of time, and of start timestamps unless that is null.
///
/// # Safety
/// The columns are null or have `len` items, `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_columns(
    query: u64,
    timestamps: *const i64,
    values: *const f64,
    starts: *const i64,
    len: usize,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        let query = abi::query(query)?;
        // SAFETY: the caller of this function guarantees it.
        let timestamps = unsafe { items(timestamps, len) }?;
        // SAFETY: the same.
        let values = unsafe { items(values, len) }?;
        let starts = match starts.is_null() {
            true => None,
            // SAFETY: the same.
            false => Some(unsafe { items(starts, len) }?),
        };
        let mut series = query.series.lock();
        if !series.has_begun() {
            return Err(NO_SERIES);
        }
        series.floats(timestamps, values, starts)?;
        abi::DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Adds a chunk to the current series: the bytes of a Prometheus chunk, whose samples
/// lie from `start_ms` to `end_ms`.
///
/// # Safety
/// `data` is null or has `len` bytes, `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_chunk(
    query: u64,
    encoding: u8,
    data: *const u8,
    len: usize,
    start_ms: i64,
    end_ms: i64,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        let query = abi::query(query)?;
        // SAFETY: the caller of this function guarantees it.
        let bytes = unsafe { items(data, len) }?;
        let mut series = query.series.lock();
        if !series.has_begun() {
            return Err(NO_SERIES);
        }
        series.chunk(encoding, bytes, (start_ms, end_ms))?;
        abi::DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Ends the current select. `Select` says that another one waits.
///
/// # Safety
/// `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_selected(query: u64, reply: *mut Reply) -> i32 {
    let work = || {
        let query = abi::query(query)?;
        let bytes = query.series.lock().finish();
        let (memory, len) = query.part(bytes.len())?;
        debug_assert!(len >= bytes.len());
        // SAFETY: so many bytes are there until the query takes them below.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
        query.answer(bytes.len(), true)?;
        let more = query.requests(|_, _| ()).is_ok();
        let status = if more { Status::Select } else { Status::Done };
        Ok((status, Reply::EMPTY))
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Gives the answer as Arrow: a struct array, a row a series, or a row a sample if
/// `tidy` is not 0. The caller releases both.
///
/// # Safety
/// `schema` and `array` are null or can be written to, `reply` too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_arrow(
    query: u64,
    tidy: u8,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    reply: *mut Reply,
) -> i32 {
    let work = || {
        if schema.is_null() || array.is_null() {
            return Err(Failure::Misuse("a null pointer to something"));
        }
        let batch = abi::query(query)?.answered(|result| match tidy {
            0 => result.value.to_arrow(),
            _ => result.value.to_arrow_tidy(),
        })??;
        let (own_array, own_schema) = to_ffi(&StructArray::from(batch).into_data())?;
        // SAFETY: not null, and the caller guarantees that both can be written to.
        unsafe {
            array.write(own_array);
            schema.write(own_schema);
        }
        abi::DONE
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}

/// Gives warning `index` of the answer, or behind the warnings an info, as a buffer;
/// nothing behind the last.
///
/// # Safety
/// `reply` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quarrel_query_warning(query: u64, index: usize, reply: *mut Reply) -> i32 {
    let work = || {
        let text = abi::query(query)?.answered(|result| {
            let mut all = result.warnings.iter().chain(&result.infos);
            all.nth(index).cloned()
        })?;
        Ok(match text {
            Some(text) => (Status::Done, Reply::buffer(text.into_bytes())),
            None => (Status::Done, Reply::EMPTY),
        })
    };
    // SAFETY: the caller of this function guarantees it.
    unsafe { abi::call(reply, work) }
}
