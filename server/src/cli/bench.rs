//! `quarrel bench`.

use std::path::PathBuf;

use clap::Args;
use quarrel_compliance::bench::{
    BenchOptions, Changes, Format, Progress, Record, Summary, run as measure, write,
};
use quarrel_compliance::cases::suite::{Suite, Target};
use quarrel_compliance::cases::{Case, Expected};
use quarrel_compliance::endpoint::Endpoint;
use quarrel_engine::QueryTimes;

use super::access::{Access, access_args};
use super::endpoint::{Opened, RequestArgs};
use super::failure::{Failure, Outcome};
use super::options::{EngineArgs, Span};
use super::output::{self, StatusLine};
use super::sources::{SourceArgs, list};
use super::times::{Lazy, TimeArgs};

/// The most queries of a run; random ones may have no end.
const MOST_QUERIES: usize = 100_000;

access_args!(AccessArgs, "", "Options of all endpoints");

/// Arguments of `quarrel bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Endpoints: the URL of an HTTP API without /api/v1, or data:DIR for quarrel over a data
    /// directory, maybe with a name for the report in front: NAME=URL. The others are compared
    /// with the first. Default: those of --config.
    #[arg(value_name = "ENDPOINT")]
    endpoints: Vec<String>,
    #[command(flatten)]
    measuring: MeasuringArgs,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    times: TimeArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    requests: RequestArgs,
    #[command(flatten)]
    access: AccessArgs,
    /// File as of --http-config for the endpoint of a name, NAME=FILE. Can be repeated.
    #[arg(long, value_name = "PAIR", help_heading = "Options of all endpoints")]
    http_config_of: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// How much is asked. Without these, one request at a time, for at most five minutes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Measuring")]
struct MeasuringArgs {
    /// How often each query is asked of each endpoint, after a first time that is told apart.
    #[arg(long, value_name = "N", default_value_t = BenchOptions::default().rounds)]
    rounds: u32,
    /// Make no request after this time.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    duration: Span,
    /// Queries at a time, each of one endpoint after the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// Most requests a second, over all endpoints. Default: no limit but --jobs.
    #[arg(long, value_name = "N", value_parser = positive)]
    rate: Option<f64>,
    /// Print what would be asked and how much of it, and measure nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What comes out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Form of the report: text, json, markdown or html.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// File for the report. Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compare with an earlier run: its report in JSON.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Fail if a mean ratio, to the first endpoint or to the earlier run, is larger for sure:
    /// with its whole interval.
    #[arg(long, value_name = "RATIO", value_parser = positive)]
    fail_above: Option<f64>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|n: &f64| *n > 0.0 && n.is_finite());
    number.ok_or_else(|| format!("{text:?} is no number above 0"))
}

/// Measures, and prints a report.
pub(super) async fn run(args: BenchArgs) -> Outcome {
    tokio::select! {
        // 1 says that something is slower than allowed.
        outcome = bench(args) => outcome.map_err(Failure::into_unasked),
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

async fn bench(mut args: BenchArgs) -> Outcome {
    if args.sources.is_endless() {
        return Err(Failure::unasked(
            "bench asks the same queries again: use --random N",
        ));
    }
    // How long an error takes says nothing.
    args.sources.broken.get_or_insert(0);
    let suite = args.sources.suite()?;
    let earlier = match &args.output.baseline {
        Some(path) => Some(Record::read(path).map_err(Failure::unasked)?),
        None => None,
    };
    let opened = args.open(&suite).await?;
    let endpoints: Vec<Endpoint> = opened.iter().map(|one| one.endpoint.clone()).collect();
    let queries = args.queries(&suite, &endpoints[0]).await?;
    let options = args.measuring.options();
    let names: Vec<&str> = endpoints.iter().map(Endpoint::name).collect();
    let budget = options.budget(queries.len(), endpoints.len());
    eprintln!(
        "{budget}: {} queries of {}",
        queries.len(),
        names.join(", ")
    );
    if args.measuring.dry_run {
        return list(queries.into_iter()).await;
    }
    let mut line = StatusLine::start();
    let record = measure(&endpoints, &queries, &options, |progress| {
        line.update(|| {
            let Progress {
                requests,
                failed,
                round,
            } = progress;
            let all = budget.requests;
            format!("round {round}, {requests} of {all} requests, {failed} failed")
        })
    })
    .await;
    line.clear();
    let summary = Summary::of(&record);
    let changes = earlier.map(|earlier| Changes::since(&earlier, &record));
    let changes = changes.unwrap_or_default();
    let report = write(&record, &summary, &changes, args.output.format);
    output::write(report.as_bytes(), args.output.output.as_deref())?;
    verdict(&summary, &changes, args.output.fail_above)
}

impl BenchArgs {
    /// The endpoints of the command line, or those of the configuration files.
    async fn open(&self, suite: &Suite) -> Result<Vec<Opened>, Failure> {
        let targets = [&suite.reference, &suite.test].into_iter().flatten();
        let targets: Vec<&Target> = targets.filter(|target| !target.url.is_empty()).collect();
        let mut given: Vec<(&str, Option<&Target>)> =
            self.endpoints.iter().map(|text| (&**text, None)).collect();
        if given.is_empty() {
            given.extend(targets.iter().map(|target| (&*target.url, Some(*target))));
        }
        if given.is_empty() {
            return Err(Failure::unasked("an endpoint is needed: its URL"));
        }
        let mut opened = Vec::new();
        let mut configs = self.configs()?;
        for (text, target) in given {
            let (name, url) = named(text);
            let mut access = Access::from(self.access.clone());
            access.add(target);
            access.name = name.map(String::from);
            let own = configs.iter().position(|(of, _)| Some(*of) == name);
            if let Some(own) = own {
                access.http_config = Some(configs.remove(own).1);
            }
            opened.push(Opened::open(url, access, &self.requests, &self.engine).await?);
        }
        match configs.first() {
            None => Ok(opened),
            Some((name, _)) => Err(Failure::unasked(format_args!(
                "--http-config-of: no endpoint is called {name}"
            ))),
        }
    }

    fn configs(&self) -> Result<Vec<(&str, PathBuf)>, Failure> {
        let pairs = self.http_config_of.iter().map(|text| {
            let pair = text.split_once('=');
            let pair = pair.ok_or_else(|| Failure::unasked("--http-config-of takes NAME=FILE"));
            pair.map(|(name, file)| (name, PathBuf::from(file)))
        });
        pairs.collect()
    }

    /// The queries with their times, without those that must fail: where no times
    /// are given, one at the end of the data and a range before it.
    async fn queries(
        &self,
        suite: &Suite,
        first: &Endpoint,
    ) -> Result<Vec<(Case, QueryTimes)>, Failure> {
        let mut data = Lazy::new(first, &self.sources, &self.times)?;
        let mut schedule = self.times.schedule(suite, &mut data).await?;
        if !self.times.is_given() && schedule.times.len() > 2 {
            // Instants take as long in the middle.
            schedule.times.remove(0);
        }
        let known = match self.sources.needs_data() {
            true => Some(data.get().await?.clone()),
            false => None,
        };
        let sources = self.sources.cases(suite, known.as_ref()).await?;
        for note in &sources.notes {
            eprintln!("{note}");
        }
        let mut queries = Vec::new();
        // How long an error takes says nothing.
        let answered = |case: &Case| case.expected != Expected::Failure;
        for case in sources.cases.filter(answered) {
            queries.extend(schedule.of(&case));
            if queries.len() > MOST_QUERIES {
                return Err(Failure::unasked(format_args!(
                    "more than {MOST_QUERIES} queries"
                )));
            }
        }
        match queries.is_empty() {
            true => Err(Failure::unasked("there is no query to ask")),
            false => Ok(queries),
        }
    }
}

/// The name in front of an endpoint, and the endpoint. A URL has a colon before
/// it has an equals sign.
fn named(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, url)) if !name.contains([':', '/']) && !name.is_empty() => (Some(name), url),
        _ => (None, text),
    }
}

impl MeasuringArgs {
    fn options(&self) -> BenchOptions {
        BenchOptions {
            rounds: self.rounds,
            duration: self.duration.duration(),
            jobs: usize::from(self.jobs),
            rate: self.rate,
        }
    }
}

/// 2 if nothing was measured, 1 if something is slower than allowed.
fn verdict(summary: &Summary, changes: &[Changes], most: Option<f64>) -> Outcome {
    if summary.totals.iter().any(|total| total.answered == 0) {
        return Err(Failure::unasked("an endpoint has answered nothing"));
    }
    let Some(most) = most else { return Ok(()) };
    let others = summary.totals.iter().skip(1);
    let others = others.map(|total| (total.ratio, total.interval));
    let changes = changes.iter().map(|one| (one.ratio, one.interval));
    let ratios: Vec<_> = others.chain(changes).collect();
    if ratios.iter().any(|(ratio, _)| ratio.is_none()) {
        return Err(Failure::unasked(
            "--fail-above: there is no query that both sides have answered",
        ));
    }
    let least = |(ratio, interval): (Option<f64>, Option<_>)| {
        interval
            .map(|interval: quarrel_compliance::bench::Interval| interval.low)
            .or(ratio)
    };
    match ratios.into_iter().filter_map(least).any(|low| low > most) {
        // The report has the numbers.
        true => Err(Failure::silent()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use quarrel_compliance::bench::{Interval, Total};

    use super::*;

    #[test]
    fn a_name_stands_before_a_url() {
        for (text, name, url) in [
            ("http://a:9090", None, "http://a:9090"),
            ("new=http://a?x=y", Some("new"), "http://a?x=y"),
            ("http://a/?x=y", None, "http://a/?x=y"),
            ("data:/a=b", None, "data:/a=b"),
            ("=x", None, "=x"),
        ] {
            assert_eq!(named(text), (name, url));
        }
    }

    #[test]
    fn what_is_slower_for_sure_fails() {
        let first = Total {
            answered: 1,
            ..Total::default()
        };
        let summary = |low, answered| Summary {
            totals: vec![
                first.clone(),
                Total {
                    ratio: (answered > 0).then_some(1.5),
                    interval: Some(Interval { low, high: 2.0 }),
                    answered,
                    ..Total::default()
                },
            ],
            lines: Vec::new(),
        };
        let apart = Summary {
            totals: vec![first.clone(), first.clone()],
            lines: Vec::new(),
        };
        // Nothing that both have answered.
        assert!(verdict(&apart, &[], None).is_ok());
        assert!(verdict(&apart, &[], Some(1.2)).is_err());
        assert!(verdict(&summary(1.3, 1), &[], None).is_ok());
        assert!(verdict(&summary(1.1, 1), &[], Some(1.2)).is_ok());
        assert!(verdict(&summary(1.3, 1), &[], Some(1.2)).is_err());
        assert!(verdict(&summary(1.0, 0), &[], None).is_err());
    }
}
