//! Answers as text on a terminal, or for other programs.

mod arrow;
mod csv;
mod number;
mod plot;
mod series;
mod style;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use arrow::write as arrow;
pub(crate) use csv::write as csv;
pub(crate) use plot::write as plot;
pub(crate) use style::Style;
pub(crate) use table::write as table;
