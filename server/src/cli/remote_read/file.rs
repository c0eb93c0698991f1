//! The section `remote_read` of Prometheus's configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use quarrel_planner::literal::parse_duration;
use quarrel_storage::http_client::{
    Authorization, BasicAuth, Header, HttpConfig, Secret, TlsConfig, shown_text,
};
use quarrel_storage::remote_read::RemoteReadConfig;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Server;
use crate::cli::failure::Failure;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    remote_read: Option<Vec<Entry>>,
}

/// A server, with all keys of Prometheus 3.16. What is left out or null has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    url: Option<String>,
    name: Option<String>,
    remote_timeout: Option<String>,
    chunked_read_limit: Option<u64>,
    headers: Option<BTreeMap<String, Secret>>,
    read_recent: Option<bool>,
    required_matchers: Option<BTreeMap<String, String>>,
    filter_external_labels: Option<bool>,
    basic_auth: Option<BasicAuth>,
    authorization: Option<Authorization>,
    oauth2: Option<IgnoredAny>,
    bearer_token: Option<Secret>,
    bearer_token_file: Option<std::path::PathBuf>,
    tls_config: Option<TlsConfig>,
    follow_redirects: Option<bool>,
    enable_http2: Option<bool>,
    proxy_url: Option<Secret>,
    no_proxy: Option<String>,
    proxy_from_environment: Option<bool>,
    proxy_connect_header: Option<IgnoredAny>,
    http_headers: Option<BTreeMap<String, Header>>,
}

/// The servers of a file.
///
/// # Errors
/// If it cannot be read, is not of that form, or has what is not supported. The text has
/// no secret.
pub(super) fn read(path: &Path) -> Result<Vec<Server>, Failure> {
    let wrong = |why: String| {
        let path = path.display();
        Failure::new(format_args!("--remote-read.config-file {path}: {why}"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(wrong)
}

/// The servers of a text, whose files are relative to a folder.
fn parse(text: &str, folder: &Path) -> Result<Vec<Server>, String> {
    let parsed: Result<Option<File>, _> = serde_saphyr::from_str(text);
    // A snippet would show the secrets beside the fault.
    let parsed = parsed.map_err(|error| error.without_snippet().to_string())?;
    let entries = parsed.unwrap_or_default().remote_read.unwrap_or_default();
    let servers = entries.into_iter().map(|entry| entry.server(folder));
    let servers: Vec<Server> = servers.collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    for (at, Server { config, .. }) in servers.iter().enumerate() {
        if servers[..at].iter().any(|other| other.config == *config) {
            return Err(format!(
                "duplicate remote read configs are not allowed, found duplicate for URL: {}",
                shown_text(&config.url)
            ));
        }
        if !config.name.is_empty() && !names.insert(&config.name) {
            return Err(format!(
                "found multiple remote read configs with job name {:?}",
                config.name
            ));
        }
    }
    Ok(servers)
}

impl Entry {
    fn server(self, folder: &Path) -> Result<Server, String> {
        let url = self.url.unwrap_or_default();
        if url.is_empty() {
            return Err("url for remote_read is empty".to_string());
        }
        let of = |why: &str| format!("remote_read {}: {why}", shown_text(&url));
        for (name, is_there) in [
            ("oauth2", self.oauth2.is_some()),
            ("proxy_connect_header", self.proxy_connect_header.is_some()),
        ] {
            if is_there {
                return Err(of(&format!("{name} is not supported")));
            }
        }
        let mut config = RemoteReadConfig::new(&url);
        if let Some(timeout) = self.remote_timeout {
            let ms = parse_duration(&timeout);
            let ms = ms.map_err(|error| of(&format!("remote_timeout: {error}")))?;
            config.remote_timeout = Duration::from_millis(ms.unsigned_abs());
        }
        if config.remote_timeout.is_zero() {
            return Err(of("remote_timeout is zero"));
        }
        config.name = self.name.unwrap_or_default();
        config.read_recent = self.read_recent.unwrap_or(false);
        config.required_matchers = self.required_matchers.unwrap_or_default();
        if let Some(limit) = self.chunked_read_limit {
            config.chunked_read_limit = limit;
        }
        config.http = HttpConfig {
            basic_auth: self.basic_auth,
            authorization: self.authorization,
            bearer_token: self.bearer_token,
            bearer_token_file: self.bearer_token_file,
            headers: self.headers.unwrap_or_default(),
            tls_config: self.tls_config,
            proxy_url: self.proxy_url,
            no_proxy: self.no_proxy,
            proxy_from_environment: Some(self.proxy_from_environment.unwrap_or(false)),
            follow_redirects: self.follow_redirects,
            enable_http2: self.enable_http2,
            http_headers: self.http_headers.unwrap_or_default(),
        };
        config.http.resolve(folder);
        Ok(Server {
            config,
            filters: self.filter_external_labels.unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of Prometheus 3.16.
    const ALL: &str = r#"
remote_read:
  - url: http://user:hush@a:1/read?token=hush
    name: first
    remote_timeout: 1m30s
    chunked_read_limit: 1000
    headers: {X-Scope-OrgID: hush}
    read_recent: true
    required_matchers: {job: api}
    filter_external_labels: false
    basic_auth: {username: u, password_file: secret}
    tls_config: {ca_file: ca.pem, server_name: a, insecure_skip_verify: true, min_version: TLS12}
    follow_redirects: false
    enable_http2: false
    proxy_url: http://u:hush@proxy
    no_proxy: a,b
    http_headers: {X-A: {values: [v], secrets: [hush], files: [x]}}
  - url: https://b/read
    authorization: {type: Token, credentials: hush}
    proxy_from_environment: true
  - url: https://c/read
    bearer_token: hush
"#;

    fn parsed(text: &str) -> Result<Vec<Server>, String> {
        parse(text, Path::new("/etc/quarrel"))
    }

    #[test]
    fn all_keys_are_read() {
        let servers = parsed(ALL).unwrap();
        let [first, second, third] = &servers[..] else {
            panic!("three servers")
        };
        let config = &first.config;
        assert!(!first.filters && second.filters);
        assert_eq!(config.remote_timeout, Duration::from_secs(90));
        assert_eq!(
            (config.chunked_read_limit, config.read_recent),
            (1000, true)
        );
        assert_eq!(config.required_matchers["job"], "api");
        let http = &config.http;
        let password = http
            .basic_auth
            .as_ref()
            .and_then(|b| b.password_file.clone());
        assert_eq!(password.as_deref(), Some(Path::new("/etc/quarrel/secret")));
        assert_eq!(
            http.http_headers["X-A"].files,
            [Path::new("/etc/quarrel/x")]
        );
        assert_eq!(http.proxy_from_environment, Some(false));
        assert_eq!(second.config.http.proxy_from_environment, Some(true));
        assert_eq!(second.config.remote_timeout, Duration::from_secs(60));
        assert!(!third.config.read_recent);
        // Debug shows no secret but those of the URL.
        let shown = format!("{:?}", (http, &servers[1..]));
        assert!(!shown.contains("hush"), "{shown}");
        assert!(parsed("").unwrap().is_empty());
        assert!(parsed("remote_read:").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        for (text, why) in [
            ("remote_read: [{url: ''}]", "url for remote_read is empty"),
            ("remote_read: [{name: a}]", "url for remote_read is empty"),
            ("remote_read: [{url: http://a, nonsense: 1}]", "nonsense"),
            ("scrape_configs: []", "scrape_configs"),
            (
                "remote_read: [{url: 'http://u:hush@a/r?hush', oauth2: {client_secret: hush}}]",
                "remote_read http://a/r: oauth2 is not supported",
            ),
            (
                "remote_read: [{url: http://a, proxy_url: http://b, proxy_connect_header: {A: [hush]}}]",
                "proxy_connect_header is not supported",
            ),
            (
                "remote_read: [{url: http://a, remote_timeout: soon}]",
                "remote_timeout",
            ),
            (
                "remote_read: [{url: http://a, remote_timeout: 0s}]",
                "remote_timeout is zero",
            ),
            (
                "remote_read: [{url: http://a, tls_config: {ca_ref: x}}]",
                "ca_ref",
            ),
            (
                "remote_read: [{url: 'http://u:hush@a'}, {url: 'http://u:hush@a'}]",
                "duplicate remote read configs are not allowed, found duplicate for URL: http://a",
            ),
            (
                "remote_read: [{url: http://a, name: x}, {url: http://b, name: x}]",
                "found multiple remote read configs with job name \"x\"",
            ),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("hush"), "{text}: {error}");
        }
    }
}
