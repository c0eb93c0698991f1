//! Mathematical functions where Go's formula gives other digits, or other
//! limits, than the system's library.

use std::f64::consts::{FRAC_PI_2, LN_2, LOG10_E};

use super::atan::atan;

/// Above this magnitude, one is lost beside the square.
const LARGE: f64 = (1u64 << 28) as f64;

/// From this magnitude on, `e^-x` is lost beside `e^x`.
const EXPONENTIAL: f64 = 21.0;

pub fn acosh(v: f64) -> f64 {
    // The library's formula loses digits close to 1, and overflows far away.
    if v < 1.0 {
        f64::NAN
    } else if v >= LARGE {
        v.ln() + LN_2
    } else if v > 2.0 {
        v.acosh()
    } else {
        let above = v - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    }
}

pub fn asinh(v: f64) -> f64 {
    if v.abs() > LARGE {
        return (v.abs().ln() + LN_2).copysign(v);
    }
    v.asinh()
}

/// Infinite where the exponential is, as in Go.
pub fn cosh(v: f64) -> f64 {
    if v.abs() > EXPONENTIAL {
        v.abs().exp() * 0.5
    } else {
        v.cosh()
    }
}

/// Infinite where the exponential is, as in Go.
pub fn sinh(v: f64) -> f64 {
    if v.abs() > EXPONENTIAL {
        (v.abs().exp() * 0.5).copysign(v)
    } else {
        v.sinh()
    }
}

/// The exponent, and the logarithm of what lies in [0.5, 1): just above 1
/// this loses digits, and so does Prometheus.
pub fn log2(v: f64) -> f64 {
    if !(v > 0.0 && v.is_finite()) {
        return v.log2();
    }
    let (fraction, exponent) = frexp(v);
    if fraction == 0.5 {
        return f64::from(exponent - 1);
    }
    fraction.ln() * (1.0 / LN_2) + f64::from(exponent)
}

/// By the natural logarithm, so that powers of ten need not be whole numbers.
pub fn log10(v: f64) -> f64 {
    v.ln() * LOG10_E
}

/// By the arctangent. Close to 1 this loses digits.
pub fn asin(v: f64) -> f64 {
    let magnitude = v.abs();
    if v == 0.0 || magnitude.is_nan() || magnitude > 1.0 {
        return v.asin();
    }
    let adjacent = (1.0 - magnitude * magnitude).sqrt();
    let angle = if magnitude > 0.7 {
        FRAC_PI_2 - atan(adjacent / magnitude)
    } else {
        atan(magnitude / adjacent)
    };
    angle.copysign(v)
}

/// What the arcsine leaves of a right angle. Close to 1 this loses digits.
pub fn acos(v: f64) -> f64 {
    FRAC_PI_2 - asin(v)
}

pub fn deg(v: f64) -> f64 {
    v.to_degrees()
}

pub fn rad(v: f64) -> f64 {
    // pi / 180, rounded once.
    const DEGREE: f64 = 0.017_453_292_519_943_295;
    v * DEGREE
}

pub fn sgn(v: f64) -> f64 {
    if v < 0.0 {
        -1.0
    } else if v > 0.0 {
        1.0
    } else {
        v
    }
}

/// A finite number that is not 0 as a fraction in [0.5, 1) (with its sign)
/// times a power of two.
pub fn frexp(v: f64) -> (f64, i32) {
    const FRACTION_EXPONENT: u64 = 1022;
    let (normal, shift) = if v.abs() < f64::MIN_POSITIVE {
        (v * (1u64 << 54) as f64, 54)
    } else {
        (v, 0)
    };
    let bits = normal.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - FRACTION_EXPONENT as i32 - shift;
    (
        f64::from_bits(bits & !(0x7ff << 52) | FRACTION_EXPONENT << 52),
        exponent,
    )
}

/// `fraction * 2^exponent`, rounded once.
pub fn ldexp(fraction: f64, exponent: i64) -> f64 {
    if fraction == 0.0 || !fraction.is_finite() {
        return fraction;
    }
    let (fraction, own) = frexp(fraction);
    let exponent = exponent.saturating_add(i64::from(own));
    if exponent > 1024 {
        return f64::INFINITY.copysign(fraction);
    }
    if exponent < -1080 {
        return 0f64.copysign(fraction);
    }
    let power = |n: i64| f64::from_bits(((1023 + n) as u64) << 52);
    if exponent >= -1021 {
        // 2^1024 is no float, the fraction times 2^1024 may be.
        return fraction * 2.0 * power(exponent - 1);
    }
    fraction * power(exponent + 60) * power(-60)
}
