//! Unit tests of rules: the files of `promtool test rules`.
//!
//! A file names rule files, and has tests: series, and what alerts fire and what
//! queries give at which times. Each test is run on a store of its own
//! (`store.rs`), in which its input appears as time goes on. At each interval the
//! groups of rules are evaluated one after the other (`group.rs`): recording rules
//! write series, alerts go from pending to firing (`alerts.rs`). The verdicts are
//! those of `promtool` of Prometheus 3.16, and so are the rules of the form
//! (`file.rs`, `rule_file.rs`) and the checks (`rules.rs`). Texts of alerts are
//! [templates](crate::template).
//!
//! A query of a rule is parsed once for a file, samples stay in memory, and
//! tests are run side by side.
//!
//! # Differences
//! - Groups that `group_eval_order` leaves open run in the order of the files;
//!   `promtool` runs them in any.
//! - What a template needs that is not supported is a failure of its test.
//! - A recording rule that copies a native histogram which counts keeps no
//!   counter reset hint.
//! - A rule that looks ahead of its time by a negative offset sees native
//!   histograms of the future.
//!
//! # Examples
//! ```
//! use quarrel_compliance::unit::{UnitOptions, run_files};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("test.yml");
//! std::fs::write(&path, r#"
//! tests:
//!   - name: rates
//!     interval: 1m
//!     input_series:
//!       - series: requests_total
//!         values: 0+60x10
//!     promql_expr_test:
//!       - expr: rate(requests_total[5m])
//!         eval_time: 10m
//!         exp_samples:
//!           - value: 1
//! "#)?;
//! let summary = run_files(&[path], &UnitOptions::default())?;
//! assert!(summary.success(), "{summary}");
//! assert_eq!(summary.files[0].tests[0].name, "rates");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alerts;
mod compare;
mod context;
mod error;
mod file;
mod glob;
mod group;
mod junit;
mod report;
mod rule_file;
mod rules;
mod run;
mod samples;
mod start;
mod store;
#[cfg(test)]
mod tests;
mod yaml;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use quarrel_engine::{Engine, EngineOptions};
use quarrel_matchers::Search;

use run::{FileRun, Shared};

pub use error::UnitError;
pub use report::{UnitFailure, UnitFile, UnitSummary, UnitTest};

/// Samples that a query may hold, as in `promtool`.
const MAX_SAMPLES: u64 = 10_000;

/// Stack of a thread that runs tests, bytes.
const STACK: usize = 64 << 20;

/// How unit tests are run.
#[derive(Clone, Debug)]
pub struct UnitOptions {
    /// The engine's options. [`UnitOptions::default`] has those of `promtool`: no
    /// experimental syntax, and 10,000 samples a query. Subqueries without a
    /// step have the interval of the file.
    pub engine: EngineOptions,
    /// If there are any, only tests are run whose name one of these patterns
    /// matches.
    pub run: Vec<String>,
    /// Whether rule files may have fields that are not known.
    pub ignore_unknown_fields: bool,
    /// Whether failures show only what differs.
    pub diff: bool,
}

impl Default for UnitOptions {
    fn default() -> Self {
        UnitOptions {
            engine: EngineOptions::new()
                .max_samples(MAX_SAMPLES)
                .timeout(Duration::from_secs(100))
                .inline_samples(u64::MAX),
            run: Vec::new(),
            ignore_unknown_fields: false,
            diff: false,
        }
    }
}

/// Runs files of unit tests. A file that cannot be read or is none is refused in
/// the summary. Blocks the calling thread, which may not belong to an
/// asynchronous runtime.
///
/// # Errors
/// When the options are invalid, or there are no threads.
pub fn run_files<P: AsRef<Path>>(
    paths: &[P],
    options: &UnitOptions,
) -> Result<UnitSummary, UnitError> {
    let engine = Engine::new(options.engine.clone())?;
    let pattern = match &options.run[..] {
        [] => None,
        patterns => Some(Search::new(&patterns.join("|"))?),
    };
    let is_wanted = |name: &str| {
        pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(name))
    };
    let mut summary = UnitSummary::default();
    let mut runs = Vec::new();
    let mut jobs = Vec::new();
    for (file, path) in paths.iter().map(AsRef::as_ref).enumerate() {
        let mut out = UnitFile {
            name: path.display().to_string(),
            ..UnitFile::default()
        };
        match FileRun::read(path, &mut out.warnings) {
            Ok(run) => {
                let names = run.names().enumerate();
                let wanted = names.filter(|(_, name)| is_wanted(name));
                jobs.extend(wanted.map(|(test, _)| Job { file, test }));
                runs.push(Some(run));
            }
            Err(why) => {
                out.refused = Some(why);
                runs.push(None);
            }
        }
        summary.files.push(out);
    }
    let shared = Shared {
        engine: &engine,
        ignore_unknown_fields: options.ignore_unknown_fields,
        diff: options.diff,
    };
    for (job, test) in run_jobs(&jobs, &runs, &shared)? {
        summary.files[job.file].tests.push(test);
    }
    Ok(summary)
}

/// A test by the numbers of its file and of itself.
#[derive(Clone, Copy)]
struct Job {
    file: usize,
    test: usize,
}

/// Runs tests on all cores; gives their results in order.
fn run_jobs(
    jobs: &[Job],
    runs: &[Option<FileRun>],
    shared: &Shared<'_>,
) -> Result<Vec<(Job, UnitTest)>, UnitError> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, UnitTest)>, UnitError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let mut out = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else {
                return Ok(out);
            };
            if let Some(run) = &runs[job.file] {
                out.push((number, run.run(job.test, shared, &runtime)));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut results = std::thread::scope(|scope| {
        let start = |_| {
            let thread = std::thread::Builder::new().name("quarrel-test".into());
            thread.stack_size(STACK).spawn_scoped(scope, work)
        };
        let threads = (0..threads.min(jobs.len())).map(start);
        let threads = threads.collect::<Result<Vec<_>, _>>()?;
        let mut results = Vec::with_capacity(jobs.len());
        for thread in threads {
            let result = thread.join();
            results.extend(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok::<_, UnitError>(results)
    })?;
    results.sort_by_key(|(number, _)| *number);
    let results = results.into_iter();
    Ok(results.map(|(number, test)| (jobs[number], test)).collect())
}
