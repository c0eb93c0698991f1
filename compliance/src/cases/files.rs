//! Files by name and by pattern.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::error::CaseError;

/// The most bytes of a file that is read whole. Dashboards have some hundred
/// kilobytes; a query log may be long.
const LIMIT: u64 = 1 << 30;

/// Reads a text. Bytes that are no UTF-8 become U+FFFD, so that one bad line of
/// a log does not lose the others.
pub(super) fn read(path: &Path) -> Result<String, CaseError> {
    let fail = |error| CaseError::read(path, error);
    let file = std::fs::File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    let mut content = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(fail)?;
    if content.len() as u64 > LIMIT {
        return Err(CaseError::TooLarge {
            path: path.to_path_buf(),
            bytes: bytes.max(content.len() as u64),
            limit: LIMIT,
        });
    }
    Ok(match String::from_utf8(content) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The files of patterns, in the patterns' order, those of one pattern sorted;
/// a file comes once. In a pattern, `*` stands for any characters, `?` for one,
/// `[a-z]` and `[^a-z]` for one of a set, never across a `/`. A pattern that is
/// the name of a file is that file.
///
/// # Errors
/// If a pattern has no file, or a folder cannot be read.
pub fn expand<P: AsRef<Path>>(patterns: &[P]) -> Result<Vec<PathBuf>, CaseError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        let pattern = pattern.as_ref();
        for file in matching(pattern)? {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let text = pattern.to_string_lossy();
    // What cannot be opened is told by who reads it.
    if !text.contains(['*', '?', '[']) || pattern.exists() {
        return Ok(vec![pattern.to_path_buf()]);
    }
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        found = match component {
            Component::Normal(name) => {
                let name: Vec<char> = name.to_string_lossy().chars().collect();
                entries(&found, &name)?
            }
            other => found.iter().map(|path| path.join(other)).collect(),
        };
    }
    found.retain(|path| !path.is_dir());
    if found.is_empty() {
        return Err(CaseError::NoFile {
            pattern: text.into_owned(),
        });
    }
    found.sort();
    Ok(found)
}

/// The entries of folders whose names match.
fn entries(folders: &[PathBuf], name: &[char]) -> Result<Vec<PathBuf>, CaseError> {
    let mut found = Vec::new();
    if !name.iter().any(|c| matches!(c, '*' | '?' | '[')) {
        let name: String = name.iter().collect();
        let paths = folders.iter().map(|folder| folder.join(&name));
        return Ok(paths.filter(|path| path.exists()).collect());
    }
    for folder in folders {
        let here = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        if !here.is_dir() {
            continue;
        }
        let fail = |error| CaseError::read(here, error);
        for entry in std::fs::read_dir(here).map_err(fail)? {
            let file = entry.map_err(fail)?.file_name();
            let text: Vec<char> = file.to_string_lossy().chars().collect();
            // As in shells, hidden files are named by a dot alone.
            let hidden = text.first() == Some(&'.') && name.first() != Some(&'.');
            if !hidden && matches(name, &text) {
                found.push(folder.join(file));
            }
        }
    }
    Ok(found)
}

/// Whether a pattern matches a whole name. Takes the product of their lengths
/// at most: after a mismatch only the last `*` takes one more character.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut last_star = None;
    loop {
        if pattern.get(at) == Some(&'*') {
            at += 1;
            last_star = Some((at, read));
            continue;
        }
        let step = match (pattern.get(at), name.get(read)) {
            (None, None) => return true,
            (Some(_), Some(&c)) => one(&pattern[at..], c),
            _ => None,
        };
        match (step, last_star) {
            (Some(length), _) => {
                at += length;
                read += 1;
            }
            (None, Some((after, from))) if from < name.len() => {
                (at, read) = (after, from + 1);
                last_star = Some((after, from + 1));
            }
            _ => return false,
        }
    }
}

/// How long the element in front of a pattern is, if it matches a character. A
/// `[` without its `]` is itself.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern[0] {
        '?' => Some(1),
        '[' => {
            let negated = pattern.get(1) == Some(&'^');
            let start = 1 + usize::from(negated);
            let Some(length) = pattern.iter().skip(start + 1).position(|&c| c == ']') else {
                return (c == '[').then_some(1);
            };
            let end = start + 1 + length;
            (in_set(&pattern[start..end], c) != negated).then_some(end + 1)
        }
        literal => (literal == c).then_some(1),
    }
}

fn in_set(mut set: &[char], c: char) -> bool {
    loop {
        match set {
            [] => return false,
            [low, '-', high, rest @ ..] => {
                if (low..=high).contains(&&c) {
                    return true;
                }
                set = rest;
            }
            [single, rest @ ..] => {
                if *single == c {
                    return true;
                }
                set = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_match(pattern: &str, name: &str) -> bool {
        let [pattern, name] = [pattern, name].map(|text| text.chars().collect::<Vec<_>>());
        matches(&pattern, &name)
    }

    #[test]
    fn patterns_match_names() {
        for (pattern, name) in [
            ("*.yml", "a.yml"),
            ("*", ""),
            ("a*b*c", "a-b-b-c"),
            ("?.json", "é.json"),
            ("[a-c]x", "bx"),
            ("[^a-c]x", "dx"),
            ("[]a]", "]"),
            ("[x", "[x"),
        ] {
            assert!(is_match(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.yml", "a.yaml"),
            ("?", ""),
            ("[^a-c]x", "bx"),
            ("a", "ab"),
        ] {
            assert!(!is_match(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_found_once_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yml", ".hidden.yml", "c.txt"] {
            std::fs::create_dir_all(dir.path().join("x")).unwrap();
            std::fs::write(dir.path().join("x").join(name), "").unwrap();
        }
        let in_dir = |name: &str| dir.path().join(name);
        let found = expand(&[in_dir("*/*.yml"), in_dir("x/a.yml")]).unwrap();
        assert_eq!(found, [in_dir("x/a.yml"), in_dir("x/b.yml")]);
        let error = expand(&[in_dir("*.rules")]).unwrap_err().to_string();
        assert!(error.starts_with("no file matches "), "{error}");
    }

    /// The plain definition of patterns of literals, `*` and `?`.
    fn plainly(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=name.len()).any(|n| plainly(rest, &name[n..])),
            (['?', rest @ ..], [_, tail @ ..]) => plainly(rest, tail),
            ([p, rest @ ..], [c, tail @ ..]) => p == c && plainly(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_as_defined(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let plain = plainly(&chars(&pattern), &chars(&name));
            prop_assert_eq!(is_match(&pattern, &name), plain);
        }

        #[test]
        fn any_pattern_is_taken(pattern in ".{0,20}", name in ".{0,20}") {
            is_match(&pattern, &name);
        }
    }
}
