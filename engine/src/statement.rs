//! A query's text and what is parsed of it.

use std::sync::{Arc, OnceLock};

use quarrel_planner::{AllowedModifiers, Tree};

use crate::error::QueryError;
use crate::options::EngineOptions;

/// A text up to this length is parsed and planned on the caller's thread, bytes:
/// that takes some 0.1 ms, a wake-up 25 µs. A longer one is heavy.
const SHORT: usize = 1024;

/// Whether a text is so long that the query is heavy by it alone.
pub(crate) fn is_long(text: &str) -> bool {
    text.len() > SHORT
}

/// What parsing takes for each byte of a text, bytes: the text itself, its copies
/// in strings and matchers.
const BYTES_A_CHARACTER: usize = 8;

/// What a sign outside of strings takes with the nodes of tree and plan that it
/// may stand for, bytes; `+x` repeated comes near it.
const BYTES_A_SIGN: usize = 640;

/// What a text takes at most with its tree and its plan, bytes.
pub(crate) fn bytes_of(text: &str) -> usize {
    let mut signs = 0;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'#' => {
                bytes.find(|b| *b == b'\n');
            }
            b'"' | b'\'' | b'`' => {
                signs += 1;
                while let Some(inner) = bytes.next() {
                    if inner == byte {
                        break;
                    }
                    if inner == b'\\' && byte != b'`' {
                        bytes.next();
                    }
                }
            }
            b'_' | b' ' => {}
            other => signs += usize::from(!other.is_ascii_alphanumeric()),
        }
    }
    text.len() * BYTES_A_CHARACTER + signs * BYTES_A_SIGN
}

/// A query's text, and its tree once it is parsed. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub text: Arc<str>,
    tree: Arc<OnceLock<Arc<Tree>>>,
}

impl Statement {
    /// A text that is parsed when the query runs.
    pub fn new(text: Arc<str>) -> Self {
        let tree = Arc::default();
        Statement { text, tree }
    }

    /// A text with its tree.
    pub fn parsed(text: Arc<str>, tree: Arc<Tree>) -> Self {
        let tree = Arc::new(OnceLock::from(tree));
        Statement { text, tree }
    }

    /// The tree, parsed here if it is not yet.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn tree(&self, options: &EngineOptions) -> Result<&Arc<Tree>, QueryError> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let tree = Arc::new(parse(&self.text, options)?);
        Ok(self.tree.get_or_init(|| tree))
    }
}

/// Parses and checks a text.
///
/// # Errors
/// When it is too long, not PromQL, not well typed, or has a modifier that the
/// options forbid.
pub(crate) fn parse(text: &str, options: &EngineOptions) -> Result<Tree, QueryError> {
    check_length(text, options)?;
    let tree = quarrel_planner::parse(text, &options.parser)?;
    let allowed = AllowedModifiers {
        at: options.enable_at_modifier,
        negative_offset: options.enable_negative_offset,
    };
    let checked = allowed.check(tree.expr());
    checked.map_err(|refused| QueryError::BadData(refused.to_string()))?;
    Ok(tree)
}

/// Refuses a text that is too long, before anything is made of it.
///
/// # Errors
/// [`QueryError::BadData`].
pub(crate) fn check_length(text: &str, options: &EngineOptions) -> Result<(), QueryError> {
    let most = options.max_query_length;
    if text.len() <= most {
        return Ok(());
    }
    Err(QueryError::BadData(format!(
        "the query is longer than {most} bytes (limit max_query_length)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_outside_of_strings_count() {
        let signs = |text: &str| (bytes_of(text) - text.len() * BYTES_A_CHARACTER) / BYTES_A_SIGN;
        assert_eq!(signs("x_1 and y"), 0);
        assert_eq!(signs("x+x"), 1);
        assert_eq!(signs(r#"x{a="+++\"+++"}"#), 4);
        assert_eq!(signs("x{a=`+\\`}"), 4);
        assert_eq!(signs("x # +++ \" +\n+x"), 1);
        assert_eq!(signs("\"\\"), 1);
    }
}
