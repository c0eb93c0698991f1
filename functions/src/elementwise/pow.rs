//! `^` as Go computes it.
//!
//! Go multiplies squares, which for large exponents rounds more often than the
//! system's library does: 1.0000001 ^ 1e9 differs in the eighth digit. The
//! answers of Prometheus are these.

use super::math::{frexp, ldexp};

/// `x` to the power of `y`.
pub fn pow(x: f64, y: f64) -> f64 {
    // Where an argument is special the library answers as Go does.
    let special = y == 0.0 || x == 1.0 || x == 0.0 || !x.is_finite() || !y.is_finite();
    if special {
        return x.powf(y);
    }
    if y == 1.0 {
        return x;
    }
    if y.abs() == 0.5 {
        return if y > 0.0 { x.sqrt() } else { 1.0 / x.sqrt() };
    }
    let (mut whole, mut fraction) = (y.abs().trunc(), y.abs().fract());
    if fraction != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    if whole >= (1u64 << 63) as f64 {
        return x.powf(y); // 0, 1 or infinity
    }
    let mut power = Scaled {
        fraction: 1.0,
        exponent: 0,
    };
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        power.fraction = (fraction * x.ln()).exp();
    }
    power.multiply_by_squares(x, whole as u64);
    if y < 0.0 {
        return ldexp(1.0 / power.fraction, -power.exponent);
    }
    ldexp(power.fraction, power.exponent)
}

/// A number whose exponent does not overflow.
struct Scaled {
    fraction: f64,
    exponent: i64,
}

impl Scaled {
    /// Multiplies with `x^n`, by the squares of `x` for each bit of `n`.
    fn multiply_by_squares(&mut self, x: f64, mut n: u64) {
        /// Beyond this, the result is 0 or infinite whatever follows.
        const LIMIT: i64 = 1 << 12;
        let (mut square, exponent) = frexp(x);
        let mut exponent = i64::from(exponent);
        while n != 0 {
            if exponent.abs() > LIMIT {
                self.exponent += exponent;
                return;
            }
            if n & 1 == 1 {
                self.fraction *= square;
                self.exponent += exponent;
            }
            square *= square;
            exponent *= 2;
            if square < 0.5 {
                square += square;
                exponent -= 1;
            }
            n >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::golden;

    #[test]
    fn powers_are_as_in_go() {
        let mut lines = 0;
        for fields in golden::lines("W") {
            let [x, y, want] = [0, 1, 2].map(|i| golden::float(fields[i]));
            if x.is_subnormal() {
                continue; // Go's logarithm on amd64 is wrong there, on arm64 it is right
            }
            let got = pow(x, y);
            let near = (got - want).abs() <= 1e-14 * want.abs();
            assert!(
                near || golden::same(got, want),
                "{x} ^ {y}: {got}, want {want}"
            );
            lines += 1;
        }
        assert!(lines > 40);
    }

    proptest! {
        #[test]
        fn small_powers_are_as_the_library_says(x in -1e3f64..1e3, n in -40i32..40, part in 0f64..1.0) {
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-13 * b.abs() || golden::same(a, b);
            let y = f64::from(n);
            prop_assert!(close(pow(x, y), x.powi(n)), "{} ^ {}", x, y);
            prop_assert!(close(pow(x.abs(), y + part), x.abs().powf(y + part)));
        }

        #[test]
        fn no_numbers_panic(x in any::<u64>(), y in any::<u64>()) {
            pow(f64::from_bits(x), f64::from_bits(y));
        }
    }
}
