//! The file of `--web.config.file`: TLS, headers, passwords and the rate of
//! requests, in the format of Prometheus's exporter toolkit.
//!
//! [`TlsFiles`] are certificates that flags name, for a server without such a file.
//!
//! `file` reads the settings, `tls` and `client_certs` make a configuration of
//! rustls of them, `auth` checks passwords, and `rate` counts requests. The file
//! and those that it names are read again when they have changed, so that
//! certificates can be replaced while the server runs.

mod auth;
mod certificates;
mod client_certs;
mod file;
mod rate;
#[cfg(test)]
mod tests;
mod tls;
mod watched;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use rustls::ServerConfig;

use auth::{Authenticator, Users};
use file::{File, Source, Tls};
use rate::{Limiter, Rate};
use watched::Watched;

/// The headers that may be set, with their values if not all are allowed.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// An error of the file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WebConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: String,
    },
    /// It is not YAML, or has settings that are not known.
    #[error("{0}")]
    Syntax(String),
    /// A setting is wrong or not supported.
    #[error("{name}: {why}")]
    Setting {
        /// The setting's name in the file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file turned TLS on or off since the start.
    #[error("tls_server_config: turning TLS on or off needs a restart")]
    Turned,
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random,
}

impl WebConfigError {
    fn setting(name: &str, why: impl fmt::Display) -> Self {
        WebConfigError::Setting {
            name: name.to_string(),
            why: why.to_string(),
        }
    }
}

/// What the file says.
#[derive(Debug)]
struct Settings {
    tls: Option<Arc<ServerConfig>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    users: Users,
    rate: Option<Rate>,
    /// The file and those that it names.
    files: Vec<PathBuf>,
}

/// Where settings come from.
#[derive(Debug)]
enum Origin {
    /// The file of `--web.config.file`.
    File(PathBuf),
    /// Flags.
    Flags(TlsFiles),
}

impl Origin {
    /// The files, as far as they are known before any is read.
    fn files(&self) -> Vec<PathBuf> {
        match self {
            Origin::File(path) => vec![path.clone()],
            Origin::Flags(files) => files.paths(),
        }
    }
}

/// The files of a server's certificates.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate and those between it and its authority, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Who signs the certificates that clients must have, PEM; `None`: they need
    /// none.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    fn paths(&self) -> Vec<PathBuf> {
        let all = [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()];
        all.into_iter().flatten().cloned().collect()
    }
}

/// TLS of HTTP/2, by certificates that flags name. They are read again when they
/// have changed.
#[derive(Debug)]
pub struct FlaggedTls(Watched);

impl FlaggedTls {
    /// Reads the files.
    ///
    /// # Errors
    /// If a file cannot be read, or does not hold what it should.
    pub fn open(files: TlsFiles) -> Result<Self, WebConfigError> {
        let (settings, _) = Watched::open(Origin::Flags(files))?;
        Ok(FlaggedTls(settings))
    }

    /// The configuration for a new connection.
    pub(crate) async fn config(&self) -> Result<Arc<ServerConfig>, WebConfigError> {
        let settings = self.0.now().await?;
        settings.tls.clone().ok_or(WebConfigError::Turned)
    }
}

impl Settings {
    fn read(origin: &Origin) -> Result<Self, WebConfigError> {
        match origin {
            Origin::File(path) => Settings::of_file(path),
            Origin::Flags(files) => Settings::of_flags(files),
        }
    }

    fn of_flags(files: &TlsFiles) -> Result<Self, WebConfigError> {
        let tls = Tls::of_files(files);
        Ok(Settings {
            tls: Some(tls::config(&tls, tls::HTTP_2)?),
            headers: Vec::new(),
            rate: None,
            users: Users::default(),
            files: files.paths(),
        })
    }

    fn of_file(path: &Path) -> Result<Self, WebConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| WebConfigError::Read {
            path: path.to_path_buf(),
            why: error.to_string(),
        })?;
        let dir = path.parent().unwrap_or(Path::new(""));
        let mut file = File::parse(&text, dir)?;
        let (tls, mut files) = (file.tls(), vec![path.to_path_buf()]);
        if let Some(tls) = tls {
            let named = [tls.certificate(), tls.private_key(), tls.authorities()];
            files.extend(named.into_iter().flatten().filter_map(Source::path));
        }
        Ok(Settings {
            tls: tls.map(|tls| tls::config(tls, tls::HTTP_1)).transpose()?,
            headers: file.headers().map(checked).collect::<Result<_, _>>()?,
            rate: file.rate_limit().map(Rate::new).transpose()?.flatten(),
            users: Users::new(file.users())?,
            files,
        })
    }
}

/// A header that may be set.
fn checked((name, value): (&str, &str)) -> Result<(HeaderName, HeaderValue), WebConfigError> {
    let wrong = |why: String| WebConfigError::setting("headers", why);
    let Some((_, values)) = HEADERS.iter().find(|(known, _)| *known == name) else {
        return Err(wrong(format!("{name} cannot be set")));
    };
    if !values.is_empty() && !values.contains(&value) {
        let values = values.join(" or ");
        return Err(wrong(format!("{name} must be {values}, not {value:?}")));
    }
    let value = HeaderValue::from_str(value);
    let value = value.map_err(|error| wrong(format!("{name}: {error}")))?;
    let name = HeaderName::from_bytes(name.as_bytes());
    let name = name.map_err(|error| wrong(error.to_string()))?;
    Ok((name, value))
}

/// The settings of the file, as they are now.
#[derive(Debug)]
pub struct WebConfig {
    settings: Watched,
    has_tls: bool,
    authenticator: Authenticator,
    limiter: Limiter,
}

impl WebConfig {
    /// Reads the file and all that it names.
    ///
    /// # Errors
    /// If a file cannot be read, or a setting is wrong or not supported.
    pub fn open(path: &Path) -> Result<Self, WebConfigError> {
        let (settings, first) = Watched::open(Origin::File(path.to_path_buf()))?;
        Ok(WebConfig {
            settings,
            has_tls: first.tls.is_some(),
            authenticator: Authenticator::new()?,
            limiter: Limiter::default(),
        })
    }

    /// Whether connections are encrypted.
    pub fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// The configuration for a new connection; `None` without TLS.
    pub(crate) async fn tls(&self) -> Result<Option<Arc<ServerConfig>>, WebConfigError> {
        if !self.has_tls {
            return Ok(None);
        }
        let settings = self.settings.now().await?;
        settings.tls.clone().map(Some).ok_or(WebConfigError::Turned)
    }

    /// Lets a request pass, and gives the headers of its answer.
    ///
    /// # Errors
    /// The answer, if the request may not pass.
    pub(crate) async fn admit(&self, request: &HeaderMap) -> Result<ExtraHeaders, Response<Body>> {
        let settings = self.settings.now().await.map_err(|error| {
            tracing::error!(%error, "Unable to read the web configuration");
            refusal(StatusCode::INTERNAL_SERVER_ERROR)
        })?;
        if let Some(rate) = settings.rate
            && !self.limiter.allow(rate, Instant::now())
        {
            return Err(refusal(StatusCode::TOO_MANY_REQUESTS));
        }
        let users = &settings.users;
        if users.is_empty() || self.authenticator.check(users, request).await {
            return Ok(ExtraHeaders(settings));
        }
        let mut refused = refusal(StatusCode::UNAUTHORIZED);
        let basic = HeaderValue::from_static("Basic");
        refused
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, basic);
        ExtraHeaders(settings).set(refused.headers_mut());
        Err(refused)
    }
}

/// The headers that answers carry.
pub(crate) struct ExtraHeaders(Arc<Settings>);

impl ExtraHeaders {
    /// Sets those that the answer does not have itself.
    pub(crate) fn set(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0.headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Go's `http.Error` with the name of the status.
fn refusal(status: StatusCode) -> Response<Body> {
    let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
