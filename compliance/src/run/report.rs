//! The results of scripts, and how they are printed.

use std::collections::BTreeMap;
use std::fmt;

/// The results of several files.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// In the order in which they ran.
    pub files: Vec<FileSummary>,
}

/// The results of one file.
#[derive(Clone, Debug)]
pub struct FileSummary {
    /// Its name.
    pub name: String,
    /// How many `eval`s passed in all forms in which they ran.
    pub passed: usize,
    /// The failures.
    pub failures: Vec<Failure>,
    /// What was not asked; only where scripts run on another server.
    pub skipped: Vec<Skipped>,
    /// Each answer to the bit, with its query, in the order in which the
    /// queries ran; empty unless
    /// [`RunOptions::keep_answers`](crate::RunOptions::keep_answers) is set.
    pub answers: Vec<String>,
}

/// A difference from what is expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The line, from 1; 0 if it concerns the whole file.
    pub line: usize,
    /// The query, if it was one.
    pub query: Option<String>,
    /// Expected against got, in lines.
    pub details: Vec<String>,
}

/// An `eval` that was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its line, from 1.
    pub line: usize,
    /// Its query.
    pub query: String,
    /// Why.
    pub reason: String,
}

impl FileSummary {
    pub(crate) fn new(name: &str) -> Self {
        FileSummary {
            name: name.to_string(),
            passed: 0,
            failures: Vec::new(),
            skipped: Vec::new(),
            answers: Vec::new(),
        }
    }
}

impl Summary {
    /// How many `eval`s passed.
    pub fn passed(&self) -> usize {
        self.files.iter().map(|f| f.passed).sum()
    }

    /// How many `eval`s, files and loads failed.
    pub fn failed(&self) -> usize {
        self.files.iter().map(|f| f.failures.len()).sum()
    }

    /// How many `eval`s were not asked, for each reason.
    pub fn skipped(&self) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for skipped in self.files.iter().flat_map(|f| &f.skipped) {
            *reasons.entry(skipped.reason.as_str()).or_default() += 1;
        }
        reasons
    }

    /// Whether nothing failed.
    pub fn success(&self) -> bool {
        self.failed() == 0
    }
}

impl fmt::Display for FileSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            let Failure {
                line,
                query,
                details,
            } = failure;
            let mut details = details.iter();
            match query {
                Some(query) => writeln!(f, "{}:{line}: {query}", self.name)?,
                None => {
                    let first = details.next().map_or("failed", String::as_str);
                    writeln!(f, "{}:{line}: {first}", self.name)?;
                }
            }
            for text in details.flat_map(|detail| detail.lines()) {
                writeln!(f, "    {text}")?;
            }
        }
        Ok(())
    }
}

/// Prints the failures, and the counts in the last line.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(f, "{file}")?;
        }
        let skipped = self.skipped();
        for (reason, count) in &skipped {
            writeln!(f, "skipped {count}: {reason}")?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())?;
        match skipped.values().sum() {
            0_usize => Ok(()),
            count => write!(f, ", {count} skipped"),
        }
    }
}
