//! `quarrel explain`.

use clap::Args;
use quarrel_engine::{Explanation, Query};

use super::data::DataArgs;
use super::failure::{Failure, Outcome};
use super::options::EngineArgs;
use super::query::Times;

/// Arguments of `quarrel explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The query.
    query: String,
    /// Run the query, and show the statistics of each operator.
    #[arg(long)]
    analyze: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    times: Times,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn run(args: ExplainArgs) -> Outcome {
    let query = super::query::prepare(&args.query, &args.engine, &args.data, &args.times).await?;
    let explanation = explain(query, args.analyze).await?;
    let explanation = explanation.map_err(|error| Failure::query(&args.query, &error))?;
    super::query::print(explanation.to_string().as_bytes())
}

async fn explain(
    query: Query,
    analyze: bool,
) -> Result<Result<Explanation, quarrel_engine::QueryError>, Failure> {
    let cancel = query.cancel_handle();
    let work = async {
        if analyze {
            query.analyze().await
        } else {
            query.explain().await
        }
    };
    tokio::select! {
        explanation = work => Ok(explanation),
        _ = tokio::signal::ctrl_c() => {
            cancel.cancel();
            Err(Failure::interrupted())
        }
    }
}
