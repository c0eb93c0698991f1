//! The options of `quarrel test` for another server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use quarrel_compliance::Summary;
use quarrel_compliance::endpoint::Endpoint;
use quarrel_compliance::remote::{RemoteOptions, WriteVersion, run_remote};

use super::access::{Access, access_args};
use super::data::parse_time;
use super::endpoint::{RequestArgs, options};
use super::failure::Failure;
use super::options::Span;
use crate::time::Moment;

access_args!(AccessArgs, "", "Options of the server of --url");

/// What shifts are multiples of, in milliseconds: 21 hours have most steps as
/// divisors, so that subqueries mean the same.
const SHIFT_UNIT: i64 = 75_600_000;

/// Where scripts run, if not here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Another server")]
pub(super) struct RemoteArgs {
    /// Run the scripts on a server: the URL of an HTTP API without /api/v1. What scripts load
    /// is sent by remote write.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where samples are sent to. Default: /api/v1/write of the URL.
    #[arg(long, value_name = "URL", requires = "url")]
    write_url: Option<String>,
    /// Version of remote write. 2 has start timestamps.
    #[arg(long, value_name = "N", default_value = "1", requires = "url")]
    remote_write_version: Version,
    /// Command of the shell that makes the server fresh, without data. Without it only the
    /// first script that loads something is run, up to its first clear.
    #[arg(long, value_name = "CMD", requires = "url")]
    reset: Option<String>,
    /// How long the server may take to answer after a reset.
    #[arg(long, value_name = "DURATION", default_value = "1m", requires = "url")]
    ready_within: Span,
    /// How long after a write its samples are sure to be found.
    #[arg(long, value_name = "DURATION", default_value = "0s", requires = "url")]
    settle: Span,
    /// The time that stands for 0 in scripts: RFC 3339, Unix seconds, or a duration before now
    /// (-7d). It is rounded down to a multiple of 21 h. Queries that depend on the absolute
    /// time are skipped then.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "0",
        requires = "url",
        allow_hyphen_values = true
    )]
    shift: String,
    /// Compare warnings and infos.
    #[arg(long, requires = "url")]
    annotations: bool,
    /// Compare the texts of errors.
    #[arg(long, requires = "url")]
    error_texts: bool,
    #[command(flatten)]
    requests: RequestArgs,
    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Version {
    #[default]
    #[value(name = "1")]
    V1,
    #[value(name = "2")]
    V2,
}

impl RemoteArgs {
    /// Whether scripts run on another server.
    pub(super) fn is_asked(&self) -> bool {
        self.url.is_some()
    }

    /// Runs scripts on the server, if there is one.
    pub(super) async fn run(&self, files: &[PathBuf]) -> Result<Option<Summary>, Failure> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let asked = options(Access::from(self.access.clone()), &self.requests)?;
        let endpoint = Endpoint::new(url, asked).map_err(Failure::unasked)?;
        let options = self.options(&endpoint)?;
        let summary = run_remote(files, &endpoint, &options).await;
        let summary = summary.map_err(Failure::unasked)?;
        match summary.passed() + summary.failed() {
            0 => Err(Failure::unasked(format_args!(
                "nothing was run:\n{summary}"
            ))),
            _ => Ok(Some(summary)),
        }
    }

    fn options(&self, endpoint: &Endpoint) -> Result<RemoteOptions, Failure> {
        let own = || endpoint.url("write");
        let start = parse_time("shift", &self.shift, Moment::now())?.query_ms();
        Ok(RemoteOptions {
            write_version: match self.remote_write_version {
                Version::V1 => WriteVersion::V1,
                Version::V2 => WriteVersion::V2,
            },
            reset: self.reset.clone(),
            ready_within: self.ready_within.duration(),
            settle: self.settle.duration(),
            shift_ms: start - start.rem_euclid(SHIFT_UNIT),
            error_texts: self.error_texts,
            annotations: self.annotations,
            ..RemoteOptions::new(self.write_url.clone().unwrap_or_else(own))
        })
    }
}
