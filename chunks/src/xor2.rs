//! Decodes XOR2 chunks: timestamps and values share control bits, stale markers
//! take no value bits, and start timestamps may follow each sample.

use crate::bits::BitReader;
use crate::encoding::Encoding;
use crate::error::ChunkError;
use crate::header::num_samples;
use crate::xor::{BAD_VARINT, BAD_WINDOW, Window};

/// The bits of the NaN that marks a series as stale.
pub(crate) const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// Header bit: the first sample has a start timestamp.
pub(crate) const FIRST_START_KNOWN: u8 = 0x80;
/// Header bits: the first sample that a start timestamp follows; 0 for none.
pub(crate) const FIRST_START_CHANGE: u8 = 0x7f;

struct State {
    t: i64,
    delta: i64,
    /// The last value that is not a stale marker.
    baseline: u64,
    value: u64,
    window: Window,
    start: i64,
    start_diff: i64,
}

pub(crate) fn decode(
    bytes: &[u8],
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
    mut start_timestamps: Option<&mut Vec<i64>>,
) -> Result<(), ChunkError> {
    let samples = num_samples(Encoding::Xor2, bytes)?;
    let (Some(&header), Some(data)) = (bytes.get(2), bytes.get(3..)) else {
        return Err(ChunkError::NoHeader(bytes.len()));
    };
    let start_from = usize::from(header & FIRST_START_CHANGE);
    let room = samples.min(data.len() * 8);
    timestamps.reserve(room);
    values.reserve(room);
    let mut r = BitReader::new(data);
    let mut s = State {
        t: 0,
        delta: 0,
        baseline: 0,
        value: 0,
        window: Window::WHOLE,
        start: 0,
        start_diff: 0,
    };
    for sample in 0..samples {
        let before = s.t;
        let read = match sample {
            0 => first(&mut r, &mut s, header & FIRST_START_KNOWN != 0),
            1 => second(&mut r, &mut s),
            _ => next(&mut r, &mut s),
        };
        read.map_err(|what| ChunkError::Corrupt { sample, what })?;
        if start_from > 0 && sample >= start_from {
            let diff = r.varbit_int();
            let base = if sample == start_from {
                0
            } else {
                s.start_diff
            };
            s.start_diff = base.wrapping_add(diff);
            s.start = before.wrapping_sub(s.start_diff);
        }
        if r.overrun() {
            return Err(ChunkError::Truncated { sample, samples });
        }
        timestamps.push(s.t);
        values.push(f64::from_bits(s.value));
        if let Some(start_timestamps) = &mut start_timestamps {
            start_timestamps.push(s.start);
        }
    }
    Ok(())
}

fn first(r: &mut BitReader<'_>, s: &mut State, start_known: bool) -> Result<(), &'static str> {
    s.t = r.varint().ok_or(BAD_VARINT)?;
    s.value = r.read(64);
    if s.value != STALE_NAN {
        s.baseline = s.value;
    }
    if start_known {
        s.start = s.t.wrapping_sub(r.varint().ok_or(BAD_VARINT)?);
    }
    Ok(())
}

fn second(r: &mut BitReader<'_>, s: &mut State) -> Result<(), &'static str> {
    s.delta = r.uvarint().ok_or(BAD_VARINT)? as i64;
    s.t = s.t.wrapping_add(s.delta);
    value(r, s)
}

#[inline(always)]
fn next(r: &mut BitReader<'_>, s: &mut State) -> Result<(), &'static str> {
    match (!r.peek()).leading_zeros() {
        0 => {
            r.skip(1);
            s.t = s.t.wrapping_add(s.delta);
            s.value = s.baseline;
            Ok(())
        }
        1 => {
            r.skip(2);
            s.t = s.t.wrapping_add(s.delta);
            if r.read(1) == 1 {
                s.window = Window::read(r).ok_or(BAD_WINDOW)?;
            }
            changed(r, s);
            Ok(())
        }
        2 => moved(r, s, 3, 13),
        3 => moved(r, s, 4, 20),
        4 => moved(r, s, 5, 64),
        _ => {
            r.skip(5);
            s.t = s.t.wrapping_add(s.delta);
            s.value = STALE_NAN;
            Ok(())
        }
    }
}

/// A delta of deltas of `width` bits in two's complement, then a value.
#[inline(always)]
fn moved(
    r: &mut BitReader<'_>,
    s: &mut State,
    prefix: u32,
    width: u32,
) -> Result<(), &'static str> {
    r.skip(prefix);
    let dod = ((r.read(width) << (64 - width)) as i64) >> (64 - width);
    s.delta = s.delta.wrapping_add(dod);
    s.t = s.t.wrapping_add(s.delta);
    value(r, s)
}

#[inline(always)]
fn value(r: &mut BitReader<'_>, s: &mut State) -> Result<(), &'static str> {
    match r.peek() >> 61 {
        0..=3 => {
            r.skip(1);
            s.value = s.baseline;
        }
        4 | 5 => {
            r.skip(2);
            changed(r, s);
        }
        6 => {
            r.skip(3);
            s.window = Window::read(r).ok_or(BAD_WINDOW)?;
            changed(r, s);
        }
        _ => {
            r.skip(3);
            s.value = STALE_NAN;
        }
    }
    Ok(())
}

#[inline(always)]
fn changed(r: &mut BitReader<'_>, s: &mut State) {
    s.baseline ^= s.window.delta(r);
    s.value = s.baseline;
}
