//! The program's own metrics at `/metrics`, in Prometheus's text format.

mod bucket;
mod grpc;
mod remote_read;
mod remote_read_clients;
mod stores;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quarrel_engine::QueryStats;
use quarrel_storage::bucket::BucketMetrics;
use quarrel_storage::remote_read::RemoteReadMetrics;
use quarrel_storage::store_api::StoreMetrics;

use grpc::GrpcMetrics;
pub(crate) use grpc::GrpcTimer;
use remote_read::HandlerMetrics;
pub(crate) use remote_read::RemoteReadTimer;

/// Upper bounds of the buckets for durations, seconds.
const BOUNDS: [f64; 14] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 120.0,
];

/// A histogram of durations.
#[derive(Debug, Default)]
struct Histogram {
    /// Observations in each bucket; the last bucket has no bound.
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.partition_point(|&bound| bound < seconds);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.nanos.fetch_add(duration.as_nanos() as u64, Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut total = 0;
        for (i, count) in self.counts.iter().enumerate() {
            total += count.load(Relaxed);
            let bound = BOUNDS
                .get(i)
                .map_or("+Inf".to_string(), |bound| bound.to_string());
            let _ = writeln!(
                out,
                "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}"
            );
        }
        let seconds = self.nanos.load(Relaxed) as f64 / 1e9;
        let braces = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let _ = writeln!(
            out,
            "{name}_sum{braces} {seconds}\n{name}_count{braces} {total}"
        );
    }
}

/// Instant or range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryKind {
    Instant,
    Range,
}

impl QueryKind {
    const ALL: [QueryKind; 2] = [QueryKind::Instant, QueryKind::Range];

    pub(crate) fn name(self) -> &'static str {
        match self {
            QueryKind::Instant => "instant",
            QueryKind::Range => "range",
        }
    }
}

/// How a query or a request ended: `success`, or the type of its error.
pub(crate) type Outcome = &'static str;

#[derive(Debug, Default)]
struct Handler {
    codes: BTreeMap<u16, u64>,
    durations: Histogram,
}

/// The program's counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    queries: Mutex<BTreeMap<(&'static str, Outcome), u64>>,
    durations: [Histogram; 2],
    /// Queue, prepare, evaluate, result; nanoseconds.
    phases: [AtomicU64; 4],
    decoded_samples: AtomicU64,
    decoded_bytes: AtomicU64,
    queryable_samples: AtomicU64,
    series: AtomicU64,
    requests_in_flight: AtomicI64,
    handlers: Mutex<BTreeMap<&'static str, Handler>>,
    grpc: GrpcMetrics,
    remote_read: HandlerMetrics,
}

/// Values of other parts of the program at the time of the scrape.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
    pub(crate) max_concurrency: usize,
    pub(crate) ready: bool,
    pub(crate) start_seconds: f64,
    /// Of the stores behind the server.
    pub(crate) stores: Vec<StoreMetrics>,
    /// Of the servers of remote read behind the server.
    pub(crate) remote_read: Vec<RemoteReadMetrics>,
    /// Of the bucket behind the server.
    pub(crate) bucket: Option<BucketMetrics>,
}

impl Metrics {
    /// Starts counting a query. If the timer is dropped before it has finished,
    /// the query counts as canceled.
    pub(crate) fn query(self: &Arc<Self>, kind: QueryKind) -> QueryTimer {
        QueryTimer {
            metrics: Arc::clone(self),
            kind,
            start: Instant::now(),
            done: false,
        }
    }

    /// Starts counting a request.
    pub(crate) fn request(self: &Arc<Self>, handler: &'static str) -> RequestTimer {
        self.requests_in_flight.fetch_add(1, Relaxed);
        RequestTimer {
            metrics: Arc::clone(self),
            handler,
            start: Instant::now(),
            code: 499,
        }
    }

    /// All metrics as text.
    pub(crate) fn render(&self, gauges: &Gauges) -> String {
        let mut out = String::with_capacity(16 << 10);
        self.write_queries(&mut out, gauges);
        self.write_requests(&mut out);
        self.grpc.write(&mut out);
        self.remote_read.write(&mut out);
        stores::write(&mut out, &gauges.stores);
        remote_read_clients::write(&mut out, &gauges.remote_read);
        bucket::write(&mut out, gauges.bucket.as_ref());
        write_process(&mut out, gauges);
        out
    }

    fn write_queries(&self, out: &mut String, gauges: &Gauges) {
        let version = env!("CARGO_PKG_VERSION");
        head(
            out,
            "quarrel_build_info",
            "gauge",
            "The version of quarrel.",
        );
        let _ = writeln!(out, "quarrel_build_info{{version=\"{version}\"}} 1");
        let ready = u8::from(gauges.ready);
        single(
            out,
            "quarrel_ready",
            "gauge",
            "Whether the data directory is open.",
            ready,
        );
        head(
            out,
            "quarrel_queries_total",
            "counter",
            "Queries by kind and by how they ended.",
        );
        for ((kind, outcome), count) in &*self.queries.lock() {
            let _ = writeln!(
                out,
                "quarrel_queries_total{{kind=\"{kind}\",outcome=\"{outcome}\"}} {count}"
            );
        }
        let name = "quarrel_query_duration_seconds";
        head(
            out,
            name,
            "histogram",
            "Time from a query's text to the end of its answer.",
        );
        for kind in QueryKind::ALL {
            let labels = format!("kind=\"{}\"", kind.name());
            self.durations[kind as usize].write(out, name, &labels);
        }
        let name = "quarrel_query_phase_seconds_total";
        head(out, name, "counter", "Time spent in the phases of queries.");
        for (phase, nanos) in ["queue", "prepare", "evaluate", "result"]
            .iter()
            .zip(&self.phases)
        {
            let seconds = nanos.load(Relaxed) as f64 / 1e9;
            let _ = writeln!(out, "{name}{{phase=\"{phase}\"}} {seconds}");
        }
        for (name, help, value) in [
            (
                "quarrel_queries_running",
                "Queries that are running.",
                gauges.running,
            ),
            (
                "quarrel_queries_waiting",
                "Queries that wait to run.",
                gauges.waiting,
            ),
            (
                "quarrel_queries_concurrent_max",
                "Queries that may run at once.",
                gauges.max_concurrency,
            ),
        ] {
            single(out, name, "gauge", help, value);
        }
        for (name, help, value) in [
            (
                "quarrel_samples_decoded_total",
                "Samples decoded by queries.",
                &self.decoded_samples,
            ),
            (
                "quarrel_bytes_decoded_total",
                "Encoded bytes that queries have read.",
                &self.decoded_bytes,
            ),
            (
                "quarrel_samples_queryable_total",
                "Samples in the windows of queries, counted once for each step.",
                &self.queryable_samples,
            ),
            (
                "quarrel_series_selected_total",
                "Series selected by queries.",
                &self.series,
            ),
        ] {
            single(out, name, "counter", help, value.load(Relaxed));
        }
    }

    fn write_requests(&self, out: &mut String) {
        let in_flight = self.requests_in_flight.load(Relaxed);
        let help = "Requests that are being answered.";
        single(
            out,
            "quarrel_http_requests_in_flight",
            "gauge",
            help,
            in_flight,
        );
        let handlers = self.handlers.lock();
        let name = "quarrel_http_requests_total";
        head(out, name, "counter", "Requests by handler and status code.");
        for (handler, counters) in &*handlers {
            for (code, count) in &counters.codes {
                let _ = writeln!(
                    out,
                    "{name}{{handler=\"{handler}\",code=\"{code}\"}} {count}"
                );
            }
        }
        let name = "quarrel_http_request_duration_seconds";
        head(
            out,
            name,
            "histogram",
            "Time until the answer to a request begins.",
        );
        for (handler, counters) in &*handlers {
            counters
                .durations
                .write(out, name, &format!("handler=\"{handler}\""));
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

/// Metrics of the process from `/proc`, if there is one.
fn write_process(out: &mut String, gauges: &Gauges) {
    let help = "When the process started, in seconds since the epoch.";
    single(
        out,
        "process_start_time_seconds",
        "gauge",
        help,
        gauges.start_seconds,
    );
    if let Some((resident, virtual_size)) = memory() {
        let help = "Resident memory in bytes.";
        single(
            out,
            "process_resident_memory_bytes",
            "gauge",
            help,
            resident,
        );
        let help = "Virtual memory in bytes.";
        single(
            out,
            "process_virtual_memory_bytes",
            "gauge",
            help,
            virtual_size,
        );
    }
    if let Some(seconds) = cpu_seconds() {
        let help = "User and system time in seconds.";
        single(out, "process_cpu_seconds_total", "counter", help, seconds);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        single(
            out,
            "process_open_fds",
            "gauge",
            "Open files.",
            files.count(),
        );
    }
}

fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some((kib("VmRSS:")? * 1024, kib("VmSize:")? * 1024))
}

fn cpu_seconds() -> Option<f64> {
    // The kernel reports these in hundredths of a second on all machines.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in parentheses and may have spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / TICKS)
}

/// Counts one query.
#[derive(Debug)]
pub(crate) struct QueryTimer {
    metrics: Arc<Metrics>,
    kind: QueryKind,
    start: Instant,
    done: bool,
}

impl QueryTimer {
    /// The query has ended.
    pub(crate) fn finish(&mut self, outcome: Outcome, stats: Option<&QueryStats>) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        let metrics = &self.metrics;
        *metrics
            .queries
            .lock()
            .entry((self.kind.name(), outcome))
            .or_default() += 1;
        metrics.durations[self.kind as usize].observe(self.start.elapsed());
        let Some(stats) = stats else { return };
        let phases = [stats.queue, stats.prepare, stats.evaluate, stats.result];
        for (total, phase) in metrics.phases.iter().zip(phases) {
            total.fetch_add(phase.as_nanos() as u64, Relaxed);
        }
        metrics
            .decoded_samples
            .fetch_add(stats.decoded_samples, Relaxed);
        metrics
            .decoded_bytes
            .fetch_add(stats.decoded_bytes, Relaxed);
        metrics
            .queryable_samples
            .fetch_add(stats.total_queryable_samples, Relaxed);
        metrics.series.fetch_add(stats.series, Relaxed);
    }
}

impl Drop for QueryTimer {
    fn drop(&mut self) {
        self.finish("canceled", None);
    }
}

/// Counts one request; dropped when the answer begins, or when the client
/// disconnects before.
#[derive(Debug)]
pub(crate) struct RequestTimer {
    metrics: Arc<Metrics>,
    handler: &'static str,
    start: Instant,
    code: u16,
}

impl RequestTimer {
    /// The answer begins with this status code.
    pub(crate) fn finish(mut self, code: u16) {
        self.code = code;
    }
}

impl Drop for RequestTimer {
    fn drop(&mut self) {
        self.metrics.requests_in_flight.fetch_sub(1, Relaxed);
        let mut handlers = self.metrics.handlers.lock();
        let handler = handlers.entry(self.handler).or_default();
        *handler.codes.entry(self.code).or_default() += 1;
        handler.durations.observe(self.start.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_requests_are_counted() {
        let metrics = Arc::new(Metrics::default());
        let stats = QueryStats {
            decoded_samples: 7,
            series: 2,
            ..QueryStats::default()
        };
        metrics
            .query(QueryKind::Range)
            .finish("success", Some(&stats));
        metrics
            .query(QueryKind::Range)
            .finish("success", Some(&stats));
        drop(metrics.query(QueryKind::Instant));
        metrics.request("/api/v1/query").finish(200);
        let open = metrics.request("/api/v1/query");
        let text = metrics.render(&Gauges {
            running: 3,
            ..Gauges::default()
        });
        drop(open);
        for line in [
            "quarrel_queries_total{kind=\"range\",outcome=\"success\"} 2",
            "quarrel_queries_total{kind=\"instant\",outcome=\"canceled\"} 1",
            "quarrel_query_duration_seconds_count{kind=\"range\"} 2",
            "quarrel_query_duration_seconds_bucket{kind=\"range\",le=\"+Inf\"} 2",
            "quarrel_samples_decoded_total 14",
            "quarrel_series_selected_total 4",
            "quarrel_queries_running 3",
            "quarrel_http_requests_in_flight 1",
            "quarrel_http_requests_total{handler=\"/api/v1/query\",code=\"200\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(
            metrics
                .render(&Gauges::default())
                .contains("code=\"499\"} 1")
        );
    }

    #[test]
    fn each_metric_has_its_type_once_and_its_samples_behind() {
        let metrics = Arc::new(Metrics::default());
        metrics.request("/metrics").finish(200);
        let text = metrics.render(&Gauges::default());
        let mut seen = std::collections::BTreeSet::new();
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split_once(' ').unwrap().0;
                assert!(seen.insert(family), "{family} twice");
            } else if !line.starts_with('#') {
                assert!(line.starts_with(family), "{line} under {family}");
                line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
            }
        }
        assert!(seen.len() > 12);
    }

    #[test]
    fn durations_fall_into_buckets() {
        let histogram = Histogram::default();
        for ms in [0, 1, 2, 700, 200_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        let mut out = String::new();
        histogram.write(&mut out, "x", "");
        assert!(out.contains("x_bucket{le=\"0.0001\"} 1\n"));
        assert!(out.contains("x_bucket{le=\"0.001\"} 2\n"));
        assert!(out.contains("x_bucket{le=\"1\"} 4\n"));
        assert!(out.contains("x_bucket{le=\"120\"} 4\n"));
        assert!(out.ends_with("x_sum 200.703\nx_count 5\n"), "{out}");
    }
}
