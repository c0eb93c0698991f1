//! `quarrel parse` and `quarrel format`.

use clap::Args;
use quarrel_planner::{ParserOptions, parse as parse_query, to_json, to_pretty};

use super::failure::{Failure, Outcome};

/// Arguments of `quarrel parse`.
#[derive(Debug, Args)]
pub(super) struct ParseArgs {
    /// The query.
    query: String,
}

/// Arguments of `quarrel format`.
#[derive(Debug, Args)]
pub(super) struct FormatArgs {
    /// The query.
    query: String,
}

/// Experimental syntax is allowed, since nothing is run.
fn tree(query: &str) -> Result<quarrel_planner::Tree, Failure> {
    parse_query(query, &ParserOptions::all()).map_err(|error| Failure::parse(query, &error))
}

pub(super) fn parse(args: &ParseArgs) -> Outcome {
    let tree = tree(&args.query)?;
    let json = serde_json::to_string_pretty(&to_json(tree.expr())).map_err(Failure::new)?;
    println!("{json}");
    Ok(())
}

pub(super) fn format(args: &FormatArgs) -> Outcome {
    println!("{}", to_pretty(tree(&args.query)?.expr()));
    Ok(())
}
