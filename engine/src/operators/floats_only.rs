//! Leaves histograms out, as sorts by value do whether or not their order
//! matters.

use std::sync::Arc;

use crate::bound::Bound;
use crate::exec::operator::{BatchStream, Operator, Run, mapped};

#[derive(Debug)]
struct FloatsOnly;

/// `input` without its histograms.
pub(crate) fn bind(input: Bound) -> Bound {
    let labels = input.row_labels();
    Bound::row_wise(Arc::new(FloatsOnly), vec![input], labels)
}

impl Operator for FloatsOnly {
    fn name(&self) -> &'static str {
        "FloatsOnly"
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        mapped(input, async { Ok(()) }, |(), batch| Ok(batch.floats_only()))
    }
}
