//! Endpoints with settings of their own, in the form of Thanos's
//! `--endpoint.sd-config`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::super::client_settings::{ClientSettings, TlsConfig};
use super::super::config::{EndpointsConfig, SdConfig};
use super::super::config_error::ConfigError;
use super::super::spec::EndpointSpec;
use super::super::tls;

/// How an error calls a text that stands in no file.
const INLINE: &str = "endpoint.sd-config";

/// What a text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    /// How endpoints are reached that do not say it; `None` as flags say it.
    pub(super) client: Option<Arc<ClientSettings>>,
    /// The endpoints.
    pub(super) specs: Vec<EndpointSpec>,
}

/// The text, and what it said when it was read last.
#[derive(Debug)]
pub(super) struct ConfigFile {
    source: SdConfig,
    /// As flags say it.
    tls: Option<TlsConfig>,
    interval: Duration,
    read: Instant,
    described: Described,
}

impl ConfigFile {
    /// The configuration of a set, if it has one.
    ///
    /// # Errors
    /// If it cannot be read, has unknown keys, or says what cannot be.
    pub(super) fn open(config: &EndpointsConfig) -> Result<Option<Self>, ConfigError> {
        let Some(source) = &config.sd_config else {
            return Ok(None);
        };
        Ok(Some(ConfigFile {
            described: read(source, config.tls.as_ref())?,
            source: source.clone(),
            tls: config.tls.clone(),
            interval: config.sd_config_interval,
            read: Instant::now(),
        }))
    }

    /// Reads a file again if it is time to. One that is wrong stays as it was.
    pub(super) fn renew(mut self) -> Self {
        let is_file = matches!(self.source, SdConfig::File(_));
        if is_file && self.read.elapsed() >= self.interval {
            self.read = Instant::now();
            match read(&self.source, self.tls.as_ref()) {
                Ok(described) => self.described = described,
                Err(error) => tracing::warn!(%error, "file of endpoints cannot be read"),
            }
        }
        self
    }

    pub(super) fn described(&self) -> &Described {
        &self.described
    }

    /// How often it has to be looked at.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }
}

fn read(source: &SdConfig, flags: Option<&TlsConfig>) -> Result<Described, ConfigError> {
    let (path, text) = match source {
        SdConfig::Text(text) => (PathBuf::from(INLINE), text.clone()),
        SdConfig::File(path) => {
            let text = String::from_utf8(tls::read(path)?);
            let wrong = |_| ConfigError::File {
                path: path.clone(),
                why: "is not UTF-8".to_string(),
            };
            (path.clone(), text.map_err(wrong)?)
        }
    };
    let described = parse(&text, flags);
    let described = described.map_err(|why| ConfigError::File { path, why })?;
    // What TLS needs has to be there when it is read, not when an endpoint is reached.
    let own = described
        .specs
        .iter()
        .filter_map(|spec| spec.client.as_ref());
    for client in own.chain(&described.client) {
        if let Some(settings) = &client.tls {
            tls::client_config(settings)?;
        }
    }
    Ok(described)
}

/// The whole text.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    default_client_config: Client,
    endpoints: Vec<Endpoint>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Endpoint {
    strict: bool,
    group: bool,
    address: String,
    /// Of a group alone; its members are asked in turn, whatever it says.
    service_config: String,
    client_config: Client,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Client {
    tls_config: Tls,
    server_name: String,
    compression: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tls {
    enabled: Option<bool>,
    insecure_skip_verify: Option<bool>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    min_version: Option<String>,
}

impl Client {
    /// Whether it says nothing of TLS.
    fn is_silent(&self) -> bool {
        let tls = &self.tls_config;
        !tls.names_files()
            && tls.enabled.is_none()
            && tls.min_version.is_none()
            && self.server_name.is_empty()
    }

    fn check(&self) -> Result<(), String> {
        match &*self.compression {
            "" | "none" => Ok(()),
            "snappy" => Err("compression snappy is not supported, only none is".to_string()),
            other => Err(format!("invalid compression: {other}, must be 'none'")),
        }
    }

    /// The settings, with what is left out from `above`.
    fn settings(&self, above: Option<&TlsConfig>) -> Result<ClientSettings, String> {
        let tls = &self.tls_config;
        let is_on = (tls.enabled).unwrap_or_else(|| tls.names_files() || above.is_some());
        if !is_on {
            return Ok(ClientSettings::default());
        }
        let fallback = TlsConfig::default();
        // As in Thanos, who turns TLS on says all of it.
        let above = above.filter(|_| tls.enabled.is_none());
        let above = above.unwrap_or(&fallback);
        let file = |own: &Option<PathBuf>, above: &Option<PathBuf>| {
            let path = own.as_ref().or(above.as_ref());
            path.filter(|path| !path.as_os_str().is_empty()).cloned()
        };
        let allow_tls12 = match tls.min_version.as_deref() {
            None => above.allow_tls12,
            Some("" | "1.3") => false,
            Some("1.0" | "1.1" | "1.2") => true,
            Some(other) => return Err(format!("min_version {other} is not known")),
        };
        let name = &self.server_name;
        Ok(ClientSettings {
            tls: Some(TlsConfig {
                ca_file: file(&tls.ca_file, &above.ca_file),
                cert_file: file(&tls.cert_file, &above.cert_file),
                key_file: file(&tls.key_file, &above.key_file),
                server_name: (!name.is_empty()).then(|| name.clone()),
                skip_verify: tls.insecure_skip_verify.unwrap_or(above.skip_verify),
                allow_tls12,
            }),
        })
    }
}

impl Tls {
    fn names_files(&self) -> bool {
        self.cert_file.is_some()
            || self.key_file.is_some()
            || self.ca_file.is_some()
            || self.insecure_skip_verify.is_some()
    }
}

/// What a text of YAML says, where `flags` says how endpoints are reached that do not
/// say it.
pub(super) fn parse(text: &str, flags: Option<&TlsConfig>) -> Result<Described, String> {
    let file = serde_saphyr::from_str::<Option<File>>(text).map_err(|error| error.to_string())?;
    let file = file.unwrap_or_default();
    let default = &file.default_client_config;
    let of_default = |why: String| format!("default_client_config: {why}");
    default.check().map_err(of_default)?;
    let client = match default.is_silent() {
        true => None,
        false => Some(Arc::new(default.settings(None).map_err(of_default)?)),
    };
    let above = client.as_ref().map_or(flags, |client| client.tls.as_ref());
    let specs = file.endpoints.iter().map(|endpoint| {
        let spec = endpoint.spec(above);
        spec.map_err(|why| format!("endpoint {}: {why}", endpoint.address))
    });
    Ok(Described {
        specs: specs.collect::<Result<_, _>>()?,
        client,
    })
}

impl Endpoint {
    fn spec(&self, above: Option<&TlsConfig>) -> Result<EndpointSpec, String> {
        let why = |error: ConfigError| match error {
            ConfigError::Address { why, .. } => why,
            other => other.to_string(),
        };
        if !self.group && !self.service_config.is_empty() {
            return Err("service_config is only valid for endpoint groups".to_string());
        }
        self.client_config.check()?;
        let mut spec = EndpointSpec::new(&self.address).map_err(why)?;
        if self.group {
            spec = spec.group();
        }
        if self.strict {
            spec = spec.strict().map_err(why)?;
        }
        if !self.client_config.is_silent() {
            spec.client = Some(Arc::new(self.client_config.settings(above)?));
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tls(described: &Described, at: usize) -> Option<TlsConfig> {
        let client = described.specs[at].client.as_ref();
        client.or(described.client.as_ref())?.tls.clone()
    }

    #[test]
    fn endpoints_have_tls_of_their_own() {
        let text = "
default_client_config:
  server_name: all.example
  tls_config: {enabled: true, ca_file: /all.pem, min_version: '1.2'}
endpoints:
- address: a:1
- address: b:1
  strict: true
  client_config: {tls_config: {enabled: false}}
- address: c:1
  client_config: {server_name: c.example, tls_config: {cert_file: /c.pem, key_file: /c.key}}
- address: dns+d:1
  group: true
  service_config: '{}'
  client_config: {tls_config: {enabled: true}, compression: none}
";
        let described = parse(text, None).unwrap();
        let all = TlsConfig {
            ca_file: Some("/all.pem".into()),
            server_name: Some("all.example".to_string()),
            allow_tls12: true,
            ..TlsConfig::default()
        };
        assert_eq!(tls(&described, 0), Some(all.clone()));
        assert!(described.specs[1].strict);
        assert_eq!(tls(&described, 1), None);
        let own = TlsConfig {
            cert_file: Some("/c.pem".into()),
            key_file: Some("/c.key".into()),
            server_name: Some("c.example".to_string()),
            ..all
        };
        assert_eq!(tls(&described, 2), Some(own));
        assert!(described.specs[3].group);
        assert_eq!(tls(&described, 3), Some(TlsConfig::default()));
    }

    #[test]
    fn what_is_left_out_is_as_flags_say() {
        let flags = TlsConfig {
            ca_file: Some("/flags.pem".into()),
            ..TlsConfig::default()
        };
        let text = "
endpoints:
- address: a:1
- address: b:1
  client_config: {server_name: b.example}
";
        let described = parse(text, Some(&flags)).unwrap();
        assert_eq!(
            (&described.client, &described.specs[0].client),
            (&None, &None)
        );
        let own = TlsConfig {
            server_name: Some("b.example".to_string()),
            ..flags
        };
        assert_eq!(tls(&described, 1), Some(own));
        let without = parse(text, None).unwrap();
        assert_eq!(tls(&without, 1), None);
        assert_eq!(parse("", None).unwrap(), Described::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("endpoint: []", "endpoint"),
            ("endpoints: [{address: 'a:1', adress: x}]", "adress"),
            ("endpoints: [{address: a}]", "endpoint a: is not HOST:PORT"),
            (
                "endpoints: [{address: 'dns+a:1', strict: true}]",
                "looked up",
            ),
            ("endpoints: [{address: 'a:1', service_config: x}]", "groups"),
            (
                "endpoints: [{address: 'a:1', client_config: {compression: snappy}}]",
                "endpoint a:1: compression snappy",
            ),
            (
                "default_client_config: {tls_config: {enabled: true, min_version: '2'}}",
                "min_version 2",
            ),
        ] {
            let error = parse(text, None).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z_:{}\\[\\], '\n-]{0,80}") {
            let _ = parse(&text, None);
        }
    }
}
