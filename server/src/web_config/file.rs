//! The file's settings, as Prometheus's exporter toolkit defines them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{TlsFiles, WebConfigError};

/// The whole file. What is left out or null has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    tls_server_config: Option<Tls>,
    http_server_config: Option<Http>,
    rate_limit: Option<RateLimit>,
    basic_auth_users: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    cert: Option<String>,
    key: Option<String>,
    client_ca: Option<String>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    client_ca_file: Option<PathBuf>,
    client_auth_type: Option<String>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) curve_preferences: Option<Vec<String>>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    /// Without effect, as in Prometheus.
    #[serde(rename = "prefer_server_cipher_suites")]
    _prefer_server_cipher_suites: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    http2: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    pub(super) burst: Option<i64>,
    pub(super) interval: Option<Interval>,
}

/// A duration as Go's YAML reads it: nanoseconds or a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Interval {
    Nanos(i64),
    Text(String),
}

/// A text that may stand in the file or in a file of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Inline(&'a str),
    Path(&'a Path),
}

impl File {
    /// Parses the file's text. Relative paths are relative to `dir`.
    ///
    /// # Errors
    /// If it is not YAML, or has unknown settings or values of a wrong type.
    pub(super) fn parse(text: &str, dir: &Path) -> Result<Self, WebConfigError> {
        let parsed: Result<Option<File>, _> = serde_saphyr::from_str(text);
        let parsed = parsed.map_err(|error| WebConfigError::Syntax(error.to_string()))?;
        let mut file = parsed.unwrap_or_default();
        if let Some(tls) = &mut file.tls_server_config {
            let paths = [
                &mut tls.cert_file,
                &mut tls.key_file,
                &mut tls.client_ca_file,
            ];
            for path in paths.into_iter().flatten() {
                if !path.as_os_str().is_empty() {
                    *path = dir.join(&path);
                }
            }
        }
        if file.http().http2 == Some(true) {
            let why = "HTTP/2 is not supported, leave it out or set it to false";
            return Err(WebConfigError::setting("http2", why));
        }
        Ok(file)
    }

    fn http(&self) -> &Http {
        const NONE: &Http = &Http {
            http2: None,
            headers: None,
        };
        self.http_server_config.as_ref().unwrap_or(NONE)
    }

    /// The settings of TLS, if any of those that turn it on is given.
    pub(super) fn tls(&self) -> Option<&Tls> {
        let tls = self.tls_server_config.as_ref()?;
        let is_on = tls.certificate().is_some()
            || tls.private_key().is_some()
            || tls.authorities().is_some()
            || !tls.client_auth_type().is_empty();
        is_on.then_some(tls)
    }

    /// The headers to be set, by name.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.http().headers.iter().flatten();
        headers.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn rate_limit(&self) -> Option<&RateLimit> {
        self.rate_limit.as_ref()
    }

    /// Users and their hashes.
    pub(super) fn users(&mut self) -> BTreeMap<String, String> {
        self.basic_auth_users.take().unwrap_or_default()
    }
}

impl Tls {
    /// The settings that flags stand for: with an authority, all clients need a
    /// certificate of it.
    pub(super) fn of_files(files: &TlsFiles) -> Self {
        let authority = files.client_ca.as_ref();
        Tls {
            cert_file: Some(files.cert.clone()),
            key_file: Some(files.key.clone()),
            client_ca_file: authority.cloned(),
            client_auth_type: authority.map(|_| "RequireAndVerifyClientCert".to_string()),
            ..Tls::default()
        }
    }

    pub(super) fn certificate(&self) -> Option<Source<'_>> {
        source(self.cert_file.as_deref(), self.cert.as_deref())
    }

    pub(super) fn private_key(&self) -> Option<Source<'_>> {
        source(self.key_file.as_deref(), self.key.as_deref())
    }

    /// Who signs the certificates of clients.
    pub(super) fn authorities(&self) -> Option<Source<'_>> {
        source(self.client_ca_file.as_deref(), self.client_ca.as_deref())
    }

    pub(super) fn client_auth_type(&self) -> &str {
        self.client_auth_type.as_deref().unwrap_or_default()
    }
}

/// A path goes before a text, and empty ones are none, as in Prometheus.
fn source<'a>(path: Option<&'a Path>, text: Option<&'a str>) -> Option<Source<'a>> {
    let path = path.filter(|path| !path.as_os_str().is_empty());
    let text = text.filter(|text| !text.is_empty());
    path.map(Source::Path).or(text.map(Source::Inline))
}

impl Source<'_> {
    /// The bytes; `name` is that of the setting without `_file`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read(self, name: &str) -> Result<Vec<u8>, WebConfigError> {
        match self {
            Source::Inline(text) => Ok(text.as_bytes().to_vec()),
            Source::Path(path) => std::fs::read(path).map_err(|error| {
                let why = format_args!("cannot read {}: {error}", path.display());
                WebConfigError::setting(&format!("{name}_file"), why)
            }),
        }
    }

    pub(super) fn path(self) -> Option<PathBuf> {
        match self {
            Source::Inline(_) => None,
            Source::Path(path) => Some(path.to_path_buf()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<File, WebConfigError> {
        File::parse(text, Path::new("/etc/quarrel"))
    }

    #[test]
    fn what_is_empty_sets_nothing() {
        for text in [
            "",
            "# nothing\n",
            "---\n",
            "tls_server_config:\nhttp_server_config:\nrate_limit:\nbasic_auth_users:\n",
            "tls_server_config:\n  min_version: TLS13\n",
            "tls_server_config:\n  cert_file: ''\n",
            "http_server_config:\n  http2: false\n  headers:\n",
        ] {
            let mut file = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(file.tls().is_none(), "{text}");
            assert!(file.rate_limit().is_none(), "{text}");
            assert_eq!(file.headers().count(), 0, "{text}");
            assert!(file.users().is_empty(), "{text}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let file = parse(
            "tls_server_config:\n  cert_file: a.pem\n  cert: x\n  key_file: /k.pem\n  \
             client_ca: ca\n  prefer_server_cipher_suites: yes\n",
        );
        let file = file.unwrap();
        let tls = file.tls().unwrap();
        let path = |source: Option<Source<'_>>| source.unwrap().path();
        assert_eq!(path(tls.certificate()), Some("/etc/quarrel/a.pem".into()));
        assert_eq!(path(tls.private_key()), Some("/k.pem".into()));
        assert_eq!(path(tls.authorities()), None);
        assert_eq!(tls.authorities().unwrap().read("client_ca").unwrap(), b"ca");
    }

    #[test]
    fn unknown_settings_and_wrong_types_are_refused() {
        for (text, word) in [
            ("tls_server_config:\n  cert_fiel: a\n", "cert_fiel"),
            ("http_server_config:\n  http3: true\n", "http3"),
            ("http_server_config:\n  http2: true\n", "HTTP/2"),
            ("http_server_config:\n  http2: maybe\n", "http2"),
            ("basic_auth_user:\n  a: b\n", "basic_auth_user"),
            ("rate_limit:\n  burst: x\n", "burst"),
            ("rate_limit:\n  every: 1s\n", "every"),
            ("- a\n", ""),
            ("a: [\n", ""),
            ("basic_auth_users:\n  a: b\n  a: c\n", ""),
        ] {
            let error = parse(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }
}
