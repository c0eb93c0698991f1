//! Runs the tests of one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use quarrel_engine::{Engine, QueryOptions};
use quarrel_functions::fmt::quote;
use tokio::runtime::Runtime;

use super::compare::{Row, compare_alerts, compare_samples};
use super::context::Context;
use super::file::{ExprTest, Test, TestFile};
use super::glob::glob;
use super::group::RunningGroup;
use super::report::{UnitFailure, UnitTest};
use super::rules::{Group, load};
use super::samples::ask;
use super::store::TestStore;
use super::yaml::{self, Millis};
use crate::script::{self, CommandKind, Load};

/// What all files share.
pub(super) struct Shared<'a> {
    pub(super) engine: &'a Engine,
    pub(super) ignore_unknown_fields: bool,
    pub(super) diff: bool,
}

fn failure(place: impl Into<String>, details: Vec<String>) -> UnitFailure {
    let place = place.into();
    UnitFailure { place, details }
}

/// A file that was read.
pub(super) struct FileRun {
    file: TestFile,
    rule_files: Vec<PathBuf>,
    /// `evaluation_interval`, ms.
    interval: i64,
    /// The rules, once a test needs them.
    rules: OnceLock<Result<Vec<Group>, Vec<String>>>,
}

impl FileRun {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it is refused.
    pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let file: TestFile = yaml::read(&bytes)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut rule_files = Vec::new();
        for pattern in &file.rule_files {
            let full = match pattern.as_str() {
                "" => PathBuf::new(),
                pattern => folder.join(pattern),
            };
            let found = glob(&full);
            let found =
                found.map_err(|_| format!("{}: syntax error in pattern", full.display()))?;
            if found.is_empty() {
                warnings.push(format!("no file matches the pattern {}", full.display()));
            }
            rule_files.extend(found);
        }
        let mut names = BTreeSet::new();
        if let Some(name) = file
            .group_eval_order
            .iter()
            .find(|name| !names.insert(*name))
        {
            return Err(format!("group name repeated in evaluation order: {name}"));
        }
        let interval = match file.evaluation_interval.0 {
            0 => 60_000,
            ms => ms,
        };
        Ok(FileRun {
            file,
            rule_files,
            interval,
            rules: OnceLock::new(),
        })
    }

    /// The names of the tests, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.file.tests.iter().map(|test| test.name.as_str())
    }

    /// Runs a test by its number.
    pub(super) fn run(&self, index: usize, shared: &Shared<'_>, runtime: &Runtime) -> UnitTest {
        let Some(test) = self.file.tests.get(index) else {
            return UnitTest {
                name: String::new(),
                failures: Vec::new(),
            };
        };
        let name = match test.name.as_str() {
            "" => format!("unnamed#{index}"),
            name => name.to_string(),
        };
        let rules = self.rules.get_or_init(|| self.load_rules(shared));
        let failures = match self.test(test, rules, shared, runtime) {
            Ok(failures) => failures,
            Err(failure) => vec![failure],
        };
        UnitTest { name, failures }
    }

    /// The groups in the order in which they are evaluated. Of a file that is
    /// given twice the groups count once.
    fn load_rules(&self, shared: &Shared<'_>) -> Result<Vec<Group>, Vec<String>> {
        let mut groups: Vec<Group> = Vec::new();
        for path in &self.rule_files {
            for group in load(path, shared.engine, shared.ignore_unknown_fields)? {
                if !groups.iter().any(|known| known.key == group.key) {
                    groups.push(group);
                }
            }
        }
        // As in Prometheus a group that is not listed counts as the first one.
        let order = &self.file.group_eval_order;
        groups.sort_by_key(|group| {
            order
                .iter()
                .position(|name| *name == group.name)
                .unwrap_or(0)
        });
        Ok(groups)
    }

    /// Runs a test.
    ///
    /// # Errors
    /// What keeps it from being run.
    fn test(
        &self,
        test: &Test,
        rules: &Result<Vec<Group>, Vec<String>>,
        shared: &Shared<'_>,
        runtime: &Runtime,
    ) -> Result<Vec<UnitFailure>, UnitFailure> {
        let start = test.start_timestamp.ms().unwrap_or(0);
        let step = match test.interval.0 {
            0 => self.interval,
            ms => ms,
        };
        let input = input(test, step).map_err(|error| failure("input_series", vec![error]))?;
        let store = TestStore::new(&input, start);
        let store = store.map_err(|(line, error)| {
            failure(
                "input_series",
                vec![format!("series {}: {error}", line.saturating_sub(1))],
            )
        })?;
        let groups = match rules {
            Ok(groups) => groups,
            Err(wrong) => return Err(failure("rule_files", wrong.clone())),
        };
        if let Some(alert) = test
            .alert_rule_test
            .iter()
            .find(|alert| alert.alertname.is_empty())
        {
            let place = format!("alert_rule_test at {}", alert.eval_time);
            return Err(failure(place, vec!["alertname is missing".to_string()]));
        }
        let interval = self.interval;
        let context = Context {
            engine: shared.engine,
            query_options: QueryOptions::new().subquery_step(move |_| interval),
            runtime,
            store: Arc::new(store),
            external_labels: Arc::new(test.external_labels.clone()),
            external_url: test.external_url.as_str().into(),
        };
        let mut running = Running {
            groups: groups.iter().map(RunningGroup::new).collect(),
            context,
            start,
            interval,
            fuzzy: self.file.fuzzy_compare,
            diff: shared.diff,
            failures: Vec::new(),
        };
        if running.evaluate(test) {
            for expr in &test.promql_expr_test {
                running.expression(expr);
            }
        }
        Ok(running.failures)
    }
}

/// The input of a test, read as the `load` of a script: an empty line or a
/// comment ends it.
fn input(test: &Test, step_ms: i64) -> Result<Load, String> {
    let mut text = format!("load {step_ms}ms\n");
    let lines = test
        .input_series
        .iter()
        .map(|series| format!("{} {}\n", series.series, series.values));
    let lines: String = lines.collect();
    for line in lines
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with('#'))
    {
        text.push_str(line);
        text.push('\n');
    }
    let script = script::parse(&text).map_err(|error| {
        let line = error.line.saturating_sub(1);
        format!("series {line}: {}", error.message)
    })?;
    match script
        .commands
        .into_iter()
        .next()
        .map(|command| command.kind)
    {
        Some(CommandKind::Load(load)) => Ok(load),
        _ => Err("no series are read".to_string()),
    }
}

/// A test that runs.
struct Running<'a> {
    groups: Vec<RunningGroup<'a>>,
    context: Context<'a>,
    start: i64,
    interval: i64,
    fuzzy: bool,
    diff: bool,
    failures: Vec<UnitFailure>,
}

impl Running<'_> {
    /// Evaluates the rules from the beginning to the last time that is looked
    /// at, and compares alerts on the way. Whether no rule failed.
    fn evaluate(&mut self, test: &Test) -> bool {
        let mut wanted: BTreeMap<Millis, Vec<usize>> = BTreeMap::new();
        for (index, alert) in test.alert_rule_test.iter().enumerate() {
            wanted.entry(alert.eval_time).or_default().push(index);
        }
        let mut wanted = wanted.into_iter().peekable();
        let alerts = test.alert_rule_test.iter().map(|alert| alert.eval_time.0);
        let queries = test.promql_expr_test.iter().map(|expr| expr.eval_time.0);
        let last = alerts.chain(queries).max().unwrap_or(0);
        let mut elapsed = 0i64;
        while elapsed <= last {
            if !self.evaluate_groups(elapsed) {
                return false;
            }
            let next = elapsed.saturating_add(self.interval);
            // An evaluation counts until the next one.
            while let Some((at, indexes)) = wanted.next_if(|(at, _)| at.0 < next) {
                for index in indexes {
                    let alert = &test.alert_rule_test[index];
                    let got = self.firing(&alert.alertname);
                    if let Err(details) = compare_alerts(alert, got, self.diff) {
                        let place = format!("alert {} at {at}", alert.alertname);
                        self.failures.push(failure(place, details));
                    }
                }
            }
            elapsed = next;
        }
        true
    }

    /// Evaluates all groups; whether no rule failed.
    fn evaluate_groups(&mut self, elapsed: i64) -> bool {
        let at_ms = self.start.saturating_add(elapsed);
        self.context.store.show_till(at_ms);
        let before = self.failures.len();
        for group in &mut self.groups {
            let file = &group.group.key.0;
            let failed = group.evaluate(at_ms, &self.context);
            self.failures.extend(failed.into_iter().map(|failed| {
                let at = Millis(elapsed);
                let place = format!("rule {} of {file} at {at}", failed.rule);
                failure(place, vec![failed.error.to_string()])
            }));
        }
        self.failures.len() == before
    }

    /// The alerts of a name that fire, of all groups.
    fn firing(&self, name: &str) -> Vec<super::alerts::Firing> {
        let rules = self.groups.iter().flat_map(|group| &group.rules);
        let rules = rules.filter(|rule| rule.rule.alert.is_some() && rule.rule.name == name);
        rules.flat_map(|rule| rule.alerts.firing()).collect()
    }

    fn expression(&mut self, test: &ExprTest) {
        let at = self.start.saturating_add(test.eval_time.0);
        if let Err(details) = self.compare(test, at) {
            let place = format!("query {} at {}", quote(&test.expr), test.eval_time);
            self.failures.push(failure(place, details));
        }
    }

    /// Asks a query and compares the answer.
    ///
    /// # Errors
    /// What differs, in lines.
    fn compare(&self, test: &ExprTest, at_ms: i64) -> Result<(), Vec<String>> {
        let one = |error: String| vec![error];
        let engine = self.context.engine;
        let query = engine
            .prepare(&test.expr)
            .map_err(|error| one(error.to_string()))?;
        let got = ask(&query, at_ms, &self.context).map_err(|error| one(error.to_string()))?;
        let got = got.into_iter().map(Row::of).collect();
        let parser = engine.options().parser;
        let want = test
            .exp_samples
            .iter()
            .map(|sample| Row::expected(sample, parser));
        let want = want.collect::<Result<Vec<_>, String>>().map_err(one)?;
        compare_samples(want, got, self.fuzzy, self.diff)
    }
}
