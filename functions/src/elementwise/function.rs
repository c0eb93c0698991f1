//! The functions of each sample for itself, and their dispatch.

use super::{atan, clamp, date, math};
use crate::grid::{Grid, Param};

/// The functions of each sample for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is a function of the table, documented there
pub enum ElementwiseFunction {
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
    Round,
    Clamp,
    ClampMax,
    ClampMin,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Hour,
    Minute,
    Month,
    Year,
    Timestamp,
}

/// The input of an elementwise function beside the row.
#[derive(Clone, Copy, Debug)]
pub struct ElementwiseInput<'a> {
    /// The step of the row's first item.
    pub first_step: usize,
    /// The evaluation times, which `timestamp` gives. (Of a plain selector it
    /// gives the samples' own times: `window::latest_timestamp`.)
    pub eval: Grid,
    /// The scalar arguments in the order of the signature.
    pub params: &'a [Param<'a>],
}

/// Fewer scalar arguments than a function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("elementwise function {function:?} needs scalar parameter {index}, which is missing")]
pub struct MissingParam {
    /// The function.
    pub function: ElementwiseFunction,
    /// Which of its scalar parameters, from 0.
    pub index: usize,
}

impl ElementwiseFunction {
    /// Whether the function may take samples out of the row: all others leave
    /// `present` alone.
    pub fn removes_samples(self) -> bool {
        self == ElementwiseFunction::Clamp
    }

    /// Applies the function to a row in place. Items that are not `present`
    /// mean nothing before and after.
    ///
    /// # Errors
    /// When a parameter is missing.
    ///
    /// # Panics
    /// If a parameter has fewer steps than the row reaches, or `present` of a
    /// function that removes samples is shorter than the row.
    pub fn eval(
        self,
        input: &ElementwiseInput<'_>,
        values: &mut [f64],
        present: &mut [bool],
    ) -> Result<(), MissingParam> {
        use ElementwiseFunction as E;
        let first = input.first_step;
        let param = |index: usize| {
            let missing = MissingParam {
                function: self,
                index,
            };
            input.params.get(index).copied().ok_or(missing)
        };
        match self {
            E::Abs => each(values, f64::abs),
            E::Acos => each(values, math::acos),
            E::Acosh => each(values, math::acosh),
            E::Asin => each(values, math::asin),
            E::Asinh => each(values, math::asinh),
            E::Atan => each(values, atan::atan),
            E::Atanh => each(values, f64::atanh),
            E::Ceil => each(values, f64::ceil),
            E::Cos => each(values, f64::cos),
            E::Cosh => each(values, math::cosh),
            E::Deg => each(values, math::deg),
            E::Exp => each(values, f64::exp),
            E::Floor => each(values, f64::floor),
            E::Ln => each(values, f64::ln),
            E::Log10 => each(values, math::log10),
            E::Log2 => each(values, math::log2),
            E::Rad => each(values, math::rad),
            E::Sgn => each(values, math::sgn),
            E::Sin => each(values, f64::sin),
            E::Sinh => each(values, math::sinh),
            E::Sqrt => each(values, f64::sqrt),
            E::Tan => each(values, f64::tan),
            E::Tanh => each(values, f64::tanh),
            E::Round => match input.params.first() {
                Some(to) => with_param(values, *to, first, clamp::round),
                None => each(values, |v| clamp::round(v, 1.0)),
            },
            E::Clamp => clamp::clamp(values, present, param(0)?, param(1)?, first),
            E::ClampMax => with_param(values, param(0)?, first, |v, max| {
                clamp::clamped(v, f64::NEG_INFINITY, max)
            }),
            E::ClampMin => with_param(values, param(0)?, first, |v, min| {
                clamp::clamped(v, min, f64::INFINITY)
            }),
            E::DayOfMonth => each(values, date::day_of_month),
            E::DayOfWeek => each(values, date::day_of_week),
            E::DayOfYear => each(values, date::day_of_year),
            E::DaysInMonth => each(values, date::days_in_month),
            E::Hour => each(values, date::hour),
            E::Minute => each(values, date::minute),
            E::Month => each(values, date::month),
            E::Year => each(values, date::year),
            E::Timestamp => {
                for (i, value) in values.iter_mut().enumerate() {
                    *value = input.eval.at(first + i) as f64 / 1000.0;
                }
            }
        }
        Ok(())
    }
}

#[inline]
fn each(values: &mut [f64], f: impl Fn(f64) -> f64) {
    for value in values {
        *value = f(*value);
    }
}

/// `f` of each value and the parameter at its step.
#[inline]
fn with_param(values: &mut [f64], param: Param<'_>, first: usize, f: impl Fn(f64, f64) -> f64) {
    match param {
        Param::Const(number) => each(values, |v| f(v, number)),
        Param::PerStep(numbers) => {
            let numbers = &numbers[first..first + values.len()];
            for (value, &number) in values.iter_mut().zip(numbers) {
                *value = f(*value, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    fn eval(
        function: ElementwiseFunction,
        values: &[f64],
        params: &[Param<'_>],
    ) -> Vec<Option<f64>> {
        let eval = Grid {
            start_ms: 60_500,
            step_ms: 1000,
            len: 9,
        };
        let input = ElementwiseInput {
            first_step: 1,
            eval,
            params,
        };
        let (mut out, mut present) = (values.to_vec(), vec![true; values.len()]);
        function.eval(&input, &mut out, &mut present).unwrap();
        assert!(function.removes_samples() || present.iter().all(|&p| p));
        out.into_iter()
            .zip(present)
            .map(|(v, p)| p.then_some(v))
            .collect()
    }

    #[test]
    fn mathematics_is_as_in_go() {
        use crate::table::{Kind, lookup};
        let mut lines = 0;
        for fields in golden::lines("M") {
            let Kind::Elementwise(function) = lookup(fields[0]).unwrap().kind else {
                panic!()
            };
            let (argument, want) = (golden::float(fields[1]), golden::float(fields[2]));
            if matches!(fields[0], "ln" | "log10") && argument.is_subnormal() {
                continue; // Go's logarithm on amd64 is wrong there, on arm64 it is right
            }
            let got = eval(function, &[argument], &[])[0].unwrap();
            let near = (got - want).abs() <= 4e-15 * want.abs();
            assert!(
                near || golden::same(got, want),
                "{}({argument}): {got}, want {want}",
                fields[0]
            );
            lines += 1;
        }
        assert!(lines > 600);
    }

    #[test]
    fn inverse_cosines_end_at_one() {
        for v in [0.999, 0.0, -1.0, -3.0, -1e200, f64::NEG_INFINITY] {
            assert!(
                eval(ElementwiseFunction::Acosh, &[v], &[])[0]
                    .unwrap()
                    .is_nan(),
                "{v}"
            );
        }
    }

    #[test]
    fn parameters_may_change_from_step_to_step() {
        let steps = [9.0, 1.0, 0.5, 10.0];
        let per_step = [Param::PerStep(&steps)];
        let values = [2.26, 2.26, 2.26];
        assert_eq!(
            eval(ElementwiseFunction::Round, &values, &per_step),
            [2.0, 2.5, 0.0].map(Some)
        );
        assert_eq!(
            eval(ElementwiseFunction::Round, &values[..1], &[]),
            [Some(2.0)]
        );
        assert_eq!(
            eval(ElementwiseFunction::ClampMin, &values, &per_step),
            [2.26, 2.26, 10.0].map(Some)
        );
        assert_eq!(
            eval(ElementwiseFunction::ClampMax, &values, &per_step),
            [1.0, 0.5, 2.26].map(Some)
        );
        let clamp = [Param::Const(1.0), Param::PerStep(&steps)];
        assert_eq!(
            eval(ElementwiseFunction::Clamp, &values, &clamp),
            [Some(1.0), None, Some(2.26)]
        );
    }

    #[test]
    fn timestamps_are_evaluation_times() {
        let got = eval(ElementwiseFunction::Timestamp, &[7.0, 8.0], &[]);
        assert_eq!(got, [61.5, 62.5].map(Some));
    }

    #[test]
    fn missing_parameters_are_errors() {
        let eval = Grid {
            start_ms: 0,
            step_ms: 1,
            len: 1,
        };
        let input = ElementwiseInput {
            first_step: 0,
            eval,
            params: &[Param::Const(1.0)],
        };
        let function = ElementwiseFunction::Clamp;
        let got = function.eval(&input, &mut [1.0], &mut [true]);
        assert_eq!(got, Err(MissingParam { function, index: 1 }));
    }

    #[test]
    fn signs() {
        let got = eval(
            ElementwiseFunction::Sgn,
            &[-3.0, 0.0, 7.0, f64::INFINITY],
            &[],
        );
        assert_eq!(got, [-1.0, 0.0, 1.0, 1.0].map(Some));
        assert!(
            eval(ElementwiseFunction::Sgn, &[f64::NAN], &[])[0]
                .unwrap()
                .is_nan()
        );
    }
}
