//! Encodes float chunks to the bytes that Prometheus writes.

use crate::bits::{BitWriter, fits};
use crate::encoding::Encoding;
use crate::xor2::{FIRST_START_CHANGE, FIRST_START_KNOWN, STALE_NAN};

/// Most samples of a chunk.
pub const MAX_SAMPLES: u16 = u16::MAX;

/// An encoder of float chunks.
pub trait FloatEncoder {
    /// Appends a sample; false if the chunk is full.
    fn append(&mut self, timestamp: i64, value: f64) -> bool;
    /// The chunk's bytes.
    fn bytes(&self) -> &[u8];
    /// The encoding of the bytes.
    fn encoding(&self) -> Encoding;
}

/// Leading and trailing zeros of a window.
#[derive(Debug, Clone, Copy)]
struct Zeros {
    leading: u32,
    trailing: u32,
}

/// Before the first window.
const NO_ZEROS: Zeros = Zeros {
    leading: 0xff,
    trailing: 0,
};

fn zeros_of(delta: u64) -> Zeros {
    // Five bits hold the leading zeros.
    Zeros {
        leading: delta.leading_zeros().min(31),
        trailing: delta.trailing_zeros(),
    }
}

fn write_window(out: &mut BitWriter, zeros: Zeros, delta: u64) {
    let width = 64 - zeros.leading - zeros.trailing;
    out.write(u64::from(zeros.leading), 5);
    out.write(u64::from(width & 63), 6);
    out.write(delta >> zeros.trailing, width);
}

fn count(bytes: &mut [u8], samples: u16) {
    bytes[..2].copy_from_slice(&samples.to_be_bytes());
}

/// Writes values XORed with the previous one, in the previous window where they
/// fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct XorWriter {
    bits: u64,
    zeros: Zeros,
}

impl XorWriter {
    pub(crate) const NEW: XorWriter = XorWriter {
        bits: 0,
        zeros: NO_ZEROS,
    };

    /// Writes the first value in 64 bits.
    pub(crate) fn first(&mut self, out: &mut BitWriter, bits: u64) {
        out.write(bits, 64);
        self.bits = bits;
    }

    /// Writes a further value.
    pub(crate) fn next(&mut self, out: &mut BitWriter, bits: u64) {
        let delta = bits ^ self.bits;
        self.bits = bits;
        if delta == 0 {
            return out.write(0, 1);
        }
        let zeros = zeros_of(delta);
        let fits = self.zeros.leading != NO_ZEROS.leading
            && zeros.leading >= self.zeros.leading
            && zeros.trailing >= self.zeros.trailing;
        if fits {
            out.write(0b10, 2);
            let width = 64 - self.zeros.leading - self.zeros.trailing;
            return out.write(delta >> self.zeros.trailing, width);
        }
        self.zeros = zeros;
        out.write(0b11, 2);
        write_window(out, zeros, delta);
    }
}

/// Writes XOR chunks.
#[derive(Debug, Clone)]
pub struct XorEncoder {
    out: BitWriter,
    samples: u16,
    t: i64,
    delta: i64,
    values: XorWriter,
}

impl Default for XorEncoder {
    fn default() -> Self {
        XorEncoder::new()
    }
}

impl XorEncoder {
    /// An empty chunk.
    pub fn new() -> Self {
        XorEncoder {
            out: BitWriter::new(&[0, 0]),
            samples: 0,
            t: 0,
            delta: 0,
            values: XorWriter::NEW,
        }
    }

    fn delta_of_delta(&mut self, dod: i64) {
        let (prefix, bits, width) = match dod {
            0 => (0, 1, 0),
            d if fits(d, 14) => (0b10, 2, 14),
            d if fits(d, 17) => (0b110, 3, 17),
            d if fits(d, 20) => (0b1110, 4, 20),
            _ => (0b1111, 4, 64),
        };
        self.out.write(prefix, bits);
        self.out.write(dod as u64, width);
    }
}

impl FloatEncoder for XorEncoder {
    fn append(&mut self, timestamp: i64, value: f64) -> bool {
        let bits = value.to_bits();
        let delta = timestamp.wrapping_sub(self.t);
        match self.samples {
            0 => {
                self.out.varint(timestamp);
                self.values.first(&mut self.out, bits);
            }
            1 => {
                self.out.uvarint(delta as u64);
                self.values.next(&mut self.out, bits);
            }
            MAX_SAMPLES => return false,
            _ => {
                self.delta_of_delta(delta.wrapping_sub(self.delta));
                self.values.next(&mut self.out, bits);
            }
        }
        self.delta = if self.samples == 0 { 0 } else { delta };
        self.t = timestamp;
        self.samples += 1;
        count(&mut self.out.bytes, self.samples);
        true
    }

    fn bytes(&self) -> &[u8] {
        &self.out.bytes
    }

    fn encoding(&self) -> Encoding {
        Encoding::Xor
    }
}

/// Writes XOR2 chunks.
#[derive(Debug, Clone)]
pub struct Xor2Encoder {
    out: BitWriter,
    samples: u16,
    t: i64,
    delta: i64,
    start: i64,
    start_diff: i64,
    start_from: u16,
    baseline: u64,
    zeros: Zeros,
}

impl Default for Xor2Encoder {
    fn default() -> Self {
        Xor2Encoder::new()
    }
}

impl Xor2Encoder {
    /// An empty chunk.
    pub fn new() -> Self {
        Xor2Encoder {
            out: BitWriter::new(&[0, 0, 0]),
            samples: 0,
            t: 0,
            delta: 0,
            start: 0,
            start_diff: 0,
            start_from: 0,
            baseline: 0,
            zeros: NO_ZEROS,
        }
    }

    /// Appends a sample with its start timestamp (ms, 0 for none); false if the
    /// chunk is full.
    pub fn append_with_start(&mut self, start: i64, timestamp: i64, value: f64) -> bool {
        let bits = value.to_bits();
        let delta = timestamp.wrapping_sub(self.t);
        let before = self.t;
        match self.samples {
            0 => {
                self.out.varint(timestamp);
                self.out.write(bits, 64);
                if start != 0 {
                    self.out.varint(timestamp.wrapping_sub(start));
                    self.out.bytes[2] |= FIRST_START_KNOWN;
                }
            }
            MAX_SAMPLES => return false,
            1 => {
                self.out.uvarint(delta as u64);
                self.value(bits);
            }
            _ => self.joint(delta.wrapping_sub(self.delta), bits),
        }
        if self.samples > 0 {
            self.start_timestamp(start, before);
        }
        self.delta = if self.samples == 0 { 0 } else { delta };
        (self.t, self.start) = (timestamp, start);
        if bits != STALE_NAN {
            self.baseline = bits;
        }
        self.samples += 1;
        count(&mut self.out.bytes, self.samples);
        true
    }

    fn start_timestamp(&mut self, start: i64, before: i64) {
        let diff = before.wrapping_sub(start);
        if self.start_from > 0 {
            self.out.varbit_int(diff.wrapping_sub(self.start_diff));
            self.start_diff = diff;
        } else if start != self.start || self.samples == u16::from(FIRST_START_CHANGE) {
            self.start_from = self.samples;
            self.out.bytes[2] |= self.samples as u8;
            self.out.varbit_int(diff);
            self.start_diff = diff;
        }
    }

    fn joint(&mut self, dod: i64, bits: u64) {
        if dod == 0 {
            if bits == STALE_NAN {
                return self.out.write(0b11111, 5);
            }
            let delta = bits ^ self.baseline;
            if delta == 0 {
                return self.out.write(0, 1);
            }
            self.out.write(0b10, 2);
            return self.changed(delta, 0, 1, (1, 1), 11, 5);
        }
        let (prefix, prefix_bits, width) = match dod {
            -0x1000..=0xfff => (0b110, 3, 13),
            -0x8_0000..=0x7_ffff => (0b1110, 4, 20),
            _ => (0b11110, 5, 64),
        };
        self.out.write(prefix, prefix_bits);
        self.out.write(dod as u64, width);
        self.value(bits);
    }

    fn value(&mut self, bits: u64) {
        if bits == STALE_NAN {
            return self.out.write(0b111, 3);
        }
        let delta = bits ^ self.baseline;
        if delta == 0 {
            return self.out.write(0, 1);
        }
        self.changed(delta, 0b10, 2, (0b110, 3), 12, 6);
    }

    /// Writes a difference in the old window if that costs no more than a new
    /// one. A new window covers the old one, too, if that widens it by at most
    /// `slack` bits.
    fn changed(
        &mut self,
        delta: u64,
        reuse: u64,
        reuse_bits: u32,
        renew: (u64, u32),
        cost: u32,
        slack: u32,
    ) {
        let mut zeros = zeros_of(delta);
        let old = self.zeros;
        let inside = zeros.leading >= old.leading && zeros.trailing >= old.trailing;
        if inside && zeros.leading + zeros.trailing <= old.leading + old.trailing + cost {
            self.out.write(reuse, reuse_bits);
            let width = 64 - old.leading - old.trailing;
            return self.out.write(delta >> old.trailing, width);
        }
        if old.leading != NO_ZEROS.leading && !inside {
            let union = Zeros {
                leading: zeros.leading.min(old.leading),
                trailing: zeros.trailing.min(old.trailing),
            };
            let wider = zeros.leading + zeros.trailing - union.leading - union.trailing;
            if wider <= slack {
                zeros = union;
            }
        }
        self.zeros = zeros;
        self.out.write(renew.0, renew.1);
        write_window(&mut self.out, zeros, delta);
    }
}

impl FloatEncoder for Xor2Encoder {
    fn append(&mut self, timestamp: i64, value: f64) -> bool {
        self.append_with_start(0, timestamp, value)
    }

    fn bytes(&self) -> &[u8] {
        &self.out.bytes
    }

    fn encoding(&self) -> Encoding {
        Encoding::Xor2
    }
}
