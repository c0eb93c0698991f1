//! `quarrel test`.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use quarrel_compliance::unit::{self, UnitOptions};
use quarrel_compliance::{RunOptions, run_files};
use quarrel_planner::ParserOptions;

use super::failure::{Failure, Outcome};
use super::remote::RemoteArgs;

/// Arguments of `quarrel test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Files to run: unit tests of rules, as `promtool test rules` runs them
    /// (.yml, .yaml), or scripts in the test language of Prometheus's promqltest
    /// (all others).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Whether metric names are removed when the answer is complete [default:
    /// true for scripts, false for unit tests].
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    delayed_name_removal: Option<bool>,
    /// Whether functions of counters use start timestamps [default: true for
    /// scripts, false for unit tests].
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    use_start_timestamps: Option<bool>,
    /// Whether experimental syntax is allowed [default: true for scripts, false
    /// for unit tests].
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    experimental: Option<bool>,
    /// Of unit tests only those whose name matches the regular expression; may
    /// be repeated.
    #[arg(long, value_name = "REGEX")]
    run: Vec<String>,
    /// Show what differs in unit tests, line by line.
    #[arg(long)]
    diff: bool,
    /// Allow unknown fields in rule files.
    #[arg(long)]
    ignore_unknown_fields: bool,
    /// Write the results of unit tests as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
}

impl TestArgs {
    fn script_options(&self) -> RunOptions {
        let mut options = RunOptions::default();
        let engine = &mut options.engine;
        engine.enable_delayed_name_removal = self.delayed_name_removal.unwrap_or(true);
        engine.use_start_timestamps = self.use_start_timestamps.unwrap_or(true);
        engine.parser = parser(self.experimental.unwrap_or(true));
        options
    }

    fn unit_options(&self) -> UnitOptions {
        let mut options = UnitOptions {
            run: self.run.clone(),
            ignore_unknown_fields: self.ignore_unknown_fields,
            diff: self.diff,
            ..UnitOptions::default()
        };
        let engine = &mut options.engine;
        engine.enable_delayed_name_removal = self.delayed_name_removal.unwrap_or(false);
        engine.use_start_timestamps = self.use_start_timestamps.unwrap_or(false);
        engine.parser = parser(self.experimental.unwrap_or(false));
        options
    }
}

fn parser(experimental: bool) -> ParserOptions {
    match experimental {
        true => ParserOptions::all(),
        false => ParserOptions::default(),
    }
}

/// Whether a file has unit tests of rules; if not, it is a script.
fn is_unit_test(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// What all files together gave.
struct Done {
    text: String,
    success: bool,
}

/// Runs all files: scripts first.
fn run_all(args: &TestArgs) -> Result<Done, Failure> {
    let (units, scripts): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.files.iter().partition(|path| is_unit_test(path));
    let mut done = Done {
        text: String::new(),
        success: true,
    };
    if !scripts.is_empty() {
        let summary = run_files(&scripts, &args.script_options()).map_err(Failure::new)?;
        done.success &= summary.success();
        done.text += &format!("{summary}\n");
    }
    if !units.is_empty() {
        let summary = unit::run_files(&units, &args.unit_options()).map_err(Failure::new)?;
        if let Some(path) = &args.junit {
            let failure = |error| Failure::new(format!("{}: {error}", path.display()));
            std::fs::write(path, summary.to_junit()).map_err(failure)?;
        }
        done.success &= summary.success();
        done.text += &format!("{summary}\n");
    }
    Ok(done)
}

/// Runs scripts on the server of the command line.
async fn run_remote(args: &TestArgs) -> Result<Option<Done>, Failure> {
    let summary = args.remote.run(&args.files).await?;
    Ok(summary.map(|summary| Done {
        success: summary.success(),
        text: format!("{summary}\n"),
    }))
}

async fn run_anywhere(args: TestArgs) -> Result<Done, Failure> {
    let units = args.files.iter().any(|path| is_unit_test(path));
    if units && args.remote.is_asked() {
        return Err(Failure::unasked(
            "unit tests of rules run here, not on another server",
        ));
    }
    if let Some(done) = run_remote(&args).await? {
        return Ok(done);
    }
    let running = tokio::task::spawn_blocking(move || run_all(&args));
    running.await.map_err(Failure::new)?
}

/// Runs all files.
pub(super) async fn run(args: TestArgs) -> Outcome {
    let done = tokio::select! {
        done = run_anywhere(args) => done?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::interrupted()),
    };
    super::query::print(done.text.as_bytes())?;
    match done.success {
        true => Ok(()),
        // The summary has the failures.
        false => Err(Failure::silent()),
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
                delayed_name_removal: Some(delayed_name_removal),
                ..args(vec![file.clone()])
            };
            assert_eq!(run(args).await.is_ok(), passes);
        }
    }

    #[tokio::test]
    async fn unit_tests_of_rules_run_beside_scripts() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let unit = "tests:\n- name: one\n  promql_expr_test:\n  - {expr: 1 + 1, exp_samples: [{value: 2}]}\n";
        std::fs::write(path("a.test"), "eval instant at 0 1\n  1\n").unwrap();
        std::fs::write(path("b.yml"), unit).unwrap();
        std::fs::write(path("c.yaml"), unit.replace("value: 2", "value: 3")).unwrap();
        let files = vec![path("a.test"), path("b.yml")];
        assert!(run(args(files.clone())).await.is_ok());
        let failing = || args(vec![path("a.test"), path("c.yaml")]);
        assert!(run(failing()).await.is_err());
        let with_report = TestArgs {
            junit: Some(path("report.xml")),
            ..failing()
        };
        assert!(run(with_report).await.is_err());
        let report = std::fs::read_to_string(path("report.xml")).unwrap();
        assert!(
            report.contains("<testcase name=\"one\"><failure>"),
            "{report}"
        );
        let run_none = TestArgs {
            run: vec!["two".to_string()],
            ..failing()
        };
        assert!(run(run_none).await.is_ok());
    }
}
