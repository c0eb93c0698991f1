//! Decodes XOR chunks: delta of deltas of timestamps, XOR of values.

use crate::bits::{BitReader, sign_high};
use crate::encoding::Encoding;
use crate::error::ChunkError;
use crate::header::num_samples;
use crate::lane::{Bits, Format, Lane};
use crate::plain::Plain;

/// The window of significant bits that values share.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) trailing: u32,
    pub(crate) width: u32,
}

impl Window {
    pub(crate) const WHOLE: Window = Window {
        trailing: 0,
        width: 64,
    };

    /// Reads 5 bits of leading zeros and 6 bits of width (0 means 64).
    #[inline(always)]
    pub(crate) fn read(reader: &mut BitReader<'_>) -> Option<Window> {
        let bits = reader.read(11) as u32;
        let (leading, width) = (bits >> 6, bits & 63);
        let width = if width == 0 { 64 } else { width };
        let trailing = 64u32.checked_sub(leading + width)?;
        Some(Window { trailing, width })
    }

    /// Reads a value's difference.
    #[inline(always)]
    pub(crate) fn delta(self, reader: &mut BitReader<'_>) -> u64 {
        reader.read(self.width) << self.trailing
    }
}

pub(crate) const BAD_WINDOW: &str = "more leading zeros and significant bits than 64";
pub(crate) const BAD_VARINT: &str = "a varint of more than 64 bits";

/// Reads an XOR chunk sample by sample.
pub(crate) struct XorReader<'a> {
    r: BitReader<'a>,
    data: &'a [u8],
    samples: usize,
    sample: usize,
    t: i64,
    delta: i64,
    bits: u64,
    window: Window,
}

impl<'a> Plain<'a> for XorReader<'a> {
    type Format = Xor;
    type WithStart = Xor;

    fn new(bytes: &'a [u8]) -> Result<Self, ChunkError> {
        let samples = num_samples(Encoding::Xor, bytes)?;
        let data = &bytes[2..];
        Ok(XorReader {
            r: BitReader::new(data),
            data,
            samples,
            sample: 0,
            t: 0,
            delta: 0,
            bits: 0,
            window: Window::WHOLE,
        })
    }

    fn samples(&self) -> usize {
        self.samples
    }

    fn most(&self) -> usize {
        // A sample takes at least two bits.
        self.data.len() * 4
    }

    fn next(&mut self) -> Result<(i64, f64), ChunkError> {
        let (sample, samples, r) = (self.sample, self.samples, &mut self.r);
        let corrupt = |what| ChunkError::Corrupt { sample, what };
        if sample == 0 {
            self.t = r.varint().ok_or_else(|| corrupt(BAD_VARINT))?;
            self.bits = r.read(64);
        } else {
            self.delta = match sample {
                1 => r.uvarint().ok_or_else(|| corrupt(BAD_VARINT))? as i64,
                _ => self.delta.wrapping_add(delta_of_delta(r)),
            };
            self.t = self.t.wrapping_add(self.delta);
            value(r, &mut self.bits, &mut self.window).ok_or_else(|| corrupt(BAD_WINDOW))?;
        }
        if r.overrun() {
            return Err(ChunkError::Truncated { sample, samples });
        }
        self.sample += 1;
        Ok((self.t, f64::from_bits(self.bits)))
    }

    fn lane(&self) -> (&'a [u8], Lane) {
        let lane = Lane {
            at: self.r.position(),
            t: self.t,
            delta: self.delta,
            bits: self.bits,
            trailing: self.window.trailing,
            width: self.window.width,
        };
        (self.data, lane)
    }
}

#[inline(always)]
fn delta_of_delta(r: &mut BitReader<'_>) -> i64 {
    let word = r.peek();
    if word >> 63 == 0 {
        r.skip(1);
        return 0;
    }
    // Counts leading ones at once instead of reading bit by bit.
    let (prefix, width) = match (!word).leading_zeros() {
        1 => (2, 14),
        2 => (3, 17),
        3 => (4, 20),
        _ => (4, 64),
    };
    r.skip(prefix);
    sign_high(r.read(width), width)
}

/// Reads a value as its difference to the previous one.
#[inline(always)]
pub(crate) fn value(r: &mut BitReader<'_>, bits: &mut u64, window: &mut Window) -> Option<()> {
    match r.peek() >> 62 {
        0 | 1 => r.skip(1),
        2 => {
            r.skip(2);
            *bits ^= window.delta(r);
        }
        _ => {
            r.skip(2);
            *window = Window::read(r)?;
            *bits ^= window.delta(r);
        }
    }
    Some(())
}

/// XOR chunks in lanes.
pub(crate) enum Xor {}

impl Format for Xor {
    #[inline(always)]
    fn next(lane: &mut Lane, bits: &mut Bits<'_>) -> Option<u64> {
        let mut word = bits.peek();
        if word >> 63 == 0 {
            word <<= 1;
            bits.skip(1);
        } else if word >> 62 == 0b10 {
            let dod = sign_high((word << 2) >> 50, 14);
            lane.delta = lane.delta.wrapping_add(dod);
            word <<= 16;
            bits.skip(16);
        } else {
            lane.delta = lane.delta.wrapping_add(far(bits));
            word = bits.peek();
        }
        lane.t = lane.t.wrapping_add(lane.delta);
        if word >> 63 == 0 {
            bits.skip(1);
        } else {
            if word >> 62 == 0b11 {
                lane.renew((word >> 51) as u32)?;
                bits.skip(13);
            } else {
                bits.skip(2);
            }
            lane.significant(bits);
        }
        Some(lane.bits)
    }
}

/// Reads a delta of deltas of more than 14 bits.
fn far(bits: &mut Bits<'_>) -> i64 {
    let (prefix, width) = match bits.peek() >> 60 {
        0b1100 | 0b1101 => (3, 17),
        0b1110 => (4, 20),
        _ => (4, 64),
    };
    bits.skip(prefix);
    let dod = bits.peek_all() >> (64 - width);
    bits.skip(width);
    sign_high(dod, width)
}
