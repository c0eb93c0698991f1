//! Classifies patterns; most need no automaton.

use std::cell::Cell;
use std::fmt;

use regex_syntax::hir::Look;

use crate::fold::FoldLiteral;
use crate::literals::{LiteralSet, SuffixSet};
use crate::syntax::tables::{self, Cases};
use crate::syntax::{Ast, translate};

/// Most literals of a set. A lookup in a set of this size is still faster than
/// building an automaton.
const MAX_SET: usize = 50_000;
/// Most bytes of the literals that one step of classification spells out.
const MAX_ROOM: usize = 16 << 20;
/// Most literals of a part between gaps.
const MAX_PART: usize = 4_096;
/// Most spellings of a literal that ignores case; with more it is compared
/// character by character.
const MAX_SPELLINGS: usize = 16;

/// The class of an anchored pattern, from cheap to expensive.
///
/// A gap before or after a literal is `.*` (at least 0 bytes) or `.+` (at least
/// 1 byte).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Matches no value, such as `a^b`.
    Nothing,
    /// Everything (`.*`).
    Any,
    /// Everything but the empty string (`.+`).
    NonEmpty,
    /// One literal.
    Equal(Box<[u8]>),
    /// Any of some literals.
    Set(LiteralSet),
    /// Begins with one of some literals, none of which is a prefix of another.
    Prefix {
        /// The literals.
        literals: LiteralSet,
        /// Fewest bytes after the literal: 0 or 1.
        more: usize,
    },
    /// Ends with one of some literals, none of which is a suffix of another.
    Suffix {
        /// The literals.
        literals: SuffixSet,
        /// Fewest bytes before the literal: 0 or 1.
        more: usize,
    },
    /// Contains one of some literals.
    Contains {
        /// The literals.
        literals: LiteralSet,
        /// Fewest bytes before the literal: 0 or 1.
        before: usize,
        /// Fewest bytes after the literal: 0 or 1.
        after: usize,
    },
    /// A literal in many spellings, such as `(?i)instance`. A gap before or
    /// after it is given by its fewest bytes.
    Fold {
        /// The literal.
        literal: FoldLiteral,
        /// The gap before it.
        before: Option<usize>,
        /// The gap after it.
        after: Option<usize>,
    },
    /// Needs an automaton.
    General {
        /// A literal that all matching values contain.
        required: Option<Box<[u8]>>,
    },
}

impl Class {
    /// Classifies a pattern with a text of some bytes.
    pub(crate) fn of(ast: &Ast, text: usize) -> Class {
        if let Some(set) = expand(ast, MAX_SET, true, &Room::of(text)) {
            return Class::of_set(set);
        }
        let ast = without_captures(ast);
        if let Ast::Alternate(branches) = ast
            && let Some(class) = of_branches(branches, &Room::of(text))
        {
            return class;
        }
        of_parts(&parts_of(ast, &Room::of(text))).unwrap_or_else(|| {
            let room = Room::of(text);
            let members = members_of(ast).into_iter();
            let parts: Vec<Part> = members.map(|ast| part_of(ast, &room)).collect();
            Class::General {
                required: required(&parts),
            }
        })
    }

    /// The class of a pattern of plain literals and bars, such as a long list of
    /// instances, without parsing it.
    pub(crate) fn of_plain(pattern: &str) -> Option<Class> {
        let special = |b: u8| br"\.+*?()[]{}^$".contains(&b);
        if pattern.bytes().any(special) {
            return None;
        }
        let literals = pattern.split('|').map(|text| text.as_bytes().to_vec());
        Some(Class::of_set(literals.collect()))
    }

    fn of_set(set: Vec<Vec<u8>>) -> Class {
        let set = LiteralSet::new(set);
        match set.as_slice() {
            [] => Class::Nothing,
            [only] => Class::Equal(only.clone()),
            _ => Class::Set(set),
        }
    }

    fn of_literals(literals: Vec<Vec<u8>>, before: Option<usize>, after: Option<usize>) -> Class {
        match (before, after) {
            (None, None) => Class::of_set(literals),
            (None, Some(more)) => Class::Prefix {
                literals: LiteralSet::prefixes(literals),
                more,
            },
            (Some(more), None) => Class::Suffix {
                literals: SuffixSet::new(literals),
                more,
            },
            (Some(before), Some(after)) => Class::Contains {
                literals: LiteralSet::prefixes(literals),
                before,
                after,
            },
        }
    }

    /// The name that `explain` shows.
    pub fn name(&self) -> &'static str {
        match self {
            Class::Nothing => "nothing",
            Class::Any => "any",
            Class::NonEmpty => "non-empty",
            Class::Equal(_) => "equal",
            Class::Set(_) => "set",
            Class::Prefix { .. } => "prefix",
            Class::Suffix { .. } => "suffix",
            Class::Contains { .. } => "contains",
            Class::Fold { before, after, .. } => match (before, after) {
                (None, None) => "equal, any case",
                (None, Some(_)) => "prefix, any case",
                (Some(_), None) => "suffix, any case",
                (Some(_), Some(_)) => "contains, any case",
            },
            Class::General { .. } => "general",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The room for literals that a step of classification spells out. It is in
/// proportion to the pattern's text: a pattern such as `[a-z]{3}` is short, but
/// its literals are many.
struct Room(Cell<usize>);

impl Room {
    /// Enough for the sets of ordinary short patterns, bytes.
    const LEAST: usize = 4 << 10;
    /// Enough for alternations of single characters, bytes a byte of text.
    const PER_BYTE: usize = 64;
    /// What a literal takes besides its bytes.
    const PER_LITERAL: usize = 16;

    fn of(text: usize) -> Room {
        let room = Room::LEAST + text.saturating_mul(Room::PER_BYTE);
        Room(Cell::new(room.min(MAX_ROOM)))
    }

    /// Takes room for literals of some bytes in all; `None` if it is used up.
    fn take(&self, literals: usize, bytes: usize) -> Option<()> {
        let needed = literals.saturating_mul(Room::PER_LITERAL);
        let left = self.0.get().checked_sub(needed.saturating_add(bytes))?;
        self.0.set(left);
        Some(())
    }
}

/// A part of a concatenation.
enum Part {
    /// Any bytes, at least this number (0 or 1).
    Gap(usize),
    /// One of some literals.
    Literals(Vec<Vec<u8>>),
    /// One literal in many spellings.
    Fold(Vec<Cases>),
    Other,
}

impl Part {
    /// Expands a literal with few spellings.
    fn spelled_out(self, room: &Room) -> Part {
        let Part::Fold(positions) = &self else {
            return self;
        };
        let mut set = vec![Vec::new()];
        for choices in positions {
            let choices: Vec<_> = choices.iter().map(|&c| text_of(c)).collect();
            match cross(&set, &choices, MAX_SPELLINGS, room) {
                Some(longer) => set = longer,
                None => return self,
            }
        }
        Part::Literals(set)
    }
}

fn text_of(c: char) -> Vec<u8> {
    c.to_string().into_bytes()
}

fn without_captures(mut ast: &Ast) -> &Ast {
    while let Ast::Capture { sub, .. } = ast {
        ast = sub;
    }
    ast
}

/// The members of a concatenation, without `^` in front and `$` at the end: a
/// pattern has to match the whole value anyway.
fn members_of(ast: &Ast) -> Vec<&Ast> {
    let mut members = Vec::new();
    flatten(ast, &mut members);
    let trailing = members.iter().rev().take_while(|a| is_look(a, Look::End));
    members.truncate(members.len() - trailing.count());
    let leading = members.iter().take_while(|a| is_look(a, Look::Start));
    let leading = leading.count();
    members.split_off(leading)
}

/// The parts of a concatenation, adjacent ones joined where possible.
fn parts_of(ast: &Ast, room: &Room) -> Vec<Part> {
    // Literals that ignore case are joined before they are expanded.
    let members = members_of(ast).into_iter();
    let parts = joined(members.map(|ast| part_of(ast, room)), room);
    let spelled_out = parts.into_iter().map(|part| part.spelled_out(room));
    joined(spelled_out, room)
}

fn joined(all: impl Iterator<Item = Part>, room: &Room) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for part in all {
        match parts.pop() {
            Some(last) => join(last, part, &mut parts, room),
            None => parts.push(part),
        }
    }
    parts
}

fn is_look(ast: &Ast, look: Look) -> bool {
    *ast == Ast::Look(look)
}

fn flatten<'a>(ast: &'a Ast, members: &mut Vec<&'a Ast>) {
    match without_captures(ast) {
        Ast::Concat(subs) => subs.iter().for_each(|sub| flatten(sub, members)),
        Ast::Empty => {}
        ast => members.push(ast),
    }
}

fn part_of(ast: &Ast, room: &Room) -> Part {
    if let Ast::Repeat {
        min: min @ (0 | 1),
        max: None,
        sub,
        ..
    } = ast
        && translate::is_dot(sub)
    {
        return Part::Gap(*min as usize);
    }
    if let Ast::Literal { chars, fold: true } = ast {
        return Part::Fold(chars.iter().map(|&c| tables::cases(c)).collect());
    }
    match expand(ast, MAX_PART, false, room) {
        Some(set) => Part::Literals(set),
        None => Part::Other,
    }
}

/// Appends a part after the last one; joins the two if possible.
fn join(last: Part, part: Part, parts: &mut Vec<Part>, room: &Room) {
    match (last, part) {
        // `.*.+` is a gap of one character; no class has the gap of `.+.+`.
        (Part::Gap(0), Part::Gap(least)) | (Part::Gap(least), Part::Gap(0)) => {
            parts.push(Part::Gap(least));
        }
        (Part::Literals(a), Part::Literals(b)) => match cross(&a, &b, MAX_PART, room) {
            Some(both) => parts.push(Part::Literals(both)),
            None => parts.extend([Part::Literals(a), Part::Literals(b)]),
        },
        (Part::Fold(mut a), Part::Fold(b)) => {
            a.extend(b);
            parts.push(Part::Fold(a));
        }
        (Part::Fold(mut a), Part::Literals(b)) => match single_text(&b) {
            Some(text) => {
                a.extend(text.chars().map(Cases::one));
                parts.push(Part::Fold(a));
            }
            None => parts.extend([Part::Fold(a), Part::Literals(b)]),
        },
        (Part::Literals(a), Part::Fold(b)) => match single_text(&a) {
            Some(text) => {
                let positions = text.chars().map(Cases::one).chain(b);
                parts.push(Part::Fold(positions.collect()));
            }
            None => parts.extend([Part::Literals(a), Part::Fold(b)]),
        },
        (last, part) => parts.extend([last, part]),
    }
}

fn single_text(literals: &[Vec<u8>]) -> Option<&str> {
    match literals {
        [only] => std::str::from_utf8(only).ok(),
        _ => None,
    }
}

fn of_parts(parts: &[Part]) -> Option<Class> {
    let (before, rest) = match parts {
        [Part::Gap(0)] => return Some(Class::Any),
        [Part::Gap(_)] => return Some(Class::NonEmpty),
        [Part::Gap(n), rest @ ..] => (Some(*n), rest),
        rest => (None, rest),
    };
    let (middle, after) = match rest {
        [middle] => (middle, None),
        [middle, Part::Gap(n)] => (middle, Some(*n)),
        _ => return None,
    };
    match middle {
        // An empty literal would match between the bytes of a character.
        Part::Literals(all) if all.iter().all(|literal| !literal.is_empty()) => {
            Some(Class::of_literals(all.clone(), before, after))
        }
        Part::Fold(positions) => Some(Class::Fold {
            literal: FoldLiteral::new(positions.clone()),
            before,
            after,
        }),
        _ => None,
    }
}

/// The class of alternatives of one shape, such as `.*foo.*|.*bar.*`.
fn of_branches(branches: &[Ast], room: &Room) -> Option<Class> {
    let mut literals: Vec<Vec<u8>> = Vec::new();
    let mut shape = None;
    for branch in branches {
        let parts = parts_of(branch, room);
        let (before, rest) = match parts.as_slice() {
            [Part::Gap(0)] => return Some(Class::Any),
            [Part::Gap(n), rest @ ..] => (Some(*n), rest),
            rest => (None, rest),
        };
        let (more, after) = match rest {
            [Part::Literals(more)] => (more, None),
            [Part::Literals(more), Part::Gap(n)] => (more, Some(*n)),
            _ => return None,
        };
        if *shape.get_or_insert((before, after)) != (before, after)
            || more.iter().any(Vec::is_empty)
        {
            return None;
        }
        literals.extend_from_slice(more);
    }
    let (before, after) = shape?;
    Some(Class::of_literals(literals, before, after))
}

/// The longest literal that every match contains. A pattern that begins with
/// literals needs no such filter: the walk of the automaton skips other values.
fn required(parts: &[Part]) -> Option<Box<[u8]>> {
    if matches!(parts.first(), Some(Part::Literals(_))) {
        return None;
    }
    let literals = parts.iter().filter_map(|part| match part {
        Part::Literals(all) => match all.as_slice() {
            [only] if !only.is_empty() => Some(only),
            _ => None,
        },
        _ => None,
    });
    let longest = literals.max_by_key(|literal| literal.len())?;
    Some(longest.clone().into_boxed_slice())
}

/// All strings that a pattern matches, if there are at most `most` and there is
/// room for them. With `whole` it has to match a whole value, so `^` in front and
/// `$` at the end have no effect.
fn expand(ast: &Ast, most: usize, whole: bool, room: &Room) -> Option<Vec<Vec<u8>>> {
    let set = match ast {
        Ast::Empty => vec![Vec::new()],
        Ast::Literal { chars, fold: false } => {
            room.take(1, chars.len())?;
            vec![chars.iter().collect::<String>().into_bytes()]
        }
        Ast::Literal { chars, fold: true } => {
            if chars.len() > MAX_SPELLINGS {
                return None; // each has two spellings or more
            }
            let positions = chars.iter().map(|&c| tables::cases(c)).collect();
            match Part::Fold(positions).spelled_out(room) {
                Part::Literals(set) => set,
                _ => return None,
            }
        }
        Ast::Class(class) => {
            let ranges = class.own_ranges().filter(|ranges| ranges.len() <= 64)?;
            let count: usize = ranges.iter().map(|r| r.len()).sum();
            if count > 64 {
                return None;
            }
            room.take(count, count)?;
            let chars = ranges.iter().flat_map(|r| r.start()..=r.end());
            chars.map(text_of).collect()
        }
        Ast::Dot { .. } | Ast::Look(_) => return None,
        Ast::Capture { sub, .. } => expand(sub, most, whole, room)?,
        Ast::Repeat { min, max, sub, .. } => expand_repeat(*min, *max, sub, most, room)?,
        Ast::Concat(subs) => {
            let mut set = vec![Vec::new()];
            for (i, sub) in subs.iter().enumerate() {
                let outermost = (i == 0 && is_look(sub, Look::Start))
                    || (i + 1 == subs.len() && is_look(sub, Look::End));
                if !(whole && outermost) {
                    set = cross(&set, &expand(sub, most, false, room)?, most, room)?;
                }
            }
            set
        }
        Ast::Alternate(subs) => {
            let mut set = Vec::new();
            for sub in subs {
                set.append(&mut expand(sub, most, whole, room)?);
                if set.len() > most {
                    return None;
                }
            }
            set
        }
    };
    (set.len() <= most).then_some(set)
}

fn expand_repeat(
    min: u32,
    max: Option<u32>,
    sub: &Ast,
    most: usize,
    room: &Room,
) -> Option<Vec<Vec<u8>>> {
    let max = max.filter(|&max| max <= 1000)?;
    let sub = expand(sub, most, false, room)?;
    if let ([only], true) = (sub.as_slice(), min == max) {
        room.take(1, only.len() * max as usize)?;
        return Some(vec![only.repeat(max as usize)]);
    }
    let mut all = Vec::new();
    let mut power = vec![Vec::new()];
    for n in 0..=max {
        if all.len() + power.len() > most {
            return None;
        }
        if n == max {
            all.append(&mut power);
            break;
        }
        if n >= min {
            room.take(power.len(), bytes(&power))?;
            all.extend(power.iter().cloned());
        }
        power = cross(&power, &sub, most, room)?;
    }
    Some(all)
}

/// All concatenations of a literal of `a` and one of `b`.
fn cross(a: &[Vec<u8>], b: &[Vec<u8>], most: usize, room: &Room) -> Option<Vec<Vec<u8>>> {
    let count = a.len().checked_mul(b.len()).filter(|&n| n <= most)?;
    room.take(count, bytes(a) * b.len() + bytes(b) * a.len())?;
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
    Some(pairs.map(|(x, y)| [&x[..], &y[..]].concat()).collect())
}

fn bytes(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).sum()
}

#[cfg(test)]
#[path = "class_tests.rs"]
mod tests;
