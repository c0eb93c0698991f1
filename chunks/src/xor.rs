//! Decodes XOR chunks: delta of deltas of timestamps, XOR of values.

use crate::bits::{BitReader, sign_high};
use crate::encoding::Encoding;
use crate::error::ChunkError;
use crate::header::num_samples;

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

pub(crate) fn decode(
    bytes: &[u8],
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let samples = num_samples(Encoding::Xor, bytes)?;
    let data = &bytes[2..];
    // The count in the header may be wrong; a sample takes at least two bits.
    let room = samples.min(data.len() * 4);
    timestamps.reserve(room);
    values.reserve(room);
    let mut r = BitReader::new(data);
    let (mut t, mut delta, mut bits) = (0i64, 0i64, 0u64);
    let mut window = Window::WHOLE;
    for sample in 0..samples {
        let corrupt = |what| ChunkError::Corrupt { sample, what };
        if sample >= 2 {
            delta = delta.wrapping_add(delta_of_delta(&mut r));
            t = t.wrapping_add(delta);
            value(&mut r, &mut bits, &mut window).ok_or_else(|| corrupt(BAD_WINDOW))?;
        } else if sample == 1 {
            delta = r.uvarint().ok_or_else(|| corrupt(BAD_VARINT))? as i64;
            t = t.wrapping_add(delta);
            value(&mut r, &mut bits, &mut window).ok_or_else(|| corrupt(BAD_WINDOW))?;
        } else {
            t = r.varint().ok_or_else(|| corrupt(BAD_VARINT))?;
            bits = r.read(64);
        }
        if r.overrun() {
            return Err(ChunkError::Truncated { sample, samples });
        }
        timestamps.push(t);
        values.push(f64::from_bits(bits));
    }
    Ok(())
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
