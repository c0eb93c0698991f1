//! How scripts are run on an endpoint.

use std::time::Duration;

use super::request::WriteVersion;

/// How scripts are run on an endpoint.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// Where samples are sent to.
    pub write_url: String,
    /// How they are sent.
    pub write_version: WriteVersion,
    /// A command of the shell that makes the endpoint fresh, without data.
    pub reset: Option<String>,
    /// How long the endpoint may take to answer after that.
    pub ready_within: Duration,
    /// How long after a write its samples are sure to be found.
    pub settle: Duration,
    /// How much later than in the scripts everything happens, in milliseconds.
    /// Subqueries mean the same if it is a multiple of their steps.
    pub shift_ms: i64,
    /// Whether the texts of errors are compared.
    pub error_texts: bool,
    /// Whether warnings and infos are compared.
    pub annotations: bool,
}

impl RemoteOptions {
    /// What writes to a URL by remote write 1.0, and runs one script, since there
    /// is no command that makes the endpoint fresh.
    pub fn new(write_url: impl Into<String>) -> Self {
        RemoteOptions {
            write_url: write_url.into(),
            write_version: WriteVersion::default(),
            reset: None,
            ready_within: Duration::from_secs(60),
            settle: Duration::ZERO,
            shift_ms: 0,
            error_texts: false,
            annotations: false,
        }
    }
}
