//! The physical operators, one file (or folder) each. Every one has a `bind`
//! that resolves labels and gives a [`Bound`](crate::bind::Bound) node, and an
//! implementation of [`Operator`](crate::exec::operator::Operator) that
//! computes rows.

pub(crate) mod absent;
pub(crate) mod aggregate;
pub(crate) mod broadcast;
pub(crate) mod cache;
pub(crate) mod count_values;
pub(crate) mod elementwise;
pub(crate) mod floats_only;
pub(crate) mod histogram;
pub(crate) mod info;
pub(crate) mod join;
pub(crate) mod limit_ratio;
pub(crate) mod limitk;
mod masks;
pub(crate) mod merge;
pub(crate) mod no_start_timestamp;
pub(crate) mod ops;
pub(crate) mod params;
pub(crate) mod quantile;
pub(crate) mod raw;
pub(crate) mod relabel;
pub(crate) mod rows;
pub(crate) mod scalar;
pub(crate) mod scan;
pub(crate) mod set;
pub(crate) mod sort;
pub(crate) mod sort_by_label;
pub(crate) mod subquery;
pub(crate) mod topk;
pub(crate) mod vector_scalar;
