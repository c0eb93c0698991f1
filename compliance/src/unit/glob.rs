//! File patterns as Go's `filepath.Glob`: `*`, `?`, `[a-z]`, `\` quotes. A `/` is
//! matched by a `/` alone.

use std::path::{Path, PathBuf};

/// A pattern that is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPattern;

/// The files that a pattern matches, sorted. Folders that cannot be read count
/// as empty.
///
/// # Errors
/// When the pattern is none.
pub(super) fn glob(pattern: &Path) -> Result<Vec<PathBuf>, BadPattern> {
    let text = pattern.to_str().ok_or(BadPattern)?;
    matches(text, "")?;
    expand(text)
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

fn expand(pattern: &str) -> Result<Vec<PathBuf>, BadPattern> {
    if !is_pattern(pattern) {
        let path = PathBuf::from(pattern);
        let exists = !pattern.is_empty() && path.symlink_metadata().is_ok();
        return Ok(if exists { vec![path] } else { Vec::new() });
    }
    let (folder, name) = match pattern.rfind('/') {
        Some(0) => ("/", &pattern[1..]),
        Some(at) => (&pattern[..at], &pattern[at + 1..]),
        None => (".", pattern),
    };
    let folders = match is_pattern(folder) {
        true => expand(folder)?,
        false => vec![PathBuf::from(folder)],
    };
    let mut out = Vec::new();
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort();
        for entry in names {
            if matches(name, &entry)? {
                out.push(if pattern.contains('/') {
                    folder.join(entry)
                } else {
                    entry.into()
                });
            }
        }
    }
    Ok(out)
}

/// Whether a name matches. The whole pattern is looked at, whatever the name.
fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let tokens = tokens(pattern)?;
    let name: Vec<char> = name.chars().collect();
    // After each token the places in the name that may be reached.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for token in &tokens {
        let mut next = vec![false; name.len() + 1];
        for at in (0..=name.len()).filter(|at| reached[*at]) {
            match token {
                Token::Any => {
                    let end = name[at..].iter().position(|c| *c == '/');
                    let end = end.map_or(name.len(), |length| at + length);
                    next[at..=end].fill(true);
                }
                token if name.get(at).is_some_and(|c| token.accepts(*c)) => next[at + 1] = true,
                _ => {}
            }
        }
        reached = next;
    }
    Ok(reached[name.len()])
}

/// A part of a pattern.
enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
    /// `[a-z]`, or all but these.
    Class(bool, Vec<(char, char)>),
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Token::Any => false,
            Token::One => c != '/',
            Token::Char(own) => *own == c,
            Token::Class(negated, ranges) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, BadPattern> {
    let mut out = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Char(chars.next().ok_or(BadPattern)?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
                        break;
                    }
                    let low = class_char(&mut chars)?;
                    let high = match chars.next_if_eq(&'-') {
                        Some(_) => class_char(&mut chars)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                Token::Class(negated, ranges)
            }
            c => Token::Char(c),
        });
    }
    Ok(out)
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(c) => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, name, want) in [
            ("*.yml", "a.yml", true),
            ("*.yml", "a/b.yml", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("\\*", "*", true),
            ("a*b*c", "aXbYbc", true),
            ("*", ".hidden", true),
        ] {
            assert_eq!(matches(pattern, name), Ok(want), "{pattern} {name}");
        }
        for bad in ["[", "[a", "[]", "[a-]", "\\", "x[-]"] {
            assert_eq!(matches(bad, "x"), Err(BadPattern), "{bad}");
        }
    }
}
