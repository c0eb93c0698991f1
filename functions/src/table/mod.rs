//! The tables of PromQL's functions and aggregators. The grammar's and the type
//! check, the planner, the rules, the dispatch to kernels and the docs follow
//! from them: adding a function means a row in `rows.rs` and its kernel.

mod aggregators;
mod downsampled;
mod function;
mod kind;
mod rows;
#[cfg(test)]
mod tests;
mod window;

pub use aggregators::{
    AggregatedHistograms, AggregatedLabels, Aggregator, AggregatorKind, RowAggregation, aggregator,
    aggregators,
};
pub use downsampled::{Aggregate, Downsampled};
pub use function::{Function, HistogramNeed, ValueType};
pub use kind::{
    ElementwiseFunction, HistogramFunction, Kind, LabelFunction, NullaryFunction, ScalarFunction,
    SortFunction, WindowFunction,
};
pub use rows::{all, lookup};
pub use window::WindowKind;
