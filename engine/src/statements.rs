//! The statements that ran last: rules and dashboards ask the same texts again
//! and again, and to parse and plan one takes longer than to compute it over a
//! few series.
//!
//! What it is bad at: texts that never come again, such as those with a time in
//! them. They push others out, within the bound.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::statement::{Parsed, Statement, is_long};

/// What a statement takes for each node of its tree with the plan, bytes. Measured
/// with its text: 3.1 KB for `rate(x{a="b"}[5m]) > 0.5`, four nodes, 5.8 KB for a
/// quotient of two sums, six.
const BYTES_A_NODE: usize = 896;

/// What it takes for each byte of its text: the key, and the strings of tree and
/// plan.
const BYTES_A_CHARACTER: usize = 4;

/// The most that the automata of one statement may hold to be kept, bytes. They
/// grow while a matcher is used, which nobody here sees.
const MAX_AUTOMATA: usize = 256 << 10;

/// Parsed texts, bounded in bytes.
#[derive(Debug)]
pub(crate) struct Statements {
    limit: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The latest one first, with the bytes that each counts for.
    entries: LruCache<Arc<str>, (Arc<Parsed>, usize)>,
    bytes: usize,
}

impl Statements {
    /// None yet, and never more than so many bytes of them.
    pub fn new(limit: usize) -> Self {
        Statements {
            limit,
            inner: Mutex::new(Inner {
                entries: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// The statement of a text: one that ran before, or one that is parsed when
    /// its query runs.
    pub fn of(&self, text: &str) -> Statement {
        if self.limit > 0 && !is_long(text) {
            let mut inner = self.inner.lock();
            if let Some((text, (parsed, _))) = inner.entries.get_key_value(text) {
                return Statement::known(Arc::clone(text), Arc::clone(parsed));
            }
        }
        Statement::new(text.into())
    }

    /// Keeps a statement whose query has come to its end.
    pub fn keep(&self, statement: &Statement) {
        let Some(parsed) = statement.get().filter(|_| !is_long(&statement.text)) else {
            return;
        };
        let automata = parsed.tree().automata_bytes();
        let bytes =
            statement.text.len() * BYTES_A_CHARACTER + parsed.nodes() * BYTES_A_NODE + automata;
        let mut inner = self.inner.lock();
        if automata > MAX_AUTOMATA || bytes > self.limit {
            inner.remove(&statement.text);
            return;
        }
        inner.insert(Arc::clone(&statement.text), (Arc::clone(parsed), bytes));
        while inner.bytes > self.limit {
            inner.remove_oldest();
        }
    }

    /// How many statements are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.inner.lock().entries.len()
    }
}

impl Inner {
    fn insert(&mut self, text: Arc<str>, entry: (Arc<Parsed>, usize)) {
        self.bytes += entry.1;
        if let Some((_, old)) = self.entries.put(text, entry) {
            self.bytes -= old;
        }
    }

    fn remove(&mut self, text: &str) {
        let removed = self.entries.pop(text);
        self.bytes -= removed.map_or(0, |(_, bytes)| bytes);
    }

    fn remove_oldest(&mut self) {
        let removed = self.entries.pop_lru();
        self.bytes -= removed.map_or(0, |(_, (_, bytes))| bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::EngineOptions;

    /// A statement that ran.
    fn run(statements: &Statements, text: &str) -> Arc<Parsed> {
        let statement = statements.of(text);
        let parsed = statement.parsed(&EngineOptions::default()).unwrap();
        statements.keep(&statement);
        Arc::clone(parsed)
    }

    #[test]
    fn what_ran_is_parsed_once() {
        let statements = Statements::new(1 << 20);
        let first = run(&statements, "sum(x)");
        assert!(Arc::ptr_eq(&first, &run(&statements, "sum(x)")));
        assert!(!Arc::ptr_eq(&first, &run(&statements, "sum(y)")));
        assert_eq!(statements.of("sum(x)").text.as_ref(), "sum(x)");
        assert!(statements.of("sum(x )").get().is_none());
    }

    #[test]
    fn the_oldest_go_first_and_long_ones_do_not_stay() {
        let statements = Statements::new(20 << 10);
        let long = format!("sum({})", "x".repeat(2000));
        run(&statements, &long);
        assert_eq!(statements.len(), 0);
        for i in 0..100 {
            run(&statements, &format!("sum(x{i})"));
            run(&statements, "sum(often)");
        }
        assert!((5..20).contains(&statements.len()));
        assert!(statements.of("sum(often)").get().is_some());
        assert!(statements.of("sum(x99)").get().is_some());
        assert!(statements.of("sum(x1)").get().is_none());
        assert!(statements.inner.lock().bytes <= 20 << 10);
    }

    #[test]
    fn automata_do_not_stay() {
        let statements = Statements::new(64 << 20);
        let text = r#"x{a=~".*(a|b)[0-9]{40}.*c.{60}[xyz]"}"#;
        let statement = statements.of(text);
        let parsed = statement.parsed(&EngineOptions::default()).unwrap();
        statements.keep(&statement);
        assert_eq!(statements.len(), 1);
        let quarrel_planner::ast::Expr::VectorSelector(selector) = parsed.tree().expr() else {
            panic!("a selector");
        };
        let matchers = &selector.matchers;
        let value = "a0123456789".repeat(100);
        (0..100_000)
            .take_while(|_| parsed.tree().automata_bytes() <= MAX_AUTOMATA)
            .for_each(|_| assert!(!matchers[0].matches(&value)));
        assert!(parsed.tree().automata_bytes() > MAX_AUTOMATA);
        statements.keep(&statement);
        assert_eq!(statements.len(), 0);
        assert_eq!(statements.inner.lock().bytes, 0);
    }

    #[test]
    fn none_are_kept_without_room() {
        let statements = Statements::new(0);
        run(&statements, "x");
        assert_eq!(statements.len(), 0);
        assert!(statements.of("x").get().is_none());
    }
}
