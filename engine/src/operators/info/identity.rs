//! Which info metrics rows can have: those with their `instance` and `job`.
//!
//! Prometheus asks for the info metrics of all rows that have the same of
//! these two labels at once, by the values that each of the labels has among
//! them. So it gets pairs that no row has, too, and they can be an error.

use quarrel_planner::logical::Info;
use rustc_hash::FxHashSet;

use super::{Collected, is_info};
use crate::bound::Bound;
use crate::exec::context::QueryContext;
use crate::labels::{Label, Symbol, SymbolTable, find_label};

/// The labels that rows and info metrics have to share.
#[derive(Clone, Copy)]
pub(super) struct Identifying([Symbol; 2]);

/// Their values, empty where there is none.
pub(super) type Identity = [Symbol; 2];

impl Identifying {
    pub fn new(symbols: &SymbolTable) -> Self {
        Identifying(["instance", "job"].map(|name| symbols.intern(name)))
    }

    pub fn of(self, labels: &[Label]) -> Identity {
        self.0
            .map(|name| find_label(labels, name).unwrap_or(Symbol::EMPTY))
    }
}

/// Which of the two labels there are.
fn pattern(identity: Identity) -> usize {
    let [instance, job] = identity.map(|value| usize::from(value != Symbol::EMPTY));
    2 * instance + job
}

/// Which info metrics the collected rows ask for.
pub(super) fn wanted(
    context: &QueryContext,
    plan: &Info,
    base: &Collected,
    info: &Bound,
) -> Vec<bool> {
    let identifying = Identifying::new(&context.symbols);
    // By pattern, the values of each label.
    let mut known: [[FxHashSet<Symbol>; 2]; 4] = Default::default();
    for row in base.rows.arrived() {
        let labels = base.bound.labels.get(row.series as usize);
        if is_info(plan, labels, context) {
            continue;
        }
        let identity = identifying.of(labels);
        for (values, value) in known[pattern(identity)].iter_mut().zip(identity) {
            values.insert(value);
        }
    }
    let is_wanted = |labels: &[Label]| {
        let identity = identifying.of(labels);
        let pattern = pattern(identity);
        let mut values = known[pattern].iter().zip(identity);
        pattern != 0 && values.all(|(values, value)| values.contains(&value))
    };
    info.labels.iter().map(is_wanted).collect()
}
