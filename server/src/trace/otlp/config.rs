//! Where traces go to, and which: `--tracing.config`, in Thanos's form.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;
use quarrel_storage::store_api::{ConfigError, TlsConfig};
use serde::Deserialize;

use crate::duration::parse_go_duration;

/// What is wrong with the configuration of traces.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracingError {
    /// The text is no configuration. Its lines may hold secrets and are not shown.
    #[error("the configuration of traces is wrong: {0}")]
    Syntax(String),
    /// A setting has a value that it cannot have.
    #[error("{name} of the configuration of traces {why}")]
    Setting {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// TLS is set wrong, or the address.
    #[error("the configuration of traces: {0}")]
    Connection(#[from] ConfigError),
    /// The exporter refuses its settings.
    #[error("the exporter of traces: {0}")]
    Exporter(String),
}

impl TracingError {
    pub(super) fn setting(name: &str, why: impl fmt::Display) -> Self {
        TracingError::Setting {
            name: name.to_string(),
            why: why.to_string(),
        }
    }
}

/// The whole text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    config: Option<Config>,
}

/// How spans are sent, and which. It has secrets, and nothing prints it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    pub(super) client_type: Option<ClientType>,
    service_name: Option<String>,
    pub(super) resource_attributes: Option<BTreeMap<String, String>>,
    /// Without effect: a connection that is lost is made anew when it is needed.
    #[serde(rename = "reconnection_period")]
    _reconnection_period: Option<Span>,
    compression: Option<String>,
    pub(super) insecure: bool,
    endpoint: Option<String>,
    pub(super) url_path: Option<String>,
    timeout: Option<Span>,
    pub(super) retry_config: Retry,
    pub(super) headers: Option<BTreeMap<String, String>>,
    tls_config: Tls,
    sampler_type: Option<String>,
    sampler_param: Option<Text>,
    /// Whether it was made of variables of the environment, which then say the rest,
    /// too.
    #[serde(skip)]
    pub(super) of_environment: bool,
}

/// The protocol below OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientType {
    Grpc,
    Http,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Retry {
    pub(super) retry_enabled: bool,
    retry_initial_interval: Option<Span>,
    retry_max_interval: Option<Span>,
    retry_max_elapsed_time: Option<Span>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tls {
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    server_name: Option<String>,
    insecure_skip_verify: bool,
}

/// A duration as Go's YAML reads it: nanoseconds or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Span {
    Nanos(i64),
    Text(String),
}

/// A text, which may look like a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Number(f64),
    Text(String),
}

impl Span {
    /// Zero is none.
    fn read(&self, name: &str) -> Result<Option<Duration>, TracingError> {
        let duration = match self {
            Span::Nanos(nanos) => u64::try_from(*nanos).ok().map(Duration::from_nanos),
            Span::Text(text) => parse_go_duration(text),
        };
        let wrong = || TracingError::setting(name, "is no duration such as 10s");
        Ok(Some(duration.ok_or_else(wrong)?).filter(|duration| !duration.is_zero()))
    }
}

fn read(span: Option<&Span>, name: &str) -> Result<Option<Duration>, TracingError> {
    span.map_or(Ok(None), |span| span.read(name))
}

/// A text that is not empty.
fn filled(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// An error of the reader as far as it shows no value.
fn without_values(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let is_name = [
        "unknown field",
        "missing field",
        "unknown variant",
        "duplicate",
    ];
    if is_name.iter().any(|what| text.contains(what)) {
        return text;
    }
    match error.location() {
        Some(at) => format!("line {} is not what it should be", at.line()),
        None => "it is no YAML".to_string(),
    }
}

impl Config {
    /// Reads a text of YAML.
    ///
    /// # Errors
    /// If it is none, has unknown settings, or settings that do not go together.
    pub(super) fn parse(text: &str) -> Result<Self, TracingError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let file: Result<File, _> = serde_saphyr::from_str_with_options(text, options);
        let file = file.map_err(|error| TracingError::Syntax(without_values(&error)))?;
        if !file.kind.eq_ignore_ascii_case("OTLP") {
            let why = format!("{} is not supported, only OTLP is", file.kind);
            return Err(TracingError::setting("type", why));
        }
        let config = file.config.unwrap_or_default();
        config.check()?;
        Ok(config)
    }

    /// What the variables of OpenTelemetry say; `None` if they do not say where to.
    ///
    /// # Errors
    /// If they name a protocol that is not known.
    pub(super) fn of_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TracingError> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let of_traces = |name: &str| {
            let own = get(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
            own.or_else(|| get(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let is_off = get("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"))
            || get("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter == "none");
        if is_off || of_traces("ENDPOINT").is_none() {
            return Ok(None);
        }
        let client_type = match of_traces("PROTOCOL").as_deref() {
            Some("grpc") => ClientType::Grpc,
            Some("http/protobuf") | None => ClientType::Http,
            Some(other) => {
                let why = format!("has to be grpc or http/protobuf, not {other}");
                return Err(TracingError::setting("OTEL_EXPORTER_OTLP_PROTOCOL", why));
            }
        };
        let mut config = Config {
            client_type: Some(client_type),
            of_environment: true,
            ..Config::default()
        };
        let endpoint = of_traces("ENDPOINT").unwrap_or_default();
        let insecure = of_traces("INSECURE").is_some_and(|on| on.eq_ignore_ascii_case("true"));
        config.insecure =
            !endpoint.starts_with("https://") && (insecure || endpoint.starts_with("http://"));
        config.endpoint = Some(endpoint);
        Ok(Some(config))
    }

    fn check(&self) -> Result<(), TracingError> {
        if self.client_type.is_none() {
            let why = "is missing: grpc or http";
            return Err(TracingError::setting("client_type", why));
        }
        if let Some(other) = filled(self.compression.as_ref())
            && !matches!(other, "gzip" | "none")
        {
            return Err(TracingError::setting(
                "compression",
                format_args!("has to be gzip or none, not {other}"),
            ));
        }
        self.timeout()?;
        self.retry()?;
        if let Some(kind) = filled(self.sampler_type.as_ref())
            && self.sampler().is_none()
        {
            let why = format!("{kind} is not known, or has no sampler_param between 0 and 1");
            return Err(TracingError::setting("sampler_type", why));
        }
        Ok(())
    }

    /// The name of the service; `None` for that of the environment.
    pub(super) fn service_name(&self) -> Option<&str> {
        let own = filled(self.service_name.as_ref());
        let told = std::env::var_os("OTEL_SERVICE_NAME").is_some()
            || std::env::var_os("OTEL_RESOURCE_ATTRIBUTES").is_some();
        own.or((!told).then_some("quarrel"))
    }

    /// Where to, as it was written.
    pub(super) fn endpoint(&self) -> Option<&str> {
        filled(self.endpoint.as_ref())
    }

    pub(super) fn is_gzipped(&self) -> bool {
        self.compression.as_deref() == Some("gzip")
    }

    pub(super) fn timeout(&self) -> Result<Option<Duration>, TracingError> {
        read(self.timeout.as_ref(), "timeout")
    }

    /// How often an export is tried again: so often that the waits between fill the
    /// longest time, first wait, and longest wait.
    pub(super) fn retry(&self) -> Result<Option<(usize, Duration, Duration)>, TracingError> {
        let retry = &self.retry_config;
        let of = |span: &Option<Span>, name: &str, usual: u64| {
            let read = read(span.as_ref(), name)?;
            Ok::<_, TracingError>(read.unwrap_or(Duration::from_secs(usual)))
        };
        // OpenTelemetry's usual times in Go.
        let first = of(&retry.retry_initial_interval, "retry_initial_interval", 5)?;
        let most = of(&retry.retry_max_interval, "retry_max_interval", 30)?;
        let whole = of(&retry.retry_max_elapsed_time, "retry_max_elapsed_time", 60)?;
        let (mut number, mut wait, mut waited) = (0, first.min(most), Duration::ZERO);
        while number < 100 && waited + wait <= whole {
            waited += wait;
            wait = (wait * 2).min(most);
            number += 1;
        }
        Ok(retry
            .retry_enabled
            .then_some((number, first.min(most), most)))
    }

    /// TLS, if it is on.
    pub(super) fn tls(&self) -> Option<TlsConfig> {
        let file = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.filter(|path| !path.as_os_str().is_empty()).cloned()
        };
        let tls = &self.tls_config;
        (!self.insecure).then(|| TlsConfig {
            ca_file: file(&tls.ca_file),
            cert_file: file(&tls.cert_file),
            key_file: file(&tls.key_file),
            server_name: filled(tls.server_name.as_ref()).map(str::to_string),
            skip_verify: tls.insecure_skip_verify,
            allow_tls12: true,
        })
    }

    /// Which traces are sampled; `None` if the environment says it, or the text is
    /// wrong. As in Thanos, all are without a type, but for those whose parent is not.
    pub(super) fn sampler(&self) -> Option<Sampler> {
        let parent_based = |sampler| Sampler::ParentBased(Box::new(sampler));
        let Some(kind) = filled(self.sampler_type.as_ref()) else {
            return (!self.of_environment).then(|| parent_based(Sampler::AlwaysOn));
        };
        let ratio = || {
            let ratio = match self.sampler_param.as_ref()? {
                Text::Number(number) => *number,
                Text::Text(text) => text.parse().ok()?,
            };
            (0.0..=1.0)
                .contains(&ratio)
                .then_some(Sampler::TraceIdRatioBased(ratio))
        };
        match kind.to_ascii_lowercase().as_str() {
            "alwayssample" => Some(Sampler::AlwaysOn),
            "neversample" => Some(Sampler::AlwaysOff),
            "traceidratiobased" => ratio(),
            "parentbasedalwayssample" => Some(parent_based(Sampler::AlwaysOn)),
            "parentbasedneversample" => Some(parent_based(Sampler::AlwaysOff)),
            "parentbasedtraceidratiobased" => ratio().map(parent_based),
            _ => None,
        }
    }
}
