//! Decodes XOR2 chunks: timestamps and values share control bits, stale markers
//! take no value bits, and start timestamps may follow each sample.

use crate::bits::{BitReader, varbit_length};
use crate::encoding::Encoding;
use crate::error::ChunkError;
use crate::header::num_samples;
use crate::lane::{Bits, Format, Lane};
use crate::plain::Plain;
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

/// Reads an XOR2 chunk sample by sample.
pub(crate) struct Xor2Reader<'a> {
    r: BitReader<'a>,
    data: &'a [u8],
    samples: usize,
    sample: usize,
    first_start_known: bool,
    /// The first sample that a start timestamp follows; 0 for none.
    start_from: usize,
    state: State,
}

impl<'a> Plain<'a> for Xor2Reader<'a> {
    type Format = Xor2;
    type WithStart = Xor2WithStart;

    fn new(bytes: &'a [u8]) -> Result<Self, ChunkError> {
        let samples = num_samples(Encoding::Xor2, bytes)?;
        let (Some(&header), Some(data)) = (bytes.get(2), bytes.get(3..)) else {
            return Err(ChunkError::NoHeader(bytes.len()));
        };
        Ok(Xor2Reader {
            r: BitReader::new(data),
            data,
            samples,
            sample: 0,
            first_start_known: header & FIRST_START_KNOWN != 0,
            start_from: usize::from(header & FIRST_START_CHANGE),
            state: State {
                t: 0,
                delta: 0,
                baseline: 0,
                value: 0,
                window: Window::WHOLE,
                start: 0,
                start_diff: 0,
            },
        })
    }

    fn samples(&self) -> usize {
        self.samples
    }

    fn most(&self) -> usize {
        // A sample takes at least a bit.
        self.data.len() * 8
    }

    fn next(&mut self) -> Result<(i64, f64), ChunkError> {
        let (sample, samples) = (self.sample, self.samples);
        let (r, s) = (&mut self.r, &mut self.state);
        let before = s.t;
        let read = match sample {
            0 => first(r, s, self.first_start_known),
            1 => second(r, s),
            _ => next(r, s),
        };
        read.map_err(|what| ChunkError::Corrupt { sample, what })?;
        if self.start_from > 0 && sample >= self.start_from {
            let diff = r.varbit_int();
            let base = if sample == self.start_from {
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
        self.sample += 1;
        Ok((s.t, f64::from_bits(s.value)))
    }

    fn start(&self) -> i64 {
        self.state.start
    }

    fn start_from(&self) -> usize {
        match self.start_from {
            0 => usize::MAX,
            from => from,
        }
    }

    fn lane(&self) -> (&'a [u8], Lane) {
        let s = &self.state;
        let lane = Lane {
            at: self.r.position(),
            t: s.t,
            delta: s.delta,
            bits: s.baseline,
            trailing: s.window.trailing,
            width: s.window.width,
        };
        (self.data, lane)
    }
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

/// XOR2 samples that no start timestamp follows, in lanes.
pub(crate) enum Xor2 {}

impl Format for Xor2 {
    #[inline(always)]
    fn next(lane: &mut Lane, bits: &mut Bits<'_>) -> Option<u64> {
        let mut word = bits.peek();
        if word >> 63 == 0 {
            lane.t = lane.t.wrapping_add(lane.delta);
            bits.skip(1);
            return Some(lane.bits);
        }
        if word >> 62 == 0b10 {
            lane.t = lane.t.wrapping_add(lane.delta);
            if word >> 61 == 0b101 {
                lane.renew((word >> 50) as u32)?;
                bits.skip(14);
            } else {
                bits.skip(3);
            }
            lane.significant(bits);
            return Some(lane.bits);
        }
        if word >> 61 == 0b110 {
            let dod = ((word << 3) as i64) >> 51;
            lane.delta = lane.delta.wrapping_add(dod);
            bits.skip(16);
            word <<= 16;
        } else if word >> 59 == 0b11111 {
            lane.t = lane.t.wrapping_add(lane.delta);
            bits.skip(5);
            return Some(STALE_NAN);
        } else {
            lane.delta = lane.delta.wrapping_add(far(bits));
            word = bits.peek();
        }
        lane.t = lane.t.wrapping_add(lane.delta);
        if word >> 63 == 0 {
            bits.skip(1);
            return Some(lane.bits);
        }
        if word >> 61 == 0b111 {
            bits.skip(3);
            return Some(STALE_NAN);
        }
        // Were the bits to skip a number instead of a branch, the next sample
        // would wait for it.
        if word >> 61 == 0b110 {
            lane.renew((word >> 50) as u32)?;
            bits.skip(14);
        } else {
            bits.skip(2);
        }
        lane.significant(bits);
        Some(lane.bits)
    }
}

/// XOR2 samples in lanes, without the start timestamps that follow them.
pub(crate) enum Xor2WithStart {}

impl Format for Xor2WithStart {
    #[inline(always)]
    fn next(lane: &mut Lane, bits: &mut Bits<'_>) -> Option<u64> {
        let value = Xor2::next(lane, bits)?;
        bits.skip(varbit_length(bits.peek()));
        Some(value)
    }
}

/// Reads a delta of deltas of more than 13 bits.
fn far(bits: &mut Bits<'_>) -> i64 {
    let (prefix, width) = match bits.peek() >> 60 {
        0b1110 => (4, 20),
        _ => (5, 64),
    };
    bits.skip(prefix);
    let dod = bits.peek_all() as i64;
    bits.skip(width);
    dod >> (64 - width)
}
