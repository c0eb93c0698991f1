//! A row of the table of functions.

use std::fmt;

use super::downsampled::Downsampled;
use super::kind::Kind;

/// The types of PromQL expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// No value.
    None,
    /// One number a step.
    Scalar,
    /// At most one sample a series and step.
    Vector,
    /// A window of samples a series and step.
    Matrix,
    /// A text.
    String,
}

impl ValueType {
    /// The name in the user's documentation and in the type check's errors:
    /// `instant vector`, `range vector`, the others as they are called.
    pub const fn documented(self) -> &'static str {
        match self {
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
            other => other.name(),
        }
    }

    /// The name in the HTTP API: `vector`, `matrix`, `scalar`, `string`, `none`.
    pub const fn name(self) -> &'static str {
        match self {
            ValueType::None => "none",
            ValueType::Scalar => "scalar",
            ValueType::Vector => "vector",
            ValueType::Matrix => "matrix",
            ValueType::String => "string",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call says about the native histograms of the selectors below it.
/// Prometheus reads them without buckets where something asks for totals, and
/// nothing around it for buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HistogramNeed {
    /// Nothing: what stands around the call decides.
    None,
    /// Count and sum do.
    Totals,
    /// Their buckets, too.
    All,
}

/// A PromQL function.
#[derive(Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments.
    pub args: &'static [ValueType],
    /// 0: all arguments are needed. Otherwise the last declared one may be
    /// missing; it may be repeated up to `variadic` times, if -1 without end.
    pub variadic: i32,
    /// The type of its result.
    pub returns: ValueType,
    /// Whether it needs `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
    /// What evaluates it.
    pub kind: Kind,
    /// One line for users.
    pub doc: &'static str,
    /// Whether the result keeps the metric's name; otherwise `__name__`,
    /// `__type__` and `__unit__` are dropped.
    pub keeps_name: bool,
    /// Whether the argument should be a counter, so that other metrics get
    /// an info annotation.
    pub wants_counter: bool,
    /// Whether it looks at the growth of a counter, so that one replica's value must
    /// not seem a reset behind another's.
    pub is_counter: bool,
    /// Whether start timestamps, where the query asks for them, change the result.
    pub uses_start_timestamps: bool,
    /// Whether the range selector may be `anchored`.
    pub anchored: bool,
    /// Whether the range selector may be `smoothed`.
    pub smoothed: bool,
    /// Whether the result depends on the evaluation time also where no
    /// argument does, so that it is not step-invariant by its arguments alone.
    pub uses_eval_time: bool,
    /// Whether it folds to a number of the query's times while it is planned.
    pub query_constant: bool,
    /// The value of the last argument if it is left out.
    pub default: Option<f64>,
    /// What it needs of native histograms.
    pub histograms: HistogramNeed,
    /// Whether samples can make it annotate the answer.
    pub annotates: bool,
    /// What it reads of downsampled data.
    pub downsampled: Downsampled,
    /// Whether a window needs two samples for a result, so that downsampled data
    /// may be no coarser than half the window.
    pub needs_two_samples: bool,
}

impl Function {
    /// The fewest arguments of a call.
    pub const fn min_args(&self) -> usize {
        if self.variadic == 0 {
            self.args.len()
        } else {
            self.args.len() - 1
        }
    }

    /// The most arguments of a call, `None` if there is no such number.
    pub const fn max_args(&self) -> Option<usize> {
        match self.variadic {
            0 => Some(self.args.len()),
            n if n > 0 => Some(self.args.len() - 1 + n as usize),
            _ => None,
        }
    }

    /// The type of argument `index`, also of a repeated one.
    pub fn arg(&self, index: usize) -> Option<ValueType> {
        if self.max_args().is_some_and(|most| index >= most) {
            return None;
        }
        self.args.get(index).or(self.args.last()).copied()
    }
}
