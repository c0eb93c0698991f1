//! Binary operators as kernels know them, on floats and on histograms.

use quarrel_functions::elementwise::{ArithmeticOp, ComparisonOp};
use quarrel_functions::grid::Param;
use quarrel_functions::histogram::native::{HistogramRef, StepHistograms, Trim};
use quarrel_planner::ast::{BinaryOp, Span};

use crate::annotations::Annotations;
use crate::error::QueryError;

/// A binary operator on samples.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SampleOp {
    /// Gives a number.
    Arithmetic(ArithmeticOp),
    /// Keeps samples or takes them out.
    Filter(ComparisonOp),
    /// Gives 0 or 1.
    Bool(ComparisonOp),
    /// Removes observations of histograms; has no result on floats.
    Trim(Trim),
}

/// A sample of an operand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand<'a> {
    Float(f64),
    Histogram(HistogramRef<'a>),
}

/// What came of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// No sample.
    Nothing,
    /// A float.
    Float(f64),
    /// A histogram, which was appended to the others.
    Histogram,
}

/// What the user should know about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OpAnnotation {
    /// The operator has no meaning for these kinds of samples: whether they
    /// are histograms, left and right.
    Types(bool, bool),
    /// Hints about counter resets contradict each other.
    Collision {
        /// In a subtraction, else in an addition.
        subtract: bool,
    },
    /// Custom bounds differed.
    Reconciled {
        /// In a subtraction, else in an addition.
        subtract: bool,
    },
    /// Exponential and custom buckets have no result.
    Layouts,
}

impl SampleOp {
    /// The kernel of an operator.
    ///
    /// # Errors
    /// For set operators.
    pub fn of(op: BinaryOp, return_bool: bool, span: Span) -> Result<Self, QueryError> {
        use BinaryOp as B;
        let compare = |op| {
            if return_bool {
                SampleOp::Bool(op)
            } else {
                SampleOp::Filter(op)
            }
        };
        Ok(match op {
            B::Add => SampleOp::Arithmetic(ArithmeticOp::Add),
            B::Sub => SampleOp::Arithmetic(ArithmeticOp::Sub),
            B::Mul => SampleOp::Arithmetic(ArithmeticOp::Mul),
            B::Div => SampleOp::Arithmetic(ArithmeticOp::Div),
            B::Mod => SampleOp::Arithmetic(ArithmeticOp::Mod),
            B::Pow => SampleOp::Arithmetic(ArithmeticOp::Pow),
            B::Atan2 => SampleOp::Arithmetic(ArithmeticOp::Atan2),
            B::Equal => compare(ComparisonOp::Equal),
            B::NotEqual => compare(ComparisonOp::NotEqual),
            B::Greater => compare(ComparisonOp::Greater),
            B::Less => compare(ComparisonOp::Less),
            B::GreaterOrEqual => compare(ComparisonOp::GreaterOrEqual),
            B::LessOrEqual => compare(ComparisonOp::LessOrEqual),
            B::TrimUpper => SampleOp::Trim(Trim::Below),
            B::TrimLower => SampleOp::Trim(Trim::Above),
            B::And | B::Or | B::Unless => {
                let what = format!("operator {} on samples", op.symbol());
                return Err(QueryError::unsupported(what, span));
            }
        })
    }

    /// Whether the result is another quantity, so that the name is dropped.
    pub fn drops_name(self) -> bool {
        !matches!(self, SampleOp::Filter(_) | SampleOp::Trim(_))
    }

    /// The operator on two numbers; a filter gives whether it holds.
    pub fn eval_scalar(self, left: Param<'_>, right: Param<'_>, out: &mut [f64]) {
        match self {
            SampleOp::Arithmetic(op) => op.eval(left, right, out),
            SampleOp::Filter(op) | SampleOp::Bool(op) => op.eval_bool(left, right, out),
            // The type check refuses it between numbers.
            SampleOp::Trim(_) => out.fill(f64::NAN),
        }
    }

    /// The operator on two samples of which one at least is a histogram, or
    /// on two floats that it has no meaning for. A histogram that comes out
    /// is appended to `out`; beside the outcome there may be an annotation.
    ///
    /// # Errors
    /// If there is no result, and why.
    pub fn eval_histograms(
        self,
        left: Operand<'_>,
        right: Operand<'_>,
        step: usize,
        out: &mut StepHistograms,
    ) -> Result<(Outcome, Option<OpAnnotation>), OpAnnotation> {
        use Operand::{Float, Histogram};
        let made = |outcome| Ok((outcome, None));
        match (self, left, right) {
            (SampleOp::Arithmetic(ArithmeticOp::Mul), Histogram(h), Float(factor))
            | (SampleOp::Arithmetic(ArithmeticOp::Mul), Float(factor), Histogram(h)) => {
                out.push_with(step, |column| column.push_scaled(&h, factor));
                made(Outcome::Histogram)
            }
            (SampleOp::Arithmetic(ArithmeticOp::Div), Histogram(h), Float(divisor)) => {
                out.push_with(step, |column| column.push_divided(&h, divisor));
                made(Outcome::Histogram)
            }
            (SampleOp::Trim(keep), Histogram(h), Float(value)) => {
                let mut trimmed = h.to_histogram();
                trimmed.trim(value, keep);
                out.push(step, &trimmed.view());
                made(Outcome::Histogram)
            }
            (SampleOp::Arithmetic(op), Histogram(left), Histogram(right))
                if matches!(op, ArithmeticOp::Add | ArithmeticOp::Sub) =>
            {
                let subtract = op == ArithmeticOp::Sub;
                let found = out
                    .push_with(step, |column| column.push_combined(&left, &right, subtract))
                    .map_err(|_| OpAnnotation::Layouts)?;
                if found.reset_collision {
                    return Err(OpAnnotation::Collision { subtract });
                }
                let annotation = found.bounds_reconciled;
                let annotation = annotation.then_some(OpAnnotation::Reconciled { subtract });
                Ok((Outcome::Histogram, annotation))
            }
            (SampleOp::Filter(op) | SampleOp::Bool(op), Histogram(left), Histogram(right))
                if matches!(op, ComparisonOp::Equal | ComparisonOp::NotEqual) =>
            {
                let holds = left.equals(&right) == (op == ComparisonOp::Equal);
                match self {
                    SampleOp::Bool(_) => made(Outcome::Float(f64::from(u8::from(holds)))),
                    _ if holds => {
                        out.push(step, &left);
                        made(Outcome::Histogram)
                    }
                    _ => made(Outcome::Nothing),
                }
            }
            (_, left, right) => {
                let is_histogram = |side| matches!(side, Histogram(_));
                Err(OpAnnotation::Types(is_histogram(left), is_histogram(right)))
            }
        }
    }
}

impl OpAnnotation {
    /// Tells the user; `symbol` is the operator's.
    pub fn annotate(self, annotations: &Annotations, node: u32, span: Span, symbol: &str) {
        let operation = |subtract| if subtract { "subtraction" } else { "addition" };
        let kind = |histogram| if histogram { "histogram" } else { "float" };
        match self {
            OpAnnotation::Types(left, right) => {
                let (left, right) = (kind(left), kind(right));
                let text = format!(
                    "incompatible sample types encountered for binary operator {}: {left} {symbol} {right}",
                    quarrel_functions::fmt::quote(symbol)
                );
                annotations.info(node, span, text);
            }
            OpAnnotation::Collision { subtract } => {
                let operation = operation(subtract);
                let text = format!("conflicting counter resets during histogram {operation}");
                annotations.warn(node, span, text);
            }
            OpAnnotation::Reconciled { subtract } => {
                let operation = operation(subtract);
                let text = format!("mismatched custom buckets were reconciled during {operation}");
                annotations.info(node, span, text);
            }
            OpAnnotation::Layouts => {
                let text =
                    format!("incompatible bucket layout encountered for binary operator {symbol}");
                annotations.warn(node, span, text);
            }
        }
    }
}
