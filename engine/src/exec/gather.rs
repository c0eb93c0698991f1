//! Brings the partitions of a scan chain together, in the order of their
//! morsels.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};

use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, Operator, Run};
use crate::exec::ordered::ordered;

/// Makes one partition out of many, in the order of the morsels.
#[derive(Debug)]
pub struct Gather {
    morsels: Arc<Morsels>,
}

impl Gather {
    /// A gather above the scan that takes `morsels`.
    pub fn new(morsels: Arc<Morsels>) -> Self {
        Gather { morsels }
    }
}

impl Operator for Gather {
    fn name(&self) -> &'static str {
        "Gather"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            ": partitions={} morsels={}",
            self.morsels.partitions(),
            self.morsels.count()
        )
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let sources = (0..run.inputs[0].partitions())
            .map(|p| {
                let morsels = Arc::clone(&self.morsels);
                run.inputs[0]
                    .open(p)
                    .map_ok(move |batch| (morsels.current(p), batch))
                    .boxed()
            })
            .collect();
        ordered(&run.context.pool, sources).boxed()
    }
}
