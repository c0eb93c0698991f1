//! How plans run: the thread pool, a query's context, and the bridge from
//! quarrel's operators to DataFusion's `ExecutionPlan`.

pub mod context;
pub mod gather;
pub mod morsels;
pub mod operator;
pub mod ordered;
pub mod plan_node;
pub mod pool;
pub mod step_counts;
