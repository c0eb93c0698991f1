//! The command line: one file for each command.

mod access;
mod bench;
mod bucket;
mod compare;
mod data;
mod endpoint;
mod explain;
mod external_label;
mod failure;
mod grpc;
mod log;
mod loopback;
mod options;
mod output;
mod parse;
mod query;
mod read_limits;
mod remote;
mod remote_read;
mod serve;
mod sources;
mod stores;
mod test;
mod times;
#[cfg(feature = "otlp")]
mod traces;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::memory;

/// PromQL on Prometheus's data.
#[derive(Debug, Parser)]
#[command(
    name = "quarrel",
    version,
    about = "PromQL on Prometheus data: queries on the command line, and the Prometheus HTTP API",
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a query and print its answer.
    Query(query::QueryArgs),
    /// Serve the Prometheus HTTP API over a data directory, or over Thanos API servers.
    Serve(Box<serve::ServeArgs>),
    /// Show the plan of a query, and with --analyze the statistics of each
    /// operator.
    Explain(explain::ExplainArgs),
    /// Ask two endpoints the same queries, and say where the answers differ.
    Compare(Box<compare::CompareArgs>),
    /// Measure how long endpoints take to answer queries.
    Bench(Box<bench::BenchArgs>),
    /// Run unit tests of rules (as promtool does), and Prometheus's .test files.
    Test(test::TestArgs),
    /// Print the syntax tree of a query as JSON.
    Parse(parse::ParseArgs),
    /// Format a query.
    Format(parse::FormatArgs),
}

/// Runs the program with the arguments of the process. The exit codes are those
/// of promtool: 0 for success, 1 for failure, including wrong arguments; 130
/// after Ctrl-C.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not failures.
            let code = u8::from(error.use_stderr());
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    crate::memory::configure();
    // A handler that computes must not be alone on the only thread.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        .thread_name("quarrel-api")
        .on_thread_park(memory::give_back_if_asked)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Query(args) => query::run(args).await,
            Command::Serve(args) => serve::run(*args).await,
            Command::Explain(args) => explain::run(args).await,
            Command::Compare(args) => compare::run(*args).await,
            Command::Bench(args) => bench::run(*args).await,
            Command::Test(args) => test::run(args).await,
            Command::Parse(args) => parse::parse(&args),
            Command::Format(args) => parse::format(&args),
        }
    });
    // Running computations must not delay the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn documented_arguments_are_known() {
        for line in [
            "quarrel serve --data /d --listen 127.0.0.1:1 --enable-feature=a --enable-feature=b",
            "quarrel serve --data /d --web.listen-address=:9090 --query.timeout=1m --query.max-samples=5 \
             --query.max-concurrency=2 --query.lookback-delta=30s --query.max-memory=1GB \
             --web.cors.origin=.* --web.config.file=/w.yml --web.read-timeout=1m --web.write-timeout=1m --web.max-connections=5 --log.level=debug --log.format=json",
            "quarrel serve --data /d --label cluster=\"a\" --label b=\"c\" --grpc-address 127.0.0.1:10901 --grpc-grace-period=1m \
             --grpc-server-max-connection-age=0s --grpc-server-tls-cert=c.pem --grpc-server-tls-key=k.pem --grpc-server-tls-client-ca=a.pem \
             --store.limits.request-series=5 --store.limits.request-samples=6",
            "quarrel query up",
            "quarrel query up --data /d --time -1h --format json",
            "quarrel query up --start -1h --end now --step 15s",
            "quarrel query --start=-1h -- -up",
            "quarrel explain --analyze up",
            "quarrel test a.test b.test",
            "quarrel bench http://a new=data:/d --queries q.txt --rounds 3 --rate 5 --jobs 2 --duration 1m \
             --header X-Scope-OrgID:1 --http-config-of new=c.yml --baseline old.json --format html -o x.html",
            "quarrel test a.yml --run ^a --run b --diff --ignore-unknown-fields --junit r.xml",
            "quarrel test a.yml --experimental true --delayed-name-removal=true",
            "quarrel format up",
        ] {
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        for line in [
            "quarrel",
            "quarrel query",
            "quarrel query up --time 1 --start 2",
            "quarrel query up --format nope",
            "quarrel query up --step 0",
            "quarrel serve --query.timeout=x",
            "quarrel serve --label cluster=a",
            "quarrel serve --grpc-address :1 --grpc-server-tls-cert=c.pem",
            "quarrel serve --grpc-server-tls-cert=c.pem --grpc-server-tls-key=k.pem",
            "quarrel serve --query.max-samples=-1",
            "quarrel serve --web.cors.origin=(",
            "quarrel test",
        ] {
            assert!(
                Cli::try_parse_from(line.split_whitespace()).is_err(),
                "{line}"
            );
        }
    }
}
