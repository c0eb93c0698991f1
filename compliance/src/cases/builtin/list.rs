//! The list itself.

use super::super::case::Case;
use super::super::error::CaseError;
use super::super::suite::{Filling, LeftOut, load_filled};
use super::arguments::ARGUMENTS;
use super::variables::Variables;

const STANDARD: (&str, &str) = ("promql.yml", include_str!("../../../suite/promql.yml"));
const EXPERIMENTAL: (&str, &str) = (
    "promql-experimental.yml",
    include_str!("../../../suite/promql-experimental.yml"),
);

/// The queries of the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Builtin {
    /// Those that the data has something for.
    pub cases: Vec<Case>,
    /// Templates that need something that the data does not have.
    pub left_out: Vec<LeftOut>,
}

/// The list, filled in; with what Prometheus has behind feature flags if
/// `experimental`.
///
/// # Errors
/// None in fact: tests read the list.
pub fn builtin(variables: &Variables, experimental: bool) -> Result<Builtin, CaseError> {
    let filling = Filling {
        arguments: ARGUMENTS,
        values: variables.iter().collect(),
    };
    let lists = [STANDARD, EXPERIMENTAL];
    let count = if experimental { 2 } else { 1 };
    let mut found = Builtin::default();
    for list in &lists[..count] {
        let (suite, left_out) = load_filled(&[*list], &filling)?;
        found.cases.extend(suite.cases);
        found.left_out.extend(left_out);
    }
    Ok(found)
}
