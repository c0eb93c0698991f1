//! A query's text and what is made of it: its tree, and the last plan.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use quarrel_planner::logical::{LogicalPlan, PlanOptions, moves_with_query};
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

/// A query's text, and what is made of it once it is parsed. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub text: Arc<str>,
    parsed: Arc<OnceLock<Arc<Parsed>>>,
}

impl Statement {
    /// A text that is parsed when the query runs.
    pub fn new(text: Arc<str>) -> Self {
        let parsed = Arc::default();
        Statement { text, parsed }
    }

    /// A text that is parsed already.
    pub fn known(text: Arc<str>, parsed: Arc<Parsed>) -> Self {
        let parsed = Arc::new(OnceLock::from(parsed));
        Statement { text, parsed }
    }

    /// What is made of the text, parsed here if it is not yet.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn parsed(&self, options: &EngineOptions) -> Result<&Arc<Parsed>, QueryError> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(parsed);
        }
        let parsed = Arc::new(Parsed::new(parse(&self.text, options)?));
        Ok(self.parsed.get_or_init(|| parsed))
    }

    /// What was made of the text, if it was parsed.
    pub fn get(&self) -> Option<&Arc<Parsed>> {
        self.parsed.get()
    }
}

/// A tree, and the last plan that was made of it.
#[derive(Debug)]
pub(crate) struct Parsed {
    tree: Tree,
    nodes: usize,
    /// Whether its plans can be moved to other times.
    moves: bool,
    planned: Mutex<Option<Planned>>,
}

#[derive(Debug)]
struct Planned {
    shape: PlanShape,
    start_ms: i64,
    plan: Arc<LogicalPlan>,
}

/// What a plan depends on beside its text and the query's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlanShape {
    length_ms: i64,
    step_ms: i64,
    lookback_delta_ms: i64,
    use_start_timestamps: bool,
    downsampled: bool,
    counts_samples: bool,
}

/// The farthest time that a plan is moved from or to, ms: some 285,000 years, far
/// from where sums of times and durations would overflow.
const FARTHEST: u64 = 1 << 53;

impl PlanShape {
    /// `None` for times that are too far away.
    fn of(options: &PlanOptions, counts_samples: bool) -> Option<Self> {
        let is_near = |ms: i64| ms.unsigned_abs() <= FARTHEST;
        (is_near(options.start_ms) && is_near(options.end_ms)).then(|| PlanShape {
            length_ms: options.end_ms - options.start_ms,
            step_ms: options.step_ms,
            lookback_delta_ms: options.lookback_delta_ms,
            use_start_timestamps: options.use_start_timestamps,
            downsampled: options.downsampled,
            counts_samples,
        })
    }
}

impl Parsed {
    /// A tree without a plan.
    pub fn new(tree: Tree) -> Self {
        Parsed {
            nodes: tree.expr().nodes().len(),
            moves: moves_with_query(tree.expr()),
            tree,
            planned: Mutex::default(),
        }
    }

    /// The syntax tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The nodes of the tree.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The plan that was made last, at these times; `None` if none was made of
    /// which it can be had. Whether samples are counted decides which rules apply.
    pub fn plan_at(&self, options: &PlanOptions, counts_samples: bool) -> Option<Arc<LogicalPlan>> {
        let shape = PlanShape::of(options, counts_samples)?;
        let (plan, by_ms) = {
            let planned = self.planned.lock();
            let known = planned.as_ref().filter(|known| known.shape == shape)?;
            (Arc::clone(&known.plan), options.start_ms - known.start_ms)
        };
        if by_ms == 0 {
            return Some(plan);
        }
        let mut plan = LogicalPlan::clone(&plan);
        plan.shift(by_ms);
        Some(Arc::new(plan))
    }

    /// Keeps a plan of the tree for queries at other times.
    pub fn keep_plan(&self, options: &PlanOptions, counts_samples: bool, plan: &Arc<LogicalPlan>) {
        let shape = PlanShape::of(options, counts_samples).filter(|_| self.moves);
        if let Some(shape) = shape {
            *self.planned.lock() = Some(Planned {
                shape,
                start_ms: options.start_ms,
                plan: Arc::clone(plan),
            });
        }
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
