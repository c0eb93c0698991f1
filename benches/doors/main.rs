//! Times `quarrel serve` and Prometheus over HTTP, as their users do, and writes
//! the section "Over HTTP" of `docs/benchmarks.md`.
//!
//! Both servers read the same blocks and stay. Each request is sent to both in
//! turn on connections that stay open, once to warm up and then some times; what
//! counts is the median of the wall time from the request to the last byte. The
//! client reads and drops what comes, on the same machine. Then clients by the
//! dozen ask side by side. What it is bad at: a busy machine.

mod client;
mod load;
mod request;
mod server;
mod table;

use clap::Parser;
use quarrel_benches::machine::Machine;
use quarrel_benches::{BenchError, Shape, bench_folder, go_build, go_module, write_page};

use crate::request::{Request, Row};
use crate::server::Server;

#[derive(Parser)]
#[command(about = "Times quarrel and Prometheus over HTTP")]
struct Args {
    /// The program `quarrel`
    #[arg(long)]
    quarrel: std::path::PathBuf,
    /// How often each request is sent, after once to warm up
    #[arg(long, default_value_t = 9)]
    runs: u32,
    /// How long the clients ask each server, s
    #[arg(long, default_value_t = 10)]
    load: u64,
    /// Leave out the data of a million series
    #[arg(long)]
    quick: bool,
    /// Print the tables and write nothing
    #[arg(long)]
    print: bool,
}

fn main() -> Result<(), BenchError> {
    let args = Args::parse();
    let prometheus = go_build(
        &go_module(),
        "github.com/prometheus/prometheus/cmd/prometheus",
        "prometheus",
    )?;
    let scratch = bench_folder("bench-doors")?;
    let mut rows = Vec::new();
    let mut loads = Vec::new();
    for (shape, requests) in Request::all(args.quick) {
        let servers = [
            Server::quarrel(&args.quarrel, &shape.directory()?)?,
            Server::prometheus(&prometheus, &shape.directory()?, &scratch)?,
        ];
        for request in requests {
            rows.push(Row::measure(request, &servers, args.runs)?);
        }
        if shape == Shape::X {
            for server in &servers {
                loads.push(load::run(server, args.load)?);
            }
        }
    }
    std::fs::remove_dir_all(scratch)?;
    let text = format!(
        "{}\n\n{}\n{}",
        Machine::here().line(),
        table::requests(&rows),
        table::loads(&loads)
    );
    if args.print || args.quick {
        println!("{text}");
        return Ok(());
    }
    write_page("docs/benchmarks.md", "bench-doors", &text)
}
