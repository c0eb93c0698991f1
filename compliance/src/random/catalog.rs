//! The functions and aggregators that a generator takes from, as the table of
//! functions declares them.

use quarrel_functions::table::{self, Aggregator, Function, Kind, ValueType};

/// Functions and aggregators, by what they are picked for.
#[derive(Clone, Debug)]
pub(super) struct Catalog {
    /// Functions of windows that expect a counter.
    pub(super) counters: Vec<&'static Function>,
    /// All functions of windows.
    pub(super) windows: Vec<&'static Function>,
    /// Those that know `anchored` or `smoothed`.
    pub(super) extended: Vec<&'static Function>,
    /// Functions of single samples.
    pub(super) elementwise: Vec<&'static Function>,
    /// Parts of dates, whose argument may be left out.
    pub(super) dates: Vec<&'static Function>,
    /// Functions of classic histograms; they take native ones, too.
    pub(super) classic: Vec<&'static Function>,
    /// All functions of histograms.
    pub(super) histograms: Vec<&'static Function>,
    /// All functions that give a vector.
    pub(super) vectors: Vec<&'static Function>,
    /// All functions that give a scalar.
    pub(super) scalars: Vec<&'static Function>,
    /// Aggregators without a parameter.
    pub(super) folds: Vec<&'static Aggregator>,
    /// All aggregators.
    pub(super) aggregators: Vec<&'static Aggregator>,
}

impl Catalog {
    pub(super) fn new(experimental: bool) -> Self {
        let allowed: Vec<&Function> = table::all()
            .iter()
            .filter(|function| experimental || !function.experimental)
            .collect();
        let functions = |is: fn(&Function) -> bool| -> Vec<&'static Function> {
            allowed.iter().copied().filter(|f| is(f)).collect()
        };
        let aggregators: Vec<&Aggregator> = table::aggregators()
            .iter()
            .filter(|aggregator| experimental || !aggregator.experimental)
            .collect();
        let is_window = |f: &Function| matches!(f.kind, Kind::Window(_));
        Catalog {
            counters: functions(|f| f.wants_counter || f.uses_start_timestamps),
            windows: functions(is_window),
            extended: functions(|f| f.anchored || f.smoothed),
            elementwise: functions(|f| matches!(f.kind, Kind::Elementwise(_)) && !is_date(f)),
            dates: functions(is_date),
            classic: functions(
                |f| matches!(f.kind, Kind::Histogram(kind) if !kind.is_native_only()),
            ),
            histograms: functions(|f| matches!(f.kind, Kind::Histogram(_))),
            vectors: functions(|f| f.returns == ValueType::Vector),
            scalars: functions(|f| f.returns == ValueType::Scalar),
            folds: aggregators
                .iter()
                .copied()
                .filter(|a| a.param.is_none())
                .collect(),
            aggregators,
        }
    }
}

/// Whether a function takes the evaluation time where its argument is missing.
fn is_date(function: &Function) -> bool {
    matches!(function.kind, Kind::Elementwise(_))
        && function.uses_eval_time
        && function.min_args() == 0
}
