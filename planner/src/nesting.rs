//! How deeply brackets nest, by a linear scan before the grammar runs.
//!
//! The grammar recurses at brackets, so their depth is limited before it runs
//! and says how much stack it needs.

use crate::ast::Span;

/// How deep brackets may nest.
pub const MAX_NESTING: usize = 1000;

/// The deepest nesting of brackets outside of strings and comments, or the
/// place where it passes [`MAX_NESTING`].
pub fn depth(query: &str) -> Result<usize, Span> {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for (at, bracket) in brackets(query) {
        if !matches!(bracket, b'(' | b'[' | b'{') {
            depth = depth.saturating_sub(1);
            continue;
        }
        depth += 1;
        deepest = deepest.max(depth);
        if depth > MAX_NESTING {
            return Err(Span {
                start: at as u32,
                end: at as u32 + 1,
            });
        }
    }
    Ok(deepest)
}

/// The error of Prometheus for a text that ends inside of brackets; `None` if
/// it does not.
pub fn unclosed(query: &str) -> Option<&'static str> {
    let mut open = Vec::new();
    for (at, bracket) in brackets(query) {
        if matches!(bracket, b'(' | b'[' | b'{') {
            open.push((at, bracket));
        } else {
            open.pop();
        }
    }
    match *open.last()? {
        (_, b'{') => Some("unexpected end of input inside braces"),
        (at, b'[') if query[at + 1..].trim().is_empty() => {
            Some("unexpected end of input in duration expression")
        }
        _ if open.iter().any(|&(_, bracket)| bracket == b'(') => Some("unclosed left parenthesis"),
        _ => Some("unclosed left bracket"),
    }
}

/// All brackets outside of strings and comments, and where they stand.
fn brackets(query: &str) -> impl Iterator<Item = (usize, u8)> {
    let bytes = query.as_bytes();
    let mut i = 0;
    std::iter::from_fn(move || {
        while i < bytes.len() {
            let at = i;
            i += 1;
            match bytes[at] {
                bracket @ (b'(' | b')' | b'[' | b']' | b'{' | b'}') => return Some((at, bracket)),
                b'#' => i += bytes[i..].iter().take_while(|&&b| b != b'\n').count(),
                quote @ (b'"' | b'\'' | b'`') => i = skip_string(bytes, at, quote) + 1,
                _ => {}
            }
        }
        None
    })
}

/// The index of the closing quote, or of the end.
fn skip_string(bytes: &[u8], open: usize, quote: u8) -> usize {
    let mut i = open + 1;
    while i < bytes.len() && bytes[i] != quote {
        if bytes[i] == b'\\' && quote != b'`' {
            i += 1;
        }
        i += 1;
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_do_not_nest() {
        assert_eq!(depth("a(b[c{d=\"((((\"}])"), Ok(3));
        assert_eq!(depth("a # ((((\n(b)"), Ok(1));
        assert_eq!(depth(r#"'\'((' "#), Ok(0));
        assert!(depth(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn open_ends_are_worded_as_in_prometheus() {
        for (query, want) in [
            ("rate(up #c", Some("unclosed left parenthesis")),
            ("sum(up[5m", Some("unclosed left parenthesis")),
            ("(up{", Some("unexpected end of input inside braces")),
            ("up{a=\"}\"", Some("unexpected end of input inside braces")),
            (
                "up[ ",
                Some("unexpected end of input in duration expression"),
            ),
            ("up[5m:", Some("unclosed left bracket")),
            ("up[5m] offset (1h", Some("unclosed left parenthesis")),
            ("up +", None),
            ("(a))", None),
        ] {
            assert_eq!(unclosed(query), want, "{query}");
        }
        let said = |query| {
            crate::parse(query, &Default::default())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            said("up{ "),
            "1:5: parse error: unexpected end of input inside braces"
        );
        assert_eq!(
            said(""),
            "unknown position: parse error: no expression found in input"
        );
        assert_eq!(said("\n"), "1:1: parse error: no expression found in input");
    }
}
