//! A linear scan before the grammar: how deeply brackets nest.
//!
//! The grammar recurses at brackets, so their depth is limited before it runs
//! and says how much stack it needs.

use crate::ast::Span;

/// How deep brackets may nest.
pub const MAX_NESTING: usize = 1000;

/// The deepest nesting of brackets outside of strings and comments, or the
/// place where it passes [`MAX_NESTING`].
pub fn depth(query: &str) -> Result<usize, Span> {
    let bytes = query.as_bytes();
    let (mut depth, mut deepest, mut i) = (0usize, 0usize, 0usize);
    while i < bytes.len() {
        match bytes[i] {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                if depth > MAX_NESTING {
                    return Err(Span {
                        start: i as u32,
                        end: i as u32 + 1,
                    });
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'#' => i += bytes[i..].iter().take_while(|&&b| b != b'\n').count(),
            quote @ (b'"' | b'\'' | b'`') => i = skip_string(bytes, i, quote),
            _ => {}
        }
        i += 1;
    }
    Ok(deepest)
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
