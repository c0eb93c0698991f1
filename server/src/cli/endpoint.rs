//! Endpoints on the command line.

use std::path::Path;

use clap::Args;
use quarrel_compliance::endpoint::{Endpoint, EndpointOptions};

use super::access::{Access, http};
use super::failure::Failure;
use super::loopback::Loopback;
use super::options::{EngineArgs, Span};

/// An endpoint, and the server behind it if it is one of this process.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) endpoint: Endpoint,
    _server: Option<Loopback>,
}

/// How all endpoints of a command are asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Request options")]
pub(super) struct RequestArgs {
    /// How long a request may take until its last byte.
    #[arg(
        id = "request-timeout",
        long = "timeout",
        value_name = "DURATION",
        default_value = "2m"
    )]
    pub(super) timeout: Span,
    /// Let endpoints compress their answers.
    #[arg(long)]
    pub(super) compression: bool,
    /// Send queries by GET. Without it they are sent by POST, and by GET to those who do not
    /// know that.
    #[arg(long)]
    pub(super) get: bool,
    /// Whether statistics are asked for.
    #[arg(skip)]
    pub(super) statistics: bool,
}

impl Opened {
    /// The endpoint that an argument names: a URL, or `data:DIR` for quarrel over
    /// a data directory.
    pub(super) async fn open(
        target: &str,
        access: Access,
        requests: &RequestArgs,
        engine: &EngineArgs,
    ) -> Result<Self, Failure> {
        let mut options = options(access, requests)?;
        let server = match target.strip_prefix("data:") {
            Some(dir) => {
                if options.name.is_empty() {
                    options.name = target.to_string();
                }
                Some(Loopback::serve(Path::new(dir), engine).await?)
            }
            None => None,
        };
        let url = server.as_ref().map_or(target, Loopback::url);
        Ok(Opened {
            endpoint: Endpoint::new(url, options).map_err(Failure::unasked)?,
            _server: server,
        })
    }
}

pub(super) fn options(access: Access, requests: &RequestArgs) -> Result<EndpointOptions, Failure> {
    let mut parameters = Vec::new();
    for pair in &access.parameters {
        let pair = pair.split_once('=');
        let (name, value) =
            pair.ok_or_else(|| Failure::unasked("a parameter is NAME=VALUE, such as dedup=false"))?;
        parameters.push((name.to_string(), value.to_string()));
    }
    if requests.statistics {
        parameters.push(("stats".to_string(), "all".to_string()));
    }
    Ok(EndpointOptions {
        name: access.name.clone().unwrap_or_default(),
        http: http(access)?,
        parameters,
        timeout: requests.timeout.duration(),
        compression: requests.compression,
        get: requests.get,
        ..EndpointOptions::default()
    })
}
