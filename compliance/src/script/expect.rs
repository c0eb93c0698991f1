//! What an `eval` expects.

use std::fmt;

use quarrel_matchers::Regex;

use super::series::SeriesDescription;
use super::time::EvalTime;

/// The expected result of a query.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// `expect fail` and `eval_fail`: the query fails, and its error matches
    /// all of these.
    pub fail: Option<Vec<TextMatch>>,
    /// `expect ordered` and `eval_ordered`: the series come in this order.
    pub ordered: bool,
    /// `expect warn`: each matches a warning, and each warning matches one.
    pub warn: Vec<TextMatch>,
    /// `expect info`, likewise.
    pub info: Vec<TextMatch>,
    /// `expect no_warn`
    pub no_warn: bool,
    /// `expect no_info`
    pub no_info: bool,
    /// `eval_warn`: there is some warning.
    pub some_warn: bool,
    /// `eval_info`: there is some info.
    pub some_info: bool,
    /// `expect string "..."`
    pub string: Option<String>,
    /// A number on a line of its own.
    pub scalar: Option<f64>,
    /// The series.
    pub series: Vec<SeriesDescription>,
    /// `expect range vector from S to E step D`: the times of the values that
    /// an instant query of a range selector gives.
    pub range_vector: Option<EvalTime>,
}

/// A condition on the text of an error, a warning or an info.
#[derive(Clone, Debug)]
pub enum TextMatch {
    /// Any text will do.
    Any,
    /// `msg:`
    Exact(String),
    /// `regex:`, found anywhere in the text.
    Pattern {
        /// The text of the pattern.
        text: String,
        /// The pattern with any text around it.
        regex: Regex,
    },
}

impl TextMatch {
    /// A pattern that may stand anywhere, in Go's syntax.
    ///
    /// # Errors
    /// When the pattern is invalid.
    pub fn pattern(text: &str) -> Result<Self, String> {
        // Checked alone first: the text around it could make it valid.
        Regex::new(text).map_err(|e| e.to_string())?;
        let anywhere = format!("(?s:.*)(?-s:{text})(?s:.*)");
        let regex = Regex::new(&anywhere).map_err(|e| e.to_string())?;
        Ok(TextMatch::Pattern {
            text: text.to_string(),
            regex,
        })
    }

    /// Whether a text matches the condition.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            TextMatch::Any => true,
            TextMatch::Exact(exact) => exact == text,
            TextMatch::Pattern { regex, .. } => regex.is_match(text.as_bytes()),
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextMatch::Any => f.write_str("any text"),
            TextMatch::Exact(text) => write!(f, "{text:?}"),
            TextMatch::Pattern { text, .. } => write!(f, "pattern {text:?}"),
        }
    }
}

impl Expectations {
    /// Takes an `expect` line (but not one of `expect string` and `expect
    /// range vector`).
    pub(super) fn take_line(&mut self, line: &str) -> Result<(), String> {
        const FORM: &str =
            "invalid expect statement, must match `expect <type> <match_type>: <string>` format";
        let rest = line.strip_prefix("expect").ok_or(FORM)?.trim_start();
        let (kind, rest) = rest.split_once(is_go_space).unwrap_or((rest, ""));
        let text = text_match(kind, rest.trim_start())?.ok_or(FORM)?;
        match kind {
            "ordered" => self.ordered = true,
            "fail" => {
                let only = self
                    .fail
                    .as_ref()
                    .is_none_or(|f| f.is_empty() || self.legacy_fail());
                if !only {
                    return Err(
                        "invalid expect lines, multiple expect fail lines are not allowed".into(),
                    );
                }
                self.fail.get_or_insert_default().push(text);
            }
            "warn" => self.warn.push(text),
            "info" => self.info.push(text),
            "no_warn" => self.no_warn = true,
            "no_info" => self.no_info = true,
            _ => return Err(FORM.into()),
        }
        let both = |kind| {
            Err(format!(
                "invalid expect lines, {kind} and no_{kind} cannot be used together"
            ))
        };
        match self {
            Expectations {
                no_info: true,
                info,
                ..
            } if !info.is_empty() => both("info"),
            Expectations {
                no_warn: true,
                warn,
                ..
            } if !warn.is_empty() => both("warn"),
            _ => Ok(()),
        }
    }

    /// Whether failure is expected by `eval_fail` alone so far.
    fn legacy_fail(&self) -> bool {
        self.fail.as_ref().is_some_and(Vec::is_empty)
    }
}

/// The condition after the type of an expectation; `None` if it has another
/// form.
fn text_match(kind: &str, text: &str) -> Result<Option<TextMatch>, String> {
    if text.is_empty() {
        return Ok(Some(TextMatch::Any));
    }
    let Some((how, what)) = text.split_once(':').filter(|(_, what)| !what.is_empty()) else {
        return Ok(None);
    };
    match how {
        "msg" => Ok(Some(TextMatch::Exact(what.trim().to_string()))),
        "regex" => TextMatch::pattern(what.trim())
            .map(Some)
            .map_err(|e| format!("invalid regex {} for {kind}: {e}", what.trim())),
        _ => Ok(None),
    }
}

/// `\s` of Go's regular expressions.
pub(super) fn is_go_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}
