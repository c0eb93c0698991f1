//! The gRPC side of `quarrel serve`, with the options of `thanos query`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::options::Span;
use crate::api::BodyBudget;
use crate::grpc::{GrpcLimits, GrpcOptions};
use crate::web_config::{FlaggedTls, TlsFiles};

/// Arguments of the gRPC server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "gRPC options")]
pub(super) struct GrpcArgs {
    /// Address to listen on for gRPC: Thanos's Info, Query and Store APIs. Without it
    /// there is no gRPC server. Example: 127.0.0.1:10901
    #[arg(long = "grpc-address", value_name = "ADDRESS")]
    pub(super) address: Option<String>,
    /// How long running calls may continue after SIGTERM.
    #[arg(
        long = "grpc-grace-period",
        value_name = "DURATION",
        default_value = "2m"
    )]
    grace: Span,
    /// How old a connection may become before its client has to make a new one. 0 for
    /// no limit.
    #[arg(
        long = "grpc-server-max-connection-age",
        value_name = "DURATION",
        default_value = "1h"
    )]
    max_connection_age: Span,
    /// File with the certificate of the gRPC server (PEM); without it there is no TLS.
    #[arg(
        long = "grpc-server-tls-cert",
        value_name = "FILE",
        requires = "key",
        requires = "address"
    )]
    cert: Option<PathBuf>,
    /// File with the private key of the gRPC server (PEM).
    #[arg(long = "grpc-server-tls-key", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// File with the certificate authority (PEM) that must have signed the certificates
    /// of clients; without it clients need none.
    #[arg(
        long = "grpc-server-tls-client-ca",
        value_name = "FILE",
        requires = "cert"
    )]
    client_ca: Option<PathBuf>,
    /// Series that one Series call of the Store API may touch. 0 for no limit.
    #[arg(
        long = "store.limits.request-series",
        value_name = "N",
        default_value = "0"
    )]
    request_series: u64,
    /// Samples that one Series call of the Store API may touch. 0 for no limit.
    #[arg(
        long = "store.limits.request-samples",
        value_name = "N",
        default_value = "0"
    )]
    request_samples: u64,
}

/// Bounds that the servers of HTTP and gRPC share.
pub(super) struct Shared {
    pub(super) read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) max_connections: usize,
    pub(super) budget: Arc<dyn BodyBudget>,
}

impl GrpcArgs {
    pub(super) fn limits(&self) -> GrpcLimits {
        GrpcLimits {
            request_series: self.request_series,
            request_samples: self.request_samples,
        }
    }

    /// # Errors
    /// If a certificate or a key cannot be read.
    pub(super) fn options(&self, shared: Shared) -> Result<GrpcOptions, Failure> {
        let age = self.max_connection_age.duration();
        Ok(GrpcOptions {
            read_timeout: shared.read_timeout,
            write_timeout: shared.write_timeout,
            max_connections: shared.max_connections,
            grace: self.grace.duration(),
            max_connection_age: (!age.is_zero()).then_some(age),
            budget: shared.budget,
            tls: self.tls()?,
        })
    }

    fn tls(&self) -> Result<Option<Arc<FlaggedTls>>, Failure> {
        // As in Thanos, an empty path is none.
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref().filter(|path| !path.as_os_str().is_empty());
            path.cloned()
        };
        let (Some(cert), Some(key)) = (path(&self.cert), path(&self.key)) else {
            return Ok(None);
        };
        let files = TlsFiles {
            cert,
            key,
            client_ca: path(&self.client_ca),
        };
        let opened = FlaggedTls::open(files);
        let opened =
            opened.map_err(|error| Failure::new(format_args!("--grpc-server-tls-*: {error}")))?;
        Ok(Some(Arc::new(opened)))
    }

    /// Names and values, for `status/flags`.
    pub(super) fn flags(&self) -> [(&'static str, String); 8] {
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.map(|path| path.display().to_string())
                .unwrap_or_default()
        };
        [
            ("grpc-address", self.address.clone().unwrap_or_default()),
            ("grpc-grace-period", self.grace.to_string()),
            (
                "grpc-server-max-connection-age",
                self.max_connection_age.to_string(),
            ),
            ("grpc-server-tls-cert", path(&self.cert)),
            ("grpc-server-tls-key", path(&self.key)),
            ("grpc-server-tls-client-ca", path(&self.client_ca)),
            (
                "store.limits.request-series",
                self.request_series.to_string(),
            ),
            (
                "store.limits.request-samples",
                self.request_samples.to_string(),
            ),
        ]
    }
}
