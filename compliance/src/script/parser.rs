//! Parses the text of a script into its tree.

use quarrel_planner::literal::{parse_duration, unquote};

use super::expect::{Expectations, TextMatch, is_go_space};
use super::series::{SeriesDescription, parse_series};
use super::start::{self, StartLine};
use super::time::EvalTime;
use super::tree::{Command, CommandKind, Eval, Load, LoadSeries, Script, ScriptError};

/// Parses a script.
///
/// The queries inside are not parsed: a query that is not PromQL fails its own
/// `eval`.
///
/// # Errors
/// With the first line that is not of the language.
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    let lines: Vec<&str> = text
        .split('\n')
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut reader = Lines {
        lines: &lines,
        next: 0,
    };
    let mut commands = Vec::new();
    while let Some((line, text)) = reader.next_command() {
        let word = text
            .split([' ', '\t'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let kind = if word == "clear" {
            CommandKind::Clear
        } else if word.starts_with("load") {
            CommandKind::Load(load(line, text, &mut reader)?)
        } else if word.starts_with("eval") {
            CommandKind::Eval(Box::new(eval(line, text, &mut reader)?))
        } else {
            return Err(ScriptError::new(line, format!("invalid command {text:?}")));
        };
        commands.push(Command { line, kind });
    }
    Ok(Script { commands })
}

/// The lines of a script; numbers are from 1.
struct Lines<'a> {
    lines: &'a [&'a str],
    next: usize,
}

impl<'a> Lines<'a> {
    /// The next line that is not empty.
    fn next_command(&mut self) -> Option<(usize, &'a str)> {
        while self.lines.get(self.next)?.is_empty() {
            self.next += 1;
        }
        self.next_of_command()
    }

    /// The next line unless an empty one ends the command.
    fn next_of_command(&mut self) -> Option<(usize, &'a str)> {
        let line = self.lines.get(self.next).filter(|line| !line.is_empty())?;
        self.next += 1;
        Some((self.next, line))
    }
}

/// Skips spaces, at least one.
fn after_space(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_go_space);
    (rest.len() < text.len()).then_some(rest)
}

fn load(line: usize, head: &str, lines: &mut Lines<'_>) -> Result<Load, ScriptError> {
    let rest = head.strip_prefix("load").unwrap_or_default();
    let with_nhcb = rest.starts_with("_with_nhcb");
    let step = after_space(rest.strip_prefix("_with_nhcb").unwrap_or(rest))
        .filter(|step| !step.is_empty())
        .ok_or_else(|| {
            ScriptError::new(
                line,
                "invalid load command. (load[_with_nhcb] <step:duration>)",
            )
        })?;
    let step_ms = parse_duration(step)
        .map_err(|e| ScriptError::new(line, format!("invalid step definition {step:?}: {e}")))?;
    let mut series = Vec::new();
    let mut pending: Option<(usize, StartLine)> = None;
    let orphan = |line| ScriptError::new(line, "@st line has no following sample line");
    while let Some((line, text)) = lines.next_of_command() {
        if let Some((metric, offsets)) = start::split(text) {
            if let Some((line, _)) = pending {
                return Err(orphan(line));
            }
            let parsed =
                start::parse_start_line(metric, offsets).map_err(|e| ScriptError::new(line, e))?;
            pending = Some((line, parsed));
            continue;
        }
        let description = parse_series(text).map_err(|e| ScriptError::new(line, e.to_string()))?;
        let points = description
            .points()
            .map_err(|e| ScriptError::new(line, e))?;
        let mut start_offsets = None;
        if let Some((line, (labels, offsets))) = pending.take() {
            let error = if labels != description.labels {
                "@st metric does not match the following sample line metric".to_string()
            } else if offsets.len() != points.len() {
                let (starts, samples) = (offsets.len(), points.len());
                format!("@st line has {starts} values but sample line has {samples}")
            } else {
                start_offsets = Some(offsets);
                String::new()
            };
            if !error.is_empty() {
                return Err(ScriptError::new(line, error));
            }
        }
        series.push(LoadSeries {
            line,
            description,
            start_offsets,
        });
    }
    match pending {
        Some((line, _)) => Err(orphan(line)),
        None => Ok(Load {
            step_ms,
            with_nhcb,
            series,
        }),
    }
}

/// The first line of an `eval`: `_fail` and the like, times, and the query.
struct Head<'a> {
    modifier: &'a str,
    time: EvalTime,
    query: &'a str,
}

fn eval_head(line: usize, head: &str) -> Result<Head<'_>, ScriptError> {
    const FORM: &str = "invalid evaluation command. Must be either 'eval[_fail|_warn|_ordered] \
        instant [at <offset:duration>] <query>' or 'eval[_fail|_warn] range from <from> to <to> \
        step <step> <query>'";
    let form = || ScriptError::new(line, FORM);
    let rest = head.strip_prefix("eval").ok_or_else(form)?;
    let (modifier, rest) = match rest.strip_prefix('_') {
        Some(rest) => rest.split_once(is_go_space).ok_or_else(form)?,
        None => ("", after_space(rest).ok_or_else(form)?),
    };
    let rest = rest.trim_start_matches(is_go_space);
    let known = |all: &[&str]| modifier.is_empty() || all.contains(&modifier);
    if let Some(rest) = rest.strip_prefix("instant")
        && known(&["fail", "warn", "ordered", "info"])
    {
        let rest = after_space(rest).ok_or_else(form)?;
        let rest = rest
            .strip_prefix("at")
            .and_then(after_space)
            .ok_or_else(form)?;
        let (at, query) = rest.split_once(is_go_space).ok_or_else(form)?;
        let at_ms = parse_duration(at).map_err(|e| {
            ScriptError::new(line, format!("invalid timestamp definition {at:?}: {e}"))
        })?;
        let query = query.trim_start_matches(is_go_space);
        return Ok(Head {
            modifier,
            time: EvalTime::Instant { at_ms },
            query,
        });
    }
    if let Some(rest) = rest.strip_prefix("range")
        && known(&["fail", "warn", "info"])
    {
        let rest = after_space(rest)
            .and_then(|r| r.strip_prefix("from"))
            .ok_or_else(form)?;
        let (time, query) = times(rest, true)
            .ok_or_else(form)?
            .map_err(|e| ScriptError::new(line, e))?;
        return Ok(Head {
            modifier,
            time,
            query,
        });
    }
    Err(form())
}

/// ` S to E step D QUERY`, or without a query; `None` if it has another form.
fn times(text: &str, with_query: bool) -> Option<Result<(EvalTime, &str), String>> {
    let word = |text| -> Option<(&str, &str)> {
        let text: &str = after_space(text)?;
        let end = text.find(is_go_space).unwrap_or(text.len());
        Some(text.split_at(end))
    };
    let (from, rest) = word(text)?;
    let (to, rest) = word(word(rest).filter(|w| w.0 == "to")?.1)?;
    let (step, rest) = word(word(rest).filter(|w| w.0 == "step")?.1)?;
    let query = rest.trim_start_matches(is_go_space);
    if query.is_empty() == with_query {
        return None;
    }
    let duration = |what: &str, text: &str| {
        parse_duration(text).map_err(|e| format!("invalid {what} definition {text:?}: {e}"))
    };
    let parsed = || {
        let start_ms = duration("start timestamp", from)?;
        let end_ms = duration("end timestamp", to)?;
        if end_ms < start_ms {
            return Err(format!(
                "invalid test definition, end timestamp ({to}) is before start timestamp ({from})"
            ));
        }
        let step_ms = duration("step", step)?;
        Ok((
            EvalTime::Range {
                start_ms,
                end_ms,
                step_ms,
            },
            query,
        ))
    };
    Some(parsed())
}

fn eval(line: usize, head: &str, lines: &mut Lines<'_>) -> Result<Eval, ScriptError> {
    let Head {
        modifier,
        mut time,
        query,
    } = eval_head(line, head)?;
    let mut expect = Expectations {
        fail: (modifier == "fail").then(Vec::new),
        ordered: modifier == "ordered",
        some_warn: modifier == "warn",
        some_info: modifier == "info",
        ..Expectations::default()
    };
    let legacy_fail = modifier == "fail";
    while let Some((line, text)) = lines.next_of_command() {
        let error = |e: String| ScriptError::new(line, e);
        if legacy_fail && let Some(message) = text.strip_prefix("expected_fail_message") {
            expect
                .fail
                .get_or_insert_default()
                .push(TextMatch::Exact(message.trim().into()));
            break;
        }
        if legacy_fail && let Some(pattern) = text.strip_prefix("expected_fail_regexp") {
            let pattern = pattern.trim();
            let matches = TextMatch::pattern(pattern).map_err(|e| {
                error(format!(
                    "invalid regexp '{pattern}' for expected_fail_regexp: {e}"
                ))
            })?;
            expect.fail.get_or_insert_default().push(matches);
            break;
        }
        if let Some(rest) = text.strip_prefix("expect range vector") {
            let (grid, _) = rest
                .trim_start_matches(is_go_space)
                .strip_prefix("from")
                .and_then(|rest| times(rest, false))
                .ok_or_else(|| error(format!("invalid range vector definition {text:?}")))?
                .map_err(error)?;
            if let (EvalTime::Instant { at_ms }, EvalTime::Range { end_ms, .. }) = (&mut time, grid)
            {
                // As in Prometheus, the range's end is the evaluation time.
                *at_ms = end_ms;
            }
            expect.range_vector = Some(grid);
        } else if let Some(rest) = text.strip_prefix("expect string") {
            expect.string = Some(expected_string(rest).map_err(error)?);
        } else if text.split(' ').next() == Some("expect") {
            expect.take_line(text).map_err(error)?;
        } else if let Some(value) = number(text) {
            expect.scalar = Some(value);
            break;
        } else {
            let description = parse_series(text).map_err(|e| error(e.to_string()))?;
            check_values(&description, time, &expect).map_err(error)?;
            expect.scalar = None;
            expect.series.push(description);
        }
    }
    Ok(Eval {
        query: query.to_string(),
        time,
        expect,
    })
}

/// An instant query has one value a series, unless it gives a range vector.
fn check_values(
    description: &SeriesDescription,
    time: EvalTime,
    expect: &Expectations,
) -> Result<(), String> {
    let count = description.points()?.len();
    if matches!(time, EvalTime::Range { .. }) || expect.range_vector.is_some() {
        return Ok(());
    }
    match count {
        0 => Err("series without a value".into()),
        1 => Ok(()),
        _ => Err(
            "expecting multiple values in instant evaluation not allowed. consider using \
            'expect range vector' directive to enable a range vector result for an instant query"
                .into(),
        ),
    }
}

fn expected_string(rest: &str) -> Result<String, String> {
    const NOT_VALID: &str = "expected string literal not valid";
    let quoted = rest.strip_prefix(' ').unwrap_or(rest);
    if quoted.is_empty() {
        return Err(format!("{NOT_VALID} - a quoted string literal is required"));
    }
    // Go's single quotes are for one character, so they are no string.
    Some(quoted)
        .filter(|q| q.starts_with(['"', '`']) && q.len() > 1)
        .and_then(|q| String::from_utf8(unquote(q).ok()?).ok())
        .ok_or_else(|| format!("{NOT_VALID} - check that the string is correctly quoted"))
}

/// A line that is a number and nothing else.
fn number(line: &str) -> Option<f64> {
    let unsigned = line.strip_prefix(['+', '-']).unwrap_or(line);
    if unsigned.starts_with(['+', '-']) {
        return None;
    }
    let value = quarrel_planner::literal::parse_number(unsigned)
        .ok()
        .or_else(|| quarrel_functions::fmt::parse_float(unsigned))?;
    Some(if line.starts_with('-') { -value } else { value })
}
