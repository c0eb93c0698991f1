//! No traces: what a build without the feature `otlp` has in their place.

use quarrel_engine::{OperatorTree, QueryStats};

use super::LoggedCall;

/// Makes no traces.
#[derive(Clone, Debug, Default)]
pub struct Tracer;

/// The span of a request, which is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace;

/// The span of a query, which is none.
#[derive(Debug, Default)]
pub(crate) struct QuerySpan;

/// What calls say of their trace: nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallContext;

impl Tracer {
    pub(crate) fn request<'a>(
        &self,
        _: &'static str,
        _: &str,
        _: impl Fn(&str) -> Option<&'a str>,
    ) -> Trace {
        Trace
    }

    /// There is nothing to send.
    pub fn stop(&self) {}
}

impl Trace {
    pub(crate) fn query(&self, _: &str, _: &'static str) -> QuerySpan {
        QuerySpan
    }

    pub(crate) fn calls(&self) -> Option<std::sync::Arc<super::CallLog>> {
        None
    }

    pub(crate) fn answered(&self, _: &'static str, _: i64, _: bool) {}
}

impl QuerySpan {
    pub(crate) fn context(&self) -> Option<CallContext> {
        None
    }

    pub(crate) fn is_recording(&self) -> bool {
        false
    }

    pub(crate) fn finish(
        &mut self,
        _: Option<&QueryStats>,
        _: Option<&OperatorTree>,
        _: &[LoggedCall],
        _: Option<&str>,
    ) {
    }
}

impl CallContext {
    pub(crate) fn begin(&self) -> (Option<u64>, Vec<(&'static str, String)>) {
        (None, Vec::new())
    }
}
