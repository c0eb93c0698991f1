//! The results of unit-test files, and how they are printed.

use std::fmt;

/// The results of several files.
#[derive(Clone, Debug, Default)]
pub struct UnitSummary {
    /// In the order in which they were given.
    pub files: Vec<UnitFile>,
}

/// The results of one file.
#[derive(Clone, Debug, Default)]
pub struct UnitFile {
    /// Its name.
    pub name: String,
    /// What should be looked at, though nothing fails by it.
    pub warnings: Vec<String>,
    /// Why none of its tests ran.
    pub refused: Option<String>,
    /// The tests that ran.
    pub tests: Vec<UnitTest>,
}

/// A test of a file.
#[derive(Clone, Debug)]
pub struct UnitTest {
    /// Its name, or `unnamed#N` by its place in the file, from 0.
    pub name: String,
    /// What differs from what is expected.
    pub failures: Vec<UnitFailure>,
}

/// A difference from what is expected.
#[derive(Clone, Debug)]
pub struct UnitFailure {
    /// What was looked at, such as the alert or the query and the time.
    pub place: String,
    /// Expected against got, in lines.
    pub details: Vec<String>,
}

impl UnitFile {
    /// How many tests passed.
    pub fn passed(&self) -> usize {
        self.tests.len() - self.tests.iter().filter(|t| !t.failures.is_empty()).count()
    }

    /// How many tests failed; a file that is refused counts as one.
    pub fn failed(&self) -> usize {
        self.tests.len() - self.passed() + usize::from(self.refused.is_some())
    }
}

impl UnitSummary {
    /// How many tests passed.
    pub fn passed(&self) -> usize {
        self.files.iter().map(UnitFile::passed).sum()
    }

    /// How many tests failed, and files that were refused.
    pub fn failed(&self) -> usize {
        self.files.iter().map(UnitFile::failed).sum()
    }

    /// Whether nothing failed.
    pub fn success(&self) -> bool {
        self.failed() == 0
    }
}

impl fmt::Display for UnitFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "{}: warning: {warning}", self.name)?;
        }
        if let Some(why) = &self.refused {
            writeln!(f, "{}: {why}", self.name)?;
        }
        for test in &self.tests {
            for failure in &test.failures {
                writeln!(f, "{}: test {}: {}", self.name, test.name, failure.place)?;
                for line in failure.details.iter().flat_map(|detail| detail.lines()) {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        Ok(())
    }
}

/// Prints the failures, and the counts in the last line.
impl fmt::Display for UnitSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(f, "{file}")?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}
