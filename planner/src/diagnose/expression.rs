//! Expressions: operands, operators and calls.

use quarrel_functions::fmt::quote;
use quarrel_functions::table::{self, Aggregator};

use crate::ast::{BinaryOp, Span};
use crate::literal::{self, is_space};
use crate::precedence::{SIGN, binds_before, precedence};
use crate::suggest;

use super::fault::{Context, Fault, Step, fault};
use super::machine::Machine;
use super::parts::{Call, Frame, Modifiers, Operand, Shape};
use super::token::{Kind, Token, Word};

impl Machine<'_> {
    /// A whole query.
    pub fn expression(&mut self) -> Step<()> {
        if self.peek()?.kind == Kind::Eof {
            return fault(Span::default(), "no expression found in input");
        }
        loop {
            if let Some(operand) = self.begin()?
                && self.proceed(operand)?
            {
                return Ok(());
            }
        }
    }

    /// A selector and nothing else.
    pub fn selector(&mut self) -> Step<()> {
        let outside = self.outside();
        let token = self.peek()?;
        if token.kind == Kind::LeftBrace {
            self.matchers()?;
        } else if token.kind.names_metric() {
            self.take()?;
            if self.peek()?.kind == Kind::LeftBrace {
                self.matchers()?;
            }
        } else {
            return self.unexpected(outside);
        }
        self.expect(Kind::Eof, outside).map(|_| ())
    }

    /// The part that Prometheus names when a token is not expected in an
    /// expression: the innermost aggregation, whatever stands between.
    pub(super) fn outside(&self) -> Context {
        let part = if self.aggregations > 0 {
            "aggregation"
        } else {
            ""
        };
        Context::new(part, "")
    }

    /// The beginning of an operand: the whole of it, or a frame that waits.
    fn begin(&mut self) -> Step<Option<Operand>> {
        let token = self.peek()?;
        let shape = match token.kind {
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                self.take()?;
                self.frames.push(Frame::Sign(token.span));
                return Ok(None);
            }
            Kind::LeftParen => {
                self.take()?;
                self.frames.push(Frame::Paren(token.span));
                return Ok(None);
            }
            Kind::Number | Kind::Duration => {
                self.number()?;
                Shape::Other
            }
            Kind::String => {
                self.take()?;
                self.unquoted(token)?;
                Shape::Other
            }
            Kind::LeftBrace => {
                let span = self.matchers()?;
                let shape = Shape::Selector(Modifiers::default());
                return Ok(Some(Operand { span, shape }));
            }
            kind if kind.names_metric() => {
                self.take()?;
                return self.name(token);
            }
            _ => return self.unexpected(self.outside()),
        };
        let span = token.span;
        Ok(Some(Operand { span, shape }))
    }

    /// What a name begins, which was taken.
    fn name(&mut self, name: Token) -> Step<Option<Operand>> {
        let next = self.peek()?.kind;
        match (name.kind, next) {
            (Kind::Aggregator(aggregator), Kind::Word(Word::By | Word::Without)) => {
                self.aggregations += 1;
                self.grouping()?;
                self.open(name, Some(aggregator), true)
            }
            (Kind::Aggregator(aggregator), Kind::LeftParen) => {
                self.aggregations += 1;
                self.open(name, Some(aggregator), false)
            }
            (Kind::Identifier, Kind::LeftParen) => self.open(name, None, false),
            (Kind::Word(word), Kind::LeftParen) if word.is_callable() => {
                self.open(name, None, false)
            }
            _ => {
                let mut span = name.span;
                if next == Kind::LeftBrace {
                    span.end = self.matchers()?.end;
                }
                let shape = Shape::Selector(Modifiers::default());
                Ok(Some(Operand { span, shape }))
            }
        }
    }

    /// `by` or `without` and its labels.
    fn grouping(&mut self) -> Step<()> {
        self.take()?;
        self.label_list()
    }

    /// Opens a call's arguments, which may be none.
    fn open(
        &mut self,
        name: Token,
        aggregator: Option<&'static Aggregator>,
        is_grouped: bool,
    ) -> Step<Option<Operand>> {
        self.expect(Kind::LeftParen, self.outside())?;
        let mut call = Call {
            name,
            aggregator,
            is_grouped,
            arguments: 0,
        };
        if let Some(close) = self.take_if(Kind::RightParen)? {
            return self.close_call(call, close).map(Some);
        }
        call.arguments = 1;
        self.frames.push(Frame::Call(call));
        Ok(None)
    }

    /// What may follow an operand. True at the end of the query; else another
    /// operand is wanted.
    fn proceed(&mut self, mut operand: Operand) -> Step<bool> {
        loop {
            let token = self.peek()?;
            operand = match token.kind {
                Kind::Word(Word::Offset) => self.offset(operand)?,
                Kind::Word(Word::Anchored) => self.extended(operand, true)?,
                Kind::Word(Word::Smoothed) => self.extended(operand, false)?,
                Kind::At => self.at(operand)?,
                Kind::LeftBracket => self.range(operand)?,
                Kind::Operator(op) => {
                    let left = self.reduce(operand, Some(op))?.span;
                    self.take()?;
                    let fills = self.binary_modifiers()?;
                    self.frames.push(Frame::Binary { op, fills, left });
                    return Ok(false);
                }
                _ => {
                    let operand = self.reduce(operand, None)?;
                    match self.frames.last_mut() {
                        Some(Frame::Call(call)) if token.kind == Kind::Comma => {
                            call.arguments += 1;
                            self.take()?;
                            return self.next_argument(token).map(|()| false);
                        }
                        None if token.kind == Kind::Eof => return Ok(true),
                        _ => self.close(operand)?,
                    }
                }
            }
        }
    }

    /// Another argument is wanted behind a comma.
    fn next_argument(&mut self, comma: Token) -> Step<()> {
        if self.peek()?.kind.begins_expression() {
            return Ok(());
        }
        let message = "trailing commas not allowed in function call args";
        fault(comma.span, message)
    }

    /// Completes the operators and signs that bind their right side at least as
    /// tightly as `next` does; all of them in front of what is no operator.
    fn reduce(&mut self, right: Operand, next: Option<BinaryOp>) -> Step<Operand> {
        let mut operand = right;
        loop {
            let (start, binds) = match self.frames.last() {
                Some(Frame::Sign(sign)) => (*sign, SIGN),
                Some(Frame::Binary { op, left, .. }) => (*left, precedence(*op)),
                _ => return Ok(operand),
            };
            if next.is_some_and(|next| !binds_before(binds, next)) {
                return Ok(operand);
            }
            operand = Operand {
                span: start.to(operand.span),
                shape: Shape::Other,
            };
            if let Some(Frame::Binary { fills: true, .. }) = self.frames.pop()
                && !self.options.enable_binop_fill_modifiers
            {
                let message = "binop fill modifiers are experimental and not enabled";
                return fault(operand.span, message);
            }
        }
    }

    /// Closes the innermost parenthesis.
    fn close(&mut self, inner: Operand) -> Step<Operand> {
        // In front of a token that no parenthesis waits for, this is a fault.
        let outside = self.outside();
        let frame = self.frames.pop();
        match frame {
            Some(Frame::Call(call)) => {
                let close = self.expect(Kind::RightParen, outside)?;
                self.close_call(call, close)
            }
            Some(Frame::Paren(open)) => {
                let close = self.expect(Kind::RightParen, outside)?;
                Ok(Operand {
                    span: open.to(close.span),
                    shape: Shape::Other,
                })
            }
            _ => self.unexpected(outside).map(|()| inner),
        }
    }

    fn close_call(&mut self, call: Call, close: Token) -> Step<Operand> {
        let mut span = call.name.span.to(close.span);
        if let Some(aggregator) = call.aggregator {
            span.end = self.end_of_aggregation(call.is_grouped)?;
            self.check_aggregation(&call, aggregator, span)?;
            self.aggregations -= 1;
        } else {
            self.check_function(call.name)?;
        }
        let shape = Shape::Other;
        Ok(Operand { span, shape })
    }

    /// Reads `by` or `without` behind the arguments. Prometheus has to read on to
    /// know that none follows, and then looks back past blanks for the end.
    fn end_of_aggregation(&mut self, is_grouped: bool) -> Step<u32> {
        if is_grouped {
            return Ok(self.closed);
        }
        let next = self.peek()?;
        if matches!(next.kind, Kind::Word(Word::By | Word::Without)) {
            self.grouping()?;
            return Ok(self.closed);
        }
        let before = self.text[..next.span.start as usize].trim_end_matches(is_space);
        if next.kind == Kind::RightParen && before.ends_with(')') {
            return Ok(before.len() as u32);
        }
        Ok(self.closed)
    }

    fn check_aggregation(&self, call: &Call, aggregator: &Aggregator, span: Span) -> Step<()> {
        if call.arguments == 0 {
            return fault(span, "no arguments for aggregate expression provided");
        }
        if aggregator.experimental && !self.options.enable_experimental_functions {
            let message = format!(
                "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                aggregator.name
            );
            return fault(span, message);
        }
        let wanted = if aggregator.param.is_some() { 2 } else { 1 };
        if call.arguments != wanted {
            let got = call.arguments;
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {got}"
            );
            return fault(span, message);
        }
        Ok(())
    }

    fn check_function(&self, name: Token) -> Step<()> {
        let text = self.text_of(name);
        let Some(function) = table::lookup(text) else {
            let message = format!("unknown function with name {}", quote(text));
            let meant = suggest::function(text);
            let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
            return Err(Fault::new(name.span, message).with_hint(hint));
        };
        if function.experimental && !self.options.enable_experimental_functions {
            let message = format!("function {} is not enabled", quote(text));
            return fault(name.span, message);
        }
        Ok(())
    }

    /// Takes a number or a duration, and says what it is.
    pub(super) fn number(&mut self) -> Step<f64> {
        let token = self.take()?;
        let is_duration = token.kind == Kind::Duration;
        let text = self.text_of(token);
        literal::parse_literal(text, is_duration).map_err(|message| {
            let has_point = is_duration && text.contains('.');
            let hint = has_point.then_some("durations have whole numbers: `1h30m`, not `1.5h`");
            Fault::new(token.span, message).with_hint(hint)
        })
    }

    /// What a string holds, which was taken.
    pub(super) fn unquoted(&self, string: Token) -> Step<Vec<u8>> {
        literal::unquote(self.text_of(string)).or_else(|message| fault(string.span, message))
    }
}
