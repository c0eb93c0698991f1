//! What stands behind an operand or an operator: ranges, offsets, `@`, `on`,
//! `group_left`, `fill`.

use quarrel_functions::fmt::format_fixed6;

use crate::literal::to_nanos;

use super::fault::{Context, Step, fault};
use super::machine::Machine;
use super::parts::{Modifiers, Operand, Shape};
use super::token::{Kind, Word};

const LENGTHS: &str = "number, duration, step(), or range()";
const AT: Context = Context::new("@", "timestamp");
const OFFSET: Context = Context::new("offset", LENGTHS);
const RANGE: Context = Context::new("subquery or range selector", LENGTHS);
const RANGE_END: Context = Context::new("subquery or range", r#"":" or "]""#);
const STEP: Context = Context::new(
    "subquery selector",
    r#"number, duration, step(), range(), or "]""#,
);
const STEP_END: Context = Context::new("subquery selector", r#""]""#);

impl Machine<'_> {
    pub(super) fn offset(&mut self, mut operand: Operand) -> Step<Operand> {
        self.take()?;
        let length = self.offset_length(OFFSET)?;
        let Some(modifiers) = operand.shape.modifiers() else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return fault(operand.span, message);
        };
        if modifiers.offset {
            return fault(operand.span, "offset may not be set multiple times");
        }
        // An offset of nothing counts as none.
        modifiers.offset = length.number.is_none_or(|seconds| to_nanos(seconds) != 0);
        operand.span.end = self.closed;
        Ok(operand)
    }

    pub(super) fn at(&mut self, mut operand: Operand) -> Step<Operand> {
        self.take()?;
        let next = self.peek()?.kind;
        if matches!(next, Kind::Word(Word::Start | Word::End)) {
            self.take()?;
            self.expect(Kind::LeftParen, AT)?;
            self.expect(Kind::RightParen, AT)?;
        } else {
            let minus = self.take_sign()?.is_some_and(|(minus, _)| minus);
            if !matches!(self.peek()?.kind, Kind::Number | Kind::Duration) {
                return self.unexpected(AT);
            }
            let seconds = self.number()?;
            let seconds = if minus { -seconds } else { seconds };
            if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 {
                let shown = format_fixed6(seconds);
                let message = format!("timestamp out of bounds for @ modifier: {shown}");
                return fault(operand.span, message);
            }
        }
        let Some(modifiers) = operand.shape.modifiers() else {
            let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return fault(operand.span, message);
        };
        if modifiers.at {
            return fault(operand.span, "@ <timestamp> may not be set multiple times");
        }
        modifiers.at = true;
        operand.span.end = self.closed;
        Ok(operand)
    }

    /// `anchored` or `smoothed`.
    pub(super) fn extended(&mut self, mut operand: Operand, anchored: bool) -> Step<Operand> {
        let word = if anchored { "anchored" } else { "smoothed" };
        self.take()?;
        let span = operand.span;
        let modifiers = match &mut operand.shape {
            Shape::Selector(modifiers) | Shape::Range(modifiers) => modifiers,
            Shape::Subquery(_) => {
                let message = format!("{word} modifier is not supported for subqueries");
                return fault(span, message);
            }
            Shape::Other => return fault(span, format!("{word} modifier not implemented")),
        };
        if anchored {
            modifiers.anchored = true;
        } else {
            modifiers.smoothed = true;
        }
        if modifiers.anchored && modifiers.smoothed {
            let message = "anchored and smoothed modifiers cannot be used together";
            return fault(span, message);
        }
        Ok(operand)
    }

    /// A range or a subquery in brackets.
    pub(super) fn range(&mut self, operand: Operand) -> Step<Operand> {
        let open = self.take()?;
        self.positive_length(RANGE)?;
        if let Some(close) = self.take_if(Kind::RightBracket)? {
            let brackets = open.span.to(close.span);
            let Shape::Selector(modifiers) = operand.shape else {
                return fault(brackets, "ranges only allowed for vector selectors");
            };
            if modifiers.offset {
                return fault(brackets, "no offset modifiers allowed before range");
            }
            if modifiers.at {
                return fault(brackets, "no @ modifiers allowed before range");
            }
            return Ok(Operand {
                span: operand.span.to(close.span),
                shape: Shape::Range(modifiers),
            });
        }
        self.expect(Kind::Colon, RANGE_END)?;
        let close = match self.take_if(Kind::RightBracket)? {
            Some(close) => close,
            None => {
                self.positive_length(STEP)?;
                self.expect(Kind::RightBracket, STEP_END)?
            }
        };
        Ok(Operand {
            span: operand.span.to(close.span),
            shape: Shape::Subquery(Modifiers::default()),
        })
    }

    fn positive_length(&mut self, context: Context) -> Step<()> {
        let length = self.length(context)?;
        match length.number {
            Some(seconds) if seconds <= 0.0 => {
                fault(length.span, "duration must be greater than 0")
            }
            _ => Ok(()),
        }
    }

    /// What stands between an operator and its right side; whether missing
    /// series are filled in.
    pub(super) fn binary_modifiers(&mut self) -> Step<bool> {
        self.take_word(Word::Bool)?;
        if self.take_word(Word::On)? || self.take_word(Word::Ignoring)? {
            self.label_list()?;
            let is_grouped =
                self.take_word(Word::GroupLeft)? || self.take_word(Word::GroupRight)?;
            // Labels may be left out in front of an expression.
            if is_grouped {
                let next = self.peek()?.kind;
                if next == Kind::LeftParen || !next.begins_expression() {
                    self.label_list()?;
                }
            }
        }
        if self.take_word(Word::Fill)? {
            self.fill_value()?;
            return Ok(true);
        }
        for (first, second) in [
            (Word::FillLeft, Word::FillRight),
            (Word::FillRight, Word::FillLeft),
        ] {
            if self.take_word(first)? {
                self.fill_value()?;
                if self.take_word(second)? {
                    self.fill_value()?;
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fill_value(&mut self) -> Step<()> {
        let outside = self.outside();
        self.expect(Kind::LeftParen, outside)?;
        self.take_sign()?;
        if !matches!(self.peek()?.kind, Kind::Number | Kind::Duration) {
            return self.unexpected(outside);
        }
        self.number()?;
        self.expect(Kind::RightParen, outside).map(|_| ())
    }
}
