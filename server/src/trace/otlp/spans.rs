//! The spans of a request: its own, those of its queries and their operators, and those
//! of its calls to endpoints.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use parking_lot::Mutex;
use quarrel_engine::{OperatorReport, OperatorStats, OperatorTree, QueryStats};

use super::ids;
use crate::trace::{CallLog, LoggedCall, operators_of};

/// The most operators of a query that get a span.
const MAX_OPERATORS: usize = 256;
/// The most of a text that is an attribute, bytes.
const MAX_TEXT: usize = 4096;

/// The span of a request, if there is one. It ends with the last clone, which is that
/// of the answer's body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Option<Arc<RequestSpan>>);

/// The span of a query, if there is one.
#[derive(Debug, Default)]
pub(crate) struct QuerySpan(Option<Recording>);

/// What calls say of the trace that they are a part of.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallContext(Option<SpanContext>);

#[derive(Debug)]
struct RequestSpan {
    clock: Clock,
    tracer: SdkTracer,
    /// What calls say.
    context: SpanContext,
    /// `None` if the trace is not sampled.
    span: Option<Mutex<Span>>,
    /// Calls beside those of queries.
    calls: Arc<CallLog>,
}

/// A query's span that is being recorded.
#[derive(Debug)]
struct Recording {
    request: Arc<RequestSpan>,
    span: Span,
}

/// The times of a request, for spans.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: Instant,
    at: SystemTime,
}

impl Clock {
    fn now() -> Self {
        Clock {
            began: Instant::now(),
            at: SystemTime::now(),
        }
    }

    fn at(&self, instant: Instant) -> SystemTime {
        match instant.checked_duration_since(self.began) {
            Some(since) => self.at + since,
            None => self.at - self.began.duration_since(instant),
        }
    }
}

/// A part of a text that is not too long for an attribute.
fn short(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    text[..end].to_string()
}

fn count(name: &'static str, count: u64) -> KeyValue {
    KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX))
}

fn seconds(name: &'static str, time: Duration) -> KeyValue {
    KeyValue::new(name, time.as_secs_f64())
}

impl Trace {
    /// Begins the span of a request, below the one that it names.
    pub(super) fn begin(
        tracer: &SdkTracer,
        parent: &Context,
        name: String,
        attributes: [KeyValue; 2],
    ) -> Self {
        let clock = Clock::now();
        let builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_start_time(clock.at)
            .with_attributes(attributes);
        let span = builder.start_with_context(tracer, parent);
        let context = span.span_context().clone();
        Trace(Some(Arc::new(RequestSpan {
            clock,
            tracer: tracer.clone(),
            span: span.is_recording().then(|| Mutex::new(span)),
            calls: CallLog::new(CallContext(Some(context.clone()))),
            context,
        })))
    }

    /// Begins the span of a query.
    pub(crate) fn query(&self, text: &str, kind: &'static str) -> QuerySpan {
        let recorded = self.0.as_ref().filter(|request| request.span.is_some());
        QuerySpan(recorded.map(|request| {
            let attributes = [
                KeyValue::new("quarrel.query", short(text)),
                KeyValue::new("quarrel.query.kind", kind),
            ];
            let span = request.child(
                &request.context,
                "query",
                SpanKind::Internal,
                SystemTime::now(),
                attributes.into(),
                None,
            );
            Recording {
                request: Arc::clone(request),
                span,
            }
        }))
    }

    /// The log of calls beside those of queries.
    pub(crate) fn calls(&self) -> Option<Arc<CallLog>> {
        self.0.as_ref().map(|request| Arc::clone(&request.calls))
    }

    /// What the request was answered with.
    pub(crate) fn answered(&self, name: &'static str, code: i64, is_error: bool) {
        let Some(span) = self.0.as_ref().and_then(|request| request.span.as_ref()) else {
            return;
        };
        let mut span = span.lock();
        span.set_attribute(KeyValue::new(name, code));
        if is_error {
            span.set_status(Status::error(""));
        }
    }
}

impl RequestSpan {
    fn child(
        &self,
        parent: &SpanContext,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        began: SystemTime,
        attributes: Vec<KeyValue>,
        id: Option<SpanId>,
    ) -> Span {
        let parent = Context::new().with_remote_span_context(parent.clone());
        let builder = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(began)
            .with_attributes(attributes);
        ids::with(id, || builder.start_with_context(&self.tracer, &parent))
    }

    /// The span of a call that has ended, or was left.
    fn call(&self, parent: &SpanContext, call: &LoggedCall, left: SystemTime) {
        let mut attributes = vec![
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("server.address", call.endpoint.clone()),
        ];
        if !call.matchers.is_empty() {
            let selector = format!("{{{}}}", call.matchers.join(", "));
            attributes.push(KeyValue::new("quarrel.selector", short(&selector)));
        }
        let began = self.clock.at(call.began);
        let (ended, error) = match &call.outcome {
            Some(outcome) => {
                attributes.extend([
                    count("quarrel.messages", outcome.messages),
                    count("quarrel.bytes", outcome.bytes),
                    count("quarrel.series", outcome.series),
                    count("quarrel.chunks", outcome.chunks),
                    count("quarrel.samples", outcome.samples),
                ]);
                (began + outcome.elapsed, outcome.error.clone())
            }
            None => (left, Some("the call was left".to_string())),
        };
        let id = call.span.map(|id| SpanId::from_bytes(id.to_be_bytes()));
        let mut span = self.child(parent, call.method, SpanKind::Client, began, attributes, id);
        if let Some(error) = error {
            span.set_status(Status::error(error));
        }
        span.end_with_timestamp(ended);
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        let Some(span) = &self.span else {
            return;
        };
        let now = SystemTime::now();
        for call in self.calls.take() {
            self.call(&self.context, &call, now);
        }
        span.lock().end_with_timestamp(now);
    }
}

impl QuerySpan {
    /// What the query's calls say; `None` where there is no trace.
    pub(crate) fn context(&self) -> Option<CallContext> {
        let recording = self.0.as_ref()?;
        let context = recording.span.span_context().clone();
        Some(CallContext(Some(context)))
    }

    /// Whether it is recorded.
    pub(crate) fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// The query has ended: makes the spans of its operators and calls.
    pub(crate) fn finish(
        &mut self,
        stats: Option<&QueryStats>,
        operators: Option<&OperatorTree>,
        calls: &[LoggedCall],
        error: Option<&str>,
    ) {
        if let Some(recording) = self.0.take() {
            recording.finish(stats, operators, calls, error);
        }
    }
}

impl Recording {
    fn finish(
        mut self,
        stats: Option<&QueryStats>,
        operators: Option<&OperatorTree>,
        calls: &[LoggedCall],
        error: Option<&str>,
    ) {
        let now = SystemTime::now();
        let own = self.span.span_context().clone();
        let nothing = OperatorTree::default();
        let operators = operators.unwrap_or(&nothing);
        let contexts = self.operators(&own, operators, now);
        let causes = operators_of(operators, calls);
        for (call, cause) in calls.iter().zip(causes) {
            let parent = cause.and_then(|at| contexts.get(at)).unwrap_or(&own);
            self.request.call(parent, call, now);
        }
        if let Some(stats) = stats {
            self.span.set_attributes([
                seconds("quarrel.queue_seconds", stats.queue),
                seconds("quarrel.prepare_seconds", stats.prepare),
                seconds("quarrel.evaluate_seconds", stats.evaluate),
                count("quarrel.series", stats.series),
                count("quarrel.samples", stats.total_queryable_samples),
                count("quarrel.peak_samples", stats.peak_samples),
                count("quarrel.bytes", stats.decoded_bytes),
            ]);
        }
        let number = operators.operators.len() as u64;
        self.span.set_attribute(count("quarrel.operators", number));
        if let Some(error) = error {
            self.span.set_status(Status::error(short(error)));
        }
        self.span.end_with_timestamp(now);
    }

    /// Makes a span of each operator below that of the operator that reads it; what
    /// these are called by their children.
    fn operators(
        &self,
        own: &SpanContext,
        tree: &OperatorTree,
        now: SystemTime,
    ) -> Vec<SpanContext> {
        let mut contexts: Vec<SpanContext> = Vec::new();
        // The operators from the root to the one before.
        let mut path: Vec<usize> = Vec::new();
        for (at, operator) in tree.operators.iter().take(MAX_OPERATORS).enumerate() {
            path.truncate(operator.depth);
            let parent = path.last().map_or(own, |&parent| &contexts[parent]);
            let context = self.operator(parent, operator, now);
            contexts.push(context);
            path.push(at);
        }
        contexts
    }

    fn operator(
        &self,
        parent: &SpanContext,
        operator: &OperatorReport,
        now: SystemTime,
    ) -> SpanContext {
        let OperatorStats {
            began,
            ended,
            elapsed,
            rows,
            items,
            samples,
            bytes,
            ..
        } = operator.stats;
        let mut attributes = vec![KeyValue::new("quarrel.operator", short(&operator.text))];
        if began.is_some() {
            attributes.extend([
                seconds("quarrel.elapsed_compute_seconds", elapsed),
                count("quarrel.rows", rows),
                count("quarrel.items", items),
                count("quarrel.samples", samples),
                count("quarrel.bytes", bytes),
            ]);
        }
        let clock = &self.request.clock;
        let began = began.map_or(now, |began| clock.at(began));
        // What has not ended is ended now.
        let ended = ended.map_or(now, |ended| clock.at(ended)).max(began);
        let request = &self.request;
        let kind = SpanKind::Internal;
        let mut span = request.child(parent, operator.name, kind, began, attributes, None);
        span.end_with_timestamp(ended);
        span.span_context().clone()
    }
}

impl CallContext {
    /// The number of a call's span, and the headers that tell the endpoint of it.
    pub(crate) fn begin(&self) -> (Option<u64>, Vec<(&'static str, String)>) {
        let Some(context) = &self.0 else {
            return (None, Vec::new());
        };
        // Of a trace that is not sampled, calls have no spans.
        let planned = context.is_sampled().then(ids::plan);
        let (trace, span) = (context.trace_id(), planned.unwrap_or(context.span_id()));
        let flags = u8::from(context.is_sampled());
        let mut headers = vec![("traceparent", format!("00-{trace}-{span}-{flags:02x}"))];
        let state = context.trace_state().header();
        if !state.is_empty() {
            headers.push(("tracestate", state));
        }
        let number = planned.map(|id| u64::from_be_bytes(id.to_bytes()));
        (number, headers)
    }
}
