//! A client of settings.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy};
use rustls::SupportedProtocolVersion;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};

use super::config::{HttpConfig, TlsConfig, read};
use super::error::HttpConfigError;
use super::shown::cause;
use crate::client_tls::{ClientTls, Pem};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl HttpConfig {
    /// A client with the settings' TLS, proxy and name, without their headers. Redirects
    /// are not followed.
    ///
    /// # Errors
    /// If they do not go together, or a file cannot be read.
    pub fn builder(&self) -> Result<ClientBuilder, HttpConfigError> {
        // Whoever has chosen a provider for the process keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("quarrel/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .redirect(Policy::none())
            .http1_only();
        match (&self.proxy_url, &self.no_proxy) {
            (Some(_), _) if self.proxy_from_environment == Some(true) => {
                let text = "at most one of proxy_url and proxy_from_environment is possible";
                return Err(HttpConfigError::settings(text));
            }
            (Some(proxy), without) => {
                let without = without.as_deref().and_then(NoProxy::from_string);
                let proxy = Proxy::all(proxy.expose());
                let proxy = proxy.map_err(|error| settings("proxy_url", &error))?;
                builder = builder.proxy(proxy.no_proxy(without));
            }
            (None, Some(_)) => {
                let text = "no_proxy needs a proxy_url";
                return Err(HttpConfigError::settings(text));
            }
            (None, None) if self.proxy_from_environment == Some(false) => {
                builder = builder.no_proxy();
            }
            (None, None) => {}
        }
        if let Some(tls) = &self.tls_config {
            builder = builder.tls_backend_preconfigured(tls.client()?);
        }
        Ok(builder)
    }

    /// The client of a builder.
    ///
    /// # Errors
    /// If TLS refuses.
    pub fn build(builder: ClientBuilder) -> Result<Client, HttpConfigError> {
        builder.build().map_err(|error| settings("TLS", &error))
    }

    /// Follows the redirects of requests by POST that stay such, on the same server: the
    /// headers of the settings are not for others.
    pub fn redirects_of_posts(&self) -> Policy {
        if self.follow_redirects == Some(false) {
            return Policy::none();
        }
        Policy::custom(|attempt| {
            let same = attempt
                .previous()
                .last()
                .is_some_and(|last| last.origin() == attempt.url().origin());
            match attempt.status().as_u16() {
                307 | 308 if same && attempt.previous().len() <= MAX_REDIRECTS => attempt.follow(),
                _ => attempt.stop(),
            }
        })
    }

    /// The headers of a request, files read anew.
    ///
    /// # Errors
    /// If one cannot be sent, or a file cannot be read.
    pub fn request_headers(&self) -> Result<HeaderMap, HttpConfigError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = self.authorization()? {
            append(&mut headers, AUTHORIZATION.as_str(), &value)?;
        }
        for (name, value) in &self.headers {
            append(&mut headers, name, value.expose())?;
        }
        for (name, header) in &self.http_headers {
            for value in &header.values {
                append(&mut headers, name, value)?;
            }
            for value in &header.secrets {
                append(&mut headers, name, value.expose())?;
            }
            for file in &header.files {
                append(&mut headers, name, read(file)?.trim())?;
            }
        }
        Ok(headers)
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), HttpConfigError> {
    let refused = |error: &dyn std::fmt::Display| HttpConfigError::Header {
        name: name.to_string(),
        reason: error.to_string(),
    };
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|error| refused(&error))?;
    let mut value = HeaderValue::from_str(value).map_err(|error| refused(&error))?;
    value.set_sensitive(true);
    headers.append(key, value);
    Ok(())
}

impl TlsConfig {
    fn client(&self) -> Result<rustls::ClientConfig, HttpConfigError> {
        let key = self.key.as_ref().map(|key| key.expose());
        let name = self.server_name.as_deref().filter(|name| !name.is_empty());
        let name = name.map(|name| {
            let parsed = ServerName::try_from(name.to_string());
            parsed.map_err(|_| {
                HttpConfigError::settings(format!("server_name: {name:?} is no name of a server"))
            })
        });
        let settings = ClientTls {
            authorities: pem("ca", self.ca.as_deref(), self.ca_file.as_deref())?,
            certificate: pem("cert", self.cert.as_deref(), self.cert_file.as_deref())?,
            key: pem("key", key, self.key_file.as_deref())?,
            skip_verify: self.insecure_skip_verify,
            server_name: name.transpose()?,
            versions: &self.versions()?,
            protocols: &[b"http/1.1"],
        };
        let config = settings.config();
        config.map_err(|error| HttpConfigError::settings(format!("tls_config: {error}")))
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, HttpConfigError> {
        let number = |version: &Option<String>, default| match version.as_deref() {
            None | Some("") => Ok(default),
            // Older ones, which nobody should speak, mean the oldest that is spoken.
            Some("TLS10" | "TLS11" | "TLS12") => Ok(12),
            Some("TLS13") => Ok(13),
            Some(other) => Err(HttpConfigError::settings(format!(
                "tls_config: unknown TLS version: {other}"
            ))),
        };
        let (oldest, newest) = (
            number(&self.min_version, 12)?,
            number(&self.max_version, 13)?,
        );
        match (oldest, newest) {
            (12, 13) => Ok(vec![&TLS13, &TLS12]),
            (12, 12) => Ok(vec![&TLS12]),
            (13, 13) => Ok(vec![&TLS13]),
            _ => Err(HttpConfigError::settings(
                "tls_config: min_version is above max_version",
            )),
        }
    }
}

fn pem<'a>(
    name: &str,
    text: Option<&'a str>,
    file: Option<&'a std::path::Path>,
) -> Result<Option<Pem<'a>>, HttpConfigError> {
    match (text.filter(|text| !text.is_empty()), file) {
        (Some(_), Some(_)) => Err(HttpConfigError::settings(format!(
            "tls_config: at most one of {name} and {name}_file is possible"
        ))),
        (Some(text), None) => Ok(Some(Pem::Text(text))),
        (None, file) => Ok(file.filter(|f| !f.as_os_str().is_empty()).map(Pem::File)),
    }
}

fn settings(part: &str, error: &dyn std::error::Error) -> HttpConfigError {
    HttpConfigError::settings(format!("{part}: {}", cause(error)))
}
