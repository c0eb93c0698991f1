//! A server, and the requests to it.

use std::fmt;
use std::sync::Arc;

use prost::Message as _;
use quarrel_proto::remote_read::PROTOBUF;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, Url};

use super::config::RemoteReadConfig;
use super::error::{ReadError, RemoteReadError};
use super::metrics::Counters;
use super::request::Question;
use crate::http_client::{HttpConfig, cause, shown, shown_text};

/// Headers that belong to the protocol, or to HTTP, as in Prometheus.
const RESERVED: [&str; 10] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "accept-encoding",
    "x-prometheus-remote-read-version",
];
/// How much of a refusal is read, bytes.
const REFUSAL: usize = 4 << 10;

/// A server that is asked.
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    /// The URL without what is secret in it.
    pub(super) shown: Arc<str>,
    pub(super) config: RemoteReadConfig,
    pub(super) counters: Counters,
}

/// Without its URL, which may have a password in it.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("url", &self.shown).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(config: RemoteReadConfig) -> Result<Self, RemoteReadError> {
        let refused = |reason: String| RemoteReadError::Url {
            url: shown_text(&config.url),
            reason,
        };
        let url = Url::parse(&config.url).map_err(|error| refused(error.to_string()))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => {}
            scheme => return Err(refused(format!("its scheme is {scheme:?}"))),
        }
        let own = config.http.headers.keys();
        let mut headers = own.chain(config.http.http_headers.keys());
        if let Some(name) = headers.find(|name| is_reserved(name)) {
            return Err(RemoteReadError::ReservedHeader(name.clone()));
        }
        if config.forms.is_empty() {
            return Err(RemoteReadError::NoForm);
        }
        // What is wrong with the headers shows now.
        config.http.request_headers()?;
        let builder = config.http.builder()?;
        let builder = builder.redirect(config.http.redirects_of_posts());
        Ok(Client {
            http: HttpConfig::build(builder)?,
            shown: shown(&url).into(),
            url,
            config,
            counters: Counters::default(),
        })
    }

    /// What metrics and warnings call it.
    pub(super) fn name(&self) -> &str {
        match &*self.config.name {
            "" => &self.shown,
            name => name,
        }
    }

    /// Sends a request; an answer that is none is an error.
    pub(super) async fn send(&self, question: &Question) -> Result<Response, ReadError> {
        let message = question.message.encode_to_vec();
        let body = snap::raw::Encoder::new().compress_vec(&message);
        let body = body.map_err(|error| ReadError::Send(error.to_string()))?;
        let request = self.http.post(self.url.clone()).headers(self.headers()?);
        let sent = request.body(body).send().await;
        let response = sent.map_err(|error| ReadError::Send(cause(&error)))?;
        let status = response.status();
        if !status.is_success() {
            return Err(ReadError::Status {
                status: status.to_string(),
                text: refusal(response).await,
            });
        }
        Ok(response)
    }

    fn headers(&self) -> Result<HeaderMap, ReadError> {
        let mut headers = self.config.http.request_headers()?;
        let snappy = HeaderValue::from_static("snappy");
        headers.insert(CONTENT_ENCODING, snappy.clone());
        headers.insert(reqwest::header::ACCEPT_ENCODING, snappy);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        let version = HeaderValue::from_static("0.1.0");
        headers.insert("x-prometheus-remote-read-version", version);
        Ok(headers)
    }
}

fn is_reserved(name: &str) -> bool {
    RESERVED
        .iter()
        .any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// The beginning of a refusal's text.
async fn refusal(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < REFUSAL {
        match response.chunk().await {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(REFUSAL);
    String::from_utf8_lossy(&body).trim().to_string()
}
