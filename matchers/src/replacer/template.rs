//! The templates of replacements, in Go's syntax.

use crate::syntax::tables;

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// A group by number or name.
    Reference(&'a str),
}

/// The parts of a template.
pub(crate) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (piece, behind) = first_piece(rest)?;
        rest = behind;
        Some(piece)
    })
}

fn first_piece(template: &str) -> Option<(Piece<'_>, &str)> {
    if template.is_empty() {
        return None;
    }
    let Some(behind) = template.strip_prefix('$') else {
        let end = template.find('$').unwrap_or(template.len());
        return Some((Piece::Text(&template[..end]), &template[end..]));
    };
    Some(match (behind.strip_prefix('$'), reference(behind)) {
        (Some(rest), _) => (Piece::Text("$"), rest),
        (None, Some((name, rest))) => (Piece::Reference(name), rest),
        (None, None) => (Piece::Text("$"), behind), // not a reference
    })
}

/// The number that a reference is. In Go it has at most nine digits.
pub(crate) fn group_number(name: &str) -> Option<usize> {
    let is_number = name.len() <= 9
        && name.bytes().all(|b| b.is_ascii_digit())
        && (name.len() == 1 || !name.starts_with('0'));
    is_number.then(|| name.parse().ok()).flatten()
}

/// The name at the beginning of a reference after its dollar, plain or in braces,
/// and the rest.
fn reference(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('{');
    let (braced, body) = (body.is_some(), body.unwrap_or(text));
    let end = body.find(|c| !is_name(c)).unwrap_or(body.len());
    let (name, behind) = body.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced {
        return Some((name, behind.strip_prefix('}')?));
    }
    Some((name, behind))
}

/// Letters, decimal digits, and the underscore.
fn is_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    ["L", "Nd"]
        .iter()
        .filter_map(|name| tables::unicode(name, false))
        .any(|class| class.contains(c))
}
