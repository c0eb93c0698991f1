//! Compares errors, warnings and infos with what an `eval` expects.

use crate::script::{Expectations, TextMatch};

fn one(line: impl Into<String>) -> Vec<String> {
    vec![line.into()]
}

/// Checks warnings and infos.
///
/// # Errors
/// The first difference, in lines.
pub(crate) fn check_annotations(
    expect: &Expectations,
    warnings: &[String],
    infos: &[String],
) -> Result<(), Vec<String>> {
    let foreign =
        |(texts, prefix): (&[String], &str)| texts.iter().find(|t| !t.starts_with(prefix)).cloned();
    let all = [(warnings, "PromQL warning: "), (infos, "PromQL info: ")];
    if let Some(text) = all.into_iter().find_map(foreign) {
        return Err(one(format!(
            "neither a warning nor an info of PromQL: {text:?}"
        )));
    }
    if expect.some_warn && warnings.is_empty() {
        return Err(one("expected warnings, but got none"));
    }
    if expect.some_info && infos.is_empty() {
        return Err(one("expected infos, but got none"));
    }
    check_texts("warning", &expect.warn, warnings)?;
    check_texts("info", &expect.info, infos)?;
    for (refused, kind, texts) in [
        (expect.no_warn, "warnings", warnings),
        (expect.no_info, "infos", infos),
    ] {
        if refused && !texts.is_empty() {
            return Err(one(format!("expected no {kind}, but got {texts:?}")));
        }
    }
    Ok(())
}

/// Checks that each condition matches a text and each text matches a condition.
fn check_texts(kind: &str, conditions: &[TextMatch], texts: &[String]) -> Result<(), Vec<String>> {
    if conditions.is_empty() {
        return Ok(());
    }
    if texts.is_empty() {
        return Err(one(format!("expected {kind}s, but got none")));
    }
    if let Some(missing) = conditions
        .iter()
        .find(|c| !texts.iter().any(|t| c.matches(t)))
    {
        return Err(vec![
            format!("expected the {kind} {missing}"),
            format!("but got {texts:?}"),
        ]);
    }
    match texts
        .iter()
        .find(|t| !conditions.iter().any(|c| c.matches(t)))
    {
        Some(text) => Err(one(format!("unexpected {kind} {text:?}"))),
        None => Ok(()),
    }
}

/// Checks the error of a query that failed.
///
/// # Errors
/// If it should not have, or in another way; in lines.
pub(crate) fn check_failure(expect: &Expectations, error: &str) -> Result<(), Vec<String>> {
    let Some(conditions) = &expect.fail else {
        return Err(one(format!("the query failed: {error}")));
    };
    match conditions.iter().find(|c| !c.matches(error)) {
        None => Ok(()),
        Some(condition) => Err(vec![
            format!("expected the error {condition}"),
            format!("but got {error:?}"),
        ]),
    }
}
