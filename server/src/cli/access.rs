//! How a server of HTTP is reached, on the command line.

use std::path::PathBuf;

use quarrel_compliance::cases::suite::Target;
use quarrel_compliance::endpoint::{BasicAuth, HttpConfig, Secret, TlsConfig};

use super::failure::Failure;

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

        impl From<$args> for crate::cli::access::Access {
            fn from(args: $args) -> Self {
                crate::cli::access::Access {
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
