//! Reads float counts, each XORed with that of the previous sample.

use super::columns::Memory;
use super::decode::CountReader;
use super::layout::HistogramLayout;
use crate::bits::BitReader;
use crate::xor::{self, BAD_WINDOW, Window};

/// A count's bits and its window of significant bits.
struct Xored {
    bits: u64,
    window: Window,
}

impl Xored {
    const NEW: Xored = Xored {
        bits: 0,
        window: Window::WHOLE,
    };

    #[inline(always)]
    fn read(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<f64, &'static str> {
        if first {
            self.bits = r.read(64);
        } else {
            xor::value(r, &mut self.bits, &mut self.window).ok_or(BAD_WINDOW)?;
        }
        Ok(f64::from_bits(self.bits))
    }
}

/// Reads float counts.
pub(super) struct FloatReader {
    count: Xored,
    zero_count: Xored,
    buckets: Vec<Xored>,
}

impl CountReader for FloatReader {
    const FIRST_BUCKET_BITS: usize = 64;

    fn new(layout: &HistogramLayout, _: Memory) -> Self {
        FloatReader {
            count: Xored::NEW,
            zero_count: Xored::NEW,
            buckets: (0..layout.buckets()).map(|_| Xored::NEW).collect(),
        }
    }

    fn into_memory(self) -> Memory {
        Memory::default()
    }

    fn totals(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<[f64; 2], &'static str> {
        Ok([self.count.read(r, first)?, self.zero_count.read(r, first)?])
    }

    fn buckets(
        &mut self,
        r: &mut BitReader<'_>,
        first: bool,
        out: &mut [f64],
    ) -> Result<(), &'static str> {
        for (out, bucket) in out.iter_mut().zip(&mut self.buckets) {
            *out = bucket.read(r, first)?;
        }
        Ok(())
    }

    fn advance(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<(), &'static str> {
        for bucket in &mut self.buckets {
            bucket.read(r, first)?;
        }
        Ok(())
    }

    fn row(&self, out: &mut [f64]) -> Result<(), &'static str> {
        for (out, bucket) in out.iter_mut().zip(&self.buckets) {
            *out = f64::from_bits(bucket.bits);
        }
        Ok(())
    }

    fn skip(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<(), &'static str> {
        // Windows have to be followed, and values are next to them.
        self.advance(r, first)
    }
}
