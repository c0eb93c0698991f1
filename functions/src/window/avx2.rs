//! The extrapolation of lanes with AVX2 and FMA, which divides by 1000 without
//! a division. It halves the time of the lanes; [`Lanes::extrapolate`] is the
//! portable twin, of the same bits.

use super::lanes::{LANES, Lanes};

/// Who has one runs on a processor with AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// `None` if the processor has not both.
    #[inline]
    pub fn detect() -> Option<Avx2> {
        #[cfg(target_arch = "x86_64")]
        if !cfg!(quarrel_paths = "plain")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
        {
            return Some(Avx2(()));
        }
        None
    }

    /// As [`Lanes::extrapolate`].
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub fn extrapolate<const COUNTER: bool, const PER_SECOND: bool>(
        self,
        lanes: &Lanes,
        divisor: f64,
        out: &mut [f64; LANES],
    ) {
        // SAFETY: only `detect` makes an `Avx2`, where both features are there.
        unsafe { extrapolate::<COUNTER, PER_SECOND>(lanes, divisor, out) }
    }

    /// As [`Lanes::extrapolate`]; there is no `Avx2` to call it.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn extrapolate<const COUNTER: bool, const PER_SECOND: bool>(
        self,
        lanes: &Lanes,
        divisor: f64,
        out: &mut [f64; LANES],
    ) {
        lanes.extrapolate::<COUNTER, PER_SECOND>(divisor, out);
    }
}

/// Extrapolates lanes in the quicker way, where there is one.
#[inline]
pub(super) fn extrapolate_lanes<const COUNTER: bool, const PER_SECOND: bool>(
    avx2: Option<Avx2>,
    lanes: &Lanes,
    divisor: f64,
    out: &mut [f64; LANES],
) {
    match avx2 {
        Some(avx2) => avx2.extrapolate::<COUNTER, PER_SECOND>(lanes, divisor, out),
        None => lanes.extrapolate::<COUNTER, PER_SECOND>(divisor, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn extrapolate<const COUNTER: bool, const PER_SECOND: bool>(
    lanes: &Lanes,
    divisor: f64,
    out: &mut [f64; LANES],
) {
    lanes.extrapolate_by::<COUNTER, PER_SECOND>(divisor, out, |ms| {
        // After Markstein: the product with 1/1000 is off by two units in the
        // last place at most, what it leaves is exact, and the quotient never
        // lies so near the middle of two floats that the rest could miss it.
        let near = ms * 0.001;
        let rest = near.mul_add(-1000.0, ms);
        rest.mul_add(0.001, near)
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lanes::tests::{lanes, plain};
    use super::*;

    fn agree<const COUNTER: bool>(lanes: Lanes) -> Result<(), TestCaseError> {
        let (mut by_avx2, mut portable) = ([0.0; LANES], [0.0; LANES]);
        extrapolate_lanes::<COUNTER, true>(Avx2::detect(), &lanes, 300.0, &mut by_avx2);
        extrapolate_lanes::<COUNTER, true>(None, &lanes, 300.0, &mut portable);
        for i in 0..LANES {
            let want = plain::<COUNTER>(&lanes, i);
            for got in [by_avx2[i], portable[i]] {
                let same = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
                prop_assert!(same, "lane {i}: {got:e}, want {want:e}");
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn lanes_are_as_single_steps(lanes in lanes(), counter in any::<bool>()) {
            if counter { agree::<true>(lanes)? } else { agree::<false>(lanes)? }
        }
    }
}
