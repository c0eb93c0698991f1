//! Lists of queries, a line each, and Prometheus's query logs.
//!
//! A line is a query, blank, a comment that begins with `#`, or a JSON object:
//! `{"query": ..., "time": ...}`, `{"query": ..., "start": ..., "end": ...,
//! "step": ...}`, or what Prometheus writes to its `query_log_file`. A query is
//! on one line; where PromQL has a new line, a space does as well, and a JSON
//! string has `\n`. Times are Unix seconds or RFC 3339, steps seconds or
//! durations such as `1m`.

use std::path::Path;

use quarrel_engine::{QueryRange, QueryTimes, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::case::{Case, Origin};
use super::error::CaseError;
use super::files;
use super::time::{parse_duration, parse_time, seconds_to_ms};

/// Prometheus logs a step in whole seconds, rounded down; a shorter one is 0.
const SHORTEST_LOGGED_STEP: i64 = 1000;

/// Reads files.
///
/// # Errors
/// If a file cannot be read, or a JSON object in it has no query or a time that
/// is none.
pub fn lines<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let text = files::read(path)?;
        cases.extend(lines_from(&path.display().to_string(), &text)?);
    }
    Ok(cases)
}

/// Reads a text, whose name is for [`Origin`]s.
///
/// # Errors
/// As [`lines`].
pub fn lines_from(source: &str, text: &str) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let origin = Origin::new(source, format!("line {}", number + 1));
        if is_object(line) {
            cases.push(object(line, origin)?);
        } else {
            cases.push(Case::new(line, origin));
        }
    }
    Ok(cases)
}

/// Whether a line is meant as a JSON object. `{"a.b", c="d"}` is a selector:
/// no colon follows its first string.
fn is_object(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('{') else {
        return false;
    };
    let Some(rest) = rest.trim_start().strip_prefix('"') else {
        return false;
    };
    let mut escaped = false;
    let end = rest.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    });
    end.is_some_and(|end| rest[end + 1..].trim_start().starts_with(':'))
}

/// A query with times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    query: String,
    time: Option<Value>,
    start: Option<Value>,
    end: Option<Value>,
    step: Option<Value>,
}

/// A line of a query log, of which only the parameters are read.
#[derive(Debug, Deserialize)]
struct Logged {
    params: Parameters,
}

#[derive(Debug, Deserialize)]
struct Parameters {
    query: String,
    start: Value,
    end: Value,
    step: Value,
}

fn object(line: &str, origin: Origin) -> Result<Case, CaseError> {
    let fail = |problem: String| CaseError::format(origin.clone(), problem);
    let parsed: Result<Value, _> = serde_json::from_str(line);
    let parsed = parsed.map_err(|error| fail(error.to_string()))?;
    let (query, times) = if parsed.get("params").is_some() {
        let logged: Result<Logged, _> = serde_json::from_value(parsed);
        let Parameters {
            query,
            start,
            end,
            step,
        } = logged.map_err(|error| fail(error.to_string()))?.params;
        let times = logged_times(&start, &end, &step).map_err(fail)?;
        (query, Some(times))
    } else {
        let line: Result<Line, _> = serde_json::from_value(parsed);
        let line = line.map_err(|error| fail(error.to_string()))?;
        let times = line.times().map_err(fail)?;
        (line.query, times)
    };
    let mut case = Case::new(query, origin);
    case.times = times;
    Ok(case)
}

impl Line {
    fn times(&self) -> Result<Option<QueryTimes>, String> {
        match (&self.time, &self.start, &self.end, &self.step) {
            (None, None, None, None) => Ok(None),
            (Some(at), None, None, None) => Ok(Some(time("time", at)?.into())),
            (None, Some(start), Some(end), Some(step)) => {
                let (start, end) = (time("start", start)?, time("end", end)?);
                range(start, end, duration("step", step)?).map(Some)
            }
            _ => Err("needs time alone, or start, end and step".into()),
        }
    }
}

/// An instant query has no step, and ends where it starts.
fn logged_times(start: &Value, end: &Value, step: &Value) -> Result<QueryTimes, String> {
    let (start, end) = (time("start", start)?, time("end", end)?);
    match (step.as_f64() == Some(0.0), start == end) {
        (true, true) => Ok(start.into()),
        (true, false) => range(start, end, SHORTEST_LOGGED_STEP),
        (false, _) => range(start, end, duration("step", step)?),
    }
}

fn range(start: Timestamp, end: Timestamp, step_ms: i64) -> Result<QueryTimes, String> {
    let range = QueryRange::from_millis(start.as_millis()..=end.as_millis(), step_ms);
    range.map(Into::into).map_err(|error| error.to_string())
}

fn time(key: &str, value: &Value) -> Result<Timestamp, String> {
    let ms = match value {
        Value::Number(seconds) => seconds.as_f64().and_then(seconds_to_ms),
        Value::String(text) => parse_time(text),
        _ => None,
    };
    let ms = ms.ok_or_else(|| format!("{key}: {value} is no time"))?;
    Ok(Timestamp::from_millis(ms))
}

fn duration(key: &str, value: &Value) -> Result<i64, String> {
    let ms = match value {
        Value::Number(seconds) => seconds.as_f64().and_then(seconds_to_ms),
        Value::String(text) => match text.parse::<f64>() {
            Ok(seconds) => seconds_to_ms(seconds),
            Err(_) => parse_duration(text),
        },
        _ => None,
    };
    ms.ok_or_else(|| format!("{key}: {value} is no duration"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Case>, CaseError> {
        lines_from("q.txt", text)
    }

    #[test]
    fn a_line_is_a_query() {
        let text = "# all of them\n\n  up  \r\nrate(x[5m]) # fast\n{\"a.b\", c=\"d\"}\n{ }\n";
        let cases = read(text).unwrap();
        let queries: Vec<&str> = cases.iter().map(|case| &*case.query).collect();
        assert_eq!(
            queries,
            ["up", "rate(x[5m]) # fast", "{\"a.b\", c=\"d\"}", "{ }"]
        );
        assert_eq!(cases[1].origin.to_string(), "q.txt, line 4");
        assert!(cases.iter().all(|case| case.times.is_none()));
    }

    #[test]
    fn an_object_has_times() {
        let text = r#"{"query": "a\nb", "start": 60, "end": "120.5", "step": "1m"}
{"query": "a", "time": "1970-01-01T00:01:00Z"}
{"query": "a"}"#;
        let cases = read(text).unwrap();
        let range = QueryRange::from_millis(60_000..=120_500, 60_000).unwrap();
        assert_eq!(cases[0].query, "a\nb");
        assert_eq!(cases[0].times, Some(range.into()));
        assert_eq!(cases[1].times, Some(Timestamp::from_secs(60).into()));
        assert_eq!(cases[2].times, None);
    }

    #[test]
    fn a_query_log_is_read() {
        let line = |start: &str, end: &str, step: u32| {
            let params =
                format!(r#"{{"query":"up == 0","start":"{start}","end":"{end}","step":{step}}}"#);
            format!(
                r#"{{"params":{params},"stats":{{"timings":{{}}}},"httpRequest":{{}},"ts":"x"}}"#
            )
        };
        let (start, end) = ("2026-11-30T12:00:00.368Z", "2026-11-30T13:00:00.368Z");
        let text = [
            line(start, start, 0),
            line(start, end, 15),
            line(start, end, 0),
        ]
        .join("\n");
        let cases = read(&text).unwrap();
        let ms = 1_796_040_000_368;
        let range = |step| QueryRange::from_millis(ms..=ms + 3_600_000, step).unwrap();
        let times: Vec<_> = cases.iter().map(|case| case.times.unwrap()).collect();
        let at = Timestamp::from_millis(ms);
        let expected = [at.into(), range(15_000).into(), range(1000).into()];
        assert_eq!(times, expected);
    }

    #[test]
    fn faults_are_told_with_the_line() {
        for (line, problem) in [
            (r#"{"query": "a""#, "EOF"),
            (r#"{"expr": "a"}"#, "expr"),
            (r#"{"query": "a", "start": 1}"#, "start, end and step"),
            (r#"{"query": "a", "time": "soon"}"#, "time: \"soon\""),
            (
                r#"{"query": "a", "start": 2, "end": 1, "step": 1}"#,
                "before start",
            ),
            (
                r#"{"query": "a", "start": 1, "end": 2, "step": -1}"#,
                "step",
            ),
            (r#"{"params": {"query": "a"}}"#, "start"),
        ] {
            let error = read(&format!("up\n{line}\n")).unwrap_err().to_string();
            assert!(error.starts_with("q.txt, line 2: "), "{error}");
            assert!(error.contains(problem), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "(\\PC|\n){0,80}", time in "\\PC{0,20}") {
            let _ = read(&text);
            let value = Value::String(time);
            let _ = read(&format!("{{\"query\": {value}, \"time\": {value}}}"));
            let _ = read(&format!("{{\"query\": {value}{text}"));
        }
    }
}
