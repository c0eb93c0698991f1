//! Numbers of spans.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// The number of the next span of this thread.
    static PLANNED: Cell<Option<SpanId>> = const { Cell::new(None) };
}

/// Random numbers, but for spans whose number is known already: that of a call is told
/// to the endpoint when the call begins, and its span is made when the query has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        PLANNED.take().unwrap_or_else(|| self.0.new_span_id())
    }
}

/// A number for a span that will be made.
pub(super) fn plan() -> SpanId {
    RandomIdGenerator::default().new_span_id()
}

/// Makes a span of this number, if there is one.
pub(super) fn with<T>(id: Option<SpanId>, make: impl FnOnce() -> T) -> T {
    PLANNED.set(id);
    let made = make();
    PLANNED.set(None);
    made
}
