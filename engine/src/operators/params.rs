//! Scalar arguments of an operator: numbers that the plan knows, or one-row
//! inputs that are computed once, whichever partition needs them first.

use std::fmt;
use std::sync::Arc;

use futures::StreamExt;
use quarrel_functions::grid::{Grid, Param};
use quarrel_planner::logical::{Plan, PlanOp};
use tokio::sync::OnceCell;

use crate::batch::Rows;
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::operator::{Input, Run, series_batch};

/// Where the values come from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Const(f64),
    Input(usize),
}

/// The scalar arguments of an operator.
pub(crate) struct Params {
    sources: Vec<Source>,
    len: usize,
    values: OnceCell<Arc<Vec<Values>>>,
}

/// The values of one argument.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// The same at all steps.
    Const(f64),
    /// One a step.
    PerStep(Vec<f64>),
}

impl Values {
    /// Values of a scalar: one, or one for each of `len` steps.
    fn new(values: Vec<f64>, len: usize) -> Result<Self, QueryError> {
        match values.as_slice() {
            [value] => Ok(Values::Const(*value)),
            all if all.len() == len => Ok(Values::PerStep(values)),
            all => Err(QueryError::Internal(format!(
                "a scalar has {} values at {len} steps",
                all.len()
            ))),
        }
    }

    /// Those of a scalar's one row.
    ///
    /// # Errors
    /// If it has neither one value nor `len`.
    pub fn of_rows(rows: &Rows, len: usize) -> Result<Self, QueryError> {
        let values = rows.arrived().flat_map(|row| row.values.iter().copied());
        Values::new(values.collect(), len)
    }

    /// As kernels take it.
    pub fn param(&self) -> Param<'_> {
        match self {
            Values::Const(value) => Param::Const(*value),
            Values::PerStep(values) => Param::PerStep(values),
        }
    }

    /// The value at every step.
    pub fn iter(&self, len: usize) -> impl Iterator<Item = f64> + '_ {
        let param = self.param();
        (0..len).map(move |step| param.at(step))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.sources).finish()
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, source) in self.sources.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match source {
                Source::Const(value) => write!(f, "{comma}{value}")?,
                Source::Input(input) => write!(f, "{comma}input {input}")?,
            }
        }
        Ok(())
    }
}

impl Params {
    /// The arguments that `plans` compute, bound as `params`; those that are no
    /// plain numbers are appended to `inputs`, the operator's inputs.
    pub fn new<'p>(
        plans: impl IntoIterator<Item = &'p Plan>,
        params: impl IntoIterator<Item = Bound>,
        grid: Grid,
        inputs: &mut Vec<Bound>,
    ) -> Self {
        let sources = plans.into_iter().zip(params).map(|(plan, param)| {
            if let PlanOp::Number(value) = plan.op {
                return Source::Const(value);
            }
            inputs.push(param);
            Source::Input(inputs.len() - 1)
        });
        Params {
            sources: sources.collect(),
            len: grid.len,
            values: OnceCell::new(),
        }
    }

    /// No arguments.
    pub fn none() -> Self {
        Params {
            sources: Vec::new(),
            len: 0,
            values: OnceCell::new(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The values of all arguments.
    pub async fn get(&self, run: &Run) -> Result<Arc<Vec<Values>>, QueryError> {
        let compute = || async {
            let mut all = Vec::with_capacity(self.sources.len());
            for source in &self.sources {
                all.push(match *source {
                    Source::Const(value) => Values::Const(value),
                    Source::Input(i) => read_scalar(&run.inputs[i], self.len).await?,
                });
            }
            Ok::<_, QueryError>(Arc::new(all))
        };
        self.values.get_or_try_init(compute).await.cloned()
    }

    /// The values of the one argument that `operator` has.
    ///
    /// # Errors
    /// An internal error if it was bound without one.
    pub async fn only(&self, run: &Run, operator: &str) -> Result<Values, QueryError> {
        let missing = || QueryError::Internal(format!("{operator} without a parameter"));
        self.get(run).await?.first().cloned().ok_or_else(missing)
    }
}

/// The one row of a scalar input: a value for each of `len` steps.
pub(crate) async fn read_scalar(input: &Input, len: usize) -> Result<Values, QueryError> {
    let mut stream = input.open(0);
    let mut values = Vec::new();
    while let Some(record) = stream.next().await {
        let batch = series_batch(&record?)?;
        for row in batch.rows() {
            values.extend_from_slice(row.values);
        }
    }
    Values::new(values, len)
}

/// Scalar params in the form that kernels take.
pub(crate) fn as_params(values: &[Values]) -> Vec<Param<'_>> {
    values.iter().map(Values::param).collect()
}
