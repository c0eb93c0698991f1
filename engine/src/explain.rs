//! What a query's plans look like.

use std::fmt;

use datafusion_physical_plan::display::DisplayableExecutionPlan;
use quarrel_planner::logical::Plan;

use crate::error::QueryError;
use crate::output::Root;
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
    /// What running it cost, if it was run.
    pub stats: Option<QueryStats>,
}

/// A rule's work.
#[derive(Clone, Debug)]
pub struct RuleTrace {
    /// The rule's name.
    pub rule: &'static str,
    /// The plan after it.
    pub plan: String,
    /// Whether the rule changed anything.
    pub changed: bool,
}

pub(crate) fn logical_explanation(plan: &Plan) -> Result<Explanation, QueryError> {
    Ok(Explanation {
        logical: plan.to_string(),
        ..Explanation::default()
    })
}

impl Explanation {
    pub(crate) fn set_physical(&mut self, root: &Root, with_metrics: bool) {
        self.physical = Some(match root {
            Root::Text { text, .. } => format!("Text: {}\n", quarrel_functions::fmt::quote(text)),
            Root::Raw(raw) => format!("{raw}\n"),
            Root::Rows { plan, .. } if with_metrics => {
                DisplayableExecutionPlan::with_metrics(&**plan)
                    .indent(true)
                    .to_string()
            }
            Root::Rows { plan, .. } => DisplayableExecutionPlan::new(&**plan)
                .indent(true)
                .to_string(),
        });
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
