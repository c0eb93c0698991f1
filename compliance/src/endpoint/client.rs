//! Asking.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quarrel_engine::QueryTimes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, Method, Proxy, Url};

use super::config::{self, HttpConfig, TlsConfig};
use super::error::{AskError, EndpointError};
use super::reply::{Reply, cause, receive};
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
        url: shown_text(text).to_string(),
        reason: reason.to_string(),
    };
    let url = Url::parse(text).map_err(|error| refused(&error))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(refused(&format_args!("its scheme is {scheme:?}"))),
    }
}

/// A text that is no URL, without what would be a password or a token in one.
fn shown_text(text: &str) -> &str {
    let text = text.rsplit('@').next().unwrap_or_default();
    text.split('?').next().unwrap_or_default()
}

/// A URL without what must not be shown.
pub(crate) fn shown_url(text: &str) -> String {
    let url = Url::parse(text);
    url.map_or_else(|_| shown_text(text).to_string(), |url| shown(&url))
}

/// The same of a URL that was read.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither fails for a URL with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_string()
}

fn client(options: &EndpointOptions, posts: bool) -> Result<Client, EndpointError> {
    // Whoever has chosen a provider for the process keeps it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = &options.http;
    let mut builder = Client::builder()
        .user_agent(concat!("quarrel/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.timeout.min(Duration::from_secs(10)))
        .tcp_nodelay(true)
        .default_headers(headers(options)?);
    builder = match (http.follow_redirects, posts) {
        (Some(false), _) => builder.redirect(Policy::none()),
        (_, false) => builder,
        (_, true) => builder.redirect(Policy::custom(|attempt| match attempt.status().as_u16() {
            307 | 308 if attempt.previous().len() < 10 => attempt.follow(),
            _ => attempt.stop(),
        })),
    };
    if let Some(proxy) = &http.proxy_url {
        let proxy = Proxy::all(proxy.expose());
        let proxy = proxy.map_err(|error| settings("proxy_url", &error))?;
        builder = builder.proxy(proxy);
    }
    if let Some(tls) = &http.tls_config {
        builder = with_tls(builder, tls)?;
    }
    builder.build().map_err(|error| settings("TLS", &error))
}

fn headers(options: &EndpointOptions) -> Result<HeaderMap, EndpointError> {
    let mut headers = HeaderMap::new();
    let encoding = match options.compression {
        true => "gzip",
        false => "identity",
    };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    let authorization = options.http.authorization()?;
    let authorization = authorization.map(|value| (AUTHORIZATION.as_str().to_string(), value));
    let others = options.http.headers.iter();
    let others = others.map(|(name, value)| (name.clone(), value.expose().to_string()));
    for (name, value) in authorization.into_iter().chain(others) {
        let refused = |error: &dyn std::fmt::Display| EndpointError::Header {
            name: name.clone(),
            reason: error.to_string(),
        };
        let key = reqwest::header::HeaderName::from_bytes(name.as_bytes());
        let key = key.map_err(|error| refused(&error))?;
        let mut value = HeaderValue::from_str(&value).map_err(|error| refused(&error))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

fn with_tls(
    mut builder: reqwest::ClientBuilder,
    tls: &TlsConfig,
) -> Result<reqwest::ClientBuilder, EndpointError> {
    if let Some(path) = &tls.ca_file {
        let pem = config::read(path)?;
        let certificates = Certificate::from_pem_bundle(pem.as_bytes());
        let certificates = certificates.map_err(|error| settings("ca_file", &error))?;
        builder = builder.tls_certs_only(certificates);
    }
    match (&tls.cert_file, &tls.key_file) {
        (Some(cert), Some(key)) => {
            let pem = format!("{}\n{}", config::read(cert)?, config::read(key)?);
            let identity = Identity::from_pem(pem.as_bytes());
            builder = builder.identity(identity.map_err(|error| settings("cert_file", &error))?);
        }
        (None, None) => {}
        _ => {
            let text = "cert_file and key_file go together";
            return Err(EndpointError::Settings(text.to_string()));
        }
    }
    if tls.insecure_skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    Ok(builder)
}

fn settings(part: &str, error: &dyn std::error::Error) -> EndpointError {
    EndpointError::Settings(format!("{part}: {}", cause(error)))
}
