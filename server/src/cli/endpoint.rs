//! Endpoints on the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use quarrel_compliance::cases::suite::Target;
use quarrel_compliance::endpoint::{
    BasicAuth, Endpoint, EndpointOptions, HttpConfig, Secret, TlsConfig,
};

use super::failure::Failure;
use super::loopback::Loopback;
use super::options::{EngineArgs, Span};

/// An endpoint, and the server behind it if it is one of this process.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) endpoint: Endpoint,
    _server: Option<Loopback>,
}

/// How all endpoints of a command are asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Request options")]
pub(super) struct RequestArgs {
    /// How long a request may take until its last byte.
    #[arg(
        id = "request-timeout",
        long = "timeout",
        value_name = "DURATION",
        default_value = "2m"
    )]
    pub(super) timeout: Span,
    /// Let endpoints compress their answers.
    #[arg(long)]
    pub(super) compression: bool,
    /// Send queries by GET. Without it they are sent by POST, and by GET to those who do not
    /// know that.
    #[arg(long)]
    pub(super) get: bool,
    /// Whether statistics are asked for.
    #[arg(skip)]
    pub(super) statistics: bool,
}

/// How one endpoint is reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    pub(super) name: Option<String>,
    pub(super) http_config: Option<PathBuf>,
    pub(super) headers: Vec<String>,
    pub(super) basic_auth: Option<String>,
    pub(super) bearer_token_file: Option<PathBuf>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) insecure: bool,
    pub(super) parameters: Vec<String>,
}

/// Declares the options of an endpoint, whose names begin with a prefix.
macro_rules! access_args {
    ($args:ident, $prefix:literal, $heading:literal) => {
        #[derive(Clone, Debug, clap::Args)]
        #[command(next_help_heading = $heading)]
        pub(super) struct $args {
            /// What reports call it. Default: its URL.
            #[arg(id = concat!($prefix, "name"), long = concat!($prefix, "name"), value_name = "NAME")]
            name: Option<String>,
            /// File with authentication, headers and TLS, in the form of http_config of
            /// Prometheus's configuration.
            #[arg(id = concat!($prefix, "http-config"), long = concat!($prefix, "http-config"), value_name = "FILE")]
            http_config: Option<std::path::PathBuf>,
            /// A header, 'NAME: VALUE'. Can be repeated.
            #[arg(id = concat!($prefix, "header"), long = concat!($prefix, "header"), value_name = "HEADER")]
            headers: Vec<String>,
            /// User and password, USER:PASSWORD.
            #[arg(id = concat!($prefix, "basic-auth"), long = concat!($prefix, "basic-auth"), value_name = "PAIR")]
            basic_auth: Option<String>,
            /// File with a bearer token.
            #[arg(id = concat!($prefix, "bearer-token-file"), long = concat!($prefix, "bearer-token-file"), value_name = "FILE")]
            bearer_token_file: Option<std::path::PathBuf>,
            /// Certificates of the authorities to trust, PEM.
            #[arg(id = concat!($prefix, "tls-ca"), long = concat!($prefix, "tls-ca"), value_name = "FILE")]
            ca_file: Option<std::path::PathBuf>,
            /// Certificate of the client, PEM.
            #[arg(id = concat!($prefix, "tls-cert"), long = concat!($prefix, "tls-cert"), value_name = "FILE")]
            cert_file: Option<std::path::PathBuf>,
            /// Key of the client, PEM.
            #[arg(id = concat!($prefix, "tls-key"), long = concat!($prefix, "tls-key"), value_name = "FILE")]
            key_file: Option<std::path::PathBuf>,
            /// Trust any certificate.
            #[arg(id = concat!($prefix, "tls-insecure"), long = concat!($prefix, "tls-insecure"))]
            insecure: bool,
            /// A parameter of each request, NAME=VALUE. Can be repeated.
            #[arg(id = concat!($prefix, "parameter"), long = concat!($prefix, "parameter"), value_name = "PAIR")]
            parameters: Vec<String>,
        }

        impl From<$args> for crate::cli::endpoint::Access {
            fn from(args: $args) -> Self {
                crate::cli::endpoint::Access {
                    name: args.name,
                    http_config: args.http_config,
                    headers: args.headers,
                    basic_auth: args.basic_auth,
                    bearer_token_file: args.bearer_token_file,
                    ca_file: args.ca_file,
                    cert_file: args.cert_file,
                    key_file: args.key_file,
                    insecure: args.insecure,
                    parameters: args.parameters,
                }
            }
        }
    };
}
pub(super) use access_args;

impl Access {
    /// Adds what a configuration file of the compliance suite says; what is given
    /// already stays.
    pub(super) fn add(&mut self, target: Option<&Target>) {
        let Some(target) = target else { return };
        for (name, value) in &target.headers {
            self.headers.insert(0, format!("{name}: {value}"));
        }
        if let (None, Some((user, password))) = (&self.basic_auth, &target.basic_auth) {
            self.basic_auth = Some(format!("{user}:{password}"));
        }
    }
}

impl Opened {
    /// The endpoint that an argument names: a URL, or `data:DIR` for quarrel over
    /// a data directory.
    pub(super) async fn open(
        target: &str,
        access: Access,
        requests: &RequestArgs,
        engine: &EngineArgs,
    ) -> Result<Self, Failure> {
        let mut options = options(access, requests)?;
        let server = match target.strip_prefix("data:") {
            Some(dir) => {
                if options.name.is_empty() {
                    options.name = target.to_string();
                }
                Some(Loopback::serve(Path::new(dir), engine).await?)
            }
            None => None,
        };
        let url = server.as_ref().map_or(target, Loopback::url);
        Ok(Opened {
            endpoint: Endpoint::new(url, options).map_err(Failure::unasked)?,
            _server: server,
        })
    }
}

pub(super) fn options(access: Access, requests: &RequestArgs) -> Result<EndpointOptions, Failure> {
    let mut parameters = Vec::new();
    for pair in &access.parameters {
        let pair = pair.split_once('=');
        let (name, value) =
            pair.ok_or_else(|| Failure::unasked("a parameter is NAME=VALUE, such as dedup=false"))?;
        parameters.push((name.to_string(), value.to_string()));
    }
    if requests.statistics {
        parameters.push(("stats".to_string(), "all".to_string()));
    }
    Ok(EndpointOptions {
        name: access.name.clone().unwrap_or_default(),
        http: http(access)?,
        parameters,
        timeout: requests.timeout.duration(),
        compression: requests.compression,
        get: requests.get,
        ..EndpointOptions::default()
    })
}

/// What the file says, and the other options above it.
pub(super) fn http(access: Access) -> Result<HttpConfig, Failure> {
    let mut http = match &access.http_config {
        Some(path) => HttpConfig::read(path).map_err(Failure::unasked)?,
        None => HttpConfig::default(),
    };
    for header in access.headers {
        // The value may be a secret, so the message does not show it.
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::unasked("a header is 'NAME: VALUE'"))?;
        let value = Secret::from(value.trim().to_string());
        http.headers.insert(name.trim().to_string(), value);
    }
    if let Some(pair) = access.basic_auth {
        let (user, password) = pair
            .split_once(':')
            .ok_or_else(|| Failure::unasked("user and password are USER:PASSWORD"))?;
        http.basic_auth = Some(BasicAuth {
            username: user.to_string(),
            password: Some(Secret::from(password.to_string())),
            ..BasicAuth::default()
        });
    }
    http.bearer_token_file = access.bearer_token_file.or(http.bearer_token_file);
    let given = [&access.ca_file, &access.cert_file, &access.key_file];
    if access.insecure || given.iter().any(|file| file.is_some()) {
        let tls = http.tls_config.unwrap_or_default();
        http.tls_config = Some(TlsConfig {
            ca_file: access.ca_file.or(tls.ca_file),
            cert_file: access.cert_file.or(tls.cert_file),
            key_file: access.key_file.or(tls.key_file),
            insecure_skip_verify: access.insecure || tls.insecure_skip_verify,
            ..tls
        });
    }
    Ok(http)
}
