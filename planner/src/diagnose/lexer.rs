//! From text to tokens, in the states of Prometheus's lexer: what is wrong with
//! a character depends on whether it stands in braces, in a range or outside.

use crate::ast::{BinaryOp, Span};
use crate::literal::is_space;

use super::fault::{Fault, Step};
use super::token::{Kind, Token, duration_word, kind_of_name, quote_char};

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    /// Whether names may hold letters beyond ASCII, and dots.
    utf8_names: bool,
    /// Where the current token begins.
    pub(super) start: usize,
    /// Where the next character is.
    pub(super) at: usize,
    /// Where the parentheses begin that are open.
    parens: Vec<usize>,
    /// Where the brace begins that is open.
    brace: Option<usize>,
    /// Where the bracket begins that is open.
    bracket: Option<usize>,
    /// In brackets, and before their first number.
    in_duration: bool,
    had_colon: bool,
    had_duration: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str, utf8_names: bool) -> Self {
        Lexer {
            text,
            utf8_names,
            start: 0,
            at: 0,
            parens: Vec::new(),
            brace: None,
            bracket: None,
            in_duration: false,
            had_colon: false,
            had_duration: false,
        }
    }

    /// The next token, which is no comment.
    pub fn next(&mut self) -> Step<Token> {
        loop {
            self.start = self.at;
            let Some(c) = self.advance() else {
                return self.end();
            };
            if is_space(c) {
                continue;
            }
            let kind = if self.in_duration {
                self.duration_token(c)?
            } else if c == '#' {
                self.skip_while(|c| !matches!(c, '\n' | '\r'));
                continue;
            } else if self.brace.is_some() {
                self.brace_token(c)?
            } else {
                self.token(c)?
            };
            return Ok(self.emit(kind));
        }
    }

    fn emit(&self, kind: Kind) -> Token {
        let span = self.span();
        Token { kind, span }
    }

    /// From the beginning of the current token to the next character.
    pub(super) fn span(&self) -> Span {
        Span {
            start: self.start as u32,
            end: self.at as u32,
        }
    }

    /// The current token is wrong.
    pub(super) fn fault<T>(&self, message: impl Into<String>) -> Step<T> {
        Err(self.wrong(message))
    }

    /// The current token is wrong. Prometheus's range is all that follows.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Fault {
        let mark = self.span();
        let end = self.text.len() as u32;
        Fault {
            mark,
            ..Fault::new(Span { end, ..mark }, message)
        }
    }

    /// The current token is wrong with what stands behind it.
    fn fault_behind<T>(&mut self, message: impl Into<String>) -> Step<T> {
        self.start = self.at;
        self.fault(message)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(super) fn advance(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Takes the next character if it is the given one.
    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    fn skip_while(&mut self, belongs: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    }

    /// The end of the text, which may be too early.
    fn end(&self) -> Step<Token> {
        let (message, open) = match (self.bracket, self.brace, self.parens.last()) {
            (Some(open), ..) if self.in_duration => {
                ("unexpected end of input in duration expression", open)
            }
            (_, Some(open), _) => ("unexpected end of input inside braces", open),
            (_, _, Some(&open)) => ("unclosed left parenthesis", open),
            (Some(open), ..) => ("unclosed left bracket", open),
            _ => return Ok(self.emit(Kind::Eof)),
        };
        let start = open as u32;
        let (line, column) = Span { start, end: start }.position(self.text);
        let hint = format!("what is not closed begins at {line}:{column}");
        Err(self.wrong(message).with_hint(Some(hint)))
    }

    /// A token outside of braces, which begins with `c`.
    fn token(&mut self, c: char) -> Step<Kind> {
        use BinaryOp as B;
        Ok(match c {
            ',' => Kind::Comma,
            '@' => Kind::At,
            '=' if self.take('=') => Kind::Operator(B::Equal),
            '=' if self.peek() == Some('~') => {
                return self.fault("unexpected character after '=': '~'");
            }
            '=' => Kind::Equal,
            '!' => match self.advance() {
                Some('=') => Kind::Operator(B::NotEqual),
                other => {
                    let shown = quote_char(other);
                    return self.fault(format!("unexpected character after '!': {shown}"));
                }
            },
            '<' if self.take('=') => Kind::Operator(B::LessOrEqual),
            '<' if self.take('/') => Kind::Operator(B::TrimUpper),
            '<' => Kind::Operator(B::Less),
            '>' if self.take('=') => Kind::Operator(B::GreaterOrEqual),
            '>' if self.take('/') => Kind::Operator(B::TrimLower),
            '>' => Kind::Operator(B::Greater),
            '"' | '\'' => return self.string(c),
            '`' => return self.raw_string(),
            '(' | ')' => return self.paren(c),
            '{' => {
                self.brace = Some(self.start);
                Kind::LeftBrace
            }
            '[' | ']' => return self.bracket(c),
            _ if self.begins_number(c) => return self.number_or_duration(c),
            _ if c == ':' || self.begins_name(c) => {
                return if self.bracket.is_some() {
                    self.bracket_name(c)
                } else {
                    Ok(self.name())
                };
            }
            _ => match arithmetic(c) {
                Some(op) => Kind::Operator(op),
                None => return self.stray(c),
            },
        })
    }

    /// A character that begins no token.
    fn stray(&self, c: char) -> Step<Kind> {
        let message = format!("unexpected character: {}", quote_char(Some(c)));
        let is_logical = matches!(c, '&' | '|');
        let hint = is_logical.then_some("vectors are combined by `and`, `or` and `unless`");
        Err(self.wrong(message).with_hint(hint))
    }

    fn paren(&mut self, c: char) -> Step<Kind> {
        if c == '(' {
            self.parens.push(self.start);
            return Ok(Kind::LeftParen);
        }
        match self.parens.pop() {
            Some(_) => Ok(Kind::RightParen),
            None => self.fault_behind("unexpected right parenthesis ')'"),
        }
    }

    fn bracket(&mut self, c: char) -> Step<Kind> {
        if c == '[' && self.bracket.is_some() {
            return self.fault("unexpected left bracket '['");
        }
        if c == ']' && self.bracket.is_none() {
            return self.fault("unexpected right bracket ']'");
        }
        self.in_duration = c == '[';
        self.bracket = self.in_duration.then_some(self.start);
        if !self.in_duration {
            return Ok(Kind::RightBracket);
        }
        self.had_colon = false;
        self.had_duration = false;
        Ok(Kind::LeftBracket)
    }

    /// A colon or a word behind the first number of a range.
    fn bracket_name(&mut self, c: char) -> Step<Kind> {
        if c == ':' {
            if self.had_colon {
                return self.fault("unexpected colon ':'");
            }
            self.had_colon = true;
            return Ok(Kind::Colon);
        }
        match self.duration_word(c) {
            Some(kind) => Ok(kind),
            None => {
                let shown = quote_char(Some(c));
                self.fault(format!("unexpected character: {shown}, expected ':'"))
            }
        }
    }

    /// A word that a duration is computed with.
    fn duration_word(&mut self, c: char) -> Option<Kind> {
        if !matches!(c.to_ascii_lowercase(), 's' | 'r' | 'm') {
            return None;
        }
        self.skip_while(|c| c.is_ascii_alphabetic() || c == '_');
        duration_word(&self.text[self.start..self.at]).map(Kind::Word)
    }

    /// A token in brackets, up to the first number.
    fn duration_token(&mut self, c: char) -> Step<Kind> {
        match c {
            ',' => return Ok(Kind::Comma),
            '(' | ')' => return self.paren(c),
            ']' => return self.bracket(c),
            ':' if !self.had_duration => {
                return self
                    .fault_behind("unexpected colon before duration in duration expression");
            }
            ':' if self.had_colon => {
                return self.fault_behind("unexpected repeated colon in duration expression");
            }
            ':' => {
                self.had_colon = true;
                return Ok(Kind::Colon);
            }
            _ => {}
        }
        if let Some(op) = arithmetic(c) {
            return Ok(Kind::Operator(op));
        }
        if self.begins_number(c) {
            self.had_duration = true;
            self.in_duration = false;
            return self.number_or_duration(c);
        }
        match self.duration_word(c) {
            Some(kind) => {
                self.had_duration = true;
                Ok(kind)
            }
            None => {
                let shown = quote_char(Some(c));
                self.fault(format!(
                    "unexpected character in duration expression: {shown}"
                ))
            }
        }
    }

    /// A token in braces, where names are names.
    fn brace_token(&mut self, c: char) -> Step<Kind> {
        Ok(match c {
            ',' => Kind::Comma,
            '"' | '\'' => return self.string(c),
            '`' => return self.raw_string(),
            '=' if self.take('~') => Kind::EqualRegex,
            '=' => Kind::Equal,
            '!' => match self.advance() {
                Some('~') => Kind::NotEqualRegex,
                Some('=') => Kind::Operator(BinaryOp::NotEqual),
                other => {
                    let shown = quote_char(other);
                    let message = format!("unexpected character after '!' inside braces: {shown}");
                    return self.fault(message);
                }
            },
            '{' => return self.fault("unexpected left brace '{'"),
            '}' => {
                self.brace = None;
                Kind::RightBrace
            }
            c if self.begins_name(c) => {
                self.skip_name(false);
                Kind::Identifier
            }
            c => {
                let shown = quote_char(Some(c));
                return self.fault(format!("unexpected character inside braces: {shown}"));
            }
        })
    }

    fn begins_number(&self, c: char) -> bool {
        c.is_ascii_digit() || (c == '.' && self.peek().is_some_and(|c| c.is_ascii_digit()))
    }

    fn begins_name(&self, c: char) -> bool {
        c.is_ascii_alphabetic()
            || c == '_'
            || (self.utf8_names && !c.is_ascii() && pest::unicode::LETTER(c))
    }

    fn skip_name(&mut self, with_colons: bool) {
        while let Some(c) = self.peek() {
            let belongs = c.is_ascii_digit()
                || self.begins_name(c)
                || (self.utf8_names && c == '.')
                || (with_colons && c == ':');
            if !belongs {
                break;
            }
            self.at += c.len_utf8();
        }
    }

    /// A name or a word outside of braces.
    fn name(&mut self) -> Kind {
        self.skip_name(true);
        match kind_of_name(&self.text[self.start..self.at]) {
            Kind::Word(word) if word.is_fill() && !self.opens_paren() => Kind::Identifier,
            kind => kind,
        }
    }

    /// Whether the next character that is no white space opens a parenthesis.
    fn opens_paren(&self) -> bool {
        self.text[self.at..]
            .trim_start_matches(is_space)
            .starts_with('(')
    }
}

/// The operators that a computed duration may hold, too.
fn arithmetic(c: char) -> Option<BinaryOp> {
    Some(match c {
        '+' => BinaryOp::Add,
        '-' => BinaryOp::Sub,
        '*' => BinaryOp::Mul,
        '/' => BinaryOp::Div,
        '%' => BinaryOp::Mod,
        '^' => BinaryOp::Pow,
        _ => return None,
    })
}
