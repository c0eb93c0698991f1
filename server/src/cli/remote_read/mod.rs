//! Options of servers of remote read behind the command.

mod file;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use quarrel_engine::storage::Storage;
use quarrel_storage::http_client::shown_text;
use quarrel_storage::remote_read::{RemoteRead, RemoteReadConfig, ResponseForm};

use super::access::{Access, http};
use super::failure::Failure;
use super::options::Span;
use crate::stores::RemotePart;

/// Servers of remote read, and how they are asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Remote read options")]
pub(super) struct RemoteReadArgs {
    /// URL of a server of Prometheus's remote read, such as
    /// http://prometheus:9090/api/v1/read, which is read beside the rest. Can be repeated.
    #[arg(long = "remote-read", value_name = "URL")]
    urls: Vec<String>,
    /// File with servers of remote read: the section remote_read of Prometheus's
    /// configuration.
    #[arg(long = "remote-read.config-file", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Timeout of requests to servers of --remote-read.
    #[arg(
        id = "remote-read-timeout",
        long = "remote-read.timeout",
        value_name = "DURATION",
        default_value = "1m"
    )]
    timeout: Span,
    /// Ask for samples alone, not for chunks.
    #[arg(long = "remote-read.samples")]
    samples: bool,
    /// Header of requests to servers of --remote-read, 'NAME: VALUE'. Can be repeated.
    #[arg(
        id = "remote-read-header",
        long = "remote-read.header",
        value_name = "HEADER"
    )]
    headers: Vec<String>,
    /// File with authentication, headers, TLS and proxy, in the form of http_config of
    /// Prometheus's configuration, for servers of --remote-read.
    #[arg(
        id = "remote-read-http-config",
        long = "remote-read.http-config",
        value_name = "FILE"
    )]
    http_config: Option<PathBuf>,
    /// User and password for servers of --remote-read, USER:PASSWORD.
    #[arg(
        id = "remote-read-basic-auth",
        long = "remote-read.basic-auth",
        value_name = "PAIR"
    )]
    basic_auth: Option<String>,
    /// File with a bearer token for servers of --remote-read.
    #[arg(
        id = "remote-read-bearer-token-file",
        long = "remote-read.bearer-token-file",
        value_name = "FILE"
    )]
    bearer_token_file: Option<PathBuf>,
    /// Certificates of the authorities to trust of servers of --remote-read, PEM.
    #[arg(
        id = "remote-read-tls-ca",
        long = "remote-read.tls-ca",
        value_name = "FILE"
    )]
    ca_file: Option<PathBuf>,
    /// Certificate of the client for servers of --remote-read, PEM.
    #[arg(
        id = "remote-read-tls-cert",
        long = "remote-read.tls-cert",
        value_name = "FILE"
    )]
    cert_file: Option<PathBuf>,
    /// Key of the client for servers of --remote-read, PEM.
    #[arg(
        id = "remote-read-tls-key",
        long = "remote-read.tls-key",
        value_name = "FILE"
    )]
    key_file: Option<PathBuf>,
    /// Trust any certificate of servers of --remote-read.
    #[arg(id = "remote-read-tls-insecure", long = "remote-read.tls-insecure")]
    insecure: bool,
}

/// A server as it is to be read.
#[derive(Clone, Debug)]
struct Server {
    config: RemoteReadConfig,
    /// Whether external labels pick its series: `filter_external_labels`.
    filters: bool,
}

impl RemoteReadArgs {
    /// Whether there are servers.
    pub(super) fn any(&self) -> bool {
        !self.urls.is_empty() || self.file.is_some()
    }

    /// The servers beside storages whose series have these external labels. No request is
    /// made.
    pub(super) fn open(
        &self,
        local: &[Arc<dyn Storage>],
        labels: &[(String, String)],
    ) -> Result<Vec<RemotePart>, Failure> {
        let mut servers = Vec::new();
        for url in &self.urls {
            servers.push(self.server(url)?);
        }
        if let Some(path) = &self.file {
            servers.extend(file::read(path)?);
        }
        let mut parts = Vec::with_capacity(servers.len());
        for Server {
            mut config,
            filters,
        } in servers
        {
            if self.samples {
                config.forms = vec![ResponseForm::Samples];
            }
            let labels = if filters { labels } else { &[] };
            config.external_labels = labels.iter().cloned().collect();
            let url = shown_text(&config.url);
            let remote = RemoteRead::new(config)
                .map_err(|error| Failure::new(format_args!("remote read {url}: {error}")))?;
            parts.push(RemotePart {
                remote: remote.beside(local.to_vec()),
                labels: labels.to_vec(),
            });
        }
        Ok(parts)
    }

    /// A server of the command line: all that it has is read.
    fn server(&self, url: &str) -> Result<Server, Failure> {
        let mut config = RemoteReadConfig::new(url);
        config.remote_timeout = self.timeout.duration();
        let proxies = config.http.proxy_from_environment;
        config.http = http(Access {
            http_config: self.http_config.clone(),
            headers: self.headers.clone(),
            basic_auth: self.basic_auth.clone(),
            bearer_token_file: self.bearer_token_file.clone(),
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            insecure: self.insecure,
            ..Access::default()
        })?;
        config.http.proxy_from_environment = config.http.proxy_from_environment.or(proxies);
        Ok(Server {
            config,
            filters: false,
        })
    }

    /// What `status/flags` shows: no secret.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let urls: Vec<String> = self.urls.iter().map(|url| shown_text(url)).collect();
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref().map(|path| path.display().to_string());
            path.unwrap_or_default()
        };
        vec![
            ("remote-read", urls.join(",")),
            ("remote-read.config-file", path(&self.file)),
            ("remote-read.timeout", self.timeout.to_string()),
            ("remote-read.samples", self.samples.to_string()),
            ("remote-read.http-config", path(&self.http_config)),
            (
                "remote-read.bearer-token-file",
                path(&self.bearer_token_file),
            ),
            ("remote-read.tls-ca", path(&self.ca_file)),
            ("remote-read.tls-cert", path(&self.cert_file)),
            ("remote-read.tls-key", path(&self.key_file)),
            ("remote-read.tls-insecure", self.insecure.to_string()),
        ]
    }
}
