//! Stale markers: the sample by which Prometheus says that a series has ended.

use quarrel_functions::histogram::native::HistogramRef;

/// The bits of Prometheus's stale marker, a NaN of its own.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// Whether a histogram is a stale marker.
pub fn is_stale(h: &HistogramRef<'_>) -> bool {
    h.sum.to_bits() == STALE_NAN
}
