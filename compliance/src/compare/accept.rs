//! Differences that are known.

use std::path::{Path, PathBuf};

use quarrel_matchers::Regex;
use serde::Deserialize;

use super::difference::{Difference, Kind};

/// A list of differences that are known, with their reasons.
///
/// It is a YAML file, a list of entries such as
///
/// ```yaml
/// - query: topk(1, up)
///   kinds: [labels]
///   reason: it takes the last of equal values
/// - match: .*count_values.*
///   reason: not implemented
/// ```
///
/// `query` is the whole text of one query, `match` a regular expression that
/// matches the whole text. `kinds` are the kinds that are accepted; without it
/// all are.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    entries: Vec<Entry>,
}

/// An entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// The text of its query, or its regular expression.
    pub name: &'a str,
    /// Why it is accepted.
    pub reason: &'a str,
}

#[derive(Clone, Debug)]
struct Entry {
    queries: Queries,
    kinds: Vec<Kind>,
    reason: String,
}

#[derive(Clone, Debug)]
enum Queries {
    One(String),
    Matching(Regex),
}

/// Why a file is no list of known differences.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not of the form.
    #[error("{}: {reason}", path.display())]
    Form {
        /// Its path.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    query: Option<String>,
    #[serde(rename = "match")]
    pattern: Option<String>,
    #[serde(default)]
    kinds: Vec<String>,
    reason: String,
}

impl Accepted {
    /// Reads a file.
    ///
    /// # Errors
    /// [`AcceptError`] if it cannot be read, or is not of the form.
    pub fn read(path: &Path) -> Result<Self, AcceptError> {
        let text = std::fs::read_to_string(path).map_err(|source| AcceptError::File {
            path: path.to_path_buf(),
            source,
        })?;
        Accepted::parse(&text).map_err(|reason| AcceptError::Form {
            path: path.to_path_buf(),
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let written: Vec<Written> =
            serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let entries = written.into_iter().enumerate().map(|(i, written)| {
            let entry = entry(written);
            entry.map_err(|reason| format!("entry {}: {reason}", i + 1))
        });
        Ok(Accepted {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The entry that accepts all differences of a query.
    pub fn entry(&self, query: &str, differences: &[Difference]) -> Option<Known<'_>> {
        let covers =
            |entry: &Entry, kind: Kind| entry.kinds.is_empty() || entry.kinds.contains(&kind);
        let mut known = self.entries.iter().filter(|entry| {
            let mut kinds = differences.iter().map(|difference| difference.kind);
            entry.queries.contain(query) && kinds.all(|kind| covers(entry, kind))
        });
        known.next().map(Entry::known)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = Known<'_>> {
        self.entries.iter().map(Entry::known)
    }
}

impl Entry {
    fn known(&self) -> Known<'_> {
        Known {
            name: match &self.queries {
                Queries::One(query) => query,
                Queries::Matching(regex) => regex.pattern(),
            },
            reason: &self.reason,
        }
    }
}

impl Queries {
    fn contain(&self, query: &str) -> bool {
        match self {
            Queries::One(one) => one == query,
            Queries::Matching(regex) => regex.is_match(query.as_bytes()),
        }
    }
}

fn entry(written: Written) -> Result<Entry, String> {
    let queries = match (written.query, written.pattern) {
        (Some(query), None) => Queries::One(query),
        (None, Some(pattern)) => {
            Queries::Matching(Regex::new(&pattern).map_err(|error| error.to_string())?)
        }
        _ => return Err("it needs one of query and match".to_string()),
    };
    let kinds = written.kinds.iter().map(|name| {
        let kind = Kind::from_name(name);
        kind.ok_or_else(|| format!("{name:?} is no kind of difference"))
    });
    Ok(Entry {
        queries,
        kinds: kinds.collect::<Result<_, _>>()?,
        reason: written.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_accept_what_they_name() {
        let text = "
- {query: up, kinds: [value, order], reason: one}
- {match: 'rate.*', reason: two}
";
        let accepted = Accepted::parse(text).unwrap();
        let of = |query: &str, kinds: &[Kind]| {
            let found: Vec<_> = kinds
                .iter()
                .map(|kind| Difference::one(*kind, ""))
                .collect();
            accepted.entry(query, &found).map(|known| known.reason)
        };
        assert_eq!(of("up", &[Kind::Value]), Some("one"));
        assert_eq!(of("up", &[Kind::Value, Kind::Error]), None);
        assert_eq!(of("up + 1", &[Kind::Value]), None);
        assert_eq!(of("rate(x[5m])", &[Kind::Error]), Some("two"));
        assert_eq!(of("sum(rate(x[5m]))", &[Kind::Error]), None);
        let names = accepted.entries().map(|known| known.name);
        assert_eq!(names.collect::<Vec<_>>(), ["up", "rate.*"]);
    }

    #[test]
    fn a_wrong_file_says_where() {
        for (text, reason) in [
            ("- {reason: a}", "entry 1: it needs one of query and match"),
            (
                "- {query: up, kinds: [wrong], reason: a}",
                "\"wrong\" is no kind",
            ),
            ("- {match: '(', reason: a}", "entry 1: "),
            ("- {query: up}", "reason"),
            ("query: up", "line 1"),
        ] {
            let error = Accepted::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let missing = Accepted::read(Path::new("no/such.yml"))
            .unwrap_err()
            .to_string();
        assert!(missing.starts_with("no/such.yml: "));
    }
}
