//! Results as JUnit XML, in the form of `promtool test --junit`.

use std::fmt::Write;

use super::report::{UnitFailure, UnitFile, UnitSummary};

impl UnitSummary {
    /// The results as JUnit XML: a suite for each file, a case for each test.
    pub fn to_junit(&self) -> String {
        let mut out = String::from("<testsuites>");
        for file in &self.files {
            push_suite(file, &mut out);
        }
        out.push_str("</testsuites>\n");
        out
    }
}

fn push_suite(file: &UnitFile, out: &mut String) {
    let failures: usize = file.tests.iter().map(|test| test.failures.len()).sum();
    let errors = usize::from(file.refused.is_some());
    let tests = file.tests.len() + errors;
    // Writing into a string cannot fail.
    let _ = write!(
        out,
        "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"0\">",
        escaped(&file.name)
    );
    if let Some(why) = &file.refused {
        let why = escaped(why);
        let _ = write!(
            out,
            "<testcase name=\"unknown\"><error>{why}</error></testcase>"
        );
    }
    for test in &file.tests {
        let _ = write!(out, "<testcase name=\"{}\">", escaped(&test.name));
        for failure in &test.failures {
            let text = escaped(&text(failure));
            let _ = write!(out, "<failure>{text}</failure>");
        }
        out.push_str("</testcase>");
    }
    out.push_str("</testsuite>");
}

fn text(failure: &UnitFailure) -> String {
    format!("{}\n{}", failure.place, failure.details.join("\n"))
}

/// The text with XML's special characters as references; what XML cannot have
/// is replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\n' | '\t' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::UnitTest;

    #[test]
    fn results_are_xml() {
        let summary = UnitSummary {
            files: vec![
                UnitFile {
                    name: "a.yml".into(),
                    tests: vec![UnitTest {
                        name: "x < \"y\"".into(),
                        failures: vec![UnitFailure {
                            place: "query".into(),
                            details: vec!["a & b\u{1}".into()],
                        }],
                    }],
                    ..UnitFile::default()
                },
                UnitFile {
                    name: "b.yml".into(),
                    refused: Some("why".into()),
                    ..UnitFile::default()
                },
            ],
        };
        let want = "<testsuites><testsuite name=\"a.yml\" tests=\"1\" failures=\"1\" errors=\"0\" \
                    skipped=\"0\"><testcase name=\"x &lt; &#34;y&#34;\"><failure>query&#10;a &amp; \
                    b\u{fffd}</failure></testcase></testsuite><testsuite name=\"b.yml\" tests=\"1\" \
                    failures=\"0\" errors=\"1\" skipped=\"0\"><testcase name=\"unknown\"><error>why\
                    </error></testcase></testsuite></testsuites>\n";
        assert_eq!(summary.to_junit(), want);
    }
}
