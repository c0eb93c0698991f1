//! Tells the store which labels an aggregation needs, so that it may leave
//! out the others, as long as it keeps series apart.

use super::shape::row_wise_window;
use super::{Rule, RuleContext, each_mut};
use crate::ast::AggregateOp;
use crate::logical::{Plan, PlanOp};

/// See the module's words.
pub(super) struct LabelProjection;

impl Rule for LabelProjection {
    fn name(&self) -> &'static str {
        "label projection"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            let PlanOp::Aggregate {
                op,
                grouping,
                without: false,
                input,
                ..
            } = &mut node.op
            else {
                return;
            };
            // These give the labels of their rows.
            let keeps_labels = matches!(
                op,
                AggregateOp::TopK
                    | AggregateOp::BottomK
                    | AggregateOp::LimitK
                    | AggregateOp::LimitRatio
            );
            if keeps_labels || row_wise_window(input).is_none() {
                return;
            }
            // Infos about counters name the metric.
            let mut labels = vec!["__name__".to_string()];
            labels.extend(grouping.iter().filter(|name| *name != "__name__").cloned());
            labels.sort();
            project(input, labels);
        });
    }
}

fn project(plan: &mut Plan, labels: Vec<String>) {
    let mut node = plan;
    loop {
        node = match &mut node.op {
            PlanOp::Window(window) => {
                window.select.projection = Some(labels);
                return;
            }
            PlanOp::Elementwise { input, .. } | PlanOp::Negate(input) => input,
            PlanOp::VectorScalar { vector, .. } => vector,
            PlanOp::SubqueryWindow { input, .. } => input,
            _ => return,
        };
    }
}
