//! Mathematical functions of one float.

use std::f64::consts::PI;

/// The functions of one float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is a function of the table, documented there
pub enum MathFunction {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Deg,
    Exp,
    Floor,
    Ln,
    Log10,
    Log2,
    Rad,
    Sgn,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
}

impl MathFunction {
    /// Applies the function in place.
    pub fn eval(self, values: &mut [f64]) {
        use MathFunction as M;
        match self {
            M::Abs => each(values, f64::abs),
            M::Acos => each(values, f64::acos),
            M::Acosh => each(values, f64::acosh),
            M::Asin => each(values, f64::asin),
            M::Asinh => each(values, f64::asinh),
            M::Atan => each(values, f64::atan),
            M::Atanh => each(values, f64::atanh),
            M::Ceil => each(values, f64::ceil),
            M::Cos => each(values, f64::cos),
            M::Cosh => each(values, f64::cosh),
            M::Deg => each(values, |v| v * (180.0 / PI)),
            M::Exp => each(values, f64::exp),
            M::Floor => each(values, f64::floor),
            M::Ln => each(values, f64::ln),
            M::Log10 => each(values, f64::log10),
            M::Log2 => each(values, f64::log2),
            M::Rad => each(values, |v| v * (PI / 180.0)),
            M::Sgn => each(values, |v| {
                if v < 0.0 {
                    -1.0
                } else if v > 0.0 {
                    1.0
                } else {
                    v
                }
            }),
            M::Sin => each(values, f64::sin),
            M::Sinh => each(values, f64::sinh),
            M::Sqrt => each(values, f64::sqrt),
            M::Tan => each(values, f64::tan),
            M::Tanh => each(values, f64::tanh),
        }
    }
}

#[inline]
fn each(values: &mut [f64], f: impl Fn(f64) -> f64) {
    for value in values {
        *value = f(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_values() {
        let one = |f: MathFunction, v: f64| {
            let mut values = [v];
            f.eval(&mut values);
            values[0]
        };
        assert!(one(MathFunction::Sqrt, -1.0).is_nan());
        assert_eq!(one(MathFunction::Ln, 0.0), f64::NEG_INFINITY);
        assert!(one(MathFunction::Sgn, f64::NAN).is_nan());
        assert_eq!(one(MathFunction::Sgn, -3.0), -1.0);
        assert_eq!(one(MathFunction::Deg, PI), 180.0);
        assert!(one(MathFunction::Acosh, 0.5).is_nan());
        assert_eq!(one(MathFunction::Atanh, 1.0), f64::INFINITY);
    }
}
