//! Matchers of what stands in a query.

use quarrel_matchers::{MatchOp, Matcher, RegexBudget};

/// A matcher of a value that may be no UTF-8.
///
/// # Errors
/// In the words of Go when it refuses the regular expression.
pub(crate) fn build_matcher(
    op: MatchOp,
    name: &str,
    value: &[u8],
    regexes: &RegexBudget,
) -> Result<Matcher, String> {
    let valid = std::str::from_utf8(value);
    if let (MatchOp::Regex | MatchOp::NotRegex, Err(error)) = (op, valid) {
        let rest = String::from_utf8_lossy(&value[error.valid_up_to()..]);
        return Err(format!("error parsing regexp: invalid UTF-8: `{rest}`"));
    }
    let value = String::from_utf8_lossy(value);
    Matcher::new_within(op, name, &value, regexes).map_err(|error| error.to_string())
}
