//! How plans run: the thread pool, a query's context with its memory, the
//! contract of operators, and the nodes of the physical plan.

pub mod account;
pub mod context;
pub mod gather;
pub mod memory;
pub mod metrics;
pub mod morsels;
pub mod operator;
pub mod ordered;
pub mod pieces;
pub mod plan_node;
pub mod pool;
pub mod step_counts;
pub mod store_control;
pub mod streamed;
