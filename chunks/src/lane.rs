//! Decodes float chunks fast.
//!
//! A sample is read from a piece of the chunk of fixed length, so that one check
//! of its bounds is enough for all of it, and written to slices of known length.
//! Windows of significant bits seldom change within a chunk, nor do timestamps
//! change their kind. So both have branches, which let the processor begin with
//! the next sample before this one is read. Without these branches, even with
//! two chunks in turn, a sample takes longer.
//!
//! Lanes say only that a chunk is damaged. The plain readers
//! ([`xor`](crate::xor), [`xor2`](crate::xor2)) then say where, and they read
//! the first samples.

/// Bytes that are there from where a sample begins for it to be read. The last
/// part of the longest one begins at bit 154 of these, and a load of it takes
/// nine bytes.
pub(crate) const SIGHT: usize = 40;
/// The last byte at which such a load fits; a mask that needs no check.
const LAST: usize = SIGHT - 9;
const _: () = assert!((LAST + 1).is_power_of_two());

/// The state between two samples of a chunk.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    /// Position in bits.
    pub(crate) at: usize,
    /// Timestamp, ms.
    pub(crate) t: i64,
    /// Difference to the timestamp before, ms.
    pub(crate) delta: i64,
    /// Bits of the value that the next one is XORed with.
    pub(crate) bits: u64,
    /// Zeros behind the window of significant bits.
    pub(crate) trailing: u32,
    /// Width of that window, 1 to 64.
    pub(crate) width: u32,
}

/// A chunk format.
pub(crate) trait Format {
    /// Reads a sample behind the second one and returns its value's bits.
    /// `None` if no encoder writes it.
    fn next(lane: &mut Lane, bits: &mut Bits<'_>) -> Option<u64>;
}

/// The bits of a sample, and zeros or those of later samples behind them.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8; SIGHT],
    /// Position in bits.
    at: usize,
}

impl Bits<'_> {
    /// The next bits, left-aligned; at least 57 of them.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        let byte = (self.at >> 3) & LAST;
        let mut eight = [0; 8];
        eight.copy_from_slice(&self.bytes[byte..byte + 8]);
        u64::from_be_bytes(eight) << (self.at & 7)
    }

    /// The next 64 bits.
    #[inline(always)]
    pub(crate) fn peek_all(&self) -> u64 {
        let byte = (self.at >> 3) & LAST;
        let ninth = u64::from(self.bytes[byte + 8]);
        self.peek() | (ninth >> (8 - (self.at & 7)))
    }

    #[inline(always)]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.at += bits as usize;
    }
}

impl Lane {
    /// Takes a new window from the lowest 11 bits of `window`: five of leading
    /// zeros, six of width, of which 0 means 64.
    #[inline(always)]
    pub(crate) fn renew(&mut self, window: u32) -> Option<()> {
        let leading = (window >> 6) & 31;
        self.width = (window.wrapping_sub(1) & 63) + 1;
        self.trailing = 64u32.checked_sub(leading + self.width)?;
        Some(())
    }

    /// Reads a value's significant bits.
    #[inline(always)]
    pub(crate) fn significant(&mut self, bits: &mut Bits<'_>) {
        let word = bits.peek_all();
        bits.skip(self.width);
        self.bits ^= (word >> (64 - self.width)) << self.trailing;
    }

    /// The bits from where the lane is; `None` if too few bytes are there.
    #[inline(always)]
    fn bits<'a>(&self, data: &'a [u8]) -> Option<Bits<'a>> {
        let bytes = data.get(self.at >> 3..)?.first_chunk()?;
        Some(Bits {
            bytes,
            at: self.at & 7,
        })
    }

    /// Reads a sample.
    #[inline(always)]
    fn next<F: Format>(&mut self, mut bits: Bits<'_>) -> Option<f64> {
        let value = F::next(self, &mut bits)?;
        self.at = (self.at & !7) + bits.at;
        Some(f64::from_bits(value))
    }
}

/// Where samples go. The slices have the same length.
pub(crate) struct Out<'a> {
    pub(crate) timestamps: &'a mut [i64],
    pub(crate) values: &'a mut [f64],
}

impl Out<'_> {
    fn len(&self) -> usize {
        self.timestamps.len().min(self.values.len())
    }

    /// Writes the first samples and returns the part behind them.
    pub(crate) fn put<const N: usize>(&mut self, first: [(i64, f64); N]) -> Option<Out<'_>> {
        *self.timestamps.first_chunk_mut::<N>()? = first.map(|(t, _)| t);
        *self.values.first_chunk_mut::<N>()? = first.map(|(_, v)| v);
        self.rest(N)
    }

    /// The first samples, `len` or all of them.
    pub(crate) fn first(&mut self, len: usize) -> Out<'_> {
        let len = len.min(self.len());
        Out {
            timestamps: &mut self.timestamps[..len],
            values: &mut self.values[..len],
        }
    }

    /// The part from `at` on.
    pub(crate) fn rest(&mut self, at: usize) -> Option<Out<'_>> {
        Some(Out {
            timestamps: self.timestamps.get_mut(at..)?,
            values: self.values.get_mut(at..)?,
        })
    }
}

/// Reads samples until `out` is full, too few bytes are there, or, if `UNTIL`,
/// a sample is later than `until` ms. Returns the number of samples, and
/// whether it was the last of these.
fn drive<F: Format, const UNTIL: bool>(
    data: &[u8],
    lane: &mut Lane,
    until: i64,
    out: &mut Out<'_>,
) -> Option<(usize, bool)> {
    let n = out.len();
    let (timestamps, values) = (&mut out.timestamps[..n], &mut out.values[..n]);
    let mut l = *lane;
    let (mut i, mut later) = (0, false);
    while i < n
        && let Some(bits) = l.bits(data)
    {
        let value = l.next::<F>(bits)?;
        if UNTIL && l.t > until {
            later = true;
            break;
        }
        values[i] = value;
        timestamps[i] = l.t;
        i += 1;
    }
    *lane = l;
    Some((i, later))
}

/// Reads as many samples as `out` has room for, or if `UNTIL`, those before the
/// first one that is later than `until` ms. Returns their number, and whether
/// that one was read; `None` if the chunk is damaged.
pub(crate) fn read<F: Format, const UNTIL: bool>(
    data: &[u8],
    lane: &mut Lane,
    until: i64,
    mut out: Out<'_>,
) -> Option<(usize, bool)> {
    let (read, later) = drive::<F, UNTIL>(data, lane, until, &mut out)?;
    if later || read == out.len() {
        return Some((read, later));
    }
    // Zeros stand behind the last bytes.
    let from = lane.at >> 3;
    let rest = data.get(from..)?;
    let mut tail = [0; 3 * SIGHT];
    tail.get_mut(..rest.len())?.copy_from_slice(rest);
    lane.at &= 7;
    let mut out = out.rest(read)?;
    let (read_tail, later) = drive::<F, UNTIL>(&tail, lane, until, &mut out)?;
    // A sample behind the last bytes may look like any other.
    let whole = lane.at <= rest.len() * 8 && (later || read_tail == out.len());
    lane.at += from * 8;
    whole.then_some((read + read_tail, later))
}
