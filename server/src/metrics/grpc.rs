//! Calls of gRPC, under the names of go-grpc-middleware, which dashboards know.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tonic::Code;

use super::{Histogram, Metrics, head};

/// Tenants that are counted by name; others are counted together.
const MAX_TENANTS: usize = 100;

/// Kind, service, method.
type Method = (&'static str, &'static str, &'static str);

#[derive(Debug, Default)]
struct Calls {
    started: u64,
    handled: BTreeMap<&'static str, u64>,
    durations: Histogram,
}

/// Counters of calls.
#[derive(Debug, Default)]
pub(super) struct GrpcMetrics {
    methods: Mutex<BTreeMap<Method, Calls>>,
    tenants: Mutex<BTreeMap<String, u64>>,
}

impl Metrics {
    /// Starts counting a call.
    pub(crate) fn call(
        self: &Arc<Self>,
        service: &'static str,
        method: &'static str,
        kind: &'static str,
    ) -> GrpcTimer {
        let method = (kind, service, method);
        self.grpc.methods.lock().entry(method).or_default().started += 1;
        GrpcTimer {
            metrics: Arc::clone(self),
            method,
            start: Instant::now(),
            code: Code::Cancelled,
        }
    }

    /// Counts a call by who made it.
    pub(crate) fn tenant(&self, tenant: &str) {
        let mut tenants = self.grpc.tenants.lock();
        let name = match tenants.contains_key(tenant) || tenants.len() < MAX_TENANTS {
            true => tenant,
            false => "",
        };
        *tenants.entry(name.to_string()).or_default() += 1;
    }
}

/// Counts one call; dropped when its answer ends, or when the client leaves.
#[derive(Debug)]
pub(crate) struct GrpcTimer {
    metrics: Arc<Metrics>,
    method: Method,
    start: Instant,
    code: Code,
}

impl GrpcTimer {
    /// The answer ends with this code.
    pub(crate) fn finish(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for GrpcTimer {
    fn drop(&mut self) {
        let mut methods = self.metrics.grpc.methods.lock();
        let calls = methods.entry(self.method).or_default();
        *calls.handled.entry(name(self.code)).or_default() += 1;
        calls.durations.observe(self.start.elapsed());
    }
}

/// Go's name of a code.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

impl GrpcMetrics {
    /// Writes all, if there was any call.
    pub(super) fn write(&self, out: &mut String) {
        let methods = self.methods.lock();
        if methods.is_empty() {
            return;
        }
        let labels = |(kind, service, method): &Method| {
            format!("grpc_type=\"{kind}\",grpc_service=\"{service}\",grpc_method=\"{method}\"")
        };
        let name = "grpc_server_started_total";
        head(out, name, "counter", "Calls of gRPC that began.");
        for (method, calls) in &*methods {
            let _ = writeln!(out, "{name}{{{}}} {}", labels(method), calls.started);
        }
        let name = "grpc_server_handled_total";
        head(out, name, "counter", "Calls of gRPC that ended, by code.");
        for (method, calls) in &*methods {
            for (code, count) in &calls.handled {
                let labels = labels(method);
                let _ = writeln!(out, "{name}{{{labels},grpc_code=\"{code}\"}} {count}");
            }
        }
        let name = "grpc_server_handling_seconds";
        head(out, name, "histogram", "Time until a call of gRPC ended.");
        for (method, calls) in &*methods {
            calls.durations.write(out, name, &labels(method));
        }
        let name = "quarrel_grpc_requests_total";
        head(out, name, "counter", "Calls of gRPC by tenant.");
        for (tenant, count) in &*self.tenants.lock() {
            let tenant = escaped(tenant);
            let _ = writeln!(out, "{name}{{tenant=\"{tenant}\"}} {count}");
        }
    }
}

/// A label's value as the text format has it.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Gauges;

    #[test]
    fn calls_are_counted_by_method_and_code() {
        let metrics = Arc::new(Metrics::default());
        assert!(!metrics.render(&Gauges::default()).contains("grpc"));
        metrics
            .call("thanos.Query", "Query", "server_stream")
            .finish(Code::Ok);
        let left = metrics.call("thanos.Query", "Query", "server_stream");
        metrics.tenant("a\"b");
        drop(left);
        let text = metrics.render(&Gauges::default());
        let labels =
            "grpc_type=\"server_stream\",grpc_service=\"thanos.Query\",grpc_method=\"Query\"";
        for line in [
            format!("grpc_server_started_total{{{labels}}} 2"),
            format!("grpc_server_handled_total{{{labels},grpc_code=\"OK\"}} 1"),
            format!("grpc_server_handled_total{{{labels},grpc_code=\"Canceled\"}} 1"),
            format!("grpc_server_handling_seconds_count{{{labels}}} 2"),
            "quarrel_grpc_requests_total{tenant=\"a\\\"b\"} 1".to_string(),
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn many_tenants_are_counted_together() {
        let metrics = Arc::new(Metrics::default());
        metrics.call("s", "m", "unary").finish(Code::Ok);
        for i in 0..1000 {
            metrics.tenant(&format!("t{i}"));
        }
        let text = metrics.render(&Gauges::default());
        let lines = text
            .lines()
            .filter(|l| l.starts_with("quarrel_grpc_requests"));
        assert_eq!(lines.count(), MAX_TENANTS + 1);
        assert!(text.contains("{tenant=\"\"} 900"));
    }
}
