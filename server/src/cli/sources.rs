//! Where queries come from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use quarrel_compliance::cases::suite::{self, Suite};
use quarrel_compliance::cases::{self, Case, Origin, builtin, dashboards};
use quarrel_compliance::endpoint::EndpointData;
use quarrel_compliance::random::{Generator, Options};
use quarrel_engine::QueryTimes;
use quarrel_matchers::Regex;

use super::failure::{Failure, Outcome};
use super::options::Span;

/// What is asked. Without any source, it is the list that is built in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Queries")]
pub(super) struct SourceArgs {
    /// A query. Can be repeated.
    #[arg(long = "query", value_name = "PROMQL", allow_hyphen_values = true)]
    queries: Vec<String>,
    /// Files with a query a line, or with JSON objects as in a query log. Can be repeated, and
    /// have * in it.
    #[arg(long = "queries", value_name = "FILE")]
    lists: Vec<PathBuf>,
    /// Configuration files of the PromQL compliance suite, which are read as one. Can be
    /// repeated.
    #[arg(long = "config", value_name = "FILE")]
    configs: Vec<PathBuf>,
    /// Prometheus's rule files. Can be repeated, and have * in it.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Grafana's dashboards, JSON. Can be repeated, and have * in it.
    #[arg(long, value_name = "FILE")]
    dashboards: Vec<PathBuf>,
    /// Make so many queries from the labels, values and types of the data.
    #[arg(long, value_name = "N")]
    random: Option<u64>,
    /// Make random queries for so long.
    #[arg(long, value_name = "DURATION", conflicts_with = "random")]
    random_for: Option<Span>,
    /// Seed of random queries: the same seed gives the same queries on the same data.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many of 100 random queries are wrong on purpose [default: 6, none in bench].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) broken: Option<u8>,
    /// No random query looks behind the last time of the data, where a server may still write.
    #[arg(long)]
    past: bool,
    /// Ask experimental functions and syntax, too, of random queries and of the list that is
    /// built in.
    #[arg(long)]
    experimental: bool,
    /// Leave out queries that this regular expression matches somewhere.
    #[arg(long, value_name = "REGEX", value_parser = anywhere)]
    skip: Option<Regex>,
}

/// Queries, one after the other, and what went along with them.
pub(super) struct Sources {
    pub(super) cases: Box<dyn Iterator<Item = Case> + Send>,
    /// How many there are; `None` if time decides.
    pub(super) count: Option<usize>,
    /// Notes for the user.
    pub(super) notes: Vec<String>,
}

fn anywhere(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!("(?s:.*(?:{pattern}).*)")).map_err(|error| error.to_string())
}

/// How many queries of dashboards are left out for each reason.
fn left_out(left_out: &[dashboards::LeftOut]) -> Vec<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for one in left_out {
        *reasons.entry(one.reason.to_string()).or_default() += 1;
    }
    let notes = reasons.into_iter();
    notes
        .map(|(reason, count)| match count {
            1 => format!("1 query of the dashboards is left out: it {reason}"),
            count => format!("{count} queries of the dashboards are left out: each {reason}"),
        })
        .collect()
}

impl SourceArgs {
    /// What the configuration files say.
    pub(super) fn suite(&self) -> Result<Suite, Failure> {
        suite::load(&self.configs).map_err(Failure::unasked)
    }

    /// Whether the data of an endpoint is needed to make the queries.
    pub(super) fn needs_data(&self) -> bool {
        self.is_random() || !self.dashboards.is_empty() || !self.is_given()
    }

    /// Whether random queries go on until a time is over.
    pub(super) fn is_endless(&self) -> bool {
        self.random_for.is_some()
    }

    /// Whether queries are made at random.
    pub(super) fn is_random(&self) -> bool {
        self.random.is_some() || self.random_for.is_some()
    }

    fn is_given(&self) -> bool {
        let files = [&self.lists, &self.configs, &self.rules, &self.dashboards];
        !self.queries.is_empty() || files.iter().any(|files| !files.is_empty())
    }

    /// All queries. `data` is there if it is needed.
    pub(super) async fn cases(
        &self,
        suite: &Suite,
        data: Option<&EndpointData>,
    ) -> Result<Sources, Failure> {
        let mut notes = Vec::new();
        let origin = Origin::new("command line", "");
        let given = self.queries.iter();
        let mut cases: Vec<Case> = given.map(|text| Case::new(text, origin.clone())).collect();
        cases.extend(suite.cases.iter().cloned());
        let found = |patterns| cases::expand(patterns).map_err(Failure::unasked);
        cases.extend(cases::lines(&found(&self.lists)?).map_err(Failure::unasked)?);
        cases.extend(cases::rules(&found(&self.rules)?).map_err(Failure::unasked)?);
        if let (Some(data), false) = (data, self.dashboards.is_empty()) {
            let (start, end) = data.between();
            let options = dashboards::Options::new(start, end);
            let files = found(&self.dashboards)?;
            let found = dashboards::dashboards(&files, data, &options).await;
            let found = found.map_err(Failure::unasked)?;
            notes.extend(left_out(&found.left_out));
            cases.extend(found.cases);
        }
        if let (Some(data), false) = (data, self.is_given() || self.is_random()) {
            let variables = builtin::discover(data).await.map_err(Failure::unasked)?;
            let list = builtin::builtin(&variables, self.experimental).map_err(Failure::unasked)?;
            if !list.left_out.is_empty() {
                let count = list.left_out.len();
                let missing = list.left_out.iter().flat_map(|one| &one.missing);
                let mut missing: Vec<&str> = missing.map(String::as_str).collect();
                missing.sort_unstable();
                missing.dedup();
                notes.push(format!(
                    "{count} queries of the list are left out: the data have no {}",
                    missing.join(", ")
                ));
            }
            cases.extend(list.cases);
        }
        let skip = self.skip.clone();
        let kept = move |case: &Case| {
            let skip = skip.as_ref();
            !skip.is_some_and(|skip| skip.is_match(case.query.as_bytes()))
        };
        cases.retain(&kept);
        let mut count = Some(cases.len());
        let mut all: Box<dyn Iterator<Item = Case> + Send> = Box::new(cases.into_iter());
        if let (Some(data), true) = (data, self.is_random()) {
            let schema = data.schema().await.map_err(Failure::unasked)?;
            let options = Options {
                experimental: self.experimental,
                broken: self.broken.unwrap_or(Options::default().broken),
                past: self.past,
            };
            let random = Generator::new(schema, self.seed, options);
            let most = self
                .random
                .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
            count = count
                .filter(|_| self.random.is_some())
                .map(|count| count.saturating_add(most));
            let time = self.random_for.map_or(Duration::MAX, Span::duration);
            let begin = Instant::now();
            let random = random
                .take(most)
                .take_while(move |_| begin.elapsed() < time);
            all = Box::new(all.chain(random.filter(kept)));
        }
        Ok(Sources {
            cases: all,
            count,
            notes,
        })
    }
}

/// How much is printed at a time, bytes.
const PIECE: usize = 64 << 10;

/// Prints the queries, one a line, as `--queries` reads them.
pub(super) async fn list(queries: impl Iterator<Item = (Case, QueryTimes)>) -> Outcome {
    let mut out = String::new();
    let mut last = String::new();
    for (case, _) in queries {
        if case.query == last {
            continue;
        }
        match case.query.contains('\n') || case.query.starts_with(['#', '{', ' ']) {
            true => out.push_str(&serde_json::json!({ "query": case.query }).to_string()),
            false => out.push_str(&case.query),
        }
        out.push('\n');
        last = case.query;
        if out.len() >= PIECE {
            super::query::print(std::mem::take(&mut out).as_bytes())?;
            // Ctrl-C is heard between two pieces.
            tokio::task::yield_now().await;
        }
    }
    super::query::print(out.as_bytes())
}
