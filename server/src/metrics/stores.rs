//! What is counted of the stores behind the server: `thanos_store_nodes_grpc_connections`
//! as Thanos Query has it, requests under the names of go-grpc-middleware.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quarrel_storage::store_api::{DURATION_BUCKETS, MethodMetrics, StoreMetrics};

use super::head;

type Count = fn(&StoreMetrics) -> u64;

/// Appends the metrics of the stores, if there are some.
pub(super) fn write(out: &mut String, stores: &[StoreMetrics]) {
    if stores.is_empty() {
        return;
    }
    write_connections(out, stores);
    write_requests(out, stores);
    let counts: [(&str, &str, Count); 5] = [
        ("messages", "Messages of streams of series", |s| s.messages),
        ("bytes", "Bytes of labels and chunks", |s| s.bytes),
        ("series", "Series", |s| s.series),
        ("chunks", "Chunks", |s| s.chunks),
        ("samples", "Samples, by the headers of their chunks,", |s| {
            s.samples
        }),
    ];
    for (what, help, count) in counts {
        let name = format!("quarrel_store_received_{what}_total");
        head(
            out,
            &name,
            "counter",
            &format!("{help} that stores have sent."),
        );
        for store in stores {
            let _ = writeln!(out, "{name}{{store={:?}}} {}", store.address, count(store));
        }
    }
}

/// Healthy stores by external labels and type.
fn write_connections(out: &mut String, stores: &[StoreMetrics]) {
    let name = "thanos_store_nodes_grpc_connections";
    let help = "Number of gRPC connection to Store APIs.";
    head(out, name, "gauge", help);
    let mut groups: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for store in stores.iter().filter(|store| store.healthy) {
        let group = (&*store.external_labels, &*store.component);
        *groups.entry(group).or_default() += 1;
    }
    for ((labels, component), count) in groups {
        let _ = writeln!(
            out,
            "{name}{{external_labels={labels:?},store_type={component:?}}} {count}"
        );
    }
}

fn write_requests(out: &mut String, stores: &[StoreMetrics]) {
    let each = || {
        stores
            .iter()
            .flat_map(|s| s.methods.iter().map(move |m| (s, m)))
    };
    let labels = |store: &StoreMetrics, method: &MethodMetrics| {
        let (method, address) = (method.method.name(), &store.address);
        format!("grpc_service=\"thanos.Store\",grpc_method=\"{method}\",store={address:?}")
    };
    let name = "grpc_client_started_total";
    head(out, name, "counter", "Requests to stores.");
    for (store, method) in each() {
        let _ = writeln!(
            out,
            "{name}{{{}}} {}",
            labels(store, method),
            method.requests
        );
    }
    let name = "quarrel_store_errors_total";
    head(out, name, "counter", "Requests to stores that have failed.");
    for (store, method) in each() {
        let _ = writeln!(out, "{name}{{{}}} {}", labels(store, method), method.errors);
    }
    let name = "grpc_client_handling_seconds";
    head(out, name, "histogram", "How long requests to stores took.");
    for (store, method) in each() {
        let (labels, durations) = (labels(store, method), &method.durations);
        for (bound, count) in DURATION_BUCKETS.iter().zip(durations.cumulative) {
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
        }
        let (count, sum) = (durations.count, durations.sum);
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
        let _ = writeln!(
            out,
            "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
        );
    }
}
