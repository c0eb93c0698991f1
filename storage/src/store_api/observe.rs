//! Who watches the calls that a query makes.

use std::fmt;
use std::time::Duration;

/// Sees the calls to endpoints: for traces, and for those who ask what their query did.
pub trait CallObserver: fmt::Debug + Send + Sync {
    /// A call begins.
    fn begin(&self, call: &Call<'_>) -> Box<dyn ObservedCall>;
}

/// A call that begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The endpoint's address.
    pub endpoint: &'a str,
    /// The method's full name, such as `thanos.Store/Series`.
    pub method: &'static str,
    /// The matchers that it is asked with, as PromQL has them; none if it has others.
    pub matchers: &'a [String],
}

impl<'a> Call<'a> {
    /// A call of a method of an endpoint.
    pub fn new(endpoint: &'a str, method: &'static str) -> Self {
        let matchers = &[];
        Call {
            endpoint,
            method,
            matchers,
        }
    }
}

/// A call that somebody watches. It is dropped when the call has ended, and without
/// [`ObservedCall::end`] if who made it left it.
pub trait ObservedCall: Send {
    /// Headers that the request carries, names in small letters.
    fn headers(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The call has ended.
    fn end(&mut self, outcome: CallOutcome);
}

/// What has come of a call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOutcome {
    /// How long it took.
    pub elapsed: Duration,
    /// Messages that have arrived.
    pub messages: u64,
    /// Bytes of labels and chunks in them.
    pub bytes: u64,
    /// Series in them.
    pub series: u64,
    /// Chunks in them.
    pub chunks: u64,
    /// Samples in them, by the headers of the chunks.
    pub samples: u64,
    /// Why there is no more.
    pub error: Option<String>,
}
