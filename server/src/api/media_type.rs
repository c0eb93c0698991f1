//! Media types with their parameters, as Go's `mime.ParseMediaType` reads them.

/// A media type, as in `Content-Type`, or a disposition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MediaType {
    /// In lower case; empty if it is malformed.
    pub(super) kind: String,
    params: Vec<(String, String)>,
    /// What is wrong, in Go's words. If it is a parameter, the type is known, but
    /// no parameter.
    pub(super) error: Option<&'static str>,
}

impl MediaType {
    pub(super) fn parse(text: &str) -> Self {
        let (kind, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let kind = kind.to_lowercase().trim().to_string();
        let malformed = |error| MediaType {
            error: Some(error),
            ..MediaType::default()
        };
        if let Err(error) = check(&kind) {
            return malformed(error);
        }
        let mut params: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || rest == ";" {
                break;
            }
            let Some((name, value, tail)) = parameter(rest) else {
                return MediaType {
                    kind,
                    params: Vec::new(),
                    error: Some("mime: invalid media parameter"),
                };
            };
            let known = params.iter().find(|(known, _)| *known == name);
            if known.is_some_and(|(_, known)| *known != value) {
                return malformed("mime: duplicate parameter name");
            }
            params.push((name, value));
            rest = tail;
        }
        MediaType {
            kind,
            params,
            error: None,
        }
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        let found = params.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn check(kind: &str) -> Result<(), &'static str> {
    let (first, rest) = token(kind);
    if first.is_empty() {
        return Err("mime: no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let rest = rest.strip_prefix('/');
    let rest = rest.ok_or("mime: expected slash after first token")?;
    match token(rest) {
        ("", _) => Err("mime: expected token after slash"),
        (_, "") => Ok(()),
        _ => Err("mime: unexpected content after media subtype"),
    }
}

/// `; name=value` and what follows.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let rest = text.strip_prefix(';')?.trim_start();
    let (name, rest) = token(rest);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => match token(rest) {
            ("", _) => return None,
            (value, rest) => (value.to_string(), rest),
        },
    };
    Some((name.to_ascii_lowercase(), value, rest))
}

fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

/// The text up to the closing quote. A backslash before a letter is one, since
/// some clients do not escape it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\r' | '\n' => return None,
            '\\' => {
                let is_special = |&(_, c): &(usize, char)| "()<>@,;:\\\"/[]?=".contains(c);
                out.push(chars.next_if(is_special).map_or('\\', |(_, c)| c));
            }
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_parameters() {
        let parsed = MediaType::parse(" Text/HTML ; Charset=utf-8; b=\"a\\\"; \\d\" ;");
        assert_eq!(parsed.kind, "text/html");
        assert_eq!(parsed.error, None);
        assert_eq!(parsed.parameter("charset"), Some("utf-8"));
        assert_eq!(parsed.parameter("b"), Some("a\"; \\d"));
        assert_eq!(parsed.parameter("c"), None);
        assert_eq!(MediaType::parse("form-data; a=1; a=1").error, None);
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_go() {
        for (text, kind, error) in [
            ("", "", "mime: no media type"),
            ("a b", "", "mime: expected slash after first token"),
            ("a/", "", "mime: expected token after slash"),
            ("a/b/c", "", "mime: unexpected content after media subtype"),
            ("a/b; c", "a/b", "mime: invalid media parameter"),
            ("a/b; c=\"d", "a/b", "mime: invalid media parameter"),
            ("a/b; c=1; c=2", "", "mime: duplicate parameter name"),
            ("a/b;;", "a/b", "mime: invalid media parameter"),
        ] {
            let parsed = MediaType::parse(text);
            assert_eq!(
                (parsed.kind.as_str(), parsed.error),
                (kind, Some(error)),
                "{text}"
            );
            assert_eq!(parsed.parameter("c"), None);
        }
    }
}
