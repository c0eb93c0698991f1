//! `quarrel test`.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use quarrel_compliance::{RunOptions, Summary, run_files};
use quarrel_planner::ParserOptions;

use super::failure::{Failure, Outcome};
use super::remote::RemoteArgs;

/// Arguments of `quarrel test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Files in the test language of Prometheus's promqltest.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Whether metric names are removed when the answer is complete.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    delayed_name_removal: bool,
    /// Whether functions of counters use start timestamps.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    use_start_timestamps: bool,
    /// Whether experimental syntax is allowed.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    experimental: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

impl TestArgs {
    fn options(&self) -> RunOptions {
        let mut options = RunOptions::default();
        options.engine.enable_delayed_name_removal = self.delayed_name_removal;
        options.engine.use_start_timestamps = self.use_start_timestamps;
        if !self.experimental {
            options.engine.parser = ParserOptions::default();
        }
        options
    }
}

/// Runs all files.
pub(super) async fn run(args: TestArgs) -> Outcome {
    let summary = tokio::select! {
        summary = summary(args) => summary?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::interrupted()),
    };
    super::query::print(format!("{summary}\n").as_bytes())?;
    verdict(&summary)
}

async fn summary(args: TestArgs) -> Result<Summary, Failure> {
    if let Some(summary) = args.remote.run(&args.files).await? {
        return Ok(summary);
    }
    let options = args.options();
    let running = tokio::task::spawn_blocking(move || run_files(&args.files, &options));
    let summary = running.await.map_err(Failure::new)?;
    summary.map_err(Failure::new)
}

fn verdict(summary: &Summary) -> Outcome {
    if summary.success() {
        Ok(())
    } else {
        // The summary has the failures.
        Err(Failure::silent())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: TestArgs,
    }

    fn args(files: Vec<PathBuf>) -> TestArgs {
        let words = files.iter().map(|path| path.as_os_str());
        Line::parse_from([std::ffi::OsStr::new("test")].into_iter().chain(words)).args
    }

    #[tokio::test]
    async fn a_file_passes_or_fails() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good.test");
        let bad = dir.path().join("bad.test");
        let script = "load 1m\n  x 1+1x10\n\neval instant at 5m x\n  x 6\n";
        std::fs::write(&good, script).unwrap();
        std::fs::write(&bad, script.replace("x 6", "x 7")).unwrap();
        let missing = dir.path().join("missing.test");
        assert!(run(args(vec![good.clone()])).await.is_ok());
        for file in [bad, missing] {
            assert!(run(args(vec![good.clone(), file])).await.is_err());
        }
    }

    #[tokio::test]
    async fn names_are_removed_when_asked_to() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("names.test");
        let query = "label_replace(abs(a), \"n\", \"$1\", \"__name__\", \"(.*)\")";
        let script = format!("load 1m\n  a 1\n\neval instant at 0 {query}\n  {{}} 1\n");
        std::fs::write(&file, script).unwrap();
        for (delayed_name_removal, passes) in [(false, true), (true, false)] {
            let args = TestArgs {
                delayed_name_removal,
                use_start_timestamps: false,
                experimental: false,
                ..args(vec![file.clone()])
            };
            assert_eq!(run(args).await.is_ok(), passes);
        }
    }
}
