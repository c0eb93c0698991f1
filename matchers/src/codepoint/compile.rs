//! Compiles a pattern's tree.

use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, Look};
use rustc_hash::FxHashMap;

use super::{Inst, Loop, Program};
use crate::automaton::with_stack;
use crate::syntax::{Ast, CharClass, tables};

impl Program {
    /// The program that matches a pattern.
    pub(crate) fn matching(ast: &Ast) -> Program {
        Program::compile(ast, false)
    }

    /// The program that finds groups, too.
    pub(crate) fn capturing(ast: &Ast) -> Program {
        Program::compile(ast, true)
    }

    fn compile(ast: &Ast, captures: bool) -> Program {
        let mut compiler = Compiler {
            code: Vec::new(),
            firsts: Vec::new(),
            states: 0,
            copies: 1,
            loops: Vec::new(),
            classes: Vec::new(),
            known: FxHashMap::default(),
            cases: FxHashMap::default(),
            captures,
        };
        with_stack(|| compiler.add(ast));
        compiler.emit(Inst::Match);
        Program {
            code: compiler.code.into(),
            firsts: compiler.firsts.into(),
            states: compiler.states,
            loops: compiler.loops.into(),
            classes: compiler.classes.into(),
            anchored: begins_at_start(ast),
        }
    }
}

/// Whether a pattern matches at the beginning of a text only, as far as its first
/// part tells.
fn begins_at_start(ast: &Ast) -> bool {
    match ast {
        Ast::Look(look) => *look == Look::Start,
        Ast::Concat(subs) => subs.first().is_some_and(begins_at_start),
        _ => false,
    }
}

/// Whether a repetition repeats one of the same kind, as in `(?:x*)*`, which is
/// the latter alone.
fn same_operator(outer: &Ast, inner: &Ast) -> bool {
    match (outer, inner) {
        (
            Ast::Repeat {
                min: 1,
                max: Some(1),
                ..
            },
            _,
        ) => false,
        (
            _,
            Ast::Repeat {
                min: 1,
                max: Some(1),
                sub,
                ..
            },
        ) => same_operator(outer, sub),
        (
            Ast::Repeat {
                min, max, greedy, ..
            },
            Ast::Repeat {
                min: inner_min,
                max: inner_max,
                greedy: inner_greedy,
                ..
            },
        ) => {
            let same = (min, max, greedy) == (inner_min, inner_max, inner_greedy);
            same && matches!((min, max), (0 | 1, None) | (0, Some(1)))
        }
        _ => false,
    }
}

pub(super) struct Compiler {
    code: Vec<Inst>,
    firsts: Vec<u32>,
    states: u32,
    /// The number of copies of the current part.
    copies: u32,
    loops: Vec<Loop>,
    classes: Vec<Arc<CharClass>>,
    /// The numbers of classes, by their addresses.
    known: FxHashMap<*const CharClass, u32>,
    /// The numbers of the classes of a character's cases.
    cases: FxHashMap<char, u32>,
    captures: bool,
}

impl Compiler {
    pub(super) fn here(&self) -> u32 {
        self.code.len() as u32
    }

    pub(super) fn emit(&mut self, inst: Inst) -> u32 {
        let at = self.here();
        self.code.push(inst);
        self.firsts.push(self.states);
        self.states = self.states.saturating_add(self.copies);
        at
    }

    pub(super) fn set(&mut self, at: u32, inst: Inst) {
        self.code[at as usize] = inst;
    }

    /// Adds a class that no other part has.
    pub(super) fn own_class(&mut self, class: CharClass) {
        let ranges = class.own_ranges().unwrap_or_default();
        let mut chars = ranges.iter().take(3).flat_map(|r| r.start()..=r.end());
        let inst = match (chars.next(), chars.next(), chars.next()) {
            (Some(one), Some(other), None) => Inst::Either(one, other),
            _ => {
                self.classes.push(Arc::new(class));
                Inst::Class(self.classes.len() as u32 - 1)
            }
        };
        self.emit(inst);
    }

    /// Adds a part; whether it may match the empty string.
    pub(super) fn add(&mut self, ast: &Ast) -> bool {
        match ast {
            Ast::Empty => true,
            Ast::Literal { chars, fold } => {
                for &c in chars {
                    match fold {
                        true => self.any_case(c),
                        false => drop(self.emit(Inst::Char(c))),
                    }
                }
                chars.is_empty()
            }
            Ast::Class(class) => {
                let number = self.class(class);
                self.emit(Inst::Class(number));
                false
            }
            Ast::Dot { newline } => {
                self.emit(match newline {
                    true => Inst::Any,
                    false => Inst::NotNewline,
                });
                false
            }
            Ast::Look(look) => {
                self.emit(Inst::Look(*look));
                true
            }
            Ast::Capture { sub, .. } if !self.captures => self.add(sub),
            Ast::Capture { index, sub } => {
                self.emit(Inst::Save(2 * index));
                let empty = self.add(sub);
                self.emit(Inst::Save(2 * index + 1));
                empty
            }
            Ast::Concat(subs) => subs.iter().fold(true, |empty, sub| self.add(sub) & empty),
            Ast::Alternate(subs) => self.alternate(subs),
            Ast::Repeat {
                min,
                max,
                greedy,
                sub,
            } => match same_operator(ast, sub) {
                true => self.add(sub),
                false => self.repeat(*min, *max, *greedy, sub),
            },
        }
    }

    fn any_case(&mut self, c: char) {
        let inst = match &*tables::cases(c) {
            [only] => Inst::Char(*only),
            [one, other] => Inst::Either(*one, *other),
            all => Inst::Class(*self.cases.entry(c).or_insert_with(|| {
                let ranges = all.iter().map(|&c| ClassUnicodeRange::new(c, c));
                let class = CharClass::from(ClassUnicode::new(ranges));
                self.classes.push(Arc::new(class));
                self.classes.len() as u32 - 1
            })),
        };
        self.emit(inst);
    }

    fn class(&mut self, class: &Arc<CharClass>) -> u32 {
        *self.known.entry(Arc::as_ptr(class)).or_insert_with(|| {
            self.classes.push(class.clone());
            self.classes.len() as u32 - 1
        })
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, greedy: bool, sub: &Ast) -> bool {
        let split = |body, exit| match greedy {
            true => Inst::Split(body, exit),
            false => Inst::Split(exit, body),
        };
        match (min, max) {
            (_, Some(0)) => true,
            (1, Some(1)) => self.add(sub),
            (0, Some(1)) => {
                let skip = self.emit(Inst::Match);
                self.add(sub);
                self.code[skip as usize] = split(skip + 1, self.here());
                true
            }
            (1, None) => {
                let body = self.here();
                let empty = self.add(sub);
                let exit = self.here() + 1;
                self.emit(split(body, exit));
                empty
            }
            (0, None) => {
                let skip = self.emit(Inst::Match);
                let empty = self.add(sub);
                let exit = self.here() + 1;
                self.code[skip as usize] = split(skip + 1, exit);
                // As `(x+)?` in Go: else an empty `x` had wrong preferences.
                self.emit(match empty {
                    true => split(skip + 1, exit),
                    false => Inst::Jump(skip),
                });
                true
            }
            (min, max) => self.counted(min, max, greedy, sub),
        }
    }

    fn counted(&mut self, min: u32, max: Option<u32>, greedy: bool, sub: &Ast) -> bool {
        let which = self.loops.len() as u32;
        let enter = self.emit(Inst::Enter(which));
        let copies = max.unwrap_or(min);
        self.loops.push(Loop {
            body: enter + 1,
            exit: 0,
            min,
            copies,
            endless: max.is_none(),
            greedy,
        });
        let outside = self.copies;
        self.copies = outside.saturating_mul(copies);
        let empty = self.add(sub);
        self.emit(Inst::Next(which));
        self.copies = outside;
        self.loops[which as usize].exit = self.here();
        empty || min == 0
    }
}
