//! What requests do, for those who want to know: traces by OpenTelemetry, with the
//! feature `otlp`, and the analysis of a query beside its answer.
//!
//! A `Trace` is the span of a request, and a `Watch` follows one of its queries.
//! Nothing is measured for either: the engine's operators count what they do anyhow,
//! and calls to endpoints are logged (`calls`) if somebody watches. When a query has
//! ended, spans are made of these, with the times that they had.

mod calls;
#[cfg(not(feature = "otlp"))]
mod off;
#[cfg(feature = "otlp")]
mod otlp;
mod watch;

pub(crate) use calls::{CallLog, LoggedCall};
#[cfg(not(feature = "otlp"))]
pub use off::Tracer;
#[cfg(not(feature = "otlp"))]
pub(crate) use off::{CallContext, QuerySpan, Trace};
#[cfg(feature = "otlp")]
pub(crate) use otlp::{CallContext, QuerySpan, Trace};
#[cfg(feature = "otlp")]
pub use otlp::{Tracer, TracingError};
pub(crate) use watch::{Watch, Watched, operators_of};
