//! What the rules and queries of one test share.

use std::sync::Arc;

use quarrel_engine::{Engine, QueryOptions};
use tokio::runtime::Runtime;

use super::store::TestStore;
use crate::template::Labels;

/// The surroundings of a test.
pub(super) struct Context<'a> {
    pub(super) engine: &'a Engine,
    pub(super) query_options: QueryOptions,
    pub(super) runtime: &'a Runtime,
    pub(super) store: Arc<TestStore>,
    pub(super) external_labels: Arc<Labels>,
    pub(super) external_url: Arc<str>,
}
