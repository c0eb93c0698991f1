//! The Rust side alone, called as Go calls it. Whole queries are tested in Go.

use bytes::Bytes;
use proptest::prelude::*;
use quarrel_chunks::{FloatEncoder, XorEncoder};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::ChunkData;

use crate::abi::{self, Reply, Status};
use crate::failure::Failure;
use crate::message::{Reader, Writer};
use crate::options::ABI_VERSION;
use crate::run::{Run, Step, new_engine};
use crate::samples::selected;

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
    out.u32(0);
    out.into_bytes()
}

/// Two series, `a` with a sample at 0 and `b` without any.
fn part() -> Vec<u8> {
    let mut encoder = XorEncoder::new();
    encoder.append(0, 7.5);
    let chunk = encoder.bytes();
    let mut out = Writer::default();
    for (name, chunks) in [("a", 1), ("b", 0)] {
        out.u32(1);
        out.text("__name__").unwrap();
        out.text(name).unwrap();
        out.u32(chunks);
        if chunks > 0 {
            out.u8(1);
            out.u8(0);
            out.u32(1);
            out.i64(0);
            out.i64(0);
            out.len(chunk.len()).unwrap();
            chunk.iter().for_each(|&byte| out.u8(byte));
        }
    }
    out.into_bytes()
}

#[test]
fn a_query_stops_for_samples_and_goes_on() {
    let engine = new_engine(&engine_message()).unwrap();
    let query = Run::new(&engine, &query_message("a + 1")).unwrap();
    assert!(matches!(query.next(), Ok(Step::Select(_))));
    assert!(matches!(query.next(), Err(Failure::Misuse(_))));
    query.answer(&part(), false).unwrap();
    query.answer(&[], true).unwrap();
    let Ok(Step::Done(answer)) = query.next() else {
        panic!("the query is not done");
    };
    assert!(answer.windows(8).any(|w| w == 8.5f64.to_le_bytes()));
    assert!(matches!(query.next(), Err(Failure::Misuse(_))));
    assert!(matches!(query.answer(&[], true), Err(Failure::Misuse(_))));
}

#[test]
fn a_query_can_be_ended_before_it_starts() {
    let engine = new_engine(&engine_message()).unwrap();
    let query = Run::new(&engine, &query_message("a")).unwrap();
    query.cancel();
    let failed = query.next().unwrap_err();
    assert_eq!(
        failed.to_string(),
        "query was canceled in expression evaluation"
    );
}

#[test]
fn series_keep_their_chunks() {
    let symbols = SymbolTable::new();
    let found = selected(&[Bytes::from(part())], &symbols).unwrap();
    assert_eq!(found.labels.len(), 2);
    assert_eq!(found.series.estimated_samples(), Some(1));
    let mut chunks = Vec::new();
    found.series.chunks(0, &mut chunks).unwrap();
    assert!(matches!(chunks[..], [ref c] if matches!(c.data, ChunkData::Encoded { .. })));
    found.series.chunks(1, &mut chunks).unwrap();
    assert_eq!(chunks.len(), 1);
    assert!(found.series.chunks(2, &mut chunks).is_err());
    assert!(found.series.chunks(u32::MAX, &mut chunks).is_err());
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
    fn damaged_messages_are_errors(mut bytes in Just(part()), at in 0..60usize, byte: u8, cut in 0..60usize) {
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        let _ = selected(&[Bytes::from(bytes.clone())], &SymbolTable::new());
        let _ = new_engine(&bytes);
        let engine = new_engine(&engine_message()).unwrap();
        let _ = Run::new(&engine, &bytes);
    }
}
