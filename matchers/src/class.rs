//! What a pattern really is: most need no automaton.

use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

/// Literals that a set may expand to, and their bytes in all. A set this
/// large is still quicker looked up than an automaton is built.
const MAX_SET: usize = 50_000;
const MAX_SET_BYTES: usize = 4 << 20;

/// The class of an anchored pattern, from cheap to dear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// One literal.
    Equal(Vec<u8>),
    /// Any of some literals: sorted, no two equal.
    Set(Vec<Vec<u8>>),
    /// Everything (`.*`).
    Any,
    /// Everything but the empty string (`.+`).
    NonEmpty,
    /// Begins with a literal; at least `more` bytes follow.
    Prefix {
        /// The literal.
        literal: Vec<u8>,
        /// 0 or 1.
        more: usize,
    },
    /// Ends with a literal; at least `more` bytes stand before.
    Suffix {
        /// The literal.
        literal: Vec<u8>,
        /// 0 or 1.
        more: usize,
    },
    /// Has a literal inside.
    Contains {
        /// The literal.
        literal: Vec<u8>,
        /// Bytes at least before it: 0 or 1.
        before: usize,
        /// Bytes at least behind it: 0 or 1.
        after: usize,
    },
    /// Needs an automaton.
    General,
}

impl Class {
    /// Classifies a pattern that was parsed with `any_byte`.
    pub fn of(hir: &Hir) -> Class {
        if let Some(set) = expand(hir) {
            return match <[Vec<u8>; 1]>::try_from(set) {
                Ok([literal]) => Class::Equal(literal),
                Err(mut set) => {
                    set.sort_unstable();
                    set.dedup();
                    if set.len() == 1 {
                        Class::Equal(set.swap_remove(0))
                    } else {
                        Class::Set(set)
                    }
                }
            };
        }
        let mut parts = Vec::new();
        if !flatten(hir, &mut parts) {
            return Class::General;
        }
        let literal = |text: &[u8]| text.to_vec();
        match parts.as_slice() {
            [Part::Gap(0)] => Class::Any,
            [Part::Gap(1)] => Class::NonEmpty,
            [Part::Text(text), Part::Gap(more)] => Class::Prefix {
                literal: literal(text),
                more: *more,
            },
            [Part::Gap(more), Part::Text(text)] => Class::Suffix {
                literal: literal(text),
                more: *more,
            },
            [Part::Gap(before), Part::Text(text), Part::Gap(after)] => Class::Contains {
                literal: literal(text),
                before: *before,
                after: *after,
            },
            _ => Class::General,
        }
    }

    /// The name that `explain` shows.
    pub fn name(&self) -> &'static str {
        match self {
            Class::Equal(_) => "equal",
            Class::Set(_) => "set",
            Class::Any => "any",
            Class::NonEmpty => "non-empty",
            Class::Prefix { .. } => "prefix",
            Class::Suffix { .. } => "suffix",
            Class::Contains { .. } => "contains",
            Class::General => "general",
        }
    }
}

enum Part {
    Text(Vec<u8>),
    /// Any bytes, at least so many (0 or 1).
    Gap(usize),
}

/// Takes a pattern apart into literals and gaps; false if it has other parts.
fn flatten(hir: &Hir, parts: &mut Vec<Part>) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => {
            match parts.last_mut() {
                Some(Part::Text(text)) => text.extend_from_slice(&literal.0),
                _ => parts.push(Part::Text(literal.0.to_vec())),
            }
            true
        }
        HirKind::Capture(capture) => flatten(&capture.sub, parts),
        HirKind::Concat(all) => all.iter().all(|sub| flatten(sub, parts)),
        HirKind::Repetition(r) if r.max.is_none() && r.min <= 1 && is_any_byte(&r.sub) => {
            match parts.last_mut() {
                // `.*.+` is a gap of one, `.+.+` one of two, which is not in the ladder.
                Some(Part::Gap(least)) if *least == 0 || r.min == 0 => {
                    *least = (*least).max(r.min as usize);
                }
                Some(Part::Gap(_)) => return false,
                _ => parts.push(Part::Gap(r.min as usize)),
            }
            true
        }
        _ => false,
    }
}

fn is_any_byte(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(HirClass::Bytes(class)) => class
            .ranges()
            .first()
            .is_some_and(|r| r.start() == 0 && r.end() == 255),
        HirKind::Capture(capture) => is_any_byte(&capture.sub),
        _ => false,
    }
}

/// All strings that a pattern matches, if they are few.
fn expand(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let set = match hir.kind() {
        HirKind::Empty => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Capture(capture) => expand(&capture.sub)?,
        HirKind::Class(HirClass::Unicode(class)) => {
            let count: usize = class
                .ranges()
                .iter()
                .map(|r| (r.end() as usize) - (r.start() as usize) + 1)
                .sum();
            if count > 64 {
                return None;
            }
            let chars = class.ranges().iter().flat_map(|r| r.start()..=r.end());
            chars.map(|c| c.to_string().into_bytes()).collect()
        }
        HirKind::Class(HirClass::Bytes(_)) | HirKind::Look(_) => return None,
        HirKind::Repetition(r) => {
            let max = r.max.filter(|&max| max <= 8)?;
            let sub = expand(&r.sub)?;
            let mut all = Vec::new();
            let mut power = vec![Vec::new()];
            for n in 0..=max {
                if n >= r.min {
                    all.extend(power.iter().cloned());
                }
                if n < max {
                    power = cross(&power, &sub)?;
                }
            }
            all
        }
        HirKind::Concat(all) => {
            let mut set = vec![Vec::new()];
            for sub in all {
                set = cross(&set, &expand(sub)?)?;
            }
            set
        }
        HirKind::Alternation(all) => {
            let mut set = Vec::new();
            for sub in all {
                set.append(&mut expand(sub)?);
            }
            set
        }
    };
    within_bounds(set.len(), set.iter().map(Vec::len).sum()).then_some(set)
}

fn cross(a: &[Vec<u8>], b: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let bytes = |set: &[Vec<u8>]| set.iter().map(Vec::len).sum::<usize>();
    if !within_bounds(a.len() * b.len(), bytes(a) * b.len() + bytes(b) * a.len()) {
        return None;
    }
    Some(
        a.iter()
            .flat_map(|x| b.iter().map(move |y| [&x[..], &y[..]].concat()))
            .collect(),
    )
}

fn within_bounds(count: usize, bytes: usize) -> bool {
    count <= MAX_SET && bytes <= MAX_SET_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Options, parse};

    fn class(pattern: &str) -> Class {
        Class::of(
            &parse(
                pattern,
                Options {
                    dot_all: true,
                    any_byte: true,
                },
            )
            .unwrap()
            .hir,
        )
    }

    #[test]
    fn the_ladder() {
        let set = |all: &[&str]| Class::Set(all.iter().map(|s| s.as_bytes().to_vec()).collect());
        assert_eq!(class("api"), Class::Equal(b"api".to_vec()));
        assert_eq!(class(""), Class::Equal(Vec::new()));
        assert_eq!(class("b|a|b"), set(&["a", "b"]));
        assert_eq!(class("a(b|c)?"), set(&["a", "ab", "ac"]));
        assert_eq!(class("x[12]y"), set(&["x1y", "x2y"]));
        assert_eq!(class(".*"), Class::Any);
        assert_eq!(class("(.*)"), Class::Any);
        assert_eq!(class(".+"), Class::NonEmpty);
        assert_eq!(
            class("api-.*"),
            Class::Prefix {
                literal: b"api-".to_vec(),
                more: 0
            }
        );
        assert_eq!(
            class(".+-0"),
            Class::Suffix {
                literal: b"-0".to_vec(),
                more: 1
            }
        );
        assert_eq!(
            class(".*x.+"),
            Class::Contains {
                literal: b"x".to_vec(),
                before: 0,
                after: 1
            }
        );
        assert_eq!(class("(api|web)-.*"), Class::General);
        assert_eq!(class("a.c"), Class::General);
        assert_eq!(class("(?-s).*"), Class::General);
    }
}
