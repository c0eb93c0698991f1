//! The labels of a row.

use std::cmp::Ordering;
use std::fmt;

use quarrel_functions::fmt::quote;

/// Ends each name and each value. It stands in no text.
const END: u8 = 0xff;

/// A label set: names and values in one piece, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels(Box<[u8]>);

/// As Prometheus orders label sets: by name, then by value, one label after the
/// other.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Labels {
    /// A label set of pairs in any order; `None` if a name is there twice.
    /// Empty values are no labels.
    pub fn new(mut pairs: Vec<(&str, &str)>) -> Option<Self> {
        pairs.sort_unstable();
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        pairs.retain(|(_, value)| !value.is_empty());
        let size = pairs
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2);
        let mut bytes = Vec::with_capacity(size.sum());
        for (name, value) in pairs {
            for text in [name, value] {
                bytes.extend_from_slice(text.as_bytes());
                bytes.push(END);
            }
        }
        Some(Labels(bytes.into()))
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.0.split(|byte| *byte == END);
        std::iter::from_fn(move || {
            let (name, value) = (texts.next()?, texts.next()?);
            // They were texts when they came in.
            Some((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?))
        })
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|pair| pair.0 == name).map(|pair| pair.1)
    }

    /// The set without some names.
    pub fn without(&self, names: &[String]) -> Labels {
        let kept = self
            .iter()
            .filter(|pair| !names.iter().any(|name| name == pair.0));
        Labels::new(kept.collect()).unwrap_or_default()
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As a selector: `{__name__="up", job="api"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let plain = |c: char| c == '_' || c.is_ascii_alphanumeric();
            match name.chars().all(plain) {
                true => write!(f, "{comma}{name}={}", quote(value))?,
                false => write!(f, "{comma}{}={}", quote(name), quote(value))?,
            }
        }
        f.write_str("}")
    }
}
