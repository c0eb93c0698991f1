//! The recursive part: alternations, repetitions, groups, flags, escapes.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind,
    Look, Repetition,
};

use super::{Options, Parsed, RegexError, class};

/// Go's limit, see `regexp/syntax`.
const MAX_REPEAT: u32 = 1000;
/// Groups inside groups. Go counts the height of its tree, up to 1000; this is
/// lower so that walking the tree is safe on any thread.
const MAX_NESTING: usize = 250;
/// A bound on what repetition may multiply a pattern to.
const MAX_SIZE: usize = 128 << 20 >> 5;

type Result<T> = std::result::Result<T, RegexError>;

#[derive(Clone, Copy)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_all: bool,
    swap_greed: bool,
}

pub(super) struct Parser<'a> {
    pattern: &'a str,
    at: usize,
    flags: Flags,
    any_byte: bool,
    depth: usize,
    groups: Vec<Option<String>>,
}

/// A parsed piece with the largest product of counted repetitions inside.
struct Piece {
    hir: Hir,
    repeat: u32,
    size: usize,
}

impl Piece {
    fn leaf(hir: Hir) -> Self {
        Piece {
            hir,
            repeat: 1,
            size: 1,
        }
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(pattern: &'a str, options: Options) -> Self {
        let flags = Flags {
            fold_case: false,
            multi_line: false,
            dot_all: options.dot_all,
            swap_greed: false,
        };
        let any_byte = options.any_byte;
        Parser {
            pattern,
            at: 0,
            flags,
            any_byte,
            depth: 0,
            groups: Vec::new(),
        }
    }

    pub(super) fn parse(mut self) -> Result<Parsed> {
        let piece = self.alternation()?;
        if self.at < self.pattern.len() {
            return Err(self.error("unexpected )", self.pattern));
        }
        Ok(Parsed {
            hir: piece.hir,
            groups: self.groups,
        })
    }

    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn error(&self, kind: &'static str, fragment: &str) -> RegexError {
        RegexError {
            kind,
            fragment: fragment.to_string(),
        }
    }

    fn alternation(&mut self) -> Result<Piece> {
        let mut branches = Vec::new();
        let (mut repeat, mut size) = (1, 0);
        loop {
            let branch = self.concatenation()?;
            repeat = repeat.max(branch.repeat);
            size += branch.size;
            branches.push(branch.hir);
            if !self.eat("|") {
                break;
            }
        }
        let hir = if branches.len() == 1 {
            branches.swap_remove(0)
        } else {
            Hir::alternation(branches)
        };
        Ok(Piece { hir, repeat, size })
    }

    fn concatenation(&mut self) -> Result<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        // Where the repetition operator just applied began, if one was.
        let mut last_repeat: Option<usize> = None;
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let start = self.at;
            if let Some((min, max)) = self.repetition_operator()? {
                let operator = &self.pattern[start..self.at];
                let lazy = self.eat("?");
                if let Some(before) = last_repeat {
                    let stacked = &self.pattern[before..self.at];
                    return Err(self.error("invalid nested repetition operator", stacked));
                }
                let Some(piece) = pieces.pop() else {
                    return Err(self.error("missing argument to repetition operator", operator));
                };
                pieces.push(self.repeat(piece, min, max, lazy, start)?);
                last_repeat = Some(start);
                continue;
            }
            last_repeat = None;
            self.atom(&mut pieces)?;
        }
        let repeat = pieces.iter().map(|p| p.repeat).max().unwrap_or(1);
        let size = pieces.iter().map(|p| p.size).sum::<usize>().max(1);
        let hir = Hir::concat(pieces.into_iter().map(|p| p.hir).collect());
        Ok(Piece { hir, repeat, size })
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`; other braces are literals.
    fn repetition_operator(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted_repetition(),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(bounds))
    }

    fn counted_repetition(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        let rest = self.rest();
        let Some(end) = rest.find('}') else {
            return Ok(None);
        };
        let inside = &rest[1..end];
        // None: not a number, so no repetition. Some(None): too large.
        let number = |text: &str| -> Option<Option<u32>> {
            let plain = !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_digit())
                && (text.len() == 1 || !text.starts_with('0'));
            plain.then(|| text.parse().ok().filter(|&n| n <= MAX_REPEAT))
        };
        let parsed = match inside.split_once(',') {
            None => number(inside).map(|n| (n, Some(n))),
            Some((min, "")) => number(min).map(|n| (n, None)),
            Some((min, max)) => number(min).zip(number(max)).map(|(a, b)| (a, Some(b))),
        };
        let Some((min, max)) = parsed else {
            return Ok(None);
        };
        let whole = &rest[..=end];
        let bad = || self.error("invalid repeat count", whole);
        let min = min.ok_or_else(bad)?;
        let max = match max {
            None => None,
            Some(max) => Some(max.ok_or_else(bad)?),
        };
        if max.is_some_and(|max| max < min) {
            return Err(bad());
        }
        self.at += end + 1;
        Ok(Some((min, max)))
    }

    fn repeat(
        &self,
        piece: Piece,
        min: u32,
        max: Option<u32>,
        lazy: bool,
        start: usize,
    ) -> Result<Piece> {
        let times = max.unwrap_or(min);
        let counted = max.is_none_or(|m| m > 1) && (min > 1 || max.is_some());
        let repeat = if counted {
            piece.repeat.saturating_mul(times.max(1))
        } else {
            piece.repeat
        };
        let size = piece.size.saturating_mul(times.max(1) as usize);
        if repeat > MAX_REPEAT || size > MAX_SIZE {
            return Err(self.error("invalid repeat count", &self.pattern[start..self.at]));
        }
        let mut sub = piece.hir;
        if self.any_byte && max.is_none() && min <= 1 && is_any_char(&sub) {
            sub = Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(
                0, 255,
            )])));
        }
        let greedy = lazy == self.flags.swap_greed;
        let hir = Hir::repetition(Repetition {
            min,
            max,
            greedy,
            sub: Box::new(sub),
        });
        Ok(Piece { hir, repeat, size })
    }

    fn atom(&mut self, pieces: &mut Vec<Piece>) -> Result<()> {
        let start = self.at;
        match self.bump() {
            Some('(') => {
                if let Some(piece) = self.group(start)? {
                    pieces.push(piece);
                }
            }
            Some('[') => {
                let class = self.bracket_class(start)?;
                pieces.push(Piece::leaf(self.class(class)));
            }
            Some('.') => pieces.push(Piece::leaf(self.dot())),
            Some('^') => {
                let look = if self.flags.multi_line {
                    Look::StartLF
                } else {
                    Look::Start
                };
                pieces.push(Piece::leaf(Hir::look(look)));
            }
            Some('$') => {
                let look = if self.flags.multi_line {
                    Look::EndLF
                } else {
                    Look::End
                };
                pieces.push(Piece::leaf(Hir::look(look)));
            }
            Some('\\') => self.escape(start, pieces)?,
            Some(c) => pieces.push(Piece::leaf(self.literal(c))),
            None => {}
        }
        Ok(())
    }

    fn dot(&self) -> Hir {
        let mut class = class::of_ranges(&[('\0', char::MAX)]);
        if !self.flags.dot_all {
            class = class::of_ranges(&[('\n', '\n')]);
            class.negate();
        }
        Hir::class(Class::Unicode(class))
    }

    fn literal(&self, c: char) -> Hir {
        if self.flags.fold_case {
            return self.class(class::of_ranges(&[(c, c)]));
        }
        Hir::literal(c.to_string().into_bytes())
    }

    fn class(&self, mut class: ClassUnicode) -> Hir {
        if self.flags.fold_case {
            class.case_fold_simple();
        }
        Hir::class(Class::Unicode(class))
    }

    /// What follows `(`; `None` for flags alone, `(?i)`.
    fn group(&mut self, start: usize) -> Result<Option<Piece>> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.error("expression nests too deeply", self.pattern));
        }
        let saved = self.flags;
        let mut capture = None;
        if self.eat("?") {
            if self.eat("P<") || (self.rest().starts_with('<') && self.eat("<")) {
                let name = self.group_name(start)?;
                self.groups.push(Some(name));
                capture = Some(self.groups.len());
            } else if !self.group_flags(start)? {
                self.depth -= 1;
                return Ok(None);
            }
        } else {
            self.groups.push(None);
            capture = Some(self.groups.len());
        }
        let piece = self.alternation()?;
        if !self.eat(")") {
            return Err(self.error("missing closing )", self.pattern));
        }
        self.flags = saved;
        self.depth -= 1;
        Ok(Some(match capture {
            None => piece,
            Some(index) => {
                let name = self.groups[index - 1].as_deref().map(Into::into);
                let capture = Capture {
                    index: index as u32,
                    name,
                    sub: Box::new(piece.hir),
                };
                Piece {
                    hir: Hir::capture(capture),
                    ..piece
                }
            }
        }))
    }

    fn group_name(&mut self, start: usize) -> Result<String> {
        let Some(end) = self.rest().find('>') else {
            return Err(self.error("invalid named capture", &self.pattern[start..]));
        };
        let name = &self.rest()[..end];
        let whole = &self.pattern[start..self.at + end + 1];
        let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !word {
            return Err(self.error("invalid named capture", whole));
        }
        if self.groups.iter().flatten().any(|other| other == name) {
            return Err(self.error("duplicate capture group name", name));
        }
        self.at += end + 1;
        Ok(name.to_string())
    }

    /// The flags behind `(?`; true if a group follows (`:`), false at `)`.
    fn group_flags(&mut self, start: usize) -> Result<bool> {
        let (mut negative, mut any) = (false, false);
        loop {
            let c = self.bump();
            let on = !negative;
            match c {
                Some('i') => self.flags.fold_case = on,
                Some('m') => self.flags.multi_line = on,
                Some('s') => self.flags.dot_all = on,
                Some('U') => self.flags.swap_greed = on,
                Some('-') if !negative => {
                    (negative, any) = (true, false);
                    continue;
                }
                Some(end @ (':' | ')')) if !negative || any => return Ok(end == ':'),
                None => return Err(self.error("missing closing )", self.pattern)),
                _ => {
                    let fragment = &self.pattern[start..self.at];
                    return Err(self.error("invalid or unsupported Perl syntax", fragment));
                }
            }
            any = true;
        }
    }

    fn escape(&mut self, start: usize, pieces: &mut Vec<Piece>) -> Result<()> {
        let look = match self.peek() {
            Some('A') => Some(Look::Start),
            Some('z') => Some(Look::End),
            Some('b') => Some(Look::WordAscii),
            Some('B') => Some(Look::WordAsciiNegate),
            Some('Q') => {
                self.at += 1;
                let (quoted, skip) = match self.rest().find("\\E") {
                    Some(end) => (&self.rest()[..end], end + 2),
                    None => (self.rest(), self.rest().len()),
                };
                self.at += skip;
                pieces.extend(quoted.chars().map(|c| Piece::leaf(self.literal(c))));
                return Ok(());
            }
            _ => None,
        };
        if let Some(look) = look {
            self.at += 1;
            pieces.push(Piece::leaf(Hir::look(look)));
            return Ok(());
        }
        if let Some(class) = self.class_escape(start)? {
            pieces.push(Piece::leaf(self.class(class)));
            return Ok(());
        }
        let c = self.char_escape(start)?;
        pieces.push(Piece::leaf(self.literal(c)));
        Ok(())
    }

    /// `\d`, `\pL` and their kin, behind the backslash.
    fn class_escape(&mut self, start: usize) -> Result<Option<ClassUnicode>> {
        let Some(c) = self.peek() else {
            return Ok(None);
        };
        if let Some(class) = class::perl(c) {
            self.at += 1;
            return Ok(Some(class));
        }
        if !matches!(c, 'p' | 'P') {
            return Ok(None);
        }
        self.at += 1;
        let mut negated = c == 'P';
        let bad = |parser: &Self| {
            parser.error(
                "invalid character class range",
                &parser.pattern[start..parser.at],
            )
        };
        let mut name = match self.bump() {
            Some('{') => {
                let Some(end) = self.rest().find('}') else {
                    self.at = self.pattern.len();
                    return Err(bad(self));
                };
                let name = &self.rest()[..end];
                self.at += end + 1;
                name
            }
            Some(c) => &self.pattern[self.at - c.len_utf8()..self.at],
            None => return Err(bad(self)),
        };
        if let Some(rest) = name.strip_prefix('^') {
            (negated, name) = (!negated, rest);
        }
        let mut class = class::unicode(name).ok_or_else(|| bad(self))?;
        if self.flags.fold_case {
            class.case_fold_simple();
        }
        if negated {
            class.negate();
        }
        Ok(Some(class))
    }

    /// The character of an escape, behind the backslash.
    fn char_escape(&mut self, start: usize) -> Result<char> {
        let Some(c) = self.bump() else {
            return Err(self.error("trailing backslash at end of expression", ""));
        };
        let bad = |p: &Self| p.error("invalid escape sequence", &p.pattern[start..p.at]);
        match c {
            '1'..='7' if !matches!(self.peek(), Some('0'..='7')) => Err(bad(self)),
            '0'..='7' => {
                let mut value = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value).ok_or_else(|| bad(self))
            }
            'x' => self.hex_escape(start),
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            _ => Err(bad(self)),
        }
    }

    fn hex_escape(&mut self, start: usize) -> Result<char> {
        let braces = self.eat("{");
        let mut value = 0u32;
        let mut digits = 0;
        loop {
            match self.peek().and_then(|c| c.to_digit(16)) {
                Some(digit) => {
                    value = (value << 4) | digit;
                    digits += 1;
                    self.at += 1;
                    if value > 0x10ffff {
                        break;
                    }
                }
                None => break,
            }
            if !braces && digits == 2 {
                break;
            }
        }
        let closed = if braces {
            digits > 0 && self.eat("}")
        } else {
            digits == 2
        };
        // Go lets surrogates through, which no UTF-8 text can hold: they match nothing,
        // so a character that no text holds stands for them.
        let c = if closed { char::from_u32(value) } else { None };
        c.ok_or_else(|| {
            let end = self
                .pattern
                .len()
                .min(self.at + self.peek().map_or(0, char::len_utf8));
            self.error("invalid escape sequence", &self.pattern[start..end])
        })
    }

    /// A class in brackets, behind the `[`.
    fn bracket_class(&mut self, start: usize) -> Result<ClassUnicode> {
        let negated = self.eat("^");
        let mut class = ClassUnicode::empty();
        let mut first = true;
        loop {
            let missing = |p: &Self| p.error("missing closing ]", &p.pattern[start..]);
            match self.peek() {
                None => return Err(missing(self)),
                Some(']') if !first => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            first = false;
            if self.rest().starts_with("[:")
                && let Some(end) = self.rest()[2..].find(":]")
            {
                let whole = &self.rest()[..end + 4];
                let mut named = class::posix(&whole[2..whole.len() - 2])
                    .ok_or_else(|| self.error("invalid character class range", whole))?;
                if self.flags.fold_case {
                    named.case_fold_simple();
                }
                class.union(&named);
                self.at += end + 4;
                continue;
            }
            let item = self.at;
            if self.rest().starts_with('\\') {
                self.at += 1;
                if let Some(named) = self.class_escape(item)? {
                    class.union(&named);
                    continue;
                }
                self.at = item;
            }
            let low = self.class_char(start)?;
            let mut high = low;
            let rest = self.rest();
            if rest.starts_with('-') && rest.len() > 1 && !rest.starts_with("-]") {
                self.at += 1;
                high = self.class_char(start)?;
                if high < low {
                    let range = &self.pattern[item..self.at];
                    return Err(self.error("invalid character class range", range));
                }
            }
            class.push(ClassUnicodeRange::new(low, high));
        }
        if self.flags.fold_case {
            class.case_fold_simple(); // before negation, as Go does
        }
        if negated {
            class.negate();
        }
        Ok(class)
    }

    fn class_char(&mut self, class_start: usize) -> Result<char> {
        let start = self.at;
        match self.bump() {
            None => Err(self.error("missing closing ]", &self.pattern[class_start..])),
            Some('\\') => self.char_escape(start),
            Some(c) => Ok(c),
        }
    }
}

fn is_any_char(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let r = class.ranges();
            // Surrogates are no characters, so two ranges may cover all.
            r.first().is_some_and(|r| r.start() == '\0')
                && r.last().is_some_and(|r| r.end() == char::MAX)
                && r.windows(2)
                    .all(|w| w[0].end() == '\u{d7ff}' && w[1].start() == '\u{e000}')
        }
        HirKind::Capture(capture) => is_any_char(&capture.sub),
        _ => false,
    }
}
