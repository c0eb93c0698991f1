//! Durations in brackets and behind `offset`, plain or computed.

use crate::ast::{BinaryOp, Span};
use crate::literal::is_duration;
use crate::precedence::{SIGN, binds_before, precedence};

use super::fault::{Context, Step, fault};
use super::machine::Machine;
use super::token::{Kind, Word};

/// A duration that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    /// In seconds, if it is a number with signs alone.
    pub number: Option<f64>,
    pub span: Span,
}

/// What waits for its end.
enum Frame {
    Paren(Span),
    /// `max_of` or `min_of`, and whether its second argument is read.
    Extreme(Span, bool),
    Sign(bool, Span),
    Binary(BinaryOp, Span, Span),
}

impl Machine<'_> {
    /// A duration in brackets.
    pub(super) fn length(&mut self, context: Context) -> Step<Length> {
        let mut lengths = Lengths::new(context, false);
        lengths.read(self)
    }

    /// A duration behind `offset`. A sign binds one value there, and a value
    /// ends it, unless it begins with a parenthesis or several signs.
    pub(super) fn offset_length(&mut self, context: Context) -> Step<Length> {
        let mut lengths = Lengths::new(context, true);
        lengths.read(self)
    }
}

struct Lengths {
    context: Context,
    is_offset: bool,
    frames: Vec<Frame>,
}

impl Lengths {
    fn new(context: Context, is_offset: bool) -> Self {
        let frames = Vec::new();
        Lengths {
            context,
            is_offset,
            frames,
        }
    }

    fn read(&mut self, machine: &mut Machine<'_>) -> Step<Length> {
        loop {
            let Some(length) = self.begin(machine)? else {
                continue;
            };
            if self.is_whole() {
                return self.reduce(length, None);
            }
            if let Some(length) = self.proceed(machine, length)? {
                return Ok(length);
            }
        }
    }

    /// Whether an offset is complete behind a value: it is the first one, and
    /// has one sign at most.
    fn is_whole(&self) -> bool {
        self.is_offset && matches!(self.frames[..], [] | [Frame::Sign(..)])
    }

    /// The beginning of an operand: the whole of it, or a frame that waits.
    fn begin(&mut self, machine: &mut Machine<'_>) -> Step<Option<Length>> {
        if let Some((minus, token)) = machine.take_sign()? {
            self.frames.push(Frame::Sign(minus, token.span));
            return Ok(None);
        }
        let token = machine.peek()?;
        let mut span = token.span;
        match token.kind {
            Kind::LeftParen => {
                machine.take()?;
                self.frames.push(Frame::Paren(span));
                Ok(None)
            }
            Kind::Number | Kind::Duration => {
                let number = machine.number()?;
                // Behind the sign of an offset, the whole is checked.
                if !(self.is_whole() && self.frames.len() == 1) {
                    in_range(number, span)?;
                }
                let number = Some(number);
                Ok(Some(Length { number, span }))
            }
            Kind::Word(Word::Step | Word::Range) => {
                machine.take()?;
                machine.expect(Kind::LeftParen, self.context)?;
                let close = machine.expect(Kind::RightParen, self.context)?;
                span = span.to(close.span);
                let number = None;
                Ok(Some(Length { number, span }))
            }
            Kind::Word(Word::MaxOf | Word::MinOf) => {
                machine.take()?;
                machine.expect(Kind::LeftParen, self.context)?;
                self.frames.push(Frame::Extreme(span, false));
                Ok(None)
            }
            _ => machine.unexpected(self.context),
        }
    }

    /// What may follow an operand. None wants another operand.
    fn proceed(&mut self, machine: &mut Machine<'_>, mut length: Length) -> Step<Option<Length>> {
        loop {
            let token = machine.peek()?;
            if let Kind::Operator(op) = token.kind
                && is_arithmetic(op)
            {
                let left = self.reduce(length, Some(op))?;
                machine.take()?;
                self.frames.push(Frame::Binary(op, token.span, left.span));
                return Ok(None);
            }
            length = self.reduce(length, None)?;
            let open = match self.frames.last_mut() {
                None | Some(Frame::Sign(..) | Frame::Binary(..)) => return Ok(Some(length)),
                Some(Frame::Extreme(_, second @ false)) => {
                    machine.expect(Kind::Comma, self.context)?;
                    *second = true;
                    return Ok(None);
                }
                Some(Frame::Paren(open) | Frame::Extreme(open, _)) => *open,
            };
            let close = machine.expect(Kind::RightParen, self.context)?;
            let is_paren = matches!(self.frames.pop(), Some(Frame::Paren(_)));
            // Parentheses around a computed duration do not count.
            let span = if is_paren && length.number.is_none() {
                length.span
            } else {
                open.to(close.span)
            };
            length = Length { number: None, span };
            let begins_offset = is_paren && self.frames.is_empty();
            if self.is_whole() && !begins_offset {
                return self.reduce(length, None).map(Some);
            }
        }
    }

    /// Completes the operators and signs that bind their right side at least as
    /// tightly as `next` does.
    fn reduce(&mut self, mut length: Length, next: Option<BinaryOp>) -> Step<Length> {
        loop {
            let binds = match self.frames.last() {
                Some(Frame::Sign(..)) => SIGN,
                Some(Frame::Binary(op, ..)) => precedence(*op),
                _ => return Ok(length),
            };
            if next.is_some_and(|next| !binds_before(binds, next)) {
                return Ok(length);
            }
            length = match self.frames.pop() {
                Some(Frame::Sign(minus, sign)) => signed(minus, sign, length)?,
                Some(Frame::Binary(op, at, left)) => computed(op, at, left, length)?,
                _ => length,
            };
        }
    }
}

fn is_arithmetic(op: BinaryOp) -> bool {
    use BinaryOp as B;
    matches!(op, B::Add | B::Sub | B::Mul | B::Div | B::Mod | B::Pow)
}

fn in_range(seconds: f64, span: Span) -> Step<()> {
    if is_duration(seconds) {
        return Ok(());
    }
    fault(span, "duration out of range")
}

fn signed(minus: bool, sign: Span, length: Length) -> Step<Length> {
    let number = length.number.map(|n| if minus { -n } else { n });
    if let Some(seconds) = number {
        in_range(seconds, sign)?;
    }
    // A plus is nothing in front of a computed duration.
    let span = if minus || number.is_some() {
        sign.to(length.span)
    } else {
        length.span
    };
    Ok(Length { number, span })
}

fn computed(op: BinaryOp, at: Span, left: Span, right: Length) -> Step<Length> {
    match op {
        BinaryOp::Div if right.number == Some(0.0) => fault(at, "division by zero"),
        BinaryOp::Mod if right.number == Some(0.0) => fault(at, "modulo by zero"),
        _ => Ok(Length {
            number: None,
            span: left.to(right.span),
        }),
    }
}
