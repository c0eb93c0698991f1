//! Times quarrel, the Prometheus engine and the Thanos engine on the same
//! block and prints a table, for `docs/benchmarks.md`.
//!
//! Each engine runs in its own process, one after the other, on all cores. Each
//! query runs once to warm up and then several times; the figures are medians.
//! quarrel parses and plans at each run, as the others do.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use quarrel_benches::{BenchError, BenchQuery, bench_data, go_module, go_run, open, queries, rows};
use quarrel_engine::{Engine, EngineOptions};
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Times quarrel and its peers on the same block")]
struct Args {
    /// Data directory; without it the benchmark block is built
    #[arg(long)]
    data: Option<PathBuf>,
    /// Only queries whose name contains this text
    #[arg(long, default_value = "")]
    only: String,
    /// Most runs of each query
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Leave out the Thanos engine
    #[arg(long)]
    no_thanos: bool,
    /// Time quarrel alone
    #[arg(long)]
    alone: bool,
}

#[derive(Deserialize)]
struct Report {
    module: String,
    timings: Vec<Timing>,
}

#[derive(Deserialize)]
struct Timing {
    name: String,
    median_ns: u64,
    series: usize,
    #[serde(default)]
    error: String,
}

fn main() -> Result<(), BenchError> {
    let args = Args::parse();
    let data = args.data.clone().map_or_else(bench_data, Ok)?;
    let data = std::path::absolute(data)?;
    let mut list = queries()?;
    list.retain(|q| q.name.contains(&args.only));
    let own = time_quarrel(&list, &data, args.runs)?;
    let (prometheus, thanos) = if args.alone {
        (None, None)
    } else {
        let thanos = (!args.no_thanos)
            .then(|| time_thanos(&data, &args.only))
            .transpose()?;
        (Some(time_prometheus(&data, &args.only)?), thanos)
    };
    print_table(&list, &own, prometheus.as_ref(), thanos.as_ref());
    Ok(())
}

/// The largest total time of one query's runs.
const MAX_TOTAL: Duration = Duration::from_secs(3);

fn time_quarrel(
    list: &[BenchQuery],
    data: &Path,
    runs: usize,
) -> Result<Vec<(Duration, usize)>, BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let store = open(data)?;
    let engine = Engine::new(EngineOptions::default())?;
    let mut out = Vec::new();
    for query in list {
        let answer = runtime.block_on(query.run(&engine, &store))?;
        let count = rows(&answer.value);
        drop(answer);
        let (mut took, begin) = (Vec::new(), Instant::now());
        while took.len() < runs && (took.len() < 3 || begin.elapsed() < MAX_TOTAL) {
            let started = Instant::now();
            let answer = runtime.block_on(query.run(&engine, &store))?;
            took.push(started.elapsed());
            drop(answer);
        }
        took.sort();
        out.push((took[took.len() / 2], count));
    }
    Ok(out)
}

fn time_prometheus(data: &Path, only: &str) -> Result<Report, BenchError> {
    let data = data
        .to_str()
        .ok_or("the data directory's path is not UTF-8")?;
    let args = ["./cmd/prombench", "-data", data, "-only", only];
    Ok(serde_json::from_slice(&go_run(&go_module(), &args)?)?)
}

fn time_thanos(data: &Path, only: &str) -> Result<Report, BenchError> {
    let list = go_run(&go_module(), &["./cmd/prombench", "-list"])?;
    let file = std::env::temp_dir().join(format!("quarrel-bench-{}.json", std::process::id()));
    std::fs::write(&file, list)?;
    let text = |path: &Path| {
        path.to_str()
            .map(str::to_string)
            .ok_or("a path is not UTF-8")
    };
    let (data, queries) = (text(data)?, text(&file)?);
    let args = [".", "-data", &data, "-queries", &queries, "-only", only];
    let report = go_run(&go_module().join("thanosbench"), &args);
    std::fs::remove_file(&file)?;
    Ok(serde_json::from_slice(&report?)?)
}

fn print_table(
    list: &[BenchQuery],
    own: &[(Duration, usize)],
    prometheus: Option<&Report>,
    thanos: Option<&Report>,
) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{cores} cores; medians, ms; last column: how many times as fast as the better peer\n"
    );
    for report in [prometheus, thanos].into_iter().flatten() {
        println!("- {}", report.module);
    }
    println!("\n| query | rows | quarrel | Prometheus | Thanos | times |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let (mut logs, mut counted) = (0.0, 0);
    for (query, (took, count)) in list.iter().zip(own) {
        let find = |report: Option<&Report>| -> Option<(u64, usize)> {
            let timing = report?.timings.iter().find(|t| t.name == query.name)?;
            timing
                .error
                .is_empty()
                .then_some((timing.median_ns, timing.series))
        };
        let (prometheus, thanos) = (find(prometheus), find(thanos));
        let best = [prometheus, thanos]
            .into_iter()
            .flatten()
            .map(|(ns, _)| ns)
            .min();
        let times = best.map(|ns| ns as f64 / took.as_nanos() as f64);
        if let Some(times) = times {
            logs += times.ln();
            counted += 1;
        }
        let other = prometheus.filter(|(_, series)| series != count);
        let mark = other.map_or(String::new(), |(_, n)| format!(" (Prometheus: {n})"));
        println!(
            "| `{}` | {count}{mark} | {} | {} | {} | {} |",
            query.query.replace('|', "\\|"),
            ms(Some(took.as_nanos() as u64)),
            ms(prometheus.map(|p| p.0)),
            ms(thanos.map(|p| p.0)),
            times.map_or("-".into(), |t| format!("{t:.1}")),
        );
    }
    if counted > 0 {
        println!(
            "\nGeometric mean: {:.1} times",
            (logs / f64::from(counted)).exp()
        );
    }
}

fn ms(nanos: Option<u64>) -> String {
    nanos.map_or("-".into(), |ns| format!("{:.3}", ns as f64 / 1e6))
}
