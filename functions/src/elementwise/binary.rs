//! Arithmetic and comparison operators over rows.

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are PromQL's operators
pub enum ArithmeticOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are PromQL's operators
pub enum ComparisonOp {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
}

impl ArithmeticOp {
    /// The operator on two numbers.
    #[inline]
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            ArithmeticOp::Add => a + b,
            ArithmeticOp::Sub => a - b,
            ArithmeticOp::Mul => a * b,
            ArithmeticOp::Div => a / b,
            ArithmeticOp::Mod => a % b,
            ArithmeticOp::Pow => a.powf(b),
            ArithmeticOp::Atan2 => a.atan2(b),
        }
    }

    /// `out[i] = out[i] op right[i]`
    pub fn rows(self, out: &mut [f64], right: &[f64]) {
        match self {
            ArithmeticOp::Add => zip(out, right, |a, b| a + b),
            ArithmeticOp::Sub => zip(out, right, |a, b| a - b),
            ArithmeticOp::Mul => zip(out, right, |a, b| a * b),
            ArithmeticOp::Div => zip(out, right, |a, b| a / b),
            other => zip(out, right, |a, b| other.of(a, b)),
        }
    }

    /// `out[i] = out[i] op right`
    pub fn right_scalar(self, out: &mut [f64], right: f64) {
        match self {
            ArithmeticOp::Add => each(out, |a| a + right),
            ArithmeticOp::Sub => each(out, |a| a - right),
            ArithmeticOp::Mul => each(out, |a| a * right),
            ArithmeticOp::Div => each(out, |a| a / right),
            other => each(out, |a| other.of(a, right)),
        }
    }

    /// `out[i] = left op out[i]`
    pub fn left_scalar(self, left: f64, out: &mut [f64]) {
        match self {
            ArithmeticOp::Sub => each(out, |a| left - a),
            ArithmeticOp::Div => each(out, |a| left / a),
            other => each(out, |a| other.of(left, a)),
        }
    }
}

impl ComparisonOp {
    /// Whether the comparison of two numbers holds.
    #[inline]
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            ComparisonOp::Equal => a == b,
            ComparisonOp::NotEqual => a != b,
            ComparisonOp::Greater => a > b,
            ComparisonOp::Less => a < b,
            ComparisonOp::GreaterOrEqual => a >= b,
            ComparisonOp::LessOrEqual => a <= b,
        }
    }
}

#[inline]
fn zip(out: &mut [f64], right: &[f64], f: impl Fn(f64, f64) -> f64) {
    for (a, &b) in out.iter_mut().zip(right) {
        *a = f(*a, b);
    }
}

#[inline]
fn each(out: &mut [f64], f: impl Fn(f64) -> f64) {
    for a in out {
        *a = f(*a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_scalars_agree_with_the_plain_operator() {
        use ArithmeticOp as A;
        let (a, b) = ([7.0, -7.0, 0.0, f64::NAN], [3.0, 0.0, 0.0, 1.0]);
        for op in [A::Add, A::Sub, A::Mul, A::Div, A::Mod, A::Pow, A::Atan2] {
            let same = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan());
            let mut rows = a;
            op.rows(&mut rows, &b);
            let (mut right, mut left) = (a, b);
            op.right_scalar(&mut right, 3.0);
            op.left_scalar(7.0, &mut left);
            for i in 0..4 {
                assert!(same(rows[i], op.of(a[i], b[i])));
                assert!(same(right[i], op.of(a[i], 3.0)));
                assert!(same(left[i], op.of(7.0, b[i])));
            }
        }
        assert_eq!(A::Mod.of(-7.0, 3.0), -1.0);
        assert_eq!(A::Pow.of(f64::NAN, 0.0), 1.0);
        assert_eq!(A::Pow.of(1.0, f64::NAN), 1.0);
        assert!(!ComparisonOp::Equal.holds(f64::NAN, f64::NAN));
        assert!(ComparisonOp::NotEqual.holds(f64::NAN, f64::NAN));
    }
}
