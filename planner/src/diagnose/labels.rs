//! Matchers in braces, and labels in parentheses.

use quarrel_functions::fmt::{quote, quote_bytes};
use quarrel_matchers::MatchOp;

use crate::ast::{BinaryOp, Span};
use crate::matcher::build_matcher;

use super::fault::{Context, Step, fault};
use super::machine::Machine;
use super::token::{Kind, Token};

impl Machine<'_> {
    /// Matchers in braces.
    pub(super) fn matchers(&mut self) -> Step<Span> {
        let open = self.take()?;
        loop {
            if let Some(close) = self.take_if(Kind::RightBrace)? {
                return Ok(open.span.to(close.span));
            }
            self.matcher()?;
            if self.take_if(Kind::Comma)?.is_none() && self.peek()?.kind != Kind::RightBrace {
                return self.unexpected(matching(r#""," or "}""#));
            }
        }
    }

    fn matcher(&mut self) -> Step<()> {
        let name = self.peek()?;
        match name.kind {
            Kind::Identifier => {
                self.take()?;
                if !self.peek()?.kind.matches_label() {
                    return self.unexpected(matching("label matching operator"));
                }
                self.matched_value(name, self.text_of(name))
            }
            Kind::String => {
                self.take()?;
                let bytes = self.unquoted(name)?;
                if !self.peek()?.kind.matches_label() {
                    // The name of a metric.
                    return Ok(());
                }
                self.matched_value(name, &String::from_utf8_lossy(&bytes))
            }
            _ => self.unexpected(matching(r#"identifier or "}""#)),
        }
    }

    /// An operator and a string behind a label.
    fn matched_value(&mut self, label: Token, name: &str) -> Step<()> {
        let op = match self.take()?.kind {
            Kind::Operator(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::EqualRegex => MatchOp::Regex,
            Kind::NotEqualRegex => MatchOp::NotRegex,
            _ => MatchOp::Equal,
        };
        let value = self.expect(Kind::String, matching("string"))?;
        let bytes = self.unquoted(value)?;
        match build_matcher(op, name, &bytes, &self.regexes) {
            Ok(_) => Ok(()),
            Err(message) => fault(label.span.to(value.span), message),
        }
    }

    /// Labels in parentheses, behind `by`, `on` and the like.
    pub(super) fn label_list(&mut self) -> Step<()> {
        self.expect(Kind::LeftParen, grouping(r#""(""#))?;
        loop {
            if self.take_if(Kind::RightParen)?.is_some() {
                return Ok(());
            }
            self.label()?;
            if self.take_if(Kind::Comma)?.is_none() && self.peek()?.kind != Kind::RightParen {
                return self.unexpected(grouping(r#""," or ")""#));
            }
        }
    }

    fn label(&mut self) -> Step<()> {
        let token = self.peek()?;
        let (is_valid, shown) = if token.kind == Kind::String {
            self.take()?;
            let bytes = self.unquoted(token)?;
            let is_name = !bytes.is_empty() && std::str::from_utf8(&bytes).is_ok();
            (is_name, quote_bytes(&bytes))
        } else if token.kind.names_label() {
            self.take()?;
            let text = self.text_of(token);
            // With letters beyond ASCII allowed, Prometheus is strict here.
            let is_name = !self.options.enable_unquoted_utf8_names || !text.contains(':');
            (is_name, quote(text))
        } else {
            return self.unexpected(grouping("label"));
        };
        if is_valid {
            return Ok(());
        }
        fault(
            token.span,
            format!("invalid label name for grouping: {shown}"),
        )
    }
}

const fn matching(expected: &'static str) -> Context {
    Context::new("label matching", expected)
}

const fn grouping(expected: &'static str) -> Context {
    Context::new("grouping opts", expected)
}
