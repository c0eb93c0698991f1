//! `absent` and `absent_over_time`: a sample where no row has one.

use std::sync::Arc;

use futures::StreamExt;
use quarrel_planner::logical::{Absent as AbsentPlan, NodeInfo};

use super::broadcast;
use crate::bound::{Bound, RowLabels};
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed, series_batch};
use crate::labels::{Label, LabelList, set_label};

#[derive(Debug)]
struct Absent {
    steps: usize,
}

/// Binds `absent`.
pub(crate) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    absent: &AbsentPlan,
    input: Bound,
) -> Bound {
    let input = broadcast::bind(input, node.grid);
    let symbols = &context.symbols;
    let interned: Vec<Label> = absent
        .labels
        .iter()
        .map(|(name, value)| Label {
            name: symbols.intern(name),
            value: symbols.intern(value),
        })
        .collect();
    let mut row = Vec::new();
    let read = symbols.read();
    for label in interned {
        set_label(&mut row, label, &read);
    }
    let mut list = LabelList::new();
    list.push(row);
    let labels = RowLabels::unique(list);
    let labels = match absent.drops_name {
        true => labels.drop_name(context),
        false => labels,
    };
    let steps = node.grid.len;
    let operator = Arc::new(Absent { steps });
    Bound::whole(operator, vec![input], labels, node.grid)
}

impl Operator for Absent {
    fn name(&self) -> &'static str {
        "Absent"
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let mut account = run.context.account("absent");
            account.grow(self.steps * 9)?;
            let mut absent = vec![true; self.steps];
            let mut stream = run.inputs[0].open(0);
            while let Some(record) = stream.next().await {
                let batch = series_batch(&record?)?;
                for row in batch.rows() {
                    let first = row.first_step as usize;
                    for i in row.samples() {
                        absent[first + i] = false;
                    }
                }
            }
            let mut output = Output::new(&run.context, "absent");
            output.push(0, 0, &vec![1.0; self.steps], &absent)?;
            Ok(output)
        })
    }
}
