//! Parses groups, alternations, repetitions and flags.
//!
//! Open groups are on a stack of their own, so no pattern overflows that of the
//! thread.

use std::sync::Arc;

use regex_syntax::hir::Look;

use super::ast::{Ast, Node, Parsed};
use super::charclass::CharClass;
use super::dialect::Dialect;
use super::error::{RegexError, RegexErrorKind};
use super::tables;

/// Go's limit of a count, and of the product of nested counts.
const MAX_REPEAT: u32 = 1000;
/// Go's limit of the tree's levels.
const MAX_HEIGHT: u32 = 1000;
/// Go's limit of the compiled size, in instructions (128 MiB at 40 bytes).
const MAX_SIZE: u64 = (128 << 20) / 40;
/// Go's limit of the bounds of ranges in all classes (128 MiB at 4 bytes).
const MAX_BOUNDS: usize = (128 << 20) / 4;

pub(super) type Result<T> = std::result::Result<T, RegexError>;

#[derive(Clone, Copy)]
pub(super) struct Flags {
    pub(super) fold_case: bool,
    multi_line: bool,
    dot_all: bool,
    lazy: bool,
}

/// An open group; the first one is the whole pattern.
struct Frame {
    /// `None` for a non-capturing group.
    capture: Option<u32>,
    /// The flags outside.
    outside: Flags,
    /// The alternatives before the last `|`.
    branches: Vec<Node>,
    /// The parts after the last `|`.
    row: Vec<Node>,
    /// The literal at its end as one node. A repetition splits off the last
    /// character.
    run: usize,
}

impl Frame {
    fn new(capture: Option<u32>, outside: Flags) -> Self {
        Frame {
            capture,
            outside,
            branches: Vec::new(),
            row: Vec::new(),
            run: 0,
        }
    }
}

pub(super) struct Parser<'a> {
    pub(super) pattern: &'a str,
    pub(super) at: usize,
    pub(super) flags: Flags,
    pub(super) dialect: Dialect,
    frame: Frame,
    open: Vec<Frame>,
    groups: Vec<Option<Box<str>>>,
    bounds: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(pattern: &'a str, dialect: Dialect) -> Self {
        let flags = Flags {
            fold_case: false,
            multi_line: false,
            dot_all: dialect == Dialect::Matcher,
            lazy: false,
        };
        Parser {
            pattern,
            at: 0,
            flags,
            dialect,
            frame: Frame::new(None, flags),
            open: Vec::new(),
            groups: Vec::new(),
            bounds: 0,
        }
    }

    pub(super) fn parse(mut self) -> Result<Parsed> {
        // The start of the repetition that was just parsed.
        let mut last_repeat = None;
        while let Some(c) = self.peek() {
            let start = self.at;
            let repeat = match c {
                '*' => self.plain_repeat(start, 0, None, last_repeat)?,
                '+' => self.plain_repeat(start, 1, None, last_repeat)?,
                '?' => self.plain_repeat(start, 0, Some(1), last_repeat)?,
                '{' => self.counted_repeat(start, last_repeat)?,
                _ => {
                    self.part(c)?;
                    false
                }
            };
            last_repeat = repeat.then_some(start);
        }
        let node = self.end_group()?;
        if !self.open.is_empty() {
            return Err(self.error(RegexErrorKind::MissingParen, self.pattern));
        }
        Ok(Parsed {
            ast: node.ast,
            groups: self.groups,
        })
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn error(&self, kind: RegexErrorKind, fragment: &str) -> RegexError {
        RegexError::new(kind, fragment)
    }

    /// An error about the text from `start` to the current position.
    pub(super) fn error_from(&self, kind: RegexErrorKind, start: usize) -> RegexError {
        RegexError::new(kind, &self.pattern[start..self.at])
    }

    fn checked(&self, node: Node) -> Result<Node> {
        if node.size > MAX_SIZE {
            return Err(self.error(RegexErrorKind::TooLarge, self.pattern));
        }
        if node.height > MAX_HEIGHT {
            return Err(self.error(RegexErrorKind::NestingDepth, self.pattern));
        }
        Ok(node)
    }

    fn push(&mut self, ast: Ast) {
        self.push_node(Node::leaf(ast));
    }

    fn push_node(&mut self, node: Node) {
        self.frame.row.push(node);
        self.frame.run = 0;
    }

    pub(super) fn push_char(&mut self, c: char) {
        let fold = self.flags.fold_case && tables::has_other_case(c);
        let run = self.frame.run;
        if run > 0
            && let Some(node) = self.frame.row.last_mut()
            && node.extend_literal(c, fold)
        {
            self.frame.run = run + 1;
            return;
        }
        self.push(Ast::Literal {
            chars: vec![c],
            fold,
        });
        self.frame.run = 1;
    }

    /// Removes and returns the argument of a repetition.
    fn pop_repeated(&mut self) -> Option<Node> {
        if self.frame.run > 1
            && let Some(last) = self.frame.row.last_mut().and_then(Node::split_last)
        {
            return Some(last);
        }
        self.frame.row.pop()
    }

    pub(super) fn push_class(&mut self, class: Arc<CharClass>) -> Result<()> {
        self.bounds = self.bounds.saturating_add(2 * class.count());
        if self.bounds > MAX_BOUNDS {
            return Err(self.error(RegexErrorKind::TooLarge, self.pattern));
        }
        let ranges = class.own_ranges();
        self.push(match ranges.and_then(tables::as_literal) {
            Some((c, fold)) => Ast::Literal {
                chars: vec![c],
                fold,
            },
            None if ranges.is_some_and(tables::is_everything) => Ast::Dot { newline: true },
            None => Ast::Class(class),
        });
        Ok(())
    }

    pub(super) fn push_look(&mut self, look: Look) {
        self.push(Ast::Look(look));
    }

    /// Parses anything but a repetition.
    fn part(&mut self, c: char) -> Result<()> {
        match c {
            '(' if self.rest().starts_with("(?") => return self.special_group(),
            '[' => return self.bracket_class(),
            '\\' => return self.escape(),
            _ => self.at += c.len_utf8(),
        }
        match c {
            '(' => {
                self.groups.push(None);
                self.open_group(Some(self.groups.len() as u32), self.flags);
            }
            ')' => return self.close_group(),
            '|' => self.end_branch()?,
            '.' => self.push(Ast::Dot {
                newline: self.flags.dot_all,
            }),
            '^' if self.flags.multi_line => self.push_look(Look::StartLF),
            '^' => self.push_look(Look::Start),
            '$' if self.flags.multi_line => self.push_look(Look::EndLF),
            '$' => self.push_look(Look::End),
            c => self.push_char(c),
        }
        Ok(())
    }

    fn end_branch(&mut self) -> Result<()> {
        let row = std::mem::take(&mut self.frame.row);
        self.frame.run = 0;
        let node = self.checked(Node::concat(row))?;
        self.frame.branches.push(node);
        Ok(())
    }

    fn end_group(&mut self) -> Result<Node> {
        self.end_branch()?;
        let branches = std::mem::take(&mut self.frame.branches);
        self.checked(Node::alternate(branches))
    }

    fn open_group(&mut self, capture: Option<u32>, outside: Flags) {
        let frame = Frame::new(capture, outside);
        self.open.push(std::mem::replace(&mut self.frame, frame));
    }

    fn close_group(&mut self) -> Result<()> {
        let mut node = self.end_group()?;
        let Some(outer) = self.open.pop() else {
            return Err(self.error(RegexErrorKind::UnexpectedParen, self.pattern));
        };
        let inner = std::mem::replace(&mut self.frame, outer);
        self.flags = inner.outside;
        if let Some(index) = inner.capture {
            node = self.checked(node.capture(index))?;
        }
        self.push_node(node);
        Ok(())
    }

    /// `*`, `+`, `?`.
    fn plain_repeat(
        &mut self,
        start: usize,
        min: u32,
        max: Option<u32>,
        last: Option<usize>,
    ) -> Result<bool> {
        self.at += 1;
        self.repeat(start, min, max, last, false)
    }

    /// `{n}`, `{n,}`, `{n,m}`; any other brace is literal.
    fn counted_repeat(&mut self, start: usize, last: Option<usize>) -> Result<bool> {
        let Some((min, max)) = self.counts() else {
            self.at = start + 1;
            self.push_char('{');
            return Ok(false);
        };
        let too_large = |n: Option<u32>| n.is_none_or(|n| n > MAX_REPEAT);
        let upper = max.unwrap_or(min);
        match (min, upper) {
            (Some(min), Some(upper)) if !too_large(Some(upper)) && min <= upper => {
                let max = max.map(|_| upper);
                self.repeat(start, min, max, last, true)
            }
            _ => Err(self.error_from(RegexErrorKind::InvalidRepeatSize, start)),
        }
    }

    /// Parses the counts in braces. A count is `None` if it is far too large; the
    /// upper one is absent in `{n,}`.
    #[allow(clippy::type_complexity)]
    fn counts(&mut self) -> Option<(Option<u32>, Option<Option<u32>>)> {
        self.at += 1;
        let min = self.count()?;
        let max = match self.peek()? {
            ',' => {
                self.at += 1;
                match self.peek()? {
                    '}' => None,
                    _ => Some(self.count()?),
                }
            }
            _ => Some(min),
        };
        (self.bump()? == '}').then_some((min, max))
    }

    fn count(&mut self) -> Option<Option<u32>> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || (digits > 1 && rest.starts_with('0')) {
            return None;
        }
        self.at += digits;
        Some(rest[..digits].parse().ok())
    }

    fn repeat(
        &mut self,
        start: usize,
        min: u32,
        max: Option<u32>,
        last: Option<usize>,
        counted: bool,
    ) -> Result<bool> {
        let mut lazy = self.flags.lazy;
        if self.rest().starts_with('?') {
            self.at += 1;
            lazy = !lazy;
        }
        if let Some(last) = last {
            return Err(self.error_from(RegexErrorKind::InvalidRepeatOp, last));
        }
        let Some(node) = self.pop_repeated() else {
            return Err(self.error_from(RegexErrorKind::MissingRepeatArgument, start));
        };
        let node = self.checked(node.repeat(min, max, !lazy, counted))?;
        if counted && (min >= 2 || max.is_some_and(|max| max >= 2)) && node.copies > MAX_REPEAT {
            return Err(self.error_from(RegexErrorKind::InvalidRepeatSize, start));
        }
        self.push_node(node);
        Ok(true)
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)`, `(?flags:`.
    fn special_group(&mut self) -> Result<()> {
        let start = self.at;
        let rest = self.rest();
        let named = if rest.len() > 4 && rest.starts_with("(?P<") {
            Some(4)
        } else if rest.len() > 3 && rest.starts_with("(?<") {
            Some(3)
        } else {
            None
        };
        let Some(skip) = named else {
            self.at += 2;
            return self.group_flags(start);
        };
        let Some(end) = rest.find('>') else {
            return Err(self.error(RegexErrorKind::InvalidNamedCapture, rest));
        };
        self.at += end + 1;
        let name = &rest[skip..end];
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if name.is_empty() || !name.bytes().all(word) {
            return Err(self.error_from(RegexErrorKind::InvalidNamedCapture, start));
        }
        self.groups.push(Some(name.into()));
        self.open_group(Some(self.groups.len() as u32), self.flags);
        Ok(())
    }

    fn group_flags(&mut self, start: usize) -> Result<()> {
        let mut flags = self.flags;
        let mut on = true;
        let mut seen = false;
        while let Some(c) = self.bump() {
            match c {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                ':' | ')' if on || seen => {
                    if c == ':' {
                        self.open_group(None, self.flags);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(self.error_from(RegexErrorKind::InvalidPerlOp, start))
    }
}
