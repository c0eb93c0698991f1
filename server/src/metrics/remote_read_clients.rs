//! What is counted of servers of remote read behind the server, under the names of
//! Prometheus's client.

use std::fmt::Write as _;

use quarrel_storage::remote_read::{REQUEST_BUCKETS, RemoteReadMetrics};

use super::head;

type Count = fn(&RemoteReadMetrics) -> u64;

/// Appends the metrics of the servers, if there are some.
pub(super) fn write(out: &mut String, servers: &[RemoteReadMetrics]) {
    if servers.is_empty() {
        return;
    }
    let name = "prometheus_remote_read_client_queries";
    head(
        out,
        name,
        "gauge",
        "The number of in-flight remote read queries.",
    );
    for server in servers {
        let (labels, running) = (labels(server), server.running);
        let _ = writeln!(out, "{name}{{{labels}}} {running}");
    }
    let name = "prometheus_remote_read_client_queries_total";
    head(
        out,
        name,
        "counter",
        "The total number of remote read queries.",
    );
    for server in servers {
        let labels = labels(server);
        for answer in &server.answers {
            for (code, count) in [("200", answer.successes), ("failed", answer.failures)] {
                let kind = answer.kind;
                let _ = writeln!(
                    out,
                    "{name}{{{labels},response_type=\"{kind}\",code=\"{code}\"}} {count}"
                );
            }
        }
    }
    write_durations(out, servers);
    let counts: [(&str, &str, Count); 3] = [
        ("bytes", "Bytes of labels, chunks and samples", |s| s.bytes),
        ("series", "Series", |s| s.series),
        ("samples", "Samples, of chunks by their headers,", |s| {
            s.samples
        }),
    ];
    for (what, help, count) in counts {
        let name = format!("quarrel_remote_read_received_{what}_total");
        head(
            out,
            &name,
            "counter",
            &format!("{help} that servers of remote read have sent."),
        );
        for server in servers {
            let _ = writeln!(out, "{name}{{{}}} {}", labels(server), count(server));
        }
    }
}

fn write_durations(out: &mut String, servers: &[RemoteReadMetrics]) {
    let name = "prometheus_remote_read_client_request_duration_seconds";
    let help = "Time of remote read requests until the last byte of the answer.";
    head(out, name, "histogram", help);
    for server in servers {
        for answer in &server.answers {
            let labels = format!("{},response_type=\"{}\"", labels(server), answer.kind);
            let durations = &answer.durations;
            for (bound, count) in REQUEST_BUCKETS.iter().zip(durations.cumulative) {
                let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
            }
            let (count, sum) = (durations.count, durations.sum);
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
            let _ = writeln!(out, "{name}_sum{{{labels}}} {sum}");
            let _ = writeln!(out, "{name}_count{{{labels}}} {count}");
        }
    }
}

fn labels(server: &RemoteReadMetrics) -> String {
    let text = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        value.replace('\n', "\\n")
    };
    let (name, url) = (text(&server.name), text(&server.url));
    format!("remote_name=\"{name}\",url=\"{url}\"")
}
