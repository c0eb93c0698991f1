//! What a set of endpoints is made of.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::client_settings::TlsConfig;
use super::spec::EndpointSpec;

/// The endpoints of a set, and how they are asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointsConfig {
    /// The endpoints.
    pub endpoints: Vec<EndpointSpec>,
    /// Files of file service discovery, JSON or YAML, which name more endpoints.
    /// The last part of a path may have `*`.
    pub sd_files: Vec<PathBuf>,
    /// How often these files are read at least; one that has changed is read within
    /// seconds.
    pub sd_interval: Duration,
    /// Endpoints with settings of their own, in the form of Thanos's
    /// `--endpoint.sd-config`.
    pub sd_config: Option<SdConfig>,
    /// How often a file of these is read again.
    pub sd_config_interval: Duration,
    /// The servers that are asked for SRV records; those of the system's
    /// `/etc/resolv.conf` if there is none.
    pub dns_servers: Vec<SocketAddr>,
    /// How often names are looked up.
    pub dns_interval: Duration,
    /// How often an endpoint is asked what it has.
    pub info_interval: Duration,
    /// How long it may take to answer that.
    pub info_timeout: Duration,
    /// How long an endpoint that has failed is told of.
    pub unhealthy_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a store may send nothing while its answer is awaited; `None` for as
    /// long as the query lasts.
    pub response_timeout: Option<Duration>,
    /// Bytes that a message of a store may have.
    pub max_message_bytes: usize,
    /// TLS, if endpoints are to be reached by it.
    pub tls: Option<TlsConfig>,
}

impl Default for EndpointsConfig {
    /// Those of `thanos query`.
    fn default() -> Self {
        EndpointsConfig {
            endpoints: Vec::new(),
            sd_files: Vec::new(),
            sd_interval: Duration::from_secs(300),
            sd_config: None,
            sd_config_interval: Duration::from_secs(300),
            dns_servers: Vec::new(),
            dns_interval: Duration::from_secs(30),
            info_interval: Duration::from_secs(5),
            info_timeout: Duration::from_secs(5),
            unhealthy_timeout: Duration::from_secs(300),
            connect_timeout: Duration::from_secs(5),
            response_timeout: None,
            max_message_bytes: 1 << 30,
            tls: None,
        }
    }
}

impl EndpointsConfig {
    /// The defaults, with these endpoints.
    pub fn new(endpoints: impl IntoIterator<Item = EndpointSpec>) -> Self {
        EndpointsConfig {
            endpoints: endpoints.into_iter().collect(),
            ..EndpointsConfig::default()
        }
    }
}

/// Where endpoints with settings of their own are described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdConfig {
    /// The YAML itself.
    Text(String),
    /// A file of it.
    File(PathBuf),
}
