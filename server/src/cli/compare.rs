//! `quarrel compare`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use clap::Args;
use futures::StreamExt as _;
use quarrel_compliance::cases::Case;
use quarrel_compliance::compare::{
    Accepted, CompareOptions, Comparison, Schedule, Strictness, Tolerance,
};
use quarrel_compliance::endpoint::Endpoint;
use quarrel_compliance::report::{Format, Report};
use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::data::parse_time;
use super::endpoint::{Opened, RequestArgs, access_args};
use super::failure::{Failure, Outcome};
use super::options::{EngineArgs, Span};
use super::sources::SourceArgs;
use crate::time::Moment;

/// The time between two updates of the line on the terminal.
const PERIOD: Duration = Duration::from_millis(100);

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

/// When queries are asked that bring no times of their own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Times")]
struct TimeArgs {
    /// Ask at this time: RFC 3339, Unix seconds, or a duration before the end of the data
    /// (-1h). Can be repeated. Without times, two instants and a range inside the data are
    /// chosen.
    #[arg(long = "time", value_name = "TIME", allow_hyphen_values = true)]
    times: Vec<String>,
    /// Start of a range.
    #[arg(
        long,
        value_name = "TIME",
        requires = "end",
        allow_hyphen_values = true
    )]
    start: Option<String>,
    /// End of the range.
    #[arg(
        long,
        value_name = "TIME",
        requires = "start",
        allow_hyphen_values = true
    )]
    end: Option<String>,
    /// Step of the range.
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    step: Span,
    /// Length of the range that is chosen.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    range: Span,
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
        outcome = compare(args) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

async fn compare(args: CompareArgs) -> Outcome {
    let (Some(reference), Some(test)) = (&args.reference, &args.test) else {
        return Err(Failure::unasked(
            "two endpoints are needed: --reference ENDPOINT --test ENDPOINT",
        ));
    };
    let (requests, engine) = (&args.requests, &args.engine);
    let access = args.reference_access.clone().into();
    let reference = Opened::open(reference, access, requests, engine).await?;
    let access = args.test_access.clone().into();
    let test = Opened::open(test, access, requests, engine).await?;
    let schedule = args.times.schedule(&reference.endpoint).await?;
    let cases = args.sources.cases();
    let queries = cases.iter().flat_map(|case| schedule.of(case));
    let queries: Vec<(Case, QueryTimes)> = queries.collect();
    if args.output.dry_run {
        return list(&queries);
    }
    let options = args.comparing.options()?;
    let comparison = Comparison::new(reference.endpoint.clone(), test.endpoint.clone(), options);
    let report = ask(&comparison, queries, &args).await;
    args.output.write(&report)?;
    verdict(&report)
}

/// Prints the queries, one a line.
fn list(queries: &[(Case, QueryTimes)]) -> Outcome {
    let mut out = String::new();
    for (case, _) in queries {
        // A line break may stand in a string as well as between tokens.
        out.push_str(&case.query.replace('\n', " "));
        out.push('\n');
    }
    super::query::print(out.as_bytes())
}

async fn ask(
    comparison: &Comparison,
    queries: Vec<(Case, QueryTimes)>,
    args: &CompareArgs,
) -> Report {
    let names = (comparison.reference().name(), comparison.test().name());
    let mut report = Report::new(names.0, names.1, args.output.list_equal);
    let begin = Instant::now();
    let mut shown = Shown::start(queries.len());
    let most = args.comparing.max_differences;
    let outcomes = comparison.outcomes(queries);
    let mut outcomes = pin!(outcomes);
    while let Some(outcome) = outcomes.next().await {
        report.add(outcome);
        shown.update(&report);
        if most > 0 && report.counts.different >= most {
            break;
        }
    }
    shown.clear();
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

impl TimeArgs {
    async fn schedule(&self, reference: &Endpoint) -> Result<Schedule, Failure> {
        // Absolute times need no data.
        let absolute = |text: &String| {
            parse_time("time", text, Moment::from_ms(0)).is_ok()
                && !text.starts_with('-')
                && text != "now"
        };
        let given = self.times.iter().chain(&self.start).chain(&self.end);
        let last = match !self.times.is_empty() || self.start.is_some() {
            true if given.clone().all(absolute) => Timestamp::from_millis(0),
            chosen => {
                let bounds = reference.bounds(Timestamp::now(), self.range.ms()).await;
                let bounds = bounds.map_err(|error| {
                    Failure::unasked(format_args!("{}: {error}", reference.name()))
                })?;
                let Some((first, last)) = bounds else {
                    let name = reference.name();
                    return Err(Failure::unasked(format_args!("{name} has no data")));
                };
                if !chosen {
                    return Schedule::within(first, last, self.range.ms())
                        .map_err(Failure::unasked);
                }
                last
            }
        };
        self.given(last)
    }

    /// The times that are given; relative ones count from `last`.
    fn given(&self, last: Timestamp) -> Result<Schedule, Failure> {
        let now = Moment::from_ms(last.as_millis());
        let mut times = Vec::new();
        for text in &self.times {
            let at = parse_time("time", text, now)?.timestamp();
            times.push(QueryTimes::Instant(at));
        }
        if let (Some(start), Some(end)) = (&self.start, &self.end) {
            let start = parse_time("start", start, now)?.timestamp();
            let end = parse_time("end", end, now)?.timestamp();
            let range = QueryRange::new(start..=end, self.step.duration());
            times.push(QueryTimes::Range(range.map_err(Failure::unasked)?));
        }
        Ok(Schedule { times })
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
            },
            jobs: usize::from(self.jobs),
            repeats: self.repeats,
            strict_ties: self.strict_ties,
            accepted,
        })
    }
}

impl OutputArgs {
    fn write(&self, report: &Report) -> Outcome {
        let mut text = Vec::new();
        let written = report.write(self.format, &mut text);
        written.map_err(Failure::unasked)?;
        let Some(path) = &self.output else {
            return super::query::print(&text);
        };
        std::fs::write(path, text)
            .map_err(|error| Failure::unasked(format_args!("{}: {error}", path.display())))
    }
}

/// A line on the terminal that shows how far it is.
struct Shown {
    /// Queries in all; `None` if stderr is no terminal.
    queries: Option<usize>,
    drawn: Instant,
}

impl Shown {
    fn start(queries: usize) -> Self {
        Shown {
            queries: std::io::stderr().is_terminal().then_some(queries),
            drawn: Instant::now(),
        }
    }

    fn update(&mut self, report: &Report) {
        let (Some(queries), counts) = (self.queries, &report.counts) else {
            return;
        };
        if self.drawn.elapsed() >= PERIOD {
            self.drawn = Instant::now();
            let (asked, different) = (counts.asked, counts.different);
            eprint!("\r\x1b[K{asked} of {queries} queries, {different} different");
        }
    }

    fn clear(&self) {
        if self.queries.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
