//! Answers: series kept in columns, and the ways to read them.
//!
//! [`series`] reads them series by series, [`arrow`] makes record batches.

mod arrow;
mod sample;
mod series;
mod value;

pub use self::arrow::{ArrowForm, ArrowLayout};
pub use self::sample::{Point, Points, SampleValue};
pub(crate) use self::series::Samples;
pub use self::series::{Series, SeriesIter, SeriesRef, SeriesSet};
pub use self::value::{QueryResult, Trailer, Value};
