//! The command line: one file a command.

mod failure;
mod parse;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

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
    /// Run Prometheus's .test files.
    Test(test::TestArgs),
    /// Print the syntax tree of a query as JSON.
    Parse(parse::ParseArgs),
    /// Print a query well formatted.
    Format(parse::FormatArgs),
}

/// Runs the program with the arguments of the process. The exit codes are
/// those of promtool: 0 for success, 1 for failure, also of the arguments;
/// 130 after Ctrl-C.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures.
            let code = u8::from(error.use_stderr());
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
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
            Command::Test(args) => test::run(args).await,
            Command::Parse(args) => parse::parse(&args),
            Command::Format(args) => parse::format(&args),
        }
    });
    // What still computes must not keep the program.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

type Result = std::result::Result<(), Failure>;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
