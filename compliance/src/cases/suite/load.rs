//! Files of the suite as cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use quarrel_engine::Timestamp;
use serde_saphyr::Spanned;

use super::super::case::{Case, Expected, Origin};
use super::super::error::CaseError;
use super::super::files;
use super::super::time::parse_time;
use super::super::yaml::fault;
use super::format::{File, TargetConfig, TestCase, TimeParameters, TweakConfig};
use super::template::Template;
use super::tolerance::Tolerance;
use super::tweaks::Tweak;
use super::types::{Suite, SuiteTimes, Target};
use super::variants;

/// The most queries that templates expand to, so that a list of arguments is
/// not millions of queries by mistake.
const MAX_CASES: usize = 100_000;

/// Reads files as one YAML text, in order.
///
/// # Errors
/// If a file cannot be read, or is not of the suite's form: unknown keys,
/// unknown variant arguments, actions of Go's templates other than `{{.name}}`.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Suite, CaseError> {
    let mut texts = Vec::new();
    for path in paths {
        let path = path.as_ref();
        texts.push((path.display().to_string(), files::read(path)?));
    }
    let texts: Vec<(&str, &str)> = texts.iter().map(|(p, t)| (&**p, &**t)).collect();
    load_text(&texts)
}

/// Reads texts with their names as [`load`] does files.
///
/// # Errors
/// As [`load`].
pub fn load_text(texts: &[(&str, &str)]) -> Result<Suite, CaseError> {
    let (suite, _) = load_filled(texts, &Filling::default())?;
    Ok(suite)
}

/// What a list has beyond the suite's variant arguments.
#[derive(Debug, Default)]
pub(in super::super) struct Filling<'a> {
    /// Variant arguments with their values.
    pub arguments: &'a [(&'a str, &'a [&'a str])],
    /// What `{{.name}}` stands for where the variant arguments have no such
    /// name; nothing if there is no value now.
    pub values: BTreeMap<&'a str, Option<&'a str>>,
}

/// A template that a missing value leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands.
    pub origin: Origin,
    /// The template.
    pub query: String,
    /// The names that have no value.
    pub missing: Vec<String>,
}

/// As [`load_text`], with more to fill in.
pub(in super::super) fn load_filled(
    texts: &[(&str, &str)],
    filling: &Filling,
) -> Result<(Suite, Vec<LeftOut>), CaseError> {
    let sources = Sources::new(texts);
    let parsed: Result<Option<File>, _> = serde_saphyr::from_str(&sources.text);
    let file = parsed.map_err(|error| {
        let (line, problem) = fault(&error);
        CaseError::format(sources.origin(line), problem)
    })?;
    let file = file.unwrap_or_default();
    let (mut cases, mut left_out) = (Vec::new(), Vec::new());
    for case in file.test_cases.into_iter().flatten() {
        left_out.extend(expand(&case, &sources, filling, &mut cases)?);
    }
    let times = file.query_time_parameters.unwrap_or_default();
    let suite = Suite {
        cases,
        reference: file.reference_target_config.map(target),
        test: file.test_target_config.map(target),
        times: suite_times(times, &sources)?,
        tweaks: file.query_tweaks.into_iter().flatten().map(tweak).collect(),
    };
    Ok((suite, left_out))
}

/// Several texts as one, and which line is whose.
struct Sources<'a> {
    text: String,
    /// The first line of each, from 0, and its name.
    starts: Vec<(u64, &'a str)>,
}

impl<'a> Sources<'a> {
    fn new(texts: &[(&'a str, &str)]) -> Self {
        let (mut text, mut starts, mut line) = (String::new(), Vec::new(), 0);
        for (name, content) in texts {
            starts.push((line, *name));
            text.push_str(content);
            // A file may lack its last line's end; the next begins a line.
            if !content.is_empty() && !content.ends_with('\n') {
                text.push('\n');
            }
            line = text.bytes().filter(|&byte| byte == b'\n').count() as u64;
        }
        Sources { text, starts }
    }

    /// The place of a line of the whole, from 1.
    fn origin(&self, line: u64) -> Origin {
        let Some(line) = line.checked_sub(1) else {
            let names: Vec<&str> = self.starts.iter().map(|(_, name)| *name).collect();
            return Origin::new(names.join(", "), "");
        };
        let owner = self.starts.iter().rev().find(|(start, _)| *start <= line);
        match owner {
            Some((start, name)) => Origin::new(*name, format!("line {}", line - start + 1)),
            None => Origin::default(),
        }
    }

    fn of<T>(&self, value: &Spanned<T>) -> Origin {
        self.origin(value.referenced.line())
    }
}

/// Adds every variant of a query, or tells why there is none. The first
/// argument changes last.
fn expand(
    case: &TestCase,
    sources: &Sources,
    filling: &Filling,
    cases: &mut Vec<Case>,
) -> Result<Option<LeftOut>, CaseError> {
    let origin = sources.of(&case.query);
    let fail = |problem: &dyn std::fmt::Display| CaseError::format(origin.clone(), problem);
    let template = Template::parse(&case.query.value).map_err(|error| fail(&error))?;
    let arguments = arguments(case, sources, filling)?;
    let is_missing = |name: &&str| {
        let is_argument = arguments.iter().any(|(argument, _)| argument == name);
        !is_argument && filling.values.get(name) == Some(&None)
    };
    let missing: BTreeSet<&str> = template.names().filter(is_missing).collect();
    if !missing.is_empty() {
        return Ok(Some(LeftOut {
            origin,
            query: case.query.value.clone(),
            missing: missing.into_iter().map(String::from).collect(),
        }));
    }
    let count = arguments
        .iter()
        .try_fold(1usize, |count, (_, values)| count.checked_mul(values.len()))
        .filter(|count| *count <= MAX_CASES.saturating_sub(cases.len()))
        .ok_or_else(|| fail(&format_args!("more than {MAX_CASES} queries")))?;
    let known = filling.values.iter();
    let known = known.filter_map(|(name, value)| Some((*name, (*value)?)));
    let mut values: BTreeMap<&str, &str> = known.collect();
    for number in 0..count {
        let mut rest = number;
        for (name, choices) in arguments.iter().rev() {
            values.insert(name, choices[rest % choices.len()]);
            rest /= choices.len();
        }
        let query = template.fill(&values).map_err(|error| fail(&error))?;
        cases.push(Case {
            expected: expected(case),
            ..Case::new(query, origin.clone())
        });
    }
    Ok(None)
}

fn expected(case: &TestCase) -> Expected {
    match (case.should_fail, case.skip_comparison) {
        (true, _) => Expected::Failure,
        (false, true) => Expected::Success,
        (false, false) => Expected::Equal,
    }
}

/// The variant arguments of a query. One that stands there twice is one.
fn arguments<'a>(
    case: &'a TestCase,
    sources: &Sources,
    filling: &Filling<'a>,
) -> Result<Vec<(&'a str, &'a [&'a str])>, CaseError> {
    let mut found: Vec<(&str, &[&str])> = Vec::new();
    for argument in case.variant_args.iter().flatten() {
        let name = &*argument.value;
        let own = filling.arguments.iter().find(|(own, _)| *own == name);
        let values = own.map(|(_, values)| *values);
        let values = values.or_else(|| variants::values(name)).ok_or_else(|| {
            let known: Vec<&str> = variants::names().collect();
            let problem = format!(
                "no variant argument {name:?}, there are {}",
                known.join(", ")
            );
            CaseError::format(sources.of(argument), problem)
        })?;
        if found.iter().all(|(known, _)| *known != name) {
            found.push((name, values));
        }
    }
    Ok(found)
}

fn suite_times(times: TimeParameters, sources: &Sources) -> Result<SuiteTimes, CaseError> {
    let end = times.end_time.filter(|end| !end.value.is_empty());
    let end = end.map(|end| {
        let ms = parse_time(&end.value).ok_or_else(|| {
            let problem = format!("end_time: {:?} is no time", end.value);
            CaseError::format(sources.of(&end), problem)
        })?;
        Ok(Timestamp::from_millis(ms))
    });
    let duration = |key: &str, seconds: Option<Spanned<f64>>| {
        let seconds = seconds.filter(|seconds| seconds.value != 0.0);
        let duration = seconds.map(|seconds| {
            Duration::try_from_secs_f64(seconds.value).map_err(|error| {
                let problem = format!("{key}: {}: {error}", seconds.value);
                CaseError::format(sources.of(&seconds), problem)
            })
        });
        duration.transpose()
    };
    Ok(SuiteTimes {
        end: end.transpose()?,
        range: duration("range_in_seconds", times.range_in_seconds)?,
        step: duration("resolution_in_seconds", times.resolution_in_seconds)?,
    })
}

fn target(config: TargetConfig) -> Target {
    let user = config.basic_auth_user.filter(|user| !user.is_empty());
    Target {
        url: config.query_url.unwrap_or_default(),
        basic_auth: user.map(|user| (user, config.basic_auth_pass.unwrap_or_default())),
        headers: config.headers.unwrap_or_default(),
        tsdb_path: config.tsdb_path,
    }
}

fn tweak(config: TweakConfig) -> Tweak {
    Tweak {
        note: config.note.unwrap_or_default(),
        no_bug: config.no_bug,
        truncate_timestamps_to_ms: config.truncate_timestamps_to_ms,
        align_timestamps_to_step: config.align_timestamps_to_step,
        align_timestamps_to_ms: config.align_timestamps_to_ms,
        offset_timestamps_by_ms: config.offset_timestamps_by_ms,
        drop_result_labels: config.drop_result_labels.unwrap_or_default(),
        ignore_first_step: config.ignore_first_step,
        ignore_case: config.ignore_case,
        adjust_value_tolerance: config.adjust_value_tolerance.map(|tolerance| Tolerance {
            fraction: tolerance.fraction,
            margin: tolerance.margin,
        }),
    }
}
