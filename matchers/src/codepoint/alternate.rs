//! Compiles alternations. As in Go, adjacent branches share what they begin with,
//! and adjacent single characters are one class: both keep the states that are
//! alive at a time few.

use super::Inst;
use super::compile::Compiler;
use crate::automaton::with_stack;
use crate::syntax::{Ast, CharClass, ClassBuilder, tables};

/// A branch: the characters that it begins with, and the rest.
#[derive(Clone, Copy)]
struct Branch<'a> {
    chars: &'a [char],
    rest: &'a [Ast],
}

/// What adjacent branches become.
enum Item<'a> {
    One(Branch<'a>),
    Class(CharClass),
    /// Branches that begin with the same character.
    Shared(Vec<Branch<'a>>),
}

impl<'a> Branch<'a> {
    fn of(ast: &'a Ast) -> Self {
        let (first, rest) = match ast {
            Ast::Concat(subs) => match subs.split_first() {
                Some((first, rest)) => (first, rest),
                None => (&Ast::Empty, &[][..]),
            },
            ast => (ast, &[][..]),
        };
        match first {
            Ast::Literal { chars, fold: false } => Branch { chars, rest },
            _ => Branch {
                chars: &[],
                rest: match ast {
                    Ast::Concat(subs) => subs,
                    ast => std::slice::from_ref(ast),
                },
            },
        }
    }

    /// Adds the characters of a branch that is one character to a class, if it is.
    fn add_to(self, class: &mut ClassBuilder) -> bool {
        match (self.chars, self.rest) {
            ([c], []) => class.chars(&[*c]),
            ([], [Ast::Literal { chars, fold: true }]) if chars.len() == 1 => {
                class.chars(&tables::cases(chars[0]));
            }
            ([], [Ast::Class(other)]) => class.class(other),
            _ => return false,
        }
        true
    }

    fn begins_as(self, other: Branch<'_>) -> bool {
        !self.chars.is_empty() && self.chars.first() == other.chars.first()
    }
}

/// Joins adjacent branches.
fn joined<'a>(branches: &[Branch<'a>]) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut rest = branches;
    while let Some((&first, behind)) = rest.split_first() {
        let same = behind.iter().take_while(|b| b.begins_as(first)).count();
        if same > 0 {
            items.push(Item::Shared(rest[..=same].to_vec()));
            rest = &rest[same + 1..];
            continue;
        }
        let mut class = ClassBuilder::default();
        let is_single = |(i, branch): (usize, &Branch<'a>)| {
            let shares = rest.get(i + 1).is_some_and(|next| next.begins_as(*branch));
            !shares && branch.add_to(&mut class)
        };
        let singles = rest.iter().enumerate().map(is_single);
        match singles.take_while(|single| *single).count() {
            0 | 1 => {
                items.push(Item::One(first));
                rest = behind;
            }
            singles => {
                items.push(Item::Class(class.build(false)));
                rest = &rest[singles..];
            }
        }
    }
    items
}

impl Compiler {
    /// Adds an alternation; whether it may match the empty string.
    pub(super) fn alternate(&mut self, subs: &[Ast]) -> bool {
        let branches: Vec<Branch<'_>> = subs.iter().map(Branch::of).collect();
        self.branches(&branches)
    }

    fn branches(&mut self, branches: &[Branch<'_>]) -> bool {
        let items = joined(branches);
        let count = items.len();
        let mut empty = false;
        let mut jumps = Vec::with_capacity(count);
        for (i, item) in items.into_iter().enumerate() {
            if i + 1 == count {
                empty |= self.item(item);
                break;
            }
            let split = self.emit(Inst::Match);
            empty |= self.item(item);
            jumps.push(self.emit(Inst::Match));
            let other = self.here();
            self.set(split, Inst::Split(split + 1, other));
        }
        for jump in jumps {
            let end = self.here();
            self.set(jump, Inst::Jump(end));
        }
        empty
    }

    fn item(&mut self, item: Item<'_>) -> bool {
        match item {
            Item::One(branch) => {
                for &c in branch.chars {
                    self.emit(Inst::Char(c));
                }
                let parts = branch.rest.iter();
                let empty = parts.fold(true, |empty, part| self.add(part) & empty);
                empty && branch.chars.is_empty()
            }
            Item::Class(class) => {
                self.own_class(class);
                false
            }
            Item::Shared(mut branches) => {
                let [first, others @ ..] = branches.as_slice() else {
                    return false;
                };
                let shared_with = |other: &Branch<'_>| {
                    let pairs = first.chars.iter().zip(other.chars);
                    pairs.take_while(|(a, b)| a == b).count()
                };
                let shared = others.iter().map(shared_with).min().unwrap_or(0);
                for &c in &first.chars[..shared] {
                    self.emit(Inst::Char(c));
                }
                for branch in &mut branches {
                    branch.chars = &branch.chars[shared..];
                }
                with_stack(|| self.branches(&branches));
                false
            }
        }
    }
}
