//! `quarrel compare`.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Instant;

use clap::Args;
use futures::StreamExt as _;
use quarrel_compliance::cases::Case;
use quarrel_compliance::cases::suite::{Suite, Target};
use quarrel_compliance::compare::{Accepted, CompareOptions, Comparison, Strictness, Tolerance};
use quarrel_compliance::report::{Format, Report};
use quarrel_engine::QueryTimes;

use super::access::{Access, access_args};
use super::endpoint::{Opened, RequestArgs};
use super::failure::{Failure, Outcome};
use super::options::EngineArgs;
use super::output::{self, StatusLine};
use super::sources::{SourceArgs, list};
use super::times::{Lazy, TimeArgs};

access_args!(ReferenceArgs, "reference-", "Options of the reference");
access_args!(TestArgs, "test-", "Options of the test");

/// Arguments of `quarrel compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The endpoint that is right: the URL of an HTTP API without /api/v1, or data:DIR for
    /// quarrel over a data directory.
    #[arg(long, value_name = "ENDPOINT")]
    reference: Option<String>,
    /// The endpoint that is compared with it.
    #[arg(long, value_name = "ENDPOINT")]
    test: Option<String>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    times: TimeArgs,
    #[command(flatten)]
    comparing: ComparingArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    requests: RequestArgs,
    #[command(flatten)]
    reference_access: ReferenceArgs,
    #[command(flatten)]
    test_access: TestArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// How answers are compared.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison")]
struct ComparingArgs {
    /// Largest difference of two equal values, as a fraction of the larger one.
    #[arg(long, value_name = "FRACTION", default_value_t = Tolerance::default().relative)]
    tolerance: f64,
    /// Values that are not farther apart than this are equal.
    #[arg(long, value_name = "VALUE", default_value_t = Tolerance::default().absolute)]
    floor: f64,
    /// Compare warnings and infos.
    #[arg(long)]
    annotations: bool,
    /// Compare the texts of errors.
    #[arg(long)]
    error_texts: bool,
    /// Compare the samples of each step, which Prometheus counts with its feature
    /// promql-per-step-stats.
    #[arg(long)]
    statistics: bool,
    /// Questions to spend on making a query that differs smaller. 0: none.
    #[arg(long, value_name = "N", default_value_t = 100)]
    shrink: usize,
    /// A choice among equal values, as of topk, is a difference.
    #[arg(long)]
    strict_ties: bool,
    /// How often the reference is asked again before a difference counts.
    #[arg(long, value_name = "N", default_value_t = CompareOptions::default().repeats)]
    repeats: usize,
    /// File with known differences and their reasons.
    #[arg(long, value_name = "FILE")]
    accept: Option<PathBuf>,
    /// Queries at a time, each asked of both endpoints.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// Stop after so many queries that differ. 0: never.
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_differences: usize,
}

/// What comes out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Form of the report: text, json, html, markdown or junit.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// File for the report. Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List queries with equal answers, too.
    #[arg(long)]
    list_equal: bool,
    /// Print the queries, and ask none.
    #[arg(long)]
    dry_run: bool,
}

/// Compares, and prints a report.
pub(super) async fn run(args: CompareArgs) -> Outcome {
    tokio::select! {
        // 1 says that there are differences.
        outcome = compare(args) => outcome.map_err(Failure::into_unasked),
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

async fn compare(args: CompareArgs) -> Outcome {
    let suite = args.sources.suite()?;
    let (reference, test) = args.endpoints(&suite).await?;
    let mut data = Lazy::new(&reference.endpoint, &args.sources, &args.times)?;
    let schedule = args.times.schedule(&suite, &mut data).await?;
    let known = match args.sources.needs_data() {
        true => Some(data.get().await?.clone()),
        false => None,
    };
    let sources = args.sources.cases(&suite, known.as_ref()).await?;
    for note in &sources.notes {
        eprintln!("{note}");
    }
    let times = schedule.times.len().max(1);
    let count = sources.count.map(|count| count.saturating_mul(times));
    let queries = sources.cases.flat_map(move |case| {
        let asked: Vec<_> = schedule.of(&case).collect();
        asked
    });
    if args.output.dry_run {
        return list(queries).await;
    }
    let mut options = args.comparing.options()?;
    options.tweaks = suite.tweaks;
    let comparison = Comparison::new(reference.endpoint.clone(), test.endpoint.clone(), options);
    let report = ask(&comparison, queries, count, &args).await;
    args.output.write(&report)?;
    verdict(&report)
}

impl CompareArgs {
    /// The endpoints of the command line, or those of the configuration files.
    async fn endpoints(&self, suite: &Suite) -> Result<(Opened, Opened), Failure> {
        let of = |given: &Option<String>, target: &Option<Target>| {
            let url = target.as_ref().map(|target| target.url.clone());
            given.clone().or(url.filter(|url| !url.is_empty()))
        };
        let reference = of(&self.reference, &suite.reference);
        let (Some(reference), Some(test)) = (reference, of(&self.test, &suite.test)) else {
            return Err(Failure::unasked(
                "two endpoints are needed: --reference ENDPOINT --test ENDPOINT",
            ));
        };
        let mut sides = [
            Access::from(self.reference_access.clone()),
            Access::from(self.test_access.clone()),
        ];
        for (access, target) in sides.iter_mut().zip([&suite.reference, &suite.test]) {
            access.add(target.as_ref());
        }
        let [first, second] = sides;
        let mut requests = self.requests.clone();
        requests.statistics = self.comparing.statistics;
        Ok((
            Opened::open(&reference, first, &requests, &self.engine).await?,
            Opened::open(&test, second, &requests, &self.engine).await?,
        ))
    }
}

async fn ask(
    comparison: &Comparison,
    queries: impl Iterator<Item = (Case, QueryTimes)>,
    count: Option<usize>,
    args: &CompareArgs,
) -> Report {
    let names = (comparison.reference().name(), comparison.test().name());
    let mut report = Report::new(names.0, names.1, args.output.list_equal);
    let begin = Instant::now();
    let of = count.map_or_else(String::new, |count| format!(" of {count}"));
    let mut line = StatusLine::start();
    let most = args.comparing.max_differences;
    let outcomes = comparison.outcomes(queries);
    let mut outcomes = pin!(outcomes);
    while let Some(outcome) = outcomes.next().await {
        report.add(outcome);
        line.update(|| {
            let (asked, different) = (report.counts.asked, report.counts.different);
            format!("{asked}{of} queries, {different} different")
        });
        if most > 0 && report.counts.different >= most {
            break;
        }
    }
    line.clear();
    report.finish(&comparison.options().accepted, begin.elapsed());
    report
}

/// Success without new differences; 1 with some, 2 if the reference did not
/// answer all queries.
fn verdict(report: &Report) -> Outcome {
    let counts = &report.counts;
    match (counts.different, counts.unasked) {
        (0, 0) if counts.asked == 0 => Err(Failure::unasked("there is no query to ask")),
        (0, 0) => Ok(()),
        // The report has the differences.
        (1.., _) => Err(Failure::silent()),
        (0, unasked) => Err(Failure::unasked(format_args!(
            "the reference gave no answer to {unasked} queries"
        ))),
    }
}

impl ComparingArgs {
    fn options(&self) -> Result<CompareOptions, Failure> {
        let accepted = match &self.accept {
            Some(path) => Accepted::read(path).map_err(Failure::unasked)?,
            None => Accepted::default(),
        };
        Ok(CompareOptions {
            strictness: Strictness {
                tolerance: Tolerance {
                    relative: self.tolerance,
                    absolute: self.floor,
                },
                annotations: self.annotations,
                error_texts: self.error_texts,
                statistics: self.statistics,
            },
            jobs: usize::from(self.jobs),
            repeats: self.repeats,
            strict_ties: self.strict_ties,
            accepted,
            shrink: self.shrink,
            ..CompareOptions::default()
        })
    }
}

impl OutputArgs {
    fn write(&self, report: &Report) -> Outcome {
        let mut text = Vec::new();
        let written = report.write(self.format, &mut text);
        written.map_err(Failure::unasked)?;
        output::write(&text, self.output.as_deref())
    }
}
