//! Translates the tree to the intermediate form (HIR) of `regex-syntax`.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, Look,
    Repetition,
};

use super::ast::Ast;
use super::tables;

/// Translates for matching: without groups, and with `.*` as any bytes. On UTF-8
/// text that is equivalent, and only so an automaton has a state in which
/// everything matches.
pub(crate) fn for_matching(ast: &Ast) -> Hir {
    // `\B` holds between the bytes of a character, where Go does not test it.
    let any_byte = !contains_look(ast, Look::WordAsciiNegate);
    Translator {
        captures: false,
        any_byte,
    }
    .hir(ast)
}

/// Translates with groups.
pub(crate) fn for_captures(ast: &Ast) -> Hir {
    Translator {
        captures: true,
        any_byte: false,
    }
    .hir(ast)
}

/// Whether the tree has a zero-width assertion.
fn contains_look(ast: &Ast, look: Look) -> bool {
    match ast {
        Ast::Look(found) => *found == look,
        Ast::Capture { sub, .. } | Ast::Repeat { sub, .. } => contains_look(sub, look),
        Ast::Concat(subs) | Ast::Alternate(subs) => subs.iter().any(|s| contains_look(s, look)),
        Ast::Empty | Ast::Literal { .. } | Ast::Class(_) | Ast::Dot { .. } => false,
    }
}

struct Translator {
    captures: bool,
    any_byte: bool,
}

impl Translator {
    fn hir(&self, ast: &Ast) -> Hir {
        match ast {
            Ast::Empty => Hir::empty(),
            Ast::Literal { chars, fold: false } => {
                Hir::literal(chars.iter().collect::<String>().into_bytes())
            }
            Ast::Literal { chars, fold: true } => {
                Hir::concat(chars.iter().map(|&c| all_cases(c)).collect())
            }
            Ast::Class(class) => Hir::class(Class::Unicode(class.ranges())),
            Ast::Dot { newline } => dot(*newline),
            Ast::Look(look) => Hir::look(*look),
            Ast::Capture { sub, .. } if !self.captures => self.hir(sub),
            Ast::Capture { index, sub } => Hir::capture(Capture {
                index: *index,
                name: None, // names may repeat in Go, so `Parsed` has them
                sub: Box::new(self.hir(sub)),
            }),
            Ast::Repeat {
                min,
                max,
                greedy,
                sub,
            } => self.repeat(*min, *max, *greedy, sub),
            Ast::Concat(subs) => Hir::concat(subs.iter().map(|sub| self.hir(sub)).collect()),
            Ast::Alternate(subs) => {
                Hir::alternation(subs.iter().map(|sub| self.hir(sub)).collect())
            }
        }
    }

    fn repeat(&self, min: u32, max: Option<u32>, greedy: bool, sub: &Ast) -> Hir {
        let repetition = |min, max, sub| {
            Hir::repetition(Repetition {
                min,
                max,
                greedy,
                sub: Box::new(sub),
            })
        };
        if !(self.any_byte && max.is_none() && is_dot(sub)) {
            return repetition(min, max, self.hir(sub));
        }
        let rest = repetition(0, None, Hir::class(Class::Bytes(any_byte())));
        if min == 0 {
            return rest;
        }
        // `.+` begins with a whole character, else `.+.+` would match one.
        let least = repetition(min, Some(min), dot(true));
        Hir::concat(vec![least, rest])
    }
}

/// Whether a part matches any single character.
pub(crate) fn is_dot(ast: &Ast) -> bool {
    match ast {
        Ast::Dot { newline } => *newline,
        Ast::Capture { sub, .. } => is_dot(sub),
        _ => false,
    }
}

fn any_byte() -> ClassBytes {
    ClassBytes::new([ClassBytesRange::new(0, 255)])
}

fn dot(newline: bool) -> Hir {
    let range = |a, b| ClassUnicodeRange::new(a, b);
    let class = if newline {
        ClassUnicode::new([range('\0', char::MAX)])
    } else {
        ClassUnicode::new([range('\0', '\x09'), range('\x0b', char::MAX)])
    };
    Hir::class(Class::Unicode(class))
}

fn all_cases(c: char) -> Hir {
    let cases = tables::cases(c);
    let ranges = cases.iter().map(|&c| ClassUnicodeRange::new(c, c));
    Hir::class(Class::Unicode(ClassUnicode::new(ranges)))
}
