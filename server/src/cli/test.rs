//! `quarrel test`.

use std::path::PathBuf;

use clap::Args;
use quarrel_compliance::{RunOptions, Summary, run_files};

use super::failure::Failure;

/// Arguments of `quarrel test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Files in the test language of Prometheus's promqltest.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs all files. What this version cannot evaluate is no success.
pub(super) async fn run(args: TestArgs) -> super::Result {
    let running =
        tokio::task::spawn_blocking(move || run_files(&args.files, &RunOptions::default()));
    let summary = tokio::select! {
        summary = running => summary.map_err(Failure::new)?.map_err(Failure::new)?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::interrupted()),
    };
    super::query::print(format!("{summary}\n").as_bytes())?;
    verdict(&summary)
}

fn verdict(summary: &Summary) -> super::Result {
    if summary.success() {
        Ok(())
    } else {
        // The summary has said what.
        Err(Failure::silent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_passes_or_fails() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good.test");
        let bad = dir.path().join("bad.test");
        let script = "load 1m\n  x 1+1x10\n\neval instant at 5m x\n  x 6\n";
        std::fs::write(&good, script).unwrap();
        std::fs::write(&bad, script.replace("x 6", "x 7")).unwrap();
        let missing = dir.path().join("missing.test");
        assert!(
            run(TestArgs {
                files: vec![good.clone()]
            })
            .await
            .is_ok()
        );
        for file in [bad, missing] {
            assert!(
                run(TestArgs {
                    files: vec![good.clone(), file]
                })
                .await
                .is_err()
            );
        }
    }
}
