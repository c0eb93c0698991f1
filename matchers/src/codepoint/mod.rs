//! An automaton over characters, which works where others are too large.
//!
//! A [`Program`] is about as large as the text of its pattern: classes are not
//! spelled out as UTF-8, and what is repeated by a count is there once. So a
//! state is an instruction together with the number of the copy, which counts
//! through all repetitions around it ([`State`]). States are simulated in
//! parallel (a Pike VM): [`run`] asks whether a whole value matches,
//! [`captures`] finds groups.
//!
//! What it is bad at: it costs about 10 ns for each character and live state.

mod alternate;
mod captures;
mod compile;
mod run;

use std::sync::Arc;

use regex_syntax::hir::Look;

use crate::syntax::CharClass;

pub(crate) use captures::Groups;
pub(crate) use run::Threads;

/// An instruction. One that does not say what follows is followed by the next.
#[derive(Debug, Clone, Copy)]
enum Inst {
    /// The end of the pattern.
    Match,
    /// Reads one character.
    Char(char),
    /// Reads one of two characters.
    Either(char, char),
    /// Reads a character of a class.
    Class(u32),
    /// Reads any character.
    Any,
    /// Reads any character but a newline.
    NotNewline,
    /// Goes both ways; the first one is preferred.
    Split(u32, u32),
    Jump(u32),
    Look(Look),
    /// Writes the position to a slot.
    Save(u32),
    /// Enters a counted repetition.
    Enter(u32),
    /// Ends a copy of a counted repetition.
    Next(u32),
}

/// A repetition with a count of at least two.
#[derive(Debug, Clone, Copy)]
struct Loop {
    body: u32,
    exit: u32,
    min: u32,
    /// The number of copies.
    copies: u32,
    /// Whether the last copy may repeat.
    endless: bool,
    greedy: bool,
}

/// A state: an instruction and the copy that it is in. Copies of nested
/// repetitions are one number, of which the innermost is the last digit; Go
/// allows 1,000 of them.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    at: u32,
    copy: u32,
}

impl State {
    fn to(self, at: u32) -> State {
        State { at, ..self }
    }

    fn next(self) -> State {
        self.to(self.at + 1)
    }
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Program {
    code: Box<[Inst]>,
    /// The number of the first state of each instruction.
    firsts: Box<[u32]>,
    /// The number of states.
    states: u32,
    loops: Box<[Loop]>,
    classes: Box<[Arc<CharClass>]>,
    /// Whether it matches at the beginning of a text only.
    anchored: bool,
}

/// What follows a state without reading a character.
enum Follow {
    /// Nothing.
    End,
    One(State),
    /// Two states, the preferred one first.
    Two(State, State),
}

impl Program {
    #[inline]
    fn number(&self, state: State) -> usize {
        (self.firsts[state.at as usize] + state.copy) as usize
    }

    /// What follows the beginning of a repetition.
    fn enter(&self, state: State, which: u32) -> Follow {
        let l = &self.loops[which as usize];
        let body = State {
            at: l.body,
            copy: state.copy * l.copies,
        };
        let exit = state.to(l.exit);
        match (l.min, l.greedy) {
            (0, true) => Follow::Two(body, exit),
            (0, false) => Follow::Two(exit, body),
            _ => Follow::One(body),
        }
    }

    /// What follows the end of a copy.
    fn leave(&self, state: State, which: u32) -> Follow {
        let l = &self.loops[which as usize];
        let done = state.copy % l.copies + 1;
        let exit = State {
            at: l.exit,
            copy: state.copy / l.copies,
        };
        let is_last = done == l.copies;
        let again = State {
            at: l.body,
            copy: state.copy + u32::from(!is_last),
        };
        match (done >= l.min, !is_last || l.endless) {
            (true, true) if l.greedy => Follow::Two(again, exit),
            (true, true) => Follow::Two(exit, again),
            (true, false) => Follow::One(exit),
            (false, _) => Follow::One(again),
        }
    }

    /// Whether an instruction reads a character.
    #[inline]
    fn reads(&self, inst: Inst, c: char) -> bool {
        match inst {
            Inst::Char(wanted) => c == wanted,
            Inst::Either(a, b) => c == a || c == b,
            Inst::Class(class) => self.classes[class as usize].contains(c),
            Inst::Any => true,
            Inst::NotNewline => c != '\n',
            _ => false,
        }
    }
}

/// A position between two characters.
#[derive(Debug, Clone, Copy)]
struct Place {
    before: Option<char>,
    after: Option<char>,
}

impl Place {
    fn holds(self, look: Look) -> bool {
        let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let at_boundary = word(self.before) != word(self.after);
        match look {
            Look::Start => self.before.is_none(),
            Look::End => self.after.is_none(),
            Look::StartLF => matches!(self.before, None | Some('\n')),
            Look::EndLF => matches!(self.after, None | Some('\n')),
            Look::WordAscii => at_boundary,
            Look::WordAsciiNegate => !at_boundary,
            // The parser knows no other.
            _ => false,
        }
    }
}

/// The character at a position and its length. As in Go, a byte that is not
/// UTF-8 is U+FFFD; `None` at the end.
#[inline]
fn decode(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some((first as char, 1));
    }
    Some(decode_long(&text[at..]).unwrap_or((char::REPLACEMENT_CHARACTER, 1)))
}

fn decode_long(text: &[u8]) -> Option<(char, usize)> {
    let len = match text.first()? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let c = std::str::from_utf8(text.get(..len)?).ok()?;
    Some((c.chars().next()?, len))
}

/// The set of states that were visited at a position.
#[derive(Debug)]
struct Visited {
    /// The last visit of each state.
    last: Vec<u32>,
    now: u32,
}

impl Visited {
    fn of(program: &Program) -> Self {
        Visited {
            last: vec![0; program.states as usize],
            now: 0,
        }
    }

    /// Begins a position.
    fn clear(&mut self) {
        self.now = self.now.wrapping_add(1);
        if self.now == 0 {
            self.last.fill(0);
            self.now = 1;
        }
    }

    /// Whether it is the first visit of a state.
    #[inline]
    fn first(&mut self, number: usize) -> bool {
        std::mem::replace(&mut self.last[number], self.now) != self.now
    }
}

#[cfg(test)]
mod tests;
