//! Where queries come from.

use clap::Args;
use quarrel_compliance::cases::{Case, Origin};

/// What is asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Queries")]
pub(super) struct SourceArgs {
    /// A query. Can be repeated.
    #[arg(long = "query", value_name = "PROMQL", allow_hyphen_values = true)]
    queries: Vec<String>,
}

impl SourceArgs {
    /// All queries.
    pub(super) fn cases(&self) -> Vec<Case> {
        let queries = self.queries.iter();
        let origin = Origin::new("command line", "");
        queries
            .map(|query| Case::new(query, origin.clone()))
            .collect()
    }
}
