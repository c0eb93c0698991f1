//! `label_replace`'s regular expression: captures and templates.

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_syntax::hir::{Hir, Look};

use crate::syntax::{Options, RegexError, parse};

/// An anchored pattern with its groups.
#[derive(Debug, Clone)]
pub struct Replacer {
    regex: meta::Regex,
    groups: Vec<Option<String>>,
}

impl Replacer {
    /// Compiles `^(?s:pattern)$`.
    ///
    /// # Errors
    /// When Go would refuse the pattern, or when it is too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let parsed = parse(
            pattern,
            Options {
                dot_all: true,
                any_byte: false,
            },
        )?;
        let hir = Hir::concat(vec![
            Hir::look(Look::Start),
            parsed.hir,
            Hir::look(Look::End),
        ]);
        let config = meta::Config::new().nfa_size_limit(Some(10 << 20));
        let regex = meta::Builder::new()
            .configure(config)
            .build_from_hir(&hir)
            .map_err(|_| RegexError {
                kind: "expression too large",
                fragment: pattern.into(),
            })?;
        Ok(Replacer {
            regex,
            groups: parsed.groups,
        })
    }

    /// If `text` matches, the template with `$1`, `${name}`, `$$` filled in.
    pub fn replace(&self, text: &str, template: &str) -> Option<String> {
        let mut captures = self.regex.create_captures();
        self.regex.captures(text, &mut captures);
        captures
            .is_match()
            .then(|| self.expand(&captures, text, template))
    }

    fn expand(&self, captures: &Captures, text: &str, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            rest = &rest[dollar..];
            if let Some(behind) = rest.strip_prefix("$$") {
                out.push('$');
                rest = behind;
                continue;
            }
            match variable(rest) {
                None => {
                    out.push('$'); // malformed: the dollar stands for itself
                    rest = &rest[1..];
                }
                Some((name, behind)) => {
                    let span = self.group(name).and_then(|index| captures.get_group(index));
                    out.push_str(span.map_or("", |span| &text[span.range()]));
                    rest = behind;
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// The index of a group by number or name; the last group of that name.
    fn group(&self, name: &str) -> Option<usize> {
        if name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0')) {
            return name.parse().ok().filter(|&n| n < 100_000_000);
        }
        self.groups
            .iter()
            .rposition(|g| g.as_deref() == Some(name))
            .map(|i| i + 1)
    }
}

/// The name behind `$`, plain or in braces, and what follows.
fn variable(text: &str) -> Option<(&str, &str)> {
    let body = &text[1..];
    let (braces, body) = match body.strip_prefix('{') {
        Some(body) => (true, body),
        None => (false, body),
    };
    let end = body
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(body.len());
    let (name, behind) = body.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braces {
        behind.strip_prefix('}').map(|behind| (name, behind))
    } else {
        Some((name, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_as_go_expands_them() {
        let of = |pattern: &str, text: &str, template: &str| {
            Replacer::new(pattern).unwrap().replace(text, template)
        };
        assert_eq!(of("(.*):(.*)", "a:b", "$2-$1").as_deref(), Some("b-a"));
        assert_eq!(
            of("(.*):(.*)", "a:b", "$1x").as_deref(),
            Some(""),
            "the name is 1x"
        );
        assert_eq!(of("(.*):(.*)", "a:b", "${1}x$$").as_deref(), Some("ax$"));
        assert_eq!(
            of("(?P<n>.)(?<m>.?)", "ü", "$n|$m|$none|${bad|$").as_deref(),
            Some("ü|||${bad|$")
        );
        assert_eq!(of("a", "ab", "x"), None, "anchored");
        assert_eq!(of("a.b", "a\nb", "$0").as_deref(), Some("a\nb"));
        assert!(Replacer::new("(").is_err());
    }
}
