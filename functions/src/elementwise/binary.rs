//! Arithmetic and comparison operators over rows.
//!
//! Each operator has one loop for each pair of operand shapes, chosen before
//! the loop. Rows are as long as `out`; a scalar that changes from step to
//! step is a row too, cut to the steps of the other.

use super::atan::atan2;
use super::pow::pow;
use crate::grid::Param;

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
            ArithmeticOp::Pow => pow(a, b),
            ArithmeticOp::Atan2 => atan2(a, b),
        }
    }

    /// `out[i] = left[i] op right[i]`
    ///
    /// # Panics
    /// If an operand by step is not as long as `out`.
    pub fn eval(self, left: Param<'_>, right: Param<'_>, out: &mut [f64]) {
        match self {
            ArithmeticOp::Add => zip(left, right, out, |a, b| a + b),
            ArithmeticOp::Sub => zip(left, right, out, |a, b| a - b),
            ArithmeticOp::Mul => zip(left, right, out, |a, b| a * b),
            ArithmeticOp::Div => zip(left, right, out, |a, b| a / b),
            other => zip(left, right, out, |a, b| other.of(a, b)),
        }
    }

    /// `left[i] = left[i] op right[i]`, in place.
    ///
    /// # Panics
    /// If `right` by step is not as long as `left`.
    pub fn eval_left(self, left: &mut [f64], right: Param<'_>) {
        match self {
            ArithmeticOp::Add => update(left, right, |a, b| a + b),
            ArithmeticOp::Sub => update(left, right, |a, b| a - b),
            ArithmeticOp::Mul => update(left, right, |a, b| a * b),
            ArithmeticOp::Div => update(left, right, |a, b| a / b),
            other => update(left, right, |a, b| other.of(a, b)),
        }
    }

    /// `right[i] = left[i] op right[i]`, in place.
    ///
    /// # Panics
    /// If `left` by step is not as long as `right`.
    pub fn eval_right(self, left: Param<'_>, right: &mut [f64]) {
        match self {
            ArithmeticOp::Add => update(right, left, |b, a| a + b),
            ArithmeticOp::Sub => update(right, left, |b, a| a - b),
            ArithmeticOp::Mul => update(right, left, |b, a| a * b),
            ArithmeticOp::Div => update(right, left, |b, a| a / b),
            other => update(right, left, |b, a| other.of(a, b)),
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

    /// Comparison as a filter: takes the samples out where it does not hold,
    /// `present[i] &= left[i] op right[i]`. Values stay as they are: the left
    /// row's, or the vector's beside a scalar.
    ///
    /// # Panics
    /// If an operand by step is not as long as `present`.
    pub fn filter(self, left: Param<'_>, right: Param<'_>, present: &mut [bool]) {
        match self {
            ComparisonOp::Equal => keep(left, right, present, |a, b| a == b),
            ComparisonOp::NotEqual => keep(left, right, present, |a, b| a != b),
            ComparisonOp::Greater => keep(left, right, present, |a, b| a > b),
            ComparisonOp::Less => keep(left, right, present, |a, b| a < b),
            ComparisonOp::GreaterOrEqual => keep(left, right, present, |a, b| a >= b),
            ComparisonOp::LessOrEqual => keep(left, right, present, |a, b| a <= b),
        }
    }

    /// Comparison with `bool`: `out[i]` is 1 where it holds, else 0.
    ///
    /// # Panics
    /// If an operand by step is not as long as `out`.
    pub fn eval_bool(self, left: Param<'_>, right: Param<'_>, out: &mut [f64]) {
        let number = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            ComparisonOp::Equal => zip(left, right, out, |a, b| number(a == b)),
            ComparisonOp::NotEqual => zip(left, right, out, |a, b| number(a != b)),
            ComparisonOp::Greater => zip(left, right, out, |a, b| number(a > b)),
            ComparisonOp::Less => zip(left, right, out, |a, b| number(a < b)),
            ComparisonOp::GreaterOrEqual => zip(left, right, out, |a, b| number(a >= b)),
            ComparisonOp::LessOrEqual => zip(left, right, out, |a, b| number(a <= b)),
        }
    }
}

#[inline]
fn zip(left: Param<'_>, right: Param<'_>, out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    for_each(left, right, out, |out, a, b| *out = f(a, b));
}

#[inline]
fn keep(left: Param<'_>, right: Param<'_>, present: &mut [bool], f: impl Fn(f64, f64) -> bool) {
    for_each(left, right, present, |present, a, b| *present &= f(a, b));
}

#[inline]
fn for_each<T>(left: Param<'_>, right: Param<'_>, out: &mut [T], f: impl Fn(&mut T, f64, f64)) {
    match (left, right) {
        (Param::Const(a), Param::Const(b)) => out.iter_mut().for_each(|out| f(out, a, b)),
        (Param::PerStep(a), Param::Const(b)) => {
            assert_eq!(a.len(), out.len(), "one number a step");
            out.iter_mut().zip(a).for_each(|(out, &a)| f(out, a, b));
        }
        (Param::Const(a), Param::PerStep(b)) => {
            assert_eq!(b.len(), out.len(), "one number a step");
            out.iter_mut().zip(b).for_each(|(out, &b)| f(out, a, b));
        }
        (Param::PerStep(a), Param::PerStep(b)) => {
            assert_eq!(a.len(), out.len(), "one number a step");
            assert_eq!(b.len(), out.len(), "one number a step");
            out.iter_mut()
                .zip(a.iter().zip(b))
                .for_each(|(out, (&a, &b))| f(out, a, b));
        }
    }
}

/// `row[i] = f(row[i], other[i])`
#[inline]
fn update(row: &mut [f64], other: Param<'_>, f: impl Fn(f64, f64) -> f64) {
    match other {
        Param::Const(b) => row.iter_mut().for_each(|a| *a = f(*a, b)),
        Param::PerStep(b) => {
            assert_eq!(b.len(), row.len(), "one number a step");
            row.iter_mut().zip(b).for_each(|(a, &b)| *a = f(*a, b));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::golden;

    const ARITHMETIC: [ArithmeticOp; 7] = {
        use ArithmeticOp as A;
        [A::Add, A::Sub, A::Mul, A::Div, A::Mod, A::Pow, A::Atan2]
    };

    const COMPARISON: [ComparisonOp; 6] = {
        use ComparisonOp as C;
        [
            C::Equal,
            C::NotEqual,
            C::Greater,
            C::Less,
            C::GreaterOrEqual,
            C::LessOrEqual,
        ]
    };

    #[test]
    fn remainders_and_angles_are_as_in_go() {
        for fields in golden::lines("B") {
            let [a, b, remainder, angle] = [0, 1, 4, 5].map(|i| golden::float(fields[i]));
            assert!(
                golden::same(ArithmeticOp::Mod.of(a, b), remainder),
                "{a} % {b}"
            );
            assert!(
                golden::same(ArithmeticOp::Atan2.of(a, b), angle),
                "{a} atan2 {b}"
            );
        }
        assert_eq!(ArithmeticOp::Mod.of(-7.0, 3.0), -1.0);
        assert_eq!(ArithmeticOp::Pow.of(f64::NAN, 0.0), 1.0);
    }

    const SPECIAL: &[f64] = &[
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];

    fn shapes(row: &[f64]) -> [Param<'_>; 2] {
        [Param::Const(row[0]), Param::PerStep(row)]
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![proptest::sample::select(SPECIAL), -100f64..100.0]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn rows_are_as_the_plain_operator(rows in proptest::collection::vec((number(), number(), any::<bool>()), 1..20)) {
            let a: Vec<f64> = rows.iter().map(|r| r.0).collect();
            let b: Vec<f64> = rows.iter().map(|r| r.1).collect();
            let mask: Vec<bool> = rows.iter().map(|r| r.2).collect();
            for (left, right) in shapes(&a).into_iter().flat_map(|l| shapes(&b).map(|r| (l, r))) {
                let plain = |i: usize| (left.at(i), right.at(i));
                for op in ARITHMETIC {
                    let mut out = vec![9.0; rows.len()];
                    op.eval(left, right, &mut out);
                    let (mut on_left, mut on_right) = (a.clone(), b.clone());
                    op.eval_left(&mut on_left, right);
                    op.eval_right(left, &mut on_right);
                    for i in 0..rows.len() {
                        let (l, r) = plain(i);
                        prop_assert!(golden::same(out[i], op.of(l, r)));
                        prop_assert!(golden::same(on_left[i], op.of(a[i], r)));
                        prop_assert!(golden::same(on_right[i], op.of(l, b[i])));
                    }
                }
                for op in COMPARISON {
                    let (mut out, mut present) = (vec![9.0; rows.len()], mask.clone());
                    op.eval_bool(left, right, &mut out);
                    op.filter(left, right, &mut present);
                    for i in 0..rows.len() {
                        let (l, r) = plain(i);
                        let holds = op.holds(l, r);
                        prop_assert_eq!(out[i], f64::from(u8::from(holds)));
                        prop_assert_eq!(present[i], mask[i] && holds);
                    }
                }
            }
        }
    }

    #[test]
    fn comparisons_of_nan() {
        for op in COMPARISON {
            let different = op == ComparisonOp::NotEqual;
            assert_eq!(op.holds(f64::NAN, f64::NAN), different);
            assert_eq!(op.holds(1.0, f64::NAN), different);
        }
    }
}
