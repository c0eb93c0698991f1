//! Bound nodes: what operators know of each other before a sample is read.
//!
//! A [`Bound`] node knows the labels of its rows and which operator computes
//! them. [`lower`](lower::lower) makes a physical plan of bound nodes, and
//! [`materialize`](materialized::materialize) runs one while binding goes on,
//! where labels depend on samples.

mod drop_names;
mod lower;
mod materialized;

use std::sync::Arc;

use quarrel_functions::grid::Grid;
use quarrel_planner::with_stack;

pub(crate) use self::drop_names::DropNames;
pub(crate) use self::lower::lower_root;
pub(crate) use self::materialized::{MaterializedRows, materialize};
use crate::exec::morsels::Morsels;
use crate::exec::operator::{Operator, Pruning};
use crate::labels::LabelList;

/// A node that knows its rows' labels.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// One label set a row. A row's number is its place here.
    pub labels: Arc<LabelList>,
    /// Whether no two label sets can be equal.
    pub unique: bool,
    /// Which rows lose their name in the answer.
    pub drop_names: DropNames,
    /// The evaluation times of the rows; one time where they do not change.
    pub grid: Grid,
    /// What computes the rows.
    pub operator: Arc<dyn Operator>,
    /// Its inputs.
    pub inputs: Inputs,
    /// The morsels of the scan below, as long as all partitions run alone.
    pub morsels: Option<Arc<Morsels>>,
}

/// The inputs of a node. Cheap to clone, and to drop at any depth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs(Option<Arc<Vec<Bound>>>);

impl From<Vec<Bound>> for Inputs {
    fn from(inputs: Vec<Bound>) -> Self {
        Inputs((!inputs.is_empty()).then(|| Arc::new(inputs)))
    }
}

impl std::ops::Deref for Inputs {
    type Target = [Bound];

    fn deref(&self) -> &[Bound] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        if let Some(inputs) = self.0.take() {
            with_stack(|| drop(inputs));
        }
    }
}

impl Bound {
    /// A node that computes row by row, in the partitions of its first input.
    pub fn row_wise(operator: Arc<dyn Operator>, inputs: Vec<Bound>, labels: RowLabels) -> Bound {
        let first = &inputs[0];
        Bound {
            labels: labels.list,
            unique: labels.unique,
            drop_names: labels.drop_names,
            grid: first.grid,
            operator,
            morsels: first.morsels.clone(),
            inputs: inputs.into(),
        }
    }

    /// A node that needs its whole inputs and has one partition.
    pub fn whole(
        operator: Arc<dyn Operator>,
        inputs: Vec<Bound>,
        labels: RowLabels,
        grid: Grid,
    ) -> Bound {
        Bound {
            labels: labels.list,
            unique: labels.unique,
            drop_names: labels.drop_names,
            grid,
            operator,
            inputs: inputs.into(),
            morsels: None,
        }
    }

    /// Says that rows outside of `keep` have no effect on anything above, so
    /// that their samples need not be decoded.
    pub fn prune(&self, keep: &[bool]) {
        let mut node = self;
        while node.operator.prune(keep) == Pruning::PassedOn {
            node = &node.inputs[0];
        }
    }

    /// The labels of the node's rows.
    pub fn row_labels(&self) -> RowLabels {
        RowLabels {
            list: Arc::clone(&self.labels),
            unique: self.unique,
            drop_names: self.drop_names.clone(),
        }
    }

    /// The same rows under other labels.
    pub fn relabeled(self, labels: RowLabels) -> Bound {
        Bound {
            labels: labels.list,
            unique: labels.unique,
            drop_names: labels.drop_names,
            ..self
        }
    }
}

/// The labels of a node's rows, and whether they are known to differ.
#[derive(Clone, Debug)]
pub(crate) struct RowLabels {
    /// One set a row.
    pub list: Arc<LabelList>,
    /// Whether no two are equal.
    pub unique: bool,
    /// Which rows lose their name in the answer.
    pub drop_names: DropNames,
}

impl RowLabels {
    /// Label sets that may be equal, unless their order shows that they are not.
    pub fn new(list: LabelList) -> Self {
        let unique = list.ascends();
        RowLabels {
            unique,
            ..RowLabels::unique(list)
        }
    }

    /// Label sets that are all different.
    pub fn unique(list: LabelList) -> Self {
        RowLabels::shared(Arc::new(list))
    }

    /// Label sets that are all different and belong to others, too.
    pub fn shared(list: Arc<LabelList>) -> Self {
        RowLabels {
            list,
            unique: true,
            drop_names: DropNames::None,
        }
    }

    /// One row without labels.
    pub fn one() -> Self {
        RowLabels::unique(LabelList::one_empty())
    }
}
