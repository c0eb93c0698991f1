//! Cuts the text of a template into tokens, as Go's `text/template` does.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text outside of actions.
    Text,
    /// `{{`, with or without a trim marker.
    LeftDelim,
    /// `}}`, with or without a trim marker.
    RightDelim,
    /// Spaces inside an action.
    Space,
    /// `true` or `false`.
    Bool,
    /// `'a'`
    Char,
    /// A number, or a complex one such as `1+2i`.
    Number,
    /// `"..."` as it is written.
    Quoted,
    /// `` `...` `` as it is written.
    Raw,
    /// The name of a function.
    Identifier,
    /// `.name`
    Field,
    /// `$` or `$name`
    Variable,
    /// `.`
    Dot,
    /// `nil` and the words that begin or end a block.
    Keyword,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    /// `|`
    Pipe,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// Any other printable ASCII character.
    Other,
    /// What is wrong here; the last token.
    Error,
    /// The end.
    Eof,
}

/// A token and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) pos: usize,
    /// As it is written; of an error what is wrong.
    pub(super) text: String,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
const KEYWORDS: [&str; 11] = [
    "block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with",
];

fn is_space(c: char) -> bool {
    SPACES.contains(&c)
}

/// A letter, a digit or `_`.
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A `-` right behind `{{` or in front of `}}` trims; a space parts it from what
/// stands inside.
fn trims_left(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

fn trims_right(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}

/// The right delimiter at the beginning of `rest`: the bytes of its trim marker.
fn right_delim(rest: &str) -> Option<usize> {
    if trims_right(rest) && rest[2..].starts_with(RIGHT) {
        return Some(2);
    }
    rest.starts_with(RIGHT).then_some(0)
}

/// All tokens. The last one is [`Kind::Eof`] or [`Kind::Error`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        depth: 0,
        out: Vec::new(),
    };
    let (kind, pos, text) = match lexer.run() {
        Ok(()) => (Kind::Eof, text.len(), "EOF".to_string()),
        Err((pos, message)) => (Kind::Error, pos, message),
    };
    lexer.out.push(Token { kind, pos, text });
    lexer.out
}

/// The place and what is wrong there.
type Fault = (usize, String);

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Open parentheses.
    depth: usize,
    out: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn emit(&mut self, kind: Kind, from: usize) {
        if self.at > from || kind != Kind::Text {
            let text = self.text[from..self.at].to_string();
            self.out.push(Token {
                kind,
                pos: from,
                text,
            });
        }
    }

    fn run(&mut self) -> Result<(), Fault> {
        while self.at < self.text.len() {
            let from = self.at;
            let Some(length) = self.rest().find(LEFT) else {
                self.at = self.text.len();
                self.emit(Kind::Text, from);
                return Ok(());
            };
            let delim = from + length;
            let inside = &self.text[delim + LEFT.len()..];
            let trims = trims_left(inside);
            let text = &self.text[from..delim];
            let text = if trims {
                text.trim_end_matches(SPACES)
            } else {
                text
            };
            self.at = from + text.len();
            self.emit(Kind::Text, from);
            self.at = delim + LEFT.len();
            let marker = if trims { 2 } else { 0 };
            if inside[marker..].starts_with("/*") {
                self.comment(marker)?;
                continue;
            }
            self.emit(Kind::LeftDelim, delim);
            self.at += marker;
            self.depth = 0;
            while self.inside()? {}
        }
        Ok(())
    }

    fn comment(&mut self, marker: usize) -> Result<(), Fault> {
        let from = self.at + marker;
        let end = self.text[from..]
            .find("*/")
            .ok_or_else(|| (from, "unclosed comment".to_string()))?;
        self.at = from + end + 2;
        let Some(trim) = right_delim(self.rest()) else {
            return Err((from, "comment ends before closing delimiter".to_string()));
        };
        self.close(trim);
        Ok(())
    }

    /// Skips the right delimiter, and spaces behind it if it trims.
    fn close(&mut self, trim: usize) {
        self.at += trim + RIGHT.len();
        if trim > 0 {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(SPACES).len();
        }
    }

    /// Reads a token inside an action; returns whether the action goes on.
    fn inside(&mut self) -> Result<bool, Fault> {
        let from = self.at;
        let fault = |message: &str| Err((from, message.to_string()));
        if let Some(trim) = right_delim(self.rest()) {
            if self.depth > 0 {
                return fault("unclosed left paren");
            }
            self.at = from + trim + RIGHT.len();
            self.emit(Kind::RightDelim, from + trim);
            self.at = from;
            self.close(trim);
            return Ok(false);
        }
        let Some(c) = self.next() else {
            return fault("unclosed action");
        };
        let kind = self.kind(c, from)?;
        self.emit(kind, from);
        Ok(true)
    }

    /// Reads the rest of a token that begins with `c`.
    fn kind(&mut self, c: char, from: usize) -> Result<Kind, Fault> {
        let fault = |message: &str| Err((from, message.to_string()));
        let kind = match c {
            c if is_space(c) => {
                // The last space may belong to a trim marker.
                while self.peek().is_some_and(is_space) && right_delim(self.rest()).is_none() {
                    self.next();
                }
                Kind::Space
            }
            '=' => Kind::Assign,
            ':' if self.peek() == Some('=') => {
                self.next();
                Kind::Declare
            }
            ':' => return fault("expected :="),
            '|' => Kind::Pipe,
            '"' => {
                self.quoted('"', "unterminated quoted string")?;
                Kind::Quoted
            }
            '\'' => {
                self.quoted('\'', "unterminated character constant")?;
                Kind::Char
            }
            '`' => match self.rest().find('`') {
                Some(length) => {
                    self.at += length + 1;
                    Kind::Raw
                }
                None => return fault("unterminated raw quoted string"),
            },
            '$' => self.word(Kind::Variable)?,
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                if self.at_terminator() {
                    Kind::Dot
                } else {
                    self.word(Kind::Field)?
                }
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.at = from;
                self.number(from)?
            }
            c if is_word(c) => self.word(Kind::Identifier)?,
            '(' => {
                self.depth += 1;
                Kind::LeftParen
            }
            ')' => {
                let Some(depth) = self.depth.checked_sub(1) else {
                    return fault("unexpected right paren");
                };
                self.depth = depth;
                Kind::RightParen
            }
            ' '..='~' => Kind::Other,
            c => {
                return Err((
                    from,
                    format!("unrecognized character in action: {}", code_point(c)),
                ));
            }
        };
        let word = &self.text[from..self.at];
        Ok(match kind {
            Kind::Identifier if KEYWORDS.contains(&word) => Kind::Keyword,
            Kind::Identifier if word == "true" || word == "false" => Kind::Bool,
            kind => kind,
        })
    }

    /// The rest of a word, up to what may stand behind one.
    fn word(&mut self, kind: Kind) -> Result<Kind, Fault> {
        let from = self.at;
        while self.peek().is_some_and(is_word) {
            self.next();
        }
        match self.peek() {
            Some(c) if !self.at_terminator() => {
                Err((from, format!("bad character {}", code_point(c))))
            }
            _ => Ok(kind),
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, delimiter: char, message: &str) -> Result<(), Fault> {
        let from = self.at;
        loop {
            let mut c = self.next();
            if c == Some(delimiter) {
                return Ok(());
            }
            if c == Some('\\') {
                c = self.next();
            }
            if matches!(c, None | Some('\n')) {
                return Err((from, message.to_string()));
            }
        }
    }

    fn number(&mut self, from: usize) -> Result<Kind, Fault> {
        let mut valid = self.scan_number();
        if valid && matches!(self.peek(), Some('+' | '-')) {
            valid = self.scan_number() && self.text[..self.at].ends_with('i');
        }
        if valid {
            return Ok(Kind::Number);
        }
        let text = quarrel_functions::fmt::quote(&self.text[from..self.at]);
        Err((from, format!("bad number syntax: {text}")))
    }

    /// One number; whether nothing of a word follows.
    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_all(digits);
        if self.accept(".") {
            self.accept_all(digits);
        }
        let exponent = match digits.len() {
            11 => self.accept("eE"),
            23 => self.accept("pP"),
            _ => false,
        };
        if exponent {
            self.accept("+-");
            self.accept_all("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_word) {
            self.next();
            return false;
        }
        true
    }

    fn accept(&mut self, any: &str) -> bool {
        let found = self.peek().is_some_and(|c| any.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn accept_all(&mut self, any: &str) {
        while self.accept(any) {}
    }
}

fn code_point(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    match c.is_control() {
        true => code,
        false => format!("{code} '{c}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let all = tokens(text).into_iter();
        all.filter(|t| t.kind != Kind::Space)
            .map(|t| t.text)
            .collect()
    }

    #[test]
    fn tokens_are_cut() {
        let all = texts("a {{- $x := .b.c | f \"}}\" 1.5e3 -}} \n d{{/* no */}}");
        let want = [
            "a", "{{", "$x", ":=", ".b", ".c", "|", "f", "\"}}\"", "1.5e3", "}}", "d", "EOF",
        ];
        assert_eq!(all, want);
    }

    #[test]
    fn faults_are_the_last_token() {
        for (text, fault) in [
            ("{{", "unclosed action"),
            ("{{/* x", "unclosed comment"),
            ("{{ \"x }}", "unterminated quoted string"),
            ("{{ 1x }}", "bad number syntax: \"1x\""),
            ("{{ (1 }}", "unclosed left paren"),
            ("{{ 1) }}", "unexpected right paren"),
            ("{{ a$ }}", "bad character U+0024 '$'"),
            ("{{ \u{1} }}", "unrecognized character in action: U+0001"),
        ] {
            assert_eq!(texts(text).last().unwrap(), fault, "{text}");
        }
    }
}
