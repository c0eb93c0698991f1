//! A cursor over one line.

/// The reading position in a line.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// What is wrong, and at which column (bytes, from 1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScanError {
    pub(super) column: usize,
    pub(super) message: String,
}

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    /// The text that was not read yet.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    /// Skips `token` if it is next.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Reads all characters that satisfy `accept`.
    pub(super) fn take_while(&mut self, accept: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let mut accept = accept;
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Skips spaces; returns whether there were any.
    pub(super) fn skip_space(&mut self) -> bool {
        !self.take_while(is_space).is_empty()
    }

    /// A quoted string as it is written, with its quotes.
    pub(super) fn quoted(&mut self) -> Result<&'a str, ScanError> {
        let rest = self.rest();
        let mut chars = rest.char_indices();
        let Some((_, quote @ ('"' | '\'' | '`'))) = chars.next() else {
            return Err(self.error("expected a quoted string"));
        };
        while let Some((i, c)) = chars.next() {
            if c == '\\' && quote != '`' {
                chars.next();
            } else if c == quote {
                self.at += i + 1;
                return Ok(&rest[..=i]);
            }
        }
        Err(self.error("unterminated quoted string"))
    }

    /// The digits of a count.
    pub(super) fn count(&mut self) -> Result<u64, ScanError> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits
            .parse()
            .map_err(|_| self.error("expected a number of repetitions"))
    }

    /// A number without sign: digits, a point, an exponent; `Inf` and `NaN`.
    pub(super) fn number(&mut self) -> Result<f64, ScanError> {
        let rest = self.rest();
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return match word.to_ascii_lowercase().as_str() {
                "inf" => Ok(f64::INFINITY),
                "nan" => Ok(f64::NAN),
                _ => Err(self.error(format!("expected a number, not {word:?}"))),
            };
        }
        let mut last = ' ';
        let text = self.take_while(|c| {
            let sign = matches!(c, '+' | '-') && matches!(last, 'e' | 'E');
            last = c;
            c.is_ascii_digit() || matches!(c, '.' | '_' | 'e' | 'E') || sign
        });
        if text.is_empty() {
            return Err(self.error("expected a number"));
        }
        quarrel_planner::literal::parse_number(text).map_err(|e| self.error(e))
    }

    /// `+`, `-`, or none of them, and a number.
    pub(super) fn signed_number(&mut self) -> Result<f64, ScanError> {
        if self.eat("-") {
            return Ok(-self.number()?);
        }
        self.eat("+");
        self.number()
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ScanError {
        ScanError {
            column: self.at + 1,
            message: message.into(),
        }
    }

    /// The error that something else was expected here.
    pub(super) fn unexpected(&self, context: &str) -> ScanError {
        match self.peek() {
            Some(c) => self.error(format!("unexpected {c:?} in {context}")),
            None => self.error(format!("unexpected end of {context}")),
        }
    }
}

/// What Prometheus's lexer takes for a space inside a line.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}
