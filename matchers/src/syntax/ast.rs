//! The tree of a pattern, and the sizes that Go limits.

use std::sync::Arc;

use regex_syntax::hir::Look;

use super::charclass::CharClass;

/// A pattern or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ast {
    /// Matches the empty string.
    Empty,
    /// A sequence of characters; `fold` ignores their case.
    Literal { chars: Vec<char>, fold: bool },
    /// One character of a class; an empty class matches nothing.
    Class(Arc<CharClass>),
    /// `.`, which may match a newline.
    Dot { newline: bool },
    /// A zero-width assertion.
    Look(Look),
    /// A capturing group, numbered from 1.
    Capture { index: u32, sub: Box<Ast> },
    /// `*`, `+`, `?`, `{2,5}`.
    Repeat {
        min: u32,
        max: Option<u32>,
        greedy: bool,
        sub: Box<Ast>,
    },
    /// A concatenation.
    Concat(Vec<Ast>),
    /// An alternation; earlier branches are preferred.
    Alternate(Vec<Ast>),
}

/// A parsed pattern.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) ast: Ast,
    /// The names of the groups, from group 1 on; names may repeat.
    pub(crate) groups: Vec<Option<Box<str>>>,
}

/// A part with its sizes. They are updated as the tree grows, so no check
/// traverses it again.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) ast: Ast,
    /// Number of levels.
    pub(super) height: u32,
    /// Number of instructions, as Go counts them.
    pub(super) size: u64,
    /// The largest product of nested counted repetitions.
    pub(super) copies: u32,
}

impl Node {
    pub(super) fn leaf(ast: Ast) -> Self {
        Node {
            ast,
            height: 1,
            size: 1,
            copies: 0,
        }
    }

    /// Adds a character to a literal; false if this is not a literal of that
    /// kind.
    pub(super) fn extend_literal(&mut self, c: char, folded: bool) -> bool {
        match &mut self.ast {
            Ast::Literal { chars, fold } if *fold == folded => {
                chars.push(c);
                self.size += 1;
                true
            }
            _ => false,
        }
    }

    /// Splits off the last character of a literal that has several.
    pub(super) fn split_last(&mut self) -> Option<Node> {
        match &mut self.ast {
            Ast::Literal { chars, fold } if chars.len() > 1 => {
                let last = chars.pop()?;
                self.size -= 1;
                Some(Node::leaf(Ast::Literal {
                    chars: vec![last],
                    fold: *fold,
                }))
            }
            _ => None,
        }
    }

    pub(super) fn capture(self, index: u32) -> Self {
        Node {
            height: self.height + 1,
            size: self.size.saturating_add(2),
            copies: self.copies,
            ast: Ast::Capture {
                index,
                sub: Box::new(self.ast),
            },
        }
    }

    pub(super) fn repeat(self, min: u32, max: Option<u32>, greedy: bool, counted: bool) -> Self {
        let size = match (counted, min, max) {
            (false, 0, None) | (true, 0, None) => self.size.saturating_add(2),
            (false, ..) => self.size.saturating_add(1),
            (true, min, None) => self.size.saturating_mul(min.into()).saturating_add(1),
            (true, min, Some(max)) => self
                .size
                .saturating_mul(max.into())
                .saturating_add((max - min).into()),
        };
        let copies = match (counted, max.unwrap_or(min)) {
            (false, _) => self.copies,
            (true, 0) if max.is_some() => 0,
            (true, times) => self.copies.max(1).saturating_mul(times).max(self.copies),
        };
        Node {
            height: self.height + 1,
            size: size.max(1),
            copies,
            ast: Ast::Repeat {
                min,
                max,
                greedy,
                sub: Box::new(self.ast),
            },
        }
    }

    /// A concatenation; joins adjacent literals and flattens nested
    /// concatenations.
    pub(super) fn concat(nodes: Vec<Node>) -> Self {
        let mut nodes = nodes;
        if nodes.len() == 1
            && let Some(only) = nodes.pop()
        {
            return only;
        }
        let mut all = Gathered::default();
        for node in nodes {
            all.measure(&node, matches!(node.ast, Ast::Concat(_)));
            match node.ast {
                Ast::Concat(parts) => parts.into_iter().for_each(|part| all.join(part)),
                ast => all.join(ast),
            }
        }
        if all.parts.is_empty() {
            return Node::leaf(Ast::Empty);
        }
        let single = all.parts.len() == 1;
        Node {
            height: all.height + u32::from(!single),
            size: all.size.max(1),
            copies: all.copies,
            ast: match all.parts.pop() {
                Some(only) if single => only,
                last => {
                    all.parts.extend(last);
                    Ast::Concat(all.parts)
                }
            },
        }
    }

    /// An alternation; flattens nested alternations.
    pub(super) fn alternate(nodes: Vec<Node>) -> Self {
        let mut nodes = nodes;
        if nodes.len() == 1
            && let Some(only) = nodes.pop()
        {
            return only;
        }
        let bars = (nodes.len() as u64).saturating_sub(1);
        let mut all = Gathered::default();
        for node in nodes {
            all.measure(&node, matches!(node.ast, Ast::Alternate(_)));
            match node.ast {
                Ast::Alternate(parts) => all.parts.extend(parts),
                ast => all.parts.push(ast),
            }
        }
        Node {
            height: all.height + 1,
            size: all.size.saturating_add(bars),
            copies: all.copies,
            ast: Ast::Alternate(all.parts),
        }
    }
}

/// The parts of a node under construction.
#[derive(Default)]
struct Gathered {
    parts: Vec<Ast>,
    height: u32,
    size: u64,
    copies: u32,
}

impl Gathered {
    fn measure(&mut self, node: &Node, hoisted: bool) {
        self.height = self.height.max(node.height - u32::from(hoisted));
        self.size = self.size.saturating_add(node.size);
        self.copies = self.copies.max(node.copies);
    }

    /// Adds a part to a concatenation.
    fn join(&mut self, part: Ast) {
        match (self.parts.last_mut(), part) {
            (
                Some(Ast::Literal { chars, fold }),
                Ast::Literal {
                    chars: more,
                    fold: same,
                },
            ) if *fold == same => chars.extend(more),
            (_, part) => self.parts.push(part),
        }
    }
}
