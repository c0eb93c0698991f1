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
    /// What this version cannot evaluate; never counted as passed.
    pub unsupported: Vec<Unsupported>,
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

/// An `eval` that this version cannot evaluate.
#[derive(Clone, Debug)]
pub struct Unsupported {
    /// Where, from 1.
    pub line: usize,
    /// The query.
    pub query: String,
    /// Why.
    pub reason: UnsupportedReason,
}

/// Why something cannot be evaluated yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UnsupportedReason {
    /// It selects native histograms.
    NativeHistograms,
    /// Its result depends on start timestamps of samples.
    StartTimestamps,
    /// It uses a function, an aggregator or a modifier of this name.
    Feature(String),
}

impl UnsupportedReason {
    /// From the engine's or the store's words.
    pub(super) fn of(what: &str) -> Self {
        if what.contains("histogram samples") || what == "native histograms" {
            return UnsupportedReason::NativeHistograms;
        }
        match what {
            "start timestamps" => UnsupportedReason::StartTimestamps,
            other => UnsupportedReason::Feature(other.to_string()),
        }
    }
}

impl fmt::Display for UnsupportedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnsupportedReason::NativeHistograms => f.write_str("native histograms"),
            UnsupportedReason::StartTimestamps => f.write_str("start timestamps"),
            UnsupportedReason::Feature(what) => f.write_str(what),
        }
    }
}

impl FileSummary {
    pub(super) fn new(name: &str) -> Self {
        FileSummary {
            name: name.to_string(),
            passed: 0,
            failures: Vec::new(),
            unsupported: Vec::new(),
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

    /// How many cannot be evaluated yet.
    pub fn unsupported(&self) -> usize {
        self.files.iter().map(|f| f.unsupported.len()).sum()
    }

    /// Whether all came out as expected: nothing failed and nothing was
    /// unsupported.
    pub fn success(&self) -> bool {
        self.failed() == 0 && self.unsupported() == 0
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
        for Unsupported {
            line,
            query,
            reason,
        } in &self.unsupported
        {
            writeln!(
                f,
                "{}:{line}: {query}\n    not supported yet: {reason}",
                self.name
            )?;
        }
        Ok(())
    }
}

/// Failures, what is unsupported, and the counts in the last line.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(f, "{file}")?;
        }
        if self.unsupported() > 0 {
            writeln!(f, "{} not supported yet", self.unsupported())?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}
