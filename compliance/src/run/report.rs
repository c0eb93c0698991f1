//! What became of scripts, and how it is told.

use std::fmt;

/// What became of some files.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// In the order in which they ran.
    pub files: Vec<FileSummary>,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct FileSummary {
    /// Its name.
    pub name: String,
    /// How many `eval`s came out as expected, in all forms in which they ran.
    pub passed: usize,
    /// What did not.
    pub failures: Vec<Failure>,
    /// Each answer to the bit, with its query, in the order in which they
    /// came; empty unless asked for.
    pub answers: Vec<String>,
}

/// Something that did not come out as expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where, from 1; 0 if it concerns the whole file.
    pub line: usize,
    /// The query, if it was one.
    pub query: Option<String>,
    /// Expected against got, in lines.
    pub details: Vec<String>,
}

impl FileSummary {
    pub(super) fn new(name: &str) -> Self {
        FileSummary {
            name: name.to_string(),
            passed: 0,
            failures: Vec::new(),
            answers: Vec::new(),
        }
    }
}

impl Summary {
    /// How many `eval`s came out as expected.
    pub fn passed(&self) -> usize {
        self.files.iter().map(|f| f.passed).sum()
    }

    /// How many did not, and how many files or loads were wrong.
    pub fn failed(&self) -> usize {
        self.files.iter().map(|f| f.failures.len()).sum()
    }

    /// Whether all came out as expected.
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

/// Failures, and the counts in the last line.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(f, "{file}")?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}
