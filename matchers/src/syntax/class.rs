//! Named character classes: Perl's, POSIX's and Unicode's.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, HirKind};

/// Ranges as a class.
pub(super) fn of_ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(a, b)| ClassUnicodeRange::new(a, b)))
}

/// `\d`, `\s`, `\w` and their negations: ASCII only.
pub(super) fn perl(letter: char) -> Option<ClassUnicode> {
    let mut class = match letter.to_ascii_lowercase() {
        'd' => of_ranges(&[('0', '9')]),
        's' => of_ranges(&[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
        'w' => of_ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => return None,
    };
    if letter.is_ascii_uppercase() {
        class.negate();
    }
    Some(class)
}

/// `[:name:]` and `[:^name:]`, with the brackets' insides given.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    let (negated, name) = match name.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    let mut class = of_ranges(ranges);
    if negated {
        class.negate();
    }
    Some(class)
}

/// `\pL`, `\p{Greek}`: general categories and scripts. The tables are
/// `regex-syntax`'s, which may be of another Unicode version than Go's.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    if name == "Any" {
        return Some(of_ranges(&[('\0', char::MAX)]));
    }
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if name.is_empty() || !plain {
        return None;
    }
    for property in [format!("gc={name}"), format!("sc={name}")] {
        let Ok(hir) = regex_syntax::Parser::new().parse(&format!("\\p{{{property}}}")) else {
            continue;
        };
        if let HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = hir.kind() {
            return Some(class.clone());
        }
        if let HirKind::Literal(literal) = hir.kind() {
            let c = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            return Some(of_ranges(&[(c, c)]));
        }
    }
    None
}
