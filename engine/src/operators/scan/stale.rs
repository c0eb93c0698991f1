//! Stale markers: the sample by which Prometheus says that a series has ended.

use quarrel_functions::histogram::native::HistogramRef;

/// The bits of Prometheus's stale marker, a NaN of its own.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// Whether a histogram is a stale marker.
pub fn is_stale(h: &HistogramRef<'_>) -> bool {
    h.sum.to_bits() == STALE_NAN
}

/// Where the first stale marker of floats is. Most series have none: blocks are looked
/// through without a branch.
pub fn first_stale(values: &[f64]) -> Option<usize> {
    const BLOCK: usize = 64;
    let is_stale = |value: &f64| value.to_bits() == STALE_NAN;
    let has_one = |block: &[f64]| block.iter().fold(false, |any, v| any | is_stale(v));
    let block = values.chunks(BLOCK).position(has_one)? * BLOCK;
    let within = values[block..].iter().position(is_stale)?;
    Some(block + within)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_marker_is_found(
            mut values in prop::collection::vec(any::<f64>(), 0..300),
            markers in prop::collection::vec(0usize..400, 0..4),
        ) {
            for at in markers {
                if let Some(value) = values.get_mut(at) {
                    *value = f64::from_bits(STALE_NAN);
                }
            }
            let plain = values.iter().position(|v| v.to_bits() == STALE_NAN);
            prop_assert_eq!(first_stale(&values), plain);
        }
    }
}
