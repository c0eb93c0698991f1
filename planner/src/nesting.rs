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
}
