//! What a query's plans look like.

use std::fmt;

use quarrel_planner::logical::LogicalPlan;
pub use quarrel_planner::rules::Trace as RuleTrace;
use quarrel_planner::rules::{self, RuleContext};

use crate::operator_tree::OperatorTree;
use crate::root::Root;
use crate::stats::QueryStats;

/// The plans of a query, for people.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The logical plan as it is built from the query.
    pub logical: String,
    /// What each optimizer rule made of it, in order.
    pub rules: Vec<RuleTrace>,
    /// The physical plan, if data were at hand.
    pub physical: Option<String>,
    /// The operators of the physical plan; those of one that was not run have no
    /// statistics.
    pub operators: OperatorTree,
    /// What running it cost, if it was run.
    pub stats: Option<QueryStats>,
}

impl Explanation {
    /// A plan before and after each rule. Leaves the optimized plan.
    pub(crate) fn of_plan(plan: &mut LogicalPlan, context: RuleContext<'_>) -> Self {
        let logical = plan.to_string();
        let rules = rules::optimize_traced(plan, context);
        Explanation {
            logical,
            rules,
            ..Explanation::default()
        }
    }

    pub(crate) fn set_physical(&mut self, root: &Root, with_stats: bool) {
        self.operators = root.operators();
        self.physical = Some(self.operators.print(with_stats));
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Logical plan:\n{}", indent(&self.logical))?;
        for trace in self.rules.iter().filter(|t| t.changed) {
            writeln!(f, "After {}:\n{}", trace.rule, indent(&trace.plan))?;
        }
        if let Some(physical) = &self.physical {
            writeln!(f, "Physical plan:\n{}", indent(physical))?;
        }
        if let Some(stats) = &self.stats {
            writeln!(
                f,
                "Prepared in {:.3?}, evaluated in {:.3?}; {} series, {} samples decoded from {} bytes, {} samples in windows, at most {} alive",
                stats.prepare,
                stats.evaluate,
                stats.series,
                stats.decoded_samples,
                stats.decoded_bytes,
                stats.total_queryable_samples,
                stats.peak_samples,
            )?;
        }
        Ok(())
    }
}

fn indent(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect()
}
