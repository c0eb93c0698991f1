//! Asking.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quarrel_engine::QueryTimes;
use quarrel_storage::http_client::{HttpConfig, cause, shown, shown_text};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};

use super::error::{AskError, EndpointError};
use super::reply::{Reply, receive};
use crate::answer::{Answer, seconds};

/// A server that speaks Prometheus's HTTP API. Clones share its connections.
#[derive(Clone)]
pub struct Endpoint {
    name: Arc<str>,
    base: Url,
    client: Client,
    /// As `client`, but a redirect that would turn POST into GET, and lose the
    /// query, is not followed.
    poster: Client,
    /// Whether it does not know POST, as it has turned out.
    get_alone: Arc<AtomicBool>,
    options: Arc<EndpointOptions>,
}

/// Without its URL, which may have a password in it.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        f.debug_struct("Endpoint")
            .field("name", name)
            .finish_non_exhaustive()
    }
}

/// How an endpoint is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointOptions {
    /// What reports call it; empty for its URL without credentials.
    pub name: String,
    /// Authentication, headers and TLS.
    pub http: HttpConfig,
    /// Parameters that go along with each request, such as `dedup` of Thanos.
    pub parameters: Vec<(String, String)>,
    /// How long a request may take until its last byte.
    pub timeout: Duration,
    /// Whether answers may be sent compressed, by gzip.
    pub compression: bool,
    /// The largest answer, decompressed, in bytes.
    pub max_answer: u64,
    /// Whether queries are sent by GET. POST takes longer ones, and is turned
    /// into GET where a server does not know it.
    pub get: bool,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        EndpointOptions {
            name: String::new(),
            http: HttpConfig::default(),
            parameters: Vec::new(),
            timeout: Duration::from_secs(120),
            compression: false,
            max_answer: 1 << 30,
            get: false,
        }
    }
}

impl Endpoint {
    /// An endpoint below a URL: that of the API without `/api/v1`.
    ///
    /// # Errors
    /// [`EndpointError`] if the URL or the options cannot be used, or a file
    /// that they name cannot be read. No request is made.
    pub fn new(url: &str, options: EndpointOptions) -> Result<Self, EndpointError> {
        let base = base(url)?;
        let client = client(&options, false)?;
        let poster = self::client(&options, true)?;
        let name = match options.name.is_empty() {
            true => shown(&base),
            false => options.name.clone(),
        };
        Ok(Endpoint {
            name: name.into(),
            base,
            client,
            poster,
            get_alone: Arc::new(AtomicBool::new(options.get)),
            options: Arc::new(options),
        })
    }

    /// What reports call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its options.
    pub fn options(&self) -> &EndpointOptions {
        &self.options
    }

    /// The URL of a path below `/api/v1/`, with all that the endpoint's own URL has.
    pub fn url(&self, path: &str) -> String {
        self.address(path).to_string()
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let below = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{below}/api/v1/{path}"));
        url
    }

    /// Asks for a query's answer, and leaves it unread.
    ///
    /// # Errors
    /// [`AskError`] if nothing complete came back in time.
    pub async fn ask(&self, query: &str, times: QueryTimes) -> Result<Reply, AskError> {
        let (path, parameters) = request(query, times);
        self.send(path, &parameters, false).await
    }

    /// Asks for a query's answer. Reading it takes a blocking thread.
    ///
    /// # Errors
    /// [`AskError`] if nothing complete came back in time, or nothing of the
    /// HTTP API's form. An error of the query is an [`Answer`].
    pub async fn query(&self, query: &str, times: QueryTimes) -> Result<Answer, AskError> {
        let reply = self.ask(query, times).await?;
        let read = tokio::task::spawn_blocking(move || Answer::read(reply.status, reply.body));
        match read.await {
            Ok(answer) => Ok(answer?),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Sends a body to a URL of the same server, with the endpoint's
    /// authentication.
    ///
    /// # Errors
    /// [`AskError`] if nothing complete came back in time.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply, AskError> {
        let mut request = self.client.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (limit, mut begun) = (self.options.timeout, false);
        let answered = tokio::time::timeout(limit, self.receive(request, &mut begun));
        match answered.await {
            Ok(reply) => reply,
            Err(_) => Err(AskError::Timeout { limit, begun }),
        }
    }

    /// Sends a request to a path below `/api/v1/`, by GET alone where `get` says
    /// so or the options do.
    pub(super) async fn send(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        get: bool,
    ) -> Result<Reply, AskError> {
        let limit = self.options.timeout;
        let mut begun = false;
        let answered =
            tokio::time::timeout(limit, self.try_send(path, parameters, get, &mut begun));
        match answered.await {
            Ok(reply) => reply,
            Err(_) => Err(AskError::Timeout { limit, begun }),
        }
    }

    async fn try_send(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        get: bool,
        begun: &mut bool,
    ) -> Result<Reply, AskError> {
        if !get && !self.get_alone.load(Ordering::Relaxed) {
            let reply = self.once(Method::POST, path, parameters, begun).await?;
            if !matches!(reply.status, 301..=303 | 405 | 501) {
                return Ok(reply);
            }
            self.get_alone.store(true, Ordering::Relaxed);
        }
        self.once(Method::GET, path, parameters, begun).await
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, String)],
        begun: &mut bool,
    ) -> Result<Reply, AskError> {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}/api/v1/{path}",
            self.base.path().trim_end_matches('/')
        ));
        let fixed = &self.options.parameters;
        let fixed = fixed.iter().map(|(name, value)| (name.as_str(), value));
        let all = parameters.iter().map(|(name, value)| (*name, value));
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(all.chain(fixed))
            .finish();
        let request = match method {
            Method::GET => {
                // What the URL has already stays.
                let query = [url.query().unwrap_or_default(), &form].join("&");
                url.set_query(Some(query.trim_matches('&')));
                self.client.get(url)
            }
            _ => {
                let post = self.poster.post(url).body(form);
                post.header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            }
        };
        self.receive(request, begun).await
    }

    async fn receive(
        &self,
        request: reqwest::RequestBuilder,
        begun: &mut bool,
    ) -> Result<Reply, AskError> {
        let asked = Instant::now();
        let sent = request.send().await;
        let response = sent.map_err(|error| match error.is_connect() {
            true => AskError::Connect(cause(&error)),
            false => AskError::Broken {
                received: 0,
                reason: cause(&error),
            },
        })?;
        receive(response, asked, self.options.max_answer, begun).await
    }
}

/// The path of a query below `/api/v1/`, and its parameters.
fn request(query: &str, times: QueryTimes) -> (&'static str, Vec<(&'static str, String)>) {
    let mut parameters = vec![("query", query.to_string())];
    match times {
        QueryTimes::Instant(at) => {
            parameters.push(("time", seconds(at.as_millis())));
            ("query", parameters)
        }
        QueryTimes::Range(range) => {
            parameters.push(("start", seconds(range.start().as_millis())));
            parameters.push(("end", seconds(range.end().as_millis())));
            parameters.push(("step", seconds(range.step_millis())));
            ("query_range", parameters)
        }
    }
}

fn base(text: &str) -> Result<Url, EndpointError> {
    let refused = |reason: &dyn std::fmt::Display| EndpointError::Url {
        // A URL may have a password in it.
        url: shown_text(text),
        reason: reason.to_string(),
    };
    let url = Url::parse(text).map_err(|error| refused(&error))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(refused(&format_args!("its scheme is {scheme:?}"))),
    }
}

fn client(options: &EndpointOptions, posts: bool) -> Result<Client, EndpointError> {
    let http = &options.http;
    let builder = http.builder()?;
    let mut builder = builder
        .connect_timeout(options.timeout.min(Duration::from_secs(10)))
        .default_headers(headers(options)?);
    builder = match (http.follow_redirects, posts) {
        (Some(false), _) => builder,
        (_, false) => builder.redirect(Policy::default()),
        (_, true) => builder.redirect(http.redirects_of_posts()),
    };
    Ok(HttpConfig::build(builder)?)
}

fn headers(options: &EndpointOptions) -> Result<HeaderMap, EndpointError> {
    let mut headers = options.http.request_headers()?;
    let encoding = match options.compression {
        true => "gzip",
        false => "identity",
    };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    Ok(headers)
}
