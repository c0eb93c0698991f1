//! `start_timestamp` of anything but a selector: no rows. The input is computed
//! all the same, since it may be an error.

use std::sync::Arc;

use futures::StreamExt;
use quarrel_planner::logical::NodeInfo;

use crate::bound::{Bound, RowLabels};
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::labels::LabelList;

#[derive(Debug)]
struct NoStartTimestamp;

/// Binds `start_timestamp` of `input`.
pub(crate) fn bind(node: NodeInfo, input: Bound) -> Bound {
    let labels = RowLabels::unique(LabelList::new());
    Bound::whole(Arc::new(NoStartTimestamp), vec![input], labels, node.grid)
}

impl Operator for NoStartTimestamp {
    fn name(&self) -> &'static str {
        "NoStartTimestamp"
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let mut stream = run.inputs[0].open(0);
            while let Some(record) = stream.next().await {
                record?;
            }
            Ok(Output::new(&run.context, "start timestamps"))
        })
    }
}
