//! The tokens of a text, one read ahead, and what waits for its end.

use quarrel_matchers::RegexBudget;

use crate::ast::BinaryOp;
use crate::options::ParserOptions;

use super::fault::{Context, Fault, Step};
use super::lexer::Lexer;
use super::parts::Frame;
use super::token::{Kind, Token, Word, describe};

/// Reads a text up to its first fault.
pub(super) struct Machine<'a> {
    pub text: &'a str,
    pub options: &'a ParserOptions,
    lexer: Lexer<'a>,
    /// The token that was read ahead.
    ahead: Option<Token>,
    /// Where the last token ends that was read, ahead or not, and that may close
    /// an expression: Prometheus takes it for the end of what it completes.
    pub closed: u32,
    /// What waits for its end, from the outside to the inside.
    pub frames: Vec<Frame>,
    /// How many of the frames are aggregations.
    pub aggregations: usize,
    pub regexes: RegexBudget,
}

impl<'a> Machine<'a> {
    pub fn new(text: &'a str, options: &'a ParserOptions) -> Self {
        Machine {
            text,
            options,
            lexer: Lexer::new(text, options.enable_unquoted_utf8_names),
            ahead: None,
            closed: 0,
            frames: Vec::new(),
            aggregations: 0,
            regexes: RegexBudget::default(),
        }
    }

    /// The next token, which stays.
    pub fn peek(&mut self) -> Step<Token> {
        match self.ahead {
            Some(token) => Ok(token),
            None => {
                let token = self.lexer.next()?;
                if token.kind.closes() {
                    self.closed = token.span.end;
                }
                self.ahead = Some(token);
                Ok(token)
            }
        }
    }

    /// Takes the next token.
    pub fn take(&mut self) -> Step<Token> {
        let token = self.peek()?;
        self.ahead = None;
        Ok(token)
    }

    /// Takes the next token if it is of a kind.
    pub fn take_if(&mut self, kind: Kind) -> Step<Option<Token>> {
        let token = self.peek()?;
        if token.kind != kind {
            return Ok(None);
        }
        self.take().map(Some)
    }

    /// Takes the next token, which must be of a kind.
    pub fn expect(&mut self, kind: Kind, context: Context) -> Step<Token> {
        match self.take_if(kind)? {
            Some(token) => Ok(token),
            None => self.unexpected(context),
        }
    }

    /// Takes a word if it is the next token.
    pub fn take_word(&mut self, word: Word) -> Step<bool> {
        Ok(self.take_if(Kind::Word(word))?.is_some())
    }

    /// Takes a sign if it is the next token; true is a minus.
    pub fn take_sign(&mut self) -> Step<Option<(bool, Token)>> {
        for (op, minus) in [(BinaryOp::Add, false), (BinaryOp::Sub, true)] {
            if let Some(token) = self.take_if(Kind::Operator(op))? {
                return Ok(Some((minus, token)));
            }
        }
        Ok(None)
    }

    pub fn text_of(&self, token: Token) -> &'a str {
        &self.text[token.span.start as usize..token.span.end as usize]
    }

    /// The next token was not expected.
    pub fn unexpected<T>(&mut self, context: Context) -> Step<T> {
        let token = self.peek()?;
        let mut message = format!("unexpected {}", describe(token.kind, self.text_of(token)));
        if !context.part.is_empty() {
            message.push_str(" in ");
            message.push_str(context.part);
        }
        if !context.expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(context.expected);
        }
        Err(Fault::new(token.span, message).with_hint(context.hint(token.kind)))
    }
}
