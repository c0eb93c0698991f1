//! The arctangent by the rational approximation of the Cephes library
//! (Moshier, `atan.c`), which Go's `math` package uses as well: the same digits
//! to the last, which show where `count_values` turns them into labels.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// Numerator and denominator, highest power first; the denominator's first
/// coefficient is 1.
const P: [f64; 5] = [
    -8.750_608_600_031_904e-1,
    -1.615_753_718_733_365e1,
    -7.500_855_792_314_705e1,
    -1.228_866_684_490_136_2e2,
    -6.485_021_904_942_025e1,
];
const Q: [f64; 5] = [
    2.485_846_490_142_306_3e1,
    1.650_270_098_316_988_5e2,
    4.328_810_604_912_903e2,
    4.853_903_996_359_137e2,
    1.945_506_571_482_614e2,
];

/// What half a turn's quarter lacks in 64 bits.
const MORE_BITS: f64 = 6.123_233_995_736_766e-17;
/// The tangent of 3/8 pi.
const TAN_3PI_8: f64 = 2.414_213_562_373_095;

/// From 0 to 0.66.
fn near_zero(x: f64) -> f64 {
    let z = x * x;
    let numerator = P[1..].iter().fold(P[0], |sum, p| sum * z + p);
    let denominator = Q[1..].iter().fold(z + Q[0], |sum, q| sum * z + q);
    x * (z * numerator / denominator) + x
}

fn positive(x: f64) -> f64 {
    if x <= 0.66 {
        near_zero(x)
    } else if x > TAN_3PI_8 {
        FRAC_PI_2 - near_zero(1.0 / x) + MORE_BITS
    } else {
        FRAC_PI_4 + near_zero((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
    }
}

pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        x
    } else if x > 0.0 {
        positive(x)
    } else {
        -positive(-x)
    }
}

/// The angle of the point `(x, y)`.
pub fn atan2(y: f64, x: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 || y == 0.0 || x.is_infinite() || y.is_infinite() {
        return y.atan2(x); // exact multiples of an eighth of a turn
    }
    let angle = atan(y / x);
    match (x < 0.0, angle <= 0.0) {
        (false, _) => angle,
        (true, true) => angle + PI,
        (true, false) => angle - PI,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_those_of_go() {
        // What Go 1.26's math.Atan2 and math.Atan give on amd64.
        for (y, x, angle) in [
            (8.0, 7.0, 0.851_966_327_173_272),
            (1_700_018_220.0, -1.0, 1.570_796_327_383_125_6),
            (3.0, -4.0, 2.498_091_544_796_509),
            (-0.3, 0.9, -0.321_750_554_396_642_2),
            (-5.0, -0.001, -1.570_996_326_792_23),
            (1e-300, 1.0, 1e-300),
            (2.0, 3.0, 0.588_002_603_547_567_5),
        ] {
            assert_eq!(atan2(y, x), angle, "{y} atan2 {x}");
        }
        for (x, angle) in [
            (0.1, 0.099_668_652_491_162_04),
            (0.66, 0.583_373_006_993_856),
            (0.7, 0.610_725_964_389_208_6),
            (2.0, 1.107_148_717_794_090_4),
            (2.5, 1.190_289_949_682_531_7),
            (-1234.5, -1.569_986_282_419_622_2),
            (1e9, 1.570_796_325_794_896_5),
        ] {
            assert_eq!(atan(x), angle, "atan({x})");
        }
        assert_eq!(atan(-0.0).to_bits(), (-0.0f64).to_bits());
        assert_eq!(atan(f64::INFINITY), FRAC_PI_2);
    }

    proptest! {
        #[test]
        fn near_to_the_library(y in -1e9..1e9f64, x in -1e9..1e9f64) {
            prop_assert!((atan2(y, x) - y.atan2(x)).abs() < 1e-15);
            prop_assert!((atan(y) - y.atan()).abs() < 1e-15);
        }
    }
}
