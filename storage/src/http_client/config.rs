//! Settings of a client, as Prometheus's configuration files have them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::HttpConfigError;
use crate::secret::Secret;

/// How an HTTP API is reached: the `http_config` of Prometheus's files, under the
/// same names, but for OAuth 2.0. Paths of files are relative to the file that has the
/// settings.
///
/// `Debug` shows no secret.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// A user and a password.
    pub basic_auth: Option<BasicAuth>,
    /// The header `Authorization`.
    pub authorization: Option<Authorization>,
    /// A bearer token, in the older form.
    pub bearer_token: Option<Secret>,
    /// A file with a bearer token, in the older form.
    pub bearer_token_file: Option<PathBuf>,
    /// Further headers.
    pub headers: BTreeMap<String, Secret>,
    /// TLS.
    pub tls_config: Option<TlsConfig>,
    /// A proxy.
    pub proxy_url: Option<Secret>,
    /// Hosts that are reached without the proxy, as in the variable `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Whether the proxies of the environment are used where no other one is set, which
    /// they are unless it says no.
    pub proxy_from_environment: Option<bool>,
    /// Whether redirects are followed, which they are unless it says no.
    pub follow_redirects: Option<bool>,
    /// Without effect: HTTP/1.1 is spoken.
    pub enable_http2: Option<bool>,
    /// Further headers in Prometheus's newer form.
    pub http_headers: BTreeMap<String, Header>,
}

/// The values of a header.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Header {
    /// Values.
    pub values: Vec<String>,
    /// Values that are not shown.
    pub secrets: Vec<Secret>,
    /// Files with values.
    pub files: Vec<PathBuf>,
}

/// Basic authentication.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuth {
    /// The user.
    pub username: String,
    /// A file with the user.
    pub username_file: Option<PathBuf>,
    /// The password.
    pub password: Option<Secret>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
}

/// The header `Authorization`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authorization {
    /// The scheme, `Bearer` if there is none.
    #[serde(rename = "type")]
    pub scheme: Option<String>,
    /// What follows the scheme.
    pub credentials: Option<Secret>,
    /// A file with what follows the scheme.
    pub credentials_file: Option<PathBuf>,
}

/// TLS of a client.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Certificates of the authorities to trust instead of the system's, PEM.
    pub ca: Option<String>,
    /// A file with them.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, PEM.
    pub cert: Option<String>,
    /// A file with it.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<Secret>,
    /// A file with it.
    pub key_file: Option<PathBuf>,
    /// The name that certificates of the server have, if it is not that of the URL.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
    /// The oldest version, `TLS12` (the default) or `TLS13`.
    pub min_version: Option<String>,
    /// The newest version, `TLS12` or `TLS13` (the default).
    pub max_version: Option<String>,
}

impl HttpConfig {
    /// Reads a file of settings.
    ///
    /// # Errors
    /// [`HttpConfigError`] if it cannot be read, has not the form, or names what
    /// is not known.
    pub fn read(path: &Path) -> Result<Self, HttpConfigError> {
        let text = read(path)?;
        let mut config: HttpConfig =
            serde_saphyr::from_str(&text).map_err(|error| HttpConfigError::Config {
                path: path.to_path_buf(),
                // A snippet would show the secrets beside the fault.
                reason: error.without_snippet().to_string(),
            })?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Makes the paths of files relative to a folder.
    pub fn resolve(&mut self, folder: &Path) {
        let basic = self.basic_auth.as_mut();
        let authorization = self.authorization.as_mut();
        let tls = self.tls_config.as_mut();
        let files = [
            self.bearer_token_file.as_mut(),
            authorization.and_then(|header| header.credentials_file.as_mut()),
        ];
        let of_basic = basic.map(|basic| [&mut basic.username_file, &mut basic.password_file]);
        let of_basic = of_basic.into_iter().flatten().filter_map(Option::as_mut);
        let of_tls = tls.map(|tls| [&mut tls.ca_file, &mut tls.cert_file, &mut tls.key_file]);
        let of_tls = of_tls.into_iter().flatten().filter_map(Option::as_mut);
        let of_headers = self.http_headers.values_mut();
        let of_headers = of_headers.flat_map(|header| &mut header.files);
        let all = files.into_iter().flatten();
        for file in all.chain(of_basic).chain(of_tls).chain(of_headers) {
            *file = folder.join(&*file);
        }
    }

    /// The value of the header `Authorization`, if the settings make one.
    ///
    /// # Errors
    /// If they make several, or a file cannot be read.
    pub fn authorization(&self) -> Result<Option<String>, HttpConfigError> {
        let bearer = secret(
            self.bearer_token.as_ref(),
            self.bearer_token_file.as_deref(),
        )?;
        let ways = [
            self.basic_auth.is_some(),
            self.authorization.is_some(),
            bearer.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() > 1 {
            let text = "at most one of basic_auth, authorization and bearer_token is possible";
            return Err(HttpConfigError::settings(text));
        }
        if let Some(basic) = &self.basic_auth {
            let password = secret(basic.password.as_ref(), basic.password_file.as_deref())?;
            let user = match (&*basic.username, &basic.username_file) {
                ("", Some(path)) => read(path)?.trim().to_string(),
                (_, Some(_)) => {
                    let text = "at most one of username and username_file is possible";
                    return Err(HttpConfigError::settings(text));
                }
                (user, None) => user.to_string(),
            };
            let pair = format!("{user}:{}", password.unwrap_or_default());
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            return Ok(Some(format!("Basic {encoded}")));
        }
        if let Some(header) = &self.authorization {
            let file = header.credentials_file.as_deref();
            let credentials = secret(header.credentials.as_ref(), file)?.unwrap_or_default();
            let scheme = header.scheme.as_deref().map_or("", str::trim);
            let scheme = if scheme.is_empty() { "Bearer" } else { scheme };
            if scheme.eq_ignore_ascii_case("basic") {
                let text = "the type of authorization cannot be \"basic\", use basic_auth instead";
                return Err(HttpConfigError::settings(text));
            }
            return Ok(Some(format!("{scheme} {credentials}")));
        }
        Ok(bearer.map(|token| format!("Bearer {token}")))
    }
}

/// A secret that is given, or the trimmed content of its file.
fn secret(given: Option<&Secret>, file: Option<&Path>) -> Result<Option<String>, HttpConfigError> {
    match (given, file) {
        (Some(_), Some(path)) => Err(HttpConfigError::Settings(format!(
            "a secret is given twice, as a text and as the file {}",
            path.display()
        ))),
        (Some(secret), None) => Ok(Some(secret.expose().to_string())),
        (None, Some(path)) => Ok(Some(read(path)?.trim().to_string())),
        (None, None) => Ok(None),
    }
}

/// The content of a file of settings.
pub(super) fn read(path: &Path) -> Result<String, HttpConfigError> {
    std::fs::read_to_string(path).map_err(|source| HttpConfigError::File {
        path: path.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> HttpConfig {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn headers_are_made_of_each_form() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "t0p\n").unwrap();
        let header = |text: &str| {
            let mut config = config(text);
            config.resolve(dir.path());
            config.authorization().unwrap()
        };
        assert_eq!(header("headers: {X-Scope-OrgID: a}"), None);
        let basic = header("basic_auth: {username: u, password: p}");
        assert_eq!(basic.as_deref(), Some("Basic dTpw"));
        let token = header("bearer_token_file: token");
        assert_eq!(token.as_deref(), Some("Bearer t0p"));
        let other = header("authorization: {type: Token, credentials_file: token}");
        assert_eq!(other.as_deref(), Some("Token t0p"));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for text in [
            "{bearer_token: a, basic_auth: {username: u}}",
            "{bearer_token: a, bearer_token_file: b}",
        ] {
            assert!(config(text).authorization().is_err(), "{text}");
        }
        assert!(serde_saphyr::from_str::<HttpConfig>("bearertoken: a").is_err());
        let missing = HttpConfig::read(Path::new("no/such/file.yml")).unwrap_err();
        assert!(missing.to_string().starts_with("no/such/file.yml: "));
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "{bearer_token: hush, headers: {X: hush}, proxy_url: 'http://u:hush@h'}";
        let shown = format!("{:?}", config(text));
        assert!(!shown.contains("hush"), "{shown}");
    }
}
