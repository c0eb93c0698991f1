//! `quarrel query`.

use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use futures::StreamExt as _;
use quarrel_engine::{Query, QueryOptions, QueryRange, QueryResult, QueryTimes, Timestamp};

use super::data::{DataArgs, parse_time};
use super::failure::{Failure, Outcome};
use super::options::EngineArgs;
use crate::api::{Document, QueryPieces};
use crate::format::{self, Style};
use crate::params::parse_duration;
use crate::progress;
use crate::time::Moment;

/// Arguments of `quarrel query`.
#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// The query.
    query: String,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    times: Times,
    /// How to print the answer.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Colors in plots.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
    #[command(flatten)]
    engine: EngineArgs,
}

/// The formats of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns.
    Table,
    /// The JSON of the HTTP API.
    Json,
    /// One line for each sample; label names in the first line.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A plot in the terminal.
    Plot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// When a query is evaluated.
#[derive(Clone, Debug, Args)]
#[command(
    next_help_heading = "Times (RFC 3339, Unix seconds, or before the end of the data: -1h30m)"
)]
pub(super) struct Times {
    /// Evaluation time of an instant query. Default: the time of the last
    /// sample.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["start", "end", "step"])]
    time: Option<String>,
    /// Start of a range query. Default: an hour before its end.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    start: Option<String>,
    /// End of a range query. Default: the time of the last sample.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    end: Option<String>,
    /// Step of a range query, a duration or seconds. Default: 250 steps, at
    /// least a second each.
    #[arg(long, value_name = "DURATION", value_parser = parse_step)]
    step: Option<i64>,
}

/// Milliseconds.
fn parse_step(text: &str) -> Result<i64, String> {
    match parse_duration(text)? / 1_000_000 {
        ms if ms > 0 => Ok(ms),
        _ => Err("the step must be at least a millisecond".to_string()),
    }
}

impl Times {
    /// The times of the query; `last` is the end of the data.
    pub(super) fn resolve(&self, last: Option<Moment>) -> Result<QueryTimes, Failure> {
        let last = last.unwrap_or_else(Moment::now);
        let time = |name: &str, text: &Option<String>, default: Moment| match text {
            Some(text) => parse_time(name, text, last).map(Moment::query_ms),
            None => Ok(default.query_ms()),
        };
        if self.start.is_none() && self.end.is_none() && self.step.is_none() {
            let at_ms = time("time", &self.time, last)?;
            return Ok(Timestamp::from_millis(at_ms).into());
        }
        let end = time("end", &self.end, last)?;
        let start = time(
            "start",
            &self.start,
            Moment::from_ms(end.saturating_sub(3_600_000)),
        )?;
        if end < start {
            return Err(Failure::new("--end must not be before --start"));
        }
        let step = self
            .step
            .unwrap_or_else(|| (end.saturating_sub(start) / 250).max(1000));
        let range = QueryRange::from_millis(start..=end, step).map_err(Failure::new)?;
        Ok(range.into())
    }
}

/// A query of the command line, ready to run on its data.
pub(super) async fn prepare(
    text: &str,
    engine: &EngineArgs,
    data: &DataArgs,
    times: &Times,
) -> Result<Query, Failure> {
    let engine = engine.engine_for_terminal()?;
    let prepared = engine.prepare(text);
    let prepared = prepared.map_err(|error| Failure::query(text, &error))?;
    let data = data.open().await?;
    let times = times.resolve(data.last)?;
    Ok(prepared.query(Arc::clone(&data.storage), times, QueryOptions::new()))
}

pub(super) async fn run(args: QueryArgs) -> Outcome {
    let query = prepare(&args.query, &args.engine, &args.data, &args.times).await?;
    let cancel = query.cancel_handle();
    let shown = progress::Shown::start(query.progress());
    let work = async {
        match args.format {
            Format::Json => json(query, &args.query).await,
            _ => {
                let result = query.execute().await;
                let result = result.map_err(|error| Failure::query(&args.query, &error))?;
                Ok(Output::Result(Box::new(result)))
            }
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => {
            cancel.cancel();
            Err(Failure::interrupted())
        }
    };
    shown.stop().await;
    match outcome? {
        Output::Printed => Ok(()),
        Output::Result(result) => print_result(&args, &result),
    }
}

enum Output {
    Printed,
    Result(Box<QueryResult>),
}

/// Prints the answer as the API does, while it is computed.
async fn json(query: Query, text: &str) -> Result<Output, Failure> {
    let stream = query
        .stream()
        .await
        .map_err(|error| Failure::query(text, &error))?;
    let document = Document::new(Box::new(QueryPieces::new(stream, 0, false)));
    let mut pieces = std::pin::pin!(document.bytes());
    while let Some(piece) = pieces.next().await {
        print(&piece.map_err(|error| Failure::new(error.to_string()))?)?;
    }
    print(b"\n")?;
    Ok(Output::Printed)
}

fn print_result(args: &QueryArgs, result: &QueryResult) -> Outcome {
    for warning in &result.warnings {
        eprintln!("warning: {warning}");
    }
    for info in &result.infos {
        eprintln!("info: {info}");
    }
    let style = Style::of_terminal(match args.color {
        Color::Auto => None,
        Color::Always => Some(true),
        Color::Never => Some(false),
    });
    let mut out = io::BufWriter::new(io::stdout().lock());
    let value = &result.value;
    let written = match args.format {
        Format::Table => format::table(value, &style, &mut out),
        Format::Csv => format::csv(value, &mut out),
        Format::Plot => format::plot(value, &style, &mut out),
        Format::Arrow => format::arrow(value, &mut out),
        Format::Json => Ok(()),
    };
    finish(written.and_then(|()| out.flush()))
}

/// Writes to the standard output.
pub(super) fn print(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    finish(out.write_all(bytes).and_then(|()| out.flush()))
}

/// A reader that closes the pipe, such as `head`, is not a failure.
fn finish(written: io::Result<()>) -> Outcome {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(time: &str, start: &str, end: &str, step: Option<i64>) -> Times {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
        Times {
            time: some(time),
            start: some(start),
            end: some(end),
            step,
        }
    }

    #[test]
    fn times_default_to_the_datas_end() {
        let last = Some(Moment::from_ms(10_000_000));
        let resolve = |times: Times| times.resolve(last).unwrap();
        let at = |ms| QueryTimes::Instant(Timestamp::from_millis(ms));
        let over = |times, step| QueryRange::from_millis(times, step).unwrap().into();
        assert_eq!(resolve(times("", "", "", None)), at(10_000_000));
        assert_eq!(resolve(times("-1h", "", "", None)), at(6_400_000));
        assert_eq!(resolve(times("5", "", "", None)), at(5000));
        let want = over(6_400_000..=10_000_000, 14_400);
        assert_eq!(resolve(times("", "-1h", "", None)), want);
        let want = over(1_400_000..=5_000_000, 15_000);
        assert_eq!(resolve(times("", "", "5000", Some(15_000))), want);
        let want = over(9_990_000..=10_000_000, 1000);
        assert_eq!(resolve(times("", "-10s", "now", None)), want);
        assert!(times("", "5", "4", None).resolve(last).is_err());
        assert!(times("tomorrow", "", "", None).resolve(last).is_err());
    }

    #[test]
    fn steps_are_durations() {
        assert_eq!(parse_step("15s"), Ok(15_000));
        assert_eq!(parse_step("0.5"), Ok(500));
        for bad in ["0", "-1", "0.0001", "x"] {
            assert!(parse_step(bad).is_err(), "{bad}");
        }
    }
}
