//! Runs scripts on quarrel's engine and reports differences from what they
//! expect.

mod at_modifier;
mod compare;
mod eval;
mod exact;
mod messages;
mod report;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::storage::Storage;
use quarrel_engine::{Engine, EngineOptions, QueryError};
use quarrel_planner::ParserOptions;

pub(crate) use compare::{Answer, Got, GotValue, Series, compare};
pub(crate) use eval::depends_on_range;
pub(crate) use messages::{check_annotations, check_failure};
pub use report::{Failure, FileSummary, Skipped, Summary};

use crate::script::{self, CommandKind, ScriptError};
use crate::store::ScriptStore;

/// Samples that a query may hold, as in Prometheus's tests.
const MAX_SAMPLES: u64 = 10_000;

/// Stack of the thread that runs scripts, bytes. It copies syntax trees, which
/// may be deep.
const STACK: usize = 64 << 20;

/// How scripts are run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The engine's options. [`RunOptions::default`] has those of Prometheus's
    /// `promqltest.NewTestEngine`: all experimental syntax, delayed name
    /// removal, 10,000 samples a query, subqueries without a step every minute.
    pub engine: EngineOptions,
    /// Whether every answer is kept in [`FileSummary::answers`].
    pub keep_answers: bool,
    /// What queries read instead of the storage that a script loads into.
    pub over: Option<StorageOver>,
}

/// Makes the storage that queries read of the one that a script loads into, which
/// grows while it is read.
#[derive(Clone)]
pub struct StorageOver(Arc<MakeStorage>);

type MakeStorage = dyn Fn(Arc<dyn Storage>) -> Arc<dyn Storage> + Send + Sync;

impl StorageOver {
    /// What `make` makes.
    pub fn new(
        make: impl Fn(Arc<dyn Storage>) -> Arc<dyn Storage> + Send + Sync + 'static,
    ) -> Self {
        StorageOver(Arc::new(make))
    }
}

impl fmt::Debug for StorageOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StorageOver")
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            engine: EngineOptions::new()
                .max_samples(MAX_SAMPLES)
                .timeout(Duration::from_secs(100))
                .subquery_step(|_| 60_000)
                .parser(ParserOptions::all())
                .enable_delayed_name_removal(true)
                .use_start_timestamps(true),
            keep_answers: false,
            over: None,
        }
    }
}

/// Runs files of scripts. A file that cannot be read is a failure. Blocks the
/// calling thread.
///
/// # Errors
/// When the engine refuses its options.
pub fn run_files<P: AsRef<Path>>(paths: &[P], options: &RunOptions) -> Result<Summary, QueryError> {
    let mut summary = Summary::default();
    for path in paths {
        let name = path.as_ref().display().to_string();
        match std::fs::read_to_string(path.as_ref()) {
            Ok(text) => summary.files.push(run_text(&name, &text, options)?),
            Err(error) => {
                let failure = Failure {
                    line: 0,
                    query: None,
                    details: vec![error.to_string()],
                };
                summary.files.push(FileSummary {
                    failures: vec![failure],
                    ..FileSummary::new(&name)
                });
            }
        }
    }
    Ok(summary)
}

/// Runs one script; its failures begin with `name`. Blocks the calling thread.
///
/// # Errors
/// When the engine refuses its options.
pub fn run_text(name: &str, text: &str, options: &RunOptions) -> Result<FileSummary, QueryError> {
    let engine = Engine::new(options.engine.clone())?;
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        match runtime {
            Ok(runtime) => Ok(runtime.block_on(run_script(name, text, &engine, options))),
            Err(error) => Err(QueryError::Internal(format!("no runtime: {error}"))),
        }
    };
    // The caller's thread may belong to a runtime and have a small stack.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("quarrel-test".into())
            .stack_size(STACK);
        let thread = thread
            .spawn_scoped(scope, run)
            .map_err(|error| QueryError::Internal(format!("no thread: {error}")))?;
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

async fn run_script(name: &str, text: &str, engine: &Engine, options: &RunOptions) -> FileSummary {
    let mut summary = FileSummary::new(name);
    let script = match script::parse(text) {
        Ok(script) => script,
        Err(ScriptError { line, message }) => {
            summary.failures.push(Failure {
                line,
                query: None,
                details: vec![message],
            });
            return summary;
        }
    };
    let new = || {
        let store = Arc::new(ScriptStore::default());
        let storage: Arc<dyn Storage> = Arc::clone(&store) as _;
        match &options.over {
            Some(StorageOver(over)) => (store, over(storage)),
            None => (store, storage),
        }
    };
    let (mut store, mut storage) = new();
    for command in script.commands {
        match command.kind {
            CommandKind::Clear => (store, storage) = new(),
            CommandKind::Load(load) => {
                if let Err((line, error)) = store.load(&load) {
                    let details = vec![
                        format!("load failed: {error}"),
                        "what follows in this file was not run".to_string(),
                    ];
                    summary.failures.push(Failure {
                        line,
                        query: None,
                        details,
                    });
                    return summary;
                }
            }
            CommandKind::Eval(eval) => {
                let query = eval.query.clone();
                let answers = options.keep_answers.then_some(&mut summary.answers);
                match eval::run(&eval, engine, &storage, answers).await {
                    Ok(()) => summary.passed += 1,
                    Err(details) => summary.failures.push(Failure {
                        line: command.line,
                        query: Some(query),
                        details,
                    }),
                }
            }
        }
    }
    summary
}
