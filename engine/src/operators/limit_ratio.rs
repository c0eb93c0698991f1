//! `limit_ratio`: a share of the rows, picked by the hash of their labels. A
//! negative ratio keeps those that its positive counterpart leaves out.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::fmt::format_g;
use quarrel_functions::hash::LabelHasher;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};

use super::broadcast;
use super::params::{Params, Values};
use crate::batch::{BatchBuilder, SeriesBatch};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Pruning, Run, mapped};
use crate::labels::LabelList;

#[derive(Debug)]
struct LimitRatio {
    ratio: Params,
    /// For each row where its hash lies, from 0 to 1.
    offsets: Vec<f64>,
    steps: usize,
    node: u32,
    span: Span,
    /// Where the parameter stands.
    param: Span,
}

/// Binds `limit_ratio`. Groups make no difference.
pub(crate) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    aggregate: &Aggregate,
    (param, input): (Option<Bound>, Bound),
) -> Bound {
    let input = broadcast::bind(input, node.grid);
    let labels = input.row_labels();
    let offsets = offsets(context, &labels.list);
    let plan = aggregate.param.as_deref();
    let mut inputs = vec![input];
    let operator = LimitRatio {
        ratio: Params::new(plan, param, node.grid, &mut inputs),
        offsets,
        steps: node.grid.len,
        node: node.id,
        span: node.span,
        param: plan.map_or(node.span, |param| param.node.argument_span),
    };
    Bound::row_wise(Arc::new(operator), inputs, labels)
}

fn offsets(context: &QueryContext, labels: &LabelList) -> Vec<f64> {
    let symbols = context.symbols.read();
    let mut hasher = LabelHasher::default();
    labels
        .iter()
        .map(|row| {
            let texts = row
                .iter()
                .map(|l| (symbols.get(l.name), symbols.get(l.value)));
            hasher.hash(texts) as f64 / u64::MAX as f64
        })
        .collect()
}

/// Whether a ratio between -1 and 1 keeps what lies at `offset`.
fn keeps(ratio: f64, offset: f64) -> bool {
    if ratio >= 0.0 {
        offset < ratio
    } else {
        offset >= 1.0 + ratio
    }
}

impl Operator for LimitRatio {
    fn name(&self) -> &'static str {
        "LimitRatio"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": ratio={}", self.ratio)
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn prune(&self, _: &[bool]) -> Pruning {
        Pruning::PassedOn
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let this = Arc::clone(&self);
        let prepare = async move {
            let ratio = this.ratio.only(&run, "limit_ratio").await?;
            this.ratios(&ratio, &run)
        };
        mapped(input, prepare, move |ratios, batch| {
            Ok(self.apply(ratios, &batch))
        })
    }
}

impl LimitRatio {
    /// The ratio of each step.
    fn ratios(&self, ratio: &Values, run: &Run) -> Result<Vec<f64>, QueryError> {
        let mut ratios: Vec<f64> = ratio.iter(self.steps).collect();
        if ratios.iter().any(|ratio| ratio.is_nan()) {
            return Err(QueryError::execution("Ratio value is NaN", self.span));
        }
        let most = ratios.iter().copied().fold(f64::MIN, f64::max);
        let least = ratios.iter().copied().fold(f64::MAX, f64::min);
        for (beyond, ratio, bound) in [(most > 1.0, most, 1.0), (least < -1.0, least, -1.0)] {
            if beyond {
                let text = format!(
                    "ratio value should be between -1 and 1, got {}, capping to {}",
                    format_g(ratio),
                    format_g(bound)
                );
                run.context.annotations.warn(self.node, self.param, text);
            }
        }
        for ratio in &mut ratios {
            *ratio = ratio.clamp(-1.0, 1.0);
        }
        Ok(ratios)
    }

    fn apply(&self, ratios: &[f64], batch: &SeriesBatch) -> SeriesBatch {
        let mut builder = BatchBuilder::for_rows(batch.len());
        for row in batch.rows() {
            let offset = self.offsets[row.series as usize];
            let ratios = &ratios[row.first_step as usize..];
            builder.push_kept(row.series, &row, |i| keeps(ratios[i], offset));
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_and_its_counterpart_share_all() {
        for offset in [0.0, 0.25, 0.75, 0.999_999] {
            assert!(keeps(1.0, offset) && keeps(-1.0, offset));
            assert!(!keeps(0.0, offset) && !keeps(-0.0, offset));
            assert!(keeps(0.5, offset) != keeps(-0.5, offset));
        }
        assert!(!keeps(1.0, 1.0) && keeps(-0.1, 1.0), "the last hash of all");
    }
}
