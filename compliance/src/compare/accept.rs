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

    /// The reason why all differences of a query are accepted, and the number
    /// of its entry, from 0.
    pub fn reason(&self, query: &str, differences: &[Difference]) -> Option<(usize, &str)> {
        let covers =
            |entry: &Entry, kind: Kind| entry.kinds.is_empty() || entry.kinds.contains(&kind);
        let entries = self.entries.iter().enumerate();
        let mut known = entries.filter(|(_, entry)| {
            entry.queries.contain(query)
                && differences
                    .iter()
                    .all(|difference| covers(entry, difference.kind))
        });
        known.next().map(|(i, entry)| (i, &*entry.reason))
    }

    /// The entries, as they are shown.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| match &entry.queries {
            Queries::One(query) => query.as_str(),
            Queries::Matching(regex) => regex.pattern(),
        })
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
            accepted.reason(query, &found).map(|(_, reason)| reason)
        };
        assert_eq!(of("up", &[Kind::Value]), Some("one"));
        assert_eq!(of("up", &[Kind::Value, Kind::Error]), None);
        assert_eq!(of("up + 1", &[Kind::Value]), None);
        assert_eq!(of("rate(x[5m])", &[Kind::Error]), Some("two"));
        assert_eq!(of("sum(rate(x[5m]))", &[Kind::Error]), None);
        assert_eq!(accepted.names().collect::<Vec<_>>(), ["up", "rate.*"]);
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
