//! Sends spans.
//!
//! They are sent by a thread of the SDK, which has no runtime; connections live on the
//! program's.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    Compression, RetryPolicy, SpanExporter as OtlpExporter, WithExportConfig as _,
    WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use quarrel_storage::store_api::{TlsConfig, client_tls, dial};
use tokio::runtime::Handle;
use tonic::metadata::{MetadataKey, MetadataMap};

use super::config::{ClientType, Config, TracingError};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an export may take, where nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where collectors listen.
const GRPC: &str = "localhost:4317";
const HTTP: &str = "localhost:4318";

/// An exporter as the configuration says. Called within a runtime.
///
/// # Errors
/// If the settings are wrong, or a file cannot be read.
pub(super) fn build(config: &Config) -> Result<Logged<OtlpExporter>, TracingError> {
    let timeout = config.timeout()?;
    let retry = match config.retry()? {
        Some((number, first, most)) => RetryPolicy::recommended()
            .with_max_retries(number)
            .with_initial_delay(first)
            .with_max_delay(most),
        None => RetryPolicy::disabled(),
    };
    let compression = config.is_gzipped().then_some(Compression::Gzip);
    let built = match config.client_type {
        Some(ClientType::Grpc) => {
            let address = without_scheme(config.endpoint().unwrap_or(GRPC));
            let channel = dial(address, config.tls().as_ref(), CONNECT)?;
            let mut builder = OtlpExporter::builder()
                .with_tonic()
                .with_channel(channel)
                .with_metadata(metadata(config)?)
                .with_retry_policy(retry);
            if let Some(compression) = compression {
                builder = builder.with_compression(compression);
            }
            if let Some(timeout) = timeout {
                builder = builder.with_timeout(timeout);
            }
            builder.build()
        }
        _ => {
            let mut builder = OtlpExporter::builder()
                .with_http()
                .with_http_client(client(config, timeout)?)
                .with_headers(headers(config)?)
                .with_retry_policy(retry);
            if !config.of_environment {
                builder = builder.with_endpoint(url(config));
            }
            if let Some(compression) = compression {
                builder = builder.with_compression(compression);
            }
            if let Some(timeout) = timeout {
                builder = builder.with_timeout(timeout);
            }
            builder.build()
        }
    };
    let exporter = built.map_err(|error| TracingError::Exporter(error.to_string()))?;
    Ok(Logged {
        exporter,
        failed: AtomicBool::new(false),
    })
}

fn without_scheme(endpoint: &str) -> &str {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    rest.trim_end_matches('/')
}

/// The URL of HTTP: as in Thanos, an endpoint has no scheme, and a path of its own.
fn url(config: &Config) -> String {
    let endpoint = config.endpoint().unwrap_or(HTTP);
    let scheme = match config.insecure {
        true => "http",
        false => "https",
    };
    let path = config.url_path.as_deref().filter(|path| !path.is_empty());
    let path = path.unwrap_or("/v1/traces").trim_start_matches('/');
    format!("{scheme}://{}/{path}", without_scheme(endpoint))
}

/// The headers, checked; what is wrong is told by name alone.
fn headers(config: &Config) -> Result<HashMap<String, String>, TracingError> {
    let all = config.headers.iter().flatten();
    let checked = all.map(|(name, value)| {
        let is_name = axum::http::HeaderName::from_bytes(name.as_bytes()).is_ok();
        let is_value = axum::http::HeaderValue::from_str(value).is_ok();
        match is_name && is_value {
            true => Ok((name.clone(), value.clone())),
            false => Err(TracingError::setting(name, "is no header")),
        }
    });
    checked.collect()
}

fn metadata(config: &Config) -> Result<MetadataMap, TracingError> {
    let mut metadata = MetadataMap::new();
    for (name, value) in headers(config)? {
        let wrong = || TracingError::setting(&name, "is no header");
        let key = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes());
        let key = key.map_err(|_| wrong())?;
        metadata.insert(key, value.parse().map_err(|_| wrong())?);
    }
    Ok(metadata)
}

/// A client of HTTP on the program's runtime.
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

fn client(config: &Config, timeout: Option<Duration>) -> Result<Client, TracingError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(timeout.unwrap_or(TIMEOUT))
        .redirect(reqwest::redirect::Policy::none());
    // Without TLS, nobody's certificate is looked at.
    let tls = config.tls().unwrap_or_else(|| TlsConfig {
        skip_verify: true,
        ..TlsConfig::default()
    });
    let mut settings = client_tls(&tls)?;
    settings.alpn_protocols.clear();
    builder = builder.tls_backend_preconfigured(settings);
    let client = builder.build();
    Ok(Client {
        client: client.map_err(|error| TracingError::Exporter(error.to_string()))?,
        runtime: Handle::current(),
    })
}

/// The most of an answer that is read, bytes.
const MAX_ANSWER: usize = 1 << 20;

#[tonic::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let request = reqwest::Request::try_from(request)?;
            let mut answer = client.execute(request).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.extend(std::mem::take(answer.headers_mut()));
            }
            let mut body = Vec::new();
            while let Some(bytes) = answer.chunk().await? {
                body.extend_from_slice(&bytes);
                if body.len() > MAX_ANSWER {
                    return Err("the answer is too long".into());
                }
            }
            Ok(response.body(body.into())?)
        });
        sending.await?
    }
}

/// An exporter that says when it begins to fail, and when that is over.
#[derive(Debug)]
pub(super) struct Logged<E> {
    exporter: E,
    failed: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Logged<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        let had_failed = self.failed.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !had_failed => tracing::warn!(%error, "Spans were not sent"),
            Ok(()) if had_failed => tracing::info!("Spans are sent again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
