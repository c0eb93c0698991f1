//! The Rust side alone, called as Go calls it. Whole queries are tested in Go.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;
use quarrel_chunks::{FloatEncoder, XorEncoder};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{ChunkData, SeriesSource};

use crate::abi::{self, Reply, Status};
use crate::answer::FloatPoint;
use crate::failure::Failure;
use crate::message::{Reader, Writer};
use crate::options::ABI_VERSION;
use crate::parts::Part;
use crate::run::{Run, Step, new_engine};
use crate::samples::{Source, selected};
use crate::writer::SeriesWriter;

fn engine_message() -> Vec<u8> {
    let mut out = Writer::default();
    out.u32(ABI_VERSION);
    out.u32(0);
    out.i64(300_000);
    (0..4).for_each(|_| out.u64(0));
    out.u32(1);
    out.into_bytes()
}

fn query_message(text: &str) -> Vec<u8> {
    let mut out = Writer::default();
    out.text(text).unwrap();
    (0..4).for_each(|_| out.i64(0));
    out.u8(0);
    out.u8(0);
    (0..2).for_each(|_| out.u64(0));
    out.u32(0);
    out.into_bytes()
}

fn align(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(8), 0);
}

/// A series with so many chunks, of a sample each.
fn series(name: &str, count: u32, chunks: &[u8]) -> Vec<u8> {
    let mut series = Writer::default();
    series.u64(chunks.len() as u64);
    for number in [count, count, 1, "__name__".len() as u32, name.len() as u32] {
        series.u32(number);
    }
    let mut out = series.into_bytes();
    out.extend_from_slice(b"__name__");
    out.extend_from_slice(name.as_bytes());
    align(&mut out);
    out.extend_from_slice(chunks);
    out
}

/// Two series, `a` with a sample at 0 as a chunk and one at 1,000 as columns, and
/// `b` without any.
fn part() -> Vec<u8> {
    let mut encoder = XorEncoder::new();
    encoder.append(0, 7.5);
    let chunk = encoder.bytes();
    let mut chunks = Writer::default();
    chunks.u32(1);
    chunks.u32(chunk.len() as u32);
    (0..2).for_each(|_| chunks.i64(0));
    let mut chunks = chunks.into_bytes();
    chunks.extend_from_slice(chunk);
    align(&mut chunks);
    let mut columns = Writer::default();
    columns.u32(0);
    columns.u32(1);
    (0..3).for_each(|_| columns.i64(1000));
    columns.f64(9.0);
    chunks.extend_from_slice(&columns.into_bytes());
    let mut out = Vec::new();
    for (name, chunks, count) in [("a", &chunks[..], 2), ("b", &[], 0)] {
        out.extend(series(name, count, chunks));
    }
    out
}

/// The same bytes where the engine wants them.
fn aligned(bytes: &[u8]) -> Bytes {
    let mut part = Part::new(&Arc::default(), bytes.len());
    let (memory, len) = part.memory();
    assert!(len >= bytes.len());
    // SAFETY: `len` bytes are there, and nobody else knows them.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
    part.filled(bytes.len()).unwrap()
}

fn answer(query: &Run, bytes: &[u8], last: bool) -> Result<(), Failure> {
    let (memory, len) = query.part(bytes.len())?;
    assert!(len >= bytes.len());
    // SAFETY: `len` bytes are there until the query takes them.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
    query.answer(bytes.len(), last)
}

#[test]
fn a_query_stops_for_samples_and_goes_on() {
    let engine = new_engine(&engine_message()).unwrap();
    let query = Run::new(&engine, &query_message("a + 1")).unwrap();
    let next = || query.next(true, |step, _| step);
    assert!(matches!(next(), Ok(Step::Select)));
    assert!(matches!(next(), Err(Failure::Misuse(_))));
    answer(&query, &part(), false).unwrap();
    answer(&query, &[], true).unwrap();
    assert!(matches!(query.floats(&mut []), Err(Failure::Misuse(_))));
    assert!(matches!(next(), Ok(Step::Done)));
    let mut points = [FloatPoint {
        timestamp: 7,
        value: 0.0,
    }];
    query.floats(&mut points).unwrap();
    assert_eq!((points[0].timestamp, points[0].value), (0, 8.5));
    assert!(matches!(query.floats(&mut []), Err(Failure::Misuse(_))));
    assert!(matches!(next(), Err(Failure::Misuse(_))));
    assert!(matches!(answer(&query, &[], true), Err(Failure::Misuse(_))));
}

#[test]
fn a_query_can_be_ended_before_it_starts() {
    let engine = new_engine(&engine_message()).unwrap();
    let query = Run::new(&engine, &query_message("a")).unwrap();
    query.cancel();
    let failed = query.next(true, |step, _| step).unwrap_err();
    assert_eq!(
        failed.to_string(),
        "query was canceled in expression evaluation"
    );
}

#[test]
fn series_keep_their_chunks() {
    let symbols = SymbolTable::new();
    let (labels, series) = selected(vec![aligned(&part())], &symbols, 0).unwrap();
    assert!(series.is_complete());
    let series = Source(series);
    assert_eq!(labels.len(), 2);
    let read = symbols.read();
    let shown: Vec<_> = labels.iter().map(|row| read.display(row)).collect();
    assert_eq!(shown, ["a", "b"]);
    assert_eq!(series.estimated_samples(), Some(2));
    let mut chunks = Vec::new();
    series.chunks(0, &mut chunks).unwrap();
    let [encoded, floats] = &chunks[..] else {
        panic!("{chunks:?}");
    };
    assert!(matches!(encoded.data, ChunkData::Encoded { .. }));
    let ChunkData::Floats {
        timestamps, values, ..
    } = &floats.data
    else {
        panic!("{floats:?}");
    };
    assert_eq!((&timestamps[..], &values[..]), (&[1000][..], &[9.0][..]));
    series.chunks(1, &mut chunks).unwrap();
    assert_eq!(chunks.len(), 2);
    assert!(series.chunks(2, &mut chunks).is_err());
    assert!(series.chunks(u32::MAX, &mut chunks).is_err());
}

#[test]
fn series_handed_over_by_calls_are_the_same() {
    let mut encoder = XorEncoder::new();
    encoder.append(0, 7.5);
    let mut writer = SeriesWriter::default();
    assert!(!writer.has_begun());
    writer.begin(&[(b"__name__", b"a")]).unwrap();
    writer.chunk(1, encoder.bytes(), (0, 0)).unwrap();
    writer.floats(&[1000], &[9.0], None).unwrap();
    writer.floats(&[], &[], None).unwrap();
    writer.begin(&[(b"__name__", b"b")]).unwrap();
    assert_eq!(writer.finish(), part());
    writer.begin(&[]).unwrap();
    writer.floats(&[5, 6], &[1.0, 2.0], Some(&[3, 4])).unwrap();
    let bytes = aligned(&writer.finish());
    let (labels, series) = selected(vec![bytes], &SymbolTable::new(), 0).unwrap();
    assert!(labels.get(0).is_empty());
    let mut chunks = Vec::new();
    Source(series).chunks(0, &mut chunks).unwrap();
    let ChunkData::Floats {
        start_timestamps: Some(starts),
        ..
    } = &chunks[0].data
    else {
        panic!("{chunks:?}");
    };
    assert_eq!((&starts[..], chunks[0].max_time), (&[3, 4][..], 6));
}

/// The chunks of a series that has a sample, without its labels.
fn fed_later(t: i64) -> Vec<u8> {
    let mut columns = Writer::default();
    columns.u64(40);
    columns.u32(1);
    columns.u32(1);
    columns.u32(0);
    columns.u32(1);
    (0..3).for_each(|_| columns.i64(t));
    columns.f64(9.0);
    columns.into_bytes()
}

#[test]
fn chunks_may_come_after_the_labels() {
    let mut labels = part();
    labels.extend(series("c", u32::MAX, &[]));
    labels.extend(series("d", u32::MAX, &[]));
    let (list, read) = selected(vec![aligned(&labels)], &SymbolTable::new(), 1000).unwrap();
    assert_eq!((list.len(), read.is_complete()), (4, false));
    let source = Source(Arc::clone(&read));
    assert_eq!(source.estimated_samples(), Some(1001));
    assert!(source.prefetch(0..2).is_none());
    let mut third = source.prefetch(1..3).unwrap();
    let mut fourth = source.prefetch(3..4).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(third.as_mut().poll(&mut context).is_pending());
    assert!(fourth.as_mut().poll(&mut context).is_pending());
    let mut chunks = Vec::new();
    assert!(source.chunks(2, &mut chunks).is_err());

    read.feed(aligned(&fed_later(5))).unwrap();
    assert!(matches!(
        third.as_mut().poll(&mut context),
        Poll::Ready(Ok(()))
    ));
    source.chunks(2, &mut chunks).unwrap();
    assert_eq!((chunks.len(), chunks[0].min_time), (1, 5));
    let twice = [fed_later(6), fed_later(7)].concat();
    assert!(read.feed(aligned(&twice)).is_err(), "a series too many");
    assert!(fourth.as_mut().poll(&mut context).is_pending());
    read.end();
    assert!(matches!(
        fourth.as_mut().poll(&mut context),
        Poll::Ready(Err(_))
    ));
    // What has begun to come later does so to its end.
    labels.extend(part());
    assert!(selected(vec![aligned(&labels)], &SymbolTable::new(), 0).is_err());
}

#[test]
fn a_query_computes_while_it_is_fed() {
    let engine = new_engine(&engine_message()).unwrap();
    let query = Run::new(&engine, &query_message("sum({__name__=~\".+\"})")).unwrap();
    let next = || query.next(true, |step, message| (step, message.to_vec()));
    assert!(matches!(next(), Ok((Step::Select, _))));
    assert!(matches!(query.feed(0, true), Err(Failure::Misuse(_))));
    let labels = [series("a", u32::MAX, &[]), series("b", u32::MAX, &[])].concat();
    answer(&query, &labels, true).unwrap();
    assert_eq!(next().unwrap(), (Step::Feed, vec![0; 4]));
    assert!(matches!(next(), Err(Failure::Misuse(_))));
    let feed = |bytes: &[u8], last| {
        let (memory, _) = query.part(bytes.len())?;
        // SAFETY: as many bytes are there until the query takes them.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
        query.feed(bytes.len(), last)
    };
    assert!(feed(&fed_later(0), false).unwrap());
    feed(&fed_later(0), true).unwrap();
    assert!(matches!(query.feed(0, true), Err(Failure::Misuse(_))));
    assert!(matches!(next(), Ok((Step::Done, _))));
    let mut points = [FloatPoint {
        timestamp: 7,
        value: 0.0,
    }];
    query.floats(&mut points).unwrap();
    assert_eq!(points[0].value, 18.0);
}

#[test]
fn a_query_that_is_not_fed_to_its_end_fails() {
    let engine = new_engine(&engine_message()).unwrap();
    let query = Run::new(&engine, &query_message("sum({__name__=~\".+\"})")).unwrap();
    let next = || query.next(true, |step, _| step);
    assert!(matches!(next(), Ok(Step::Select)));
    answer(&query, &series("a", u32::MAX, &[]), true).unwrap();
    assert!(matches!(next(), Ok(Step::Feed)));
    query.feed(0, true).unwrap();
    let failed = next().unwrap_err().to_string();
    assert!(
        failed.contains("the reader of the series is gone"),
        "{failed}"
    );
}

#[test]
fn a_panic_is_a_failure() {
    let mut reply = Reply::EMPTY;
    // SAFETY: the reply is there.
    let status = unsafe { abi::call(&raw mut reply, || panic!("at the {}", "border")) };
    assert_eq!(status, Status::Failed as i32);
    let failure = reply.bytes();
    assert!(failure.ends_with(b"panic: at the border"), "{failure:?}");
}

#[test]
fn a_call_without_a_place_for_its_reply_does_nothing() {
    // SAFETY: null is allowed.
    let status = unsafe { abi::quarrel_engine_free(1, std::ptr::null_mut()) };
    assert_eq!(status, Status::NoReply as i32);
}

#[test]
fn a_message_without_bytes_is_refused() {
    let mut reply = Reply::EMPTY;
    for len in [0, 1, usize::MAX] {
        // SAFETY: null is allowed, and the reply is there.
        let status = unsafe { abi::quarrel_engine_new(std::ptr::null(), len, &raw mut reply) };
        assert_eq!(status, Status::Failed as i32);
    }
}

#[test]
fn fields_come_out_as_they_went_in() {
    let mut out = Writer::default();
    out.u8(7);
    out.i32(-7);
    out.f64(-0.5);
    out.texts(&["ü".into(), String::new()]).unwrap();
    let bytes = out.into_bytes();
    let mut fields = Reader::new(&bytes);
    assert_eq!(fields.u8().unwrap(), 7);
    assert_eq!(fields.u32().unwrap(), (-7i32).cast_unsigned());
    assert_eq!(fields.u64().unwrap(), (-0.5f64).to_bits());
    assert!(fields.end().is_err());
    assert_eq!(fields.u32().unwrap(), 2);
    assert_eq!(fields.text().unwrap(), "ü");
    assert_eq!(fields.text().unwrap(), "");
    assert!(fields.end().is_ok());
    assert!(fields.u8().is_err());
}

proptest! {
    /// Any message gives an answer or an error.
    #[test]
    fn damaged_messages_are_errors(mut bytes in Just(part()), at in 0..160usize, byte: u8, cut in 0..160usize) {
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        if let Ok((labels, series)) = selected(vec![aligned(&bytes)], &SymbolTable::new(), 0) {
            let mut chunks = Vec::new();
            let _ = series.feed(aligned(&bytes));
            let series = Source(series);
            for row in 0..labels.len() as u32 {
                let _ = series.chunks(row, &mut chunks);
            }
        }
        let _ = new_engine(&bytes);
        let engine = new_engine(&engine_message()).unwrap();
        let _ = Run::new(&engine, &bytes);
    }
}
