//! The calls that a request makes to endpoints.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use quarrel_storage::store_api::{Call, CallObserver, CallOutcome, ObservedCall};

use super::CallContext;

/// The most calls that are kept of a request.
const MOST: usize = 1000;

/// The calls of a request, or of one of its queries.
#[derive(Debug)]
pub(crate) struct CallLog {
    context: CallContext,
    calls: Arc<Mutex<Vec<LoggedCall>>>,
}

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct LoggedCall {
    /// The endpoint's address.
    pub(crate) endpoint: String,
    /// The method with its service.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code))]
    pub(crate) method: &'static str,
    /// Its matchers, as PromQL has them.
    pub(crate) matchers: Vec<String>,
    /// When it began.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code))]
    pub(crate) began: Instant,
    /// What has come of it; `None` if it was left.
    pub(crate) outcome: Option<CallOutcome>,
    /// The number of its span.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code))]
    pub(crate) span: Option<u64>,
}

impl CallLog {
    /// A log of calls that say what the context says.
    pub(crate) fn new(context: CallContext) -> Arc<Self> {
        Arc::new(CallLog {
            context,
            calls: Arc::default(),
        })
    }

    /// The calls so far, in the order in which they began; they leave the log.
    pub(crate) fn take(&self) -> Vec<LoggedCall> {
        std::mem::take(&mut *self.calls.lock())
    }
}

impl CallObserver for CallLog {
    fn begin(&self, call: &Call<'_>) -> Box<dyn ObservedCall> {
        let (span, headers) = self.context.begin();
        let mut calls = self.calls.lock();
        let number = calls.len();
        if number < MOST {
            calls.push(LoggedCall {
                endpoint: call.endpoint.to_string(),
                method: call.method,
                matchers: call.matchers.to_vec(),
                began: Instant::now(),
                outcome: None,
                span,
            });
        }
        Box::new(Watched {
            calls: Arc::clone(&self.calls),
            number,
            headers,
        })
    }
}

/// A call that is under way.
struct Watched {
    calls: Arc<Mutex<Vec<LoggedCall>>>,
    number: usize,
    headers: Vec<(&'static str, String)>,
}

impl ObservedCall for Watched {
    fn headers(&self) -> Vec<(&'static str, String)> {
        self.headers.clone()
    }

    fn end(&mut self, outcome: CallOutcome) {
        if let Some(call) = self.calls.lock().get_mut(self.number) {
            call.outcome = Some(outcome);
        }
    }
}
