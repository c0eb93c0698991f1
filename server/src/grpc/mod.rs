//! The gRPC side of `quarrel serve`: Thanos's Info, Query and Store APIs and its
//! fan-outs, over what the HTTP API reads.
//!
//! `server` accepts connections on a thread of its own. `call` reads the request of a
//! call there and has it answered by a task on the API's runtime, whose frames go
//! through a short channel: what a client does not read is not made. `methods` finds
//! the service. `state` is what the services share; each has a file of its own, and
//! answers that are streams of series are encoded beside each other, by `frames`.

mod batches;
mod call;
mod call_info;
mod deadline;
mod fanouts;
mod frames;
mod health;
mod histogram;
mod info;
mod methods;
mod query;
mod running;
mod server;
mod state;
mod status;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod timeseries;

pub use server::{GrpcOptions, serve};
pub use state::{Grpc, GrpcLimits};
