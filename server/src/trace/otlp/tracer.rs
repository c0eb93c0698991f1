//! Begins the traces of requests.

use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanExporter};

use super::config::{Config, TracingError};
use super::exporter;
use super::ids::Ids;
use super::spans::Trace;

/// How long spans may take to be sent when the program ends.
const LAST: Duration = Duration::from_secs(5);

/// Begins the traces of requests; none by default.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Provider>);

#[derive(Clone, Debug)]
struct Provider {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Tracer {
    /// Traces as the text of a file says, in Thanos's form, or the variables of the
    /// environment that OpenTelemetry has; none if neither says where to.
    ///
    /// It has to be called within a tokio runtime, on which spans are sent.
    ///
    /// # Errors
    /// If the text or a variable is wrong, or a file cannot be read.
    pub fn start(text: Option<&str>) -> Result<Self, TracingError> {
        let config = match text {
            Some(text) => Config::parse(text)?,
            None => match Config::of_environment(|name| std::env::var(name).ok())? {
                Some(config) => config,
                None => return Ok(Tracer::default()),
            },
        };
        let exporter = exporter::build(&config)?;
        tracing::info!("Traces are sent by OTLP.");
        Ok(Tracer::over(&config, exporter))
    }

    /// Traces that are sent by an exporter.
    pub(super) fn over(config: &Config, exporter: impl SpanExporter + 'static) -> Self {
        let mut resource = Resource::builder();
        if let Some(name) = config.service_name() {
            resource = resource.with_service_name(name.to_string());
        }
        let attributes = config.resource_attributes.iter().flatten();
        let attributes = attributes.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let mut builder = SdkTracerProvider::builder()
            .with_id_generator(Ids::default())
            .with_resource(resource.with_attributes(attributes).build())
            .with_batch_exporter(exporter);
        if let Some(sampler) = config.sampler() {
            builder = builder.with_sampler(sampler);
        }
        let provider = builder.build();
        let tracer = provider.tracer("quarrel");
        Tracer(Some(Provider { provider, tracer }))
    }

    /// The span of a request of a kind, such as `GET`, for a name, such as a path. Its
    /// parent is what the header `traceparent` names.
    pub(crate) fn request<'a>(
        &self,
        kind: &'static str,
        name: &str,
        header: impl Fn(&str) -> Option<&'a str>,
    ) -> Trace {
        let Some(Provider { tracer, .. }) = &self.0 else {
            return Trace::default();
        };
        let parent = match header("traceparent") {
            Some(parent) => {
                let state = header("tracestate");
                let headers = Headers { parent, state };
                TraceContextPropagator::new().extract_with_context(&Context::new(), &headers)
            }
            None => Context::new(),
        };
        let (title, attributes) = match kind {
            "grpc" => (
                name.to_string(),
                [
                    KeyValue::new("rpc.system", "grpc"),
                    KeyValue::new("rpc.method", name.to_string()),
                ],
            ),
            method => (
                format!("{method} {name}"),
                [
                    KeyValue::new("http.request.method", method),
                    KeyValue::new("http.route", name.to_string()),
                ],
            ),
        };
        Trace::begin(tracer, &parent, title, attributes)
    }

    /// Sends the last spans. It blocks.
    pub fn stop(&self) {
        if let Some(Provider { provider, .. }) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST)
        {
            tracing::warn!(%error, "The last spans were not sent");
        }
    }

    /// Sends what has ended so far.
    #[cfg(test)]
    pub(super) fn flush(&self) {
        if let Some(Provider { provider, .. }) = &self.0 {
            provider.force_flush().unwrap();
        }
    }
}

/// The headers of a request that tell of its trace.
struct Headers<'a> {
    parent: &'a str,
    state: Option<&'a str>,
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.parent),
            "tracestate" => self.state,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}
