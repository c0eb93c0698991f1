//! How a server is read from.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http_client::HttpConfig;

/// A form of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseForm {
    /// Encoded chunks, streamed.
    Chunks,
    /// Samples, in one message.
    Samples,
}

/// A server of remote read, under the names of Prometheus's `remote_read`.
///
/// `Debug` shows no secret, but for those in the URL.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RemoteReadConfig {
    /// The URL that requests go to.
    pub url: String,
    /// What metrics and warnings call it; empty for the URL without what is secret in it.
    pub name: String,
    /// How long a request may take until its last byte.
    pub remote_timeout: Duration,
    /// Bytes that a frame of a streamed answer may have.
    pub chunked_read_limit: u64,
    /// Authentication, headers, TLS and proxy.
    pub http: HttpConfig,
    /// Whether it is asked for times of which storages beside it have all; see
    /// [`RemoteRead::beside`](super::RemoteRead::beside).
    pub read_recent: bool,
    /// Labels that a selector has to require by `=` with these values, else the server is
    /// not asked.
    pub required_matchers: BTreeMap<String, String>,
    /// External labels: the server is asked for series that have them, but where a
    /// selector says something of a label itself. What is asked for so, series do not
    /// have in the answer.
    pub external_labels: BTreeMap<String, String>,
    /// Forms of answers, the best first.
    pub forms: Vec<ResponseForm>,
}

impl RemoteReadConfig {
    /// The server at a URL, by the defaults of Prometheus, but that it is asked for all
    /// times, and has no external labels.
    pub fn new(url: impl Into<String>) -> Self {
        RemoteReadConfig {
            url: url.into(),
            name: String::new(),
            remote_timeout: Duration::from_secs(60),
            chunked_read_limit: 50_000_000,
            http: HttpConfig {
                proxy_from_environment: Some(false),
                ..HttpConfig::default()
            },
            read_recent: true,
            required_matchers: BTreeMap::new(),
            external_labels: BTreeMap::new(),
            forms: vec![ResponseForm::Chunks, ResponseForm::Samples],
        }
    }
}
