//! Times quarrel, the Prometheus engine and the Thanos engine beside each other
//! and writes the tables of `docs/benchmarks.md`.
//!
//! Each engine is a process that stays, and each query is asked of all of them
//! in turn, so that what else the machine does meets all alike. Times are taken
//! in process, from the text to the last row. The first run of a query warms up
//! and does not count. What it is bad at: queries of some microseconds, which
//! the state of caches and clocks decides, and a busy machine.

mod allocator;
mod child;
mod peer;
mod protocol;
mod report;
mod row;
mod run;

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use quarrel_benches::classes::Class;
use quarrel_benches::{
    BenchError, BenchQuery, bench_folder, go_build, go_module, machine, root, target_folder,
    write_page,
};
use regex_automata::meta::Regex;

use crate::peer::Peer;
use crate::report::{summary, svg, table, threads, windows};
use crate::row::Row;
use crate::run::{Crowded, Plan, Threaded};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

#[derive(Parser)]
#[command(about = "Times quarrel and its peers beside each other")]
struct Args {
    /// A short table, printed and not written
    #[arg(long)]
    quick: bool,
    /// Only queries whose text or row matches this regular expression
    #[arg(long)]
    only: Option<String>,
    /// Only these classes
    #[arg(long, value_delimiter = ',')]
    class: Vec<String>,
    /// The most runs in a turn, after one to warm up
    #[arg(long)]
    runs: Option<u32>,
    /// How many turns each engine has for a query
    #[arg(long)]
    rounds: Option<u32>,
    /// The most time for one run, s; 60, or 15 in a short table
    #[arg(long)]
    timeout: Option<u64>,
    /// The most anonymous memory of an engine, GiB; else two thirds of what is free
    #[arg(long)]
    memory: Option<u64>,
    /// Leave out the Thanos engine
    #[arg(long)]
    no_thanos: bool,
    /// Time the Go module, too, as quarrel by another door; CGO_LDFLAGS says where
    /// its library is
    #[arg(long)]
    go_module: bool,
    /// Let tsink take part in the classes thanos, dashboards and rules
    #[arg(long)]
    tsink: bool,
    /// Time quarrel alone
    #[arg(long)]
    alone: bool,
    /// Print the tables and write nothing
    #[arg(long)]
    print: bool,
    /// Answer requests: what the command runs as its own child
    #[arg(long, hide = true)]
    child: bool,
}

/// All that was measured.
#[derive(Default)]
struct Measured {
    rows: Vec<Row>,
    threads: Vec<Threaded>,
    crowded: Option<Crowded>,
}

fn main() -> Result<(), BenchError> {
    let args = Args::parse();
    if args.child {
        return child::serve();
    }
    let classes = classes(&args.class)?;
    let scratch = bench_folder("bench-scratch")?;
    let mut peers = peers(&args, &scratch)?;
    for peer in &mut peers {
        peer.start()?;
    }
    let measured = measure(&args, &classes, &mut peers)?;
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    let machine = machine::Machine::here();
    let text = tables(&machine, &measured, &peers, &names);
    let lines = summary::lines(
        &machine,
        &measured.rows,
        &measured.threads,
        measured.crowded.as_ref(),
    );
    let whole = !args.quick && !args.alone && !args.no_thanos && !args.print;
    if whole && args.only.is_none() && classes.len() == Class::ALL.len() {
        write(&text, &lines, &measured)?;
    } else {
        println!("{text}\n{lines}");
    }
    drop(peers);
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn classes(names: &[String]) -> Result<Vec<Class>, BenchError> {
    for name in names {
        if !Class::ALL.iter().any(|class| class.name() == name) {
            let all = Class::ALL.map(Class::name).join(", ");
            return Err(format!("no class is called {name}, but {all} are").into());
        }
    }
    let wanted = |class: &Class| names.is_empty() || names.iter().any(|n| n == class.name());
    Ok(Class::ALL.into_iter().filter(wanted).collect())
}

/// The engines, quarrel first.
fn peers(args: &Args, scratch: &Path) -> Result<Vec<Peer>, BenchError> {
    let memory = args
        .memory
        .map_or_else(|| machine::available_memory() / 3 * 2, |gib| gib << 30);
    let own = std::env::current_exe()?;
    let mut peers = vec![Peer::new("quarrel", own, vec!["--child".into()], memory)];
    if args.alone {
        return Ok(peers);
    }
    let scratch = scratch.to_str().ok_or("the target folder is not UTF-8")?;
    let mut add = |name, program: PathBuf| {
        let args = vec!["-scratch".into(), scratch.to_string()];
        peers.push(Peer::new(name, program, args, memory));
    };
    let module = go_module();
    add(
        "Prometheus",
        go_build(&module, "./cmd/prombench", "prombench")?,
    );
    if !args.no_thanos {
        let program = go_build(&module.join("thanosbench"), ".", "thanosbench")?;
        add("Thanos", program);
    }
    if args.go_module {
        let program = go_build(&module.join("../../bindings/go/bench"), ".", "bench-go")?;
        let args = vec!["-serve".into(), "-data".into(), scratch.to_string()];
        let mut door = Peer::new("quarrel's Go module", program, args, memory);
        door.door = true;
        peers.push(door);
    }
    if args.tsink {
        let mut tsink = Peer::new("tsink", tsink_program()?, Vec::new(), memory);
        tsink.classes = &[Class::Thanos, Class::Dashboards, Class::Rules];
        peers.push(tsink);
    }
    Ok(peers)
}

/// Builds the peer in Rust with the profile of this program.
fn tsink_program() -> Result<PathBuf, BenchError> {
    let (profile, folder) = if cfg!(debug_assertions) {
        ("dev", "debug")
    } else {
        ("release", "release")
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tsink/Cargo.toml");
    let target = std::path::absolute(target_folder())?;
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--profile", profile, "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !status.success() {
        return Err(format!("cargo build of tsink's process: {status}").into());
    }
    Ok(target.join(folder).join("quarrel-bench-tsink"))
}

fn measure(args: &Args, classes: &[Class], peers: &mut [Peer]) -> Result<Measured, BenchError> {
    let plan = Plan {
        rounds: args.rounds.unwrap_or(if args.quick { 1 } else { 2 }),
        runs: args.runs.unwrap_or(if args.quick { 5 } else { 9 }),
        most_ms: if args.quick { 200 } else { 1_000 },
        timeout_ms: args.timeout.unwrap_or(if args.quick { 15 } else { 60 }) * 1_000,
    };
    let only = args.only.as_deref().map(Regex::new).transpose()?;
    let wanted = |query: &BenchQuery| {
        let matches = |regex: &Regex| regex.is_match(&query.text) || regex.is_match(query.shown());
        (query.quick || !args.quick) && only.as_ref().is_none_or(matches)
    };
    let mut measured = Measured::default();
    for &class in classes {
        let queries = class.queries().into_iter().filter(wanted);
        if class != Class::Threads {
            for query in queries {
                measured.rows.push(run::row(class, query, peers, plan)?);
            }
            continue;
        }
        let queries: Vec<BenchQuery> = queries.collect();
        if let (Some(quarrel), false) = (peers.first_mut(), queries.is_empty()) {
            measured.threads = run::threads(queries, quarrel, plan)?;
            measured.crowded = Some(run::crowded(quarrel, plan)?);
        }
    }
    Ok(measured)
}

/// All tables, with what made them.
fn tables(
    machine: &machine::Machine,
    measured: &Measured,
    peers: &[Peer],
    names: &[&str],
) -> String {
    let mut out = format!("{}\n\n", machine.line());
    for peer in peers {
        let hello = &peer.hello;
        out += &format!("- {}: {}, {}\n", peer.name, hello.module, hello.runtime);
    }
    out += "\nTimes are medians in ms. \"times\" is how many times as fast quarrel is as the better peer. \
            Bytes are those that one run allocates, and the peak of anonymous memory above that of the idle \
            process, of the engines in their order. Remarks: \"rows\", the answer has another number of rows \
            than Prometheus's; \"allocates\" and \"peak\", quarrel's figure is more than half of the least of \
            a peer that allocates more than 1 MiB; \"slower\", than the better peer.\n";
    for class in Class::ALL {
        let rows: Vec<&Row> = measured.rows.iter().filter(|r| r.class == class).collect();
        if !rows.is_empty() {
            out += &format!("\n{}", table::class(class, &rows, names));
        }
        if class == Class::Windows {
            out += &windows::ratios(&rows, names);
        }
    }
    if !measured.threads.is_empty() {
        let about = "quarrel alone, on one thread and on two";
        let section = threads::section(about, &measured.threads, measured.crowded.as_ref());
        out += &format!("\n{section}");
    }
    out
}

/// What the markers in the pages are called.
const MARKER: &str = "bench-peers";

fn write(text: &str, lines: &str, measured: &Measured) -> Result<(), BenchError> {
    let picture = "![Geometric means by class](docs/benchmarks.svg)";
    write_page("docs/benchmarks.md", MARKER, text)?;
    write_page("README.md", MARKER, &format!("{lines}\n{picture}"))?;
    let title = "Times as fast as the better of the Prometheus and the Thanos engine";
    let svg = svg::bars(title, &summary::means(&measured.rows));
    std::fs::write(root().join("docs/benchmarks.svg"), svg)?;
    println!("{lines}");
    Ok(())
}
