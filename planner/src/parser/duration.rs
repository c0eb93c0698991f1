//! Durations in brackets and behind `offset`, plain or computed.

use super::*;

/// How tightly the operators of durations bind.
fn precedence(op: DurationOp) -> u8 {
    match op {
        DurationOp::Add | DurationOp::Sub => 1,
        DurationOp::Pow => 3,
        _ => 2,
    }
}

/// A sign binds like a multiplication.
const SIGN: u8 = 2;

impl Builder<'_> {
    /// What stands in a range's brackets: not zero, not negative.
    pub(super) fn positive_duration(&self, pair: Pair<'_, Rule>) -> Result<DurationValue> {
        match self.duration_expr(pair)? {
            DurationExpr::Number(literal) if literal.value <= 0.0 || literal.value.is_nan() => {
                Err(self.error(literal.span, "duration must be greater than 0"))
            }
            DurationExpr::Number(literal) => Ok(DurationValue::Known(to_ms(literal.value))),
            computed => Ok(DurationValue::Computed(computed)),
        }
    }

    pub(super) fn offset_value(&self, pair: Pair<'_, Rule>) -> Result<DurationValue> {
        let span = span_of(&pair);
        let (mut sign, mut value) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sign => sign = Some((part.as_str() == "-", span_of(&part))),
                Rule::duration_expr => {
                    let inner = self.duration_expr(part)?;
                    // A sign stands before parentheses alone here.
                    value = Some(if sign.is_some() {
                        wrap(inner, span)
                    } else {
                        inner
                    });
                }
                _ => value = Some(self.duration_primary(part)?),
            }
        }
        let Some(mut value) = value else {
            return Ok(DurationValue::ZERO);
        };
        if let Some((minus, at)) = sign {
            value = self.signed(minus, at, value)?;
        }
        Ok(match value {
            DurationExpr::Number(literal) => DurationValue::Known(to_ms(literal.value)),
            computed => DurationValue::Computed(computed),
        })
    }

    fn signed(&self, minus: bool, at: Span, value: DurationExpr) -> Result<DurationExpr> {
        match value {
            DurationExpr::Number(mut literal) => {
                if minus {
                    literal.value = -literal.value;
                }
                literal.span.start = at.start;
                self.in_range(&literal)?;
                Ok(DurationExpr::Number(literal))
            }
            operand if minus => {
                let span = Span {
                    start: at.start,
                    end: operand.span().end,
                };
                let operand = Box::new(operand);
                Ok(DurationExpr::Unary {
                    minus,
                    operand,
                    wrapped: false,
                    span,
                })
            }
            operand => Ok(operand),
        }
    }

    fn in_range(&self, literal: &NumberLiteral) -> Result<()> {
        let limit = (MAX_DURATION_MS as f64) / 1000.0 + 1.0;
        if literal.value.abs() > limit {
            return Err(self.error(literal.span, "duration out of range"));
        }
        Ok(())
    }

    pub(super) fn duration_expr(&self, pair: Pair<'_, Rule>) -> Result<DurationExpr> {
        with_stack(|| {
            let mut parts = pair.into_inner().peekable();
            self.climb_duration(&mut parts, 0)
        })
    }

    fn climb_duration<'p>(
        &self,
        parts: &mut std::iter::Peekable<impl Iterator<Item = Pair<'p, Rule>>>,
        least: u8,
    ) -> Result<DurationExpr> {
        let Some(operand) = parts.next() else {
            return Err(self.error(Span::default(), "expected duration"));
        };
        let mut signs = Vec::new();
        let mut lhs = None;
        for part in operand.into_inner() {
            match part.as_rule() {
                Rule::sign => signs.push((part.as_str() == "-", span_of(&part))),
                _ => lhs = Some(self.duration_primary(part)?),
            }
        }
        let Some(mut lhs) = lhs else {
            return Err(self.error(Span::default(), "expected duration"));
        };
        if !signs.is_empty() {
            // Only `^` binds tighter than the sign.
            lhs = self.climb_rest(parts, lhs, SIGN + 1)?;
            for (minus, at) in signs.into_iter().rev() {
                lhs = self.signed(minus, at, lhs)?;
            }
        }
        self.climb_rest(parts, lhs, least)
    }

    fn climb_rest<'p>(
        &self,
        parts: &mut std::iter::Peekable<impl Iterator<Item = Pair<'p, Rule>>>,
        mut lhs: DurationExpr,
        least: u8,
    ) -> Result<DurationExpr> {
        while let Some(next) = parts.peek() {
            let at = span_of(next);
            let op = match next.as_str() {
                "+" => DurationOp::Add,
                "-" => DurationOp::Sub,
                "*" => DurationOp::Mul,
                "/" => DurationOp::Div,
                "%" => DurationOp::Mod,
                _ => DurationOp::Pow,
            };
            let binds = precedence(op);
            if binds < least {
                break;
            }
            parts.next();
            let right_least = if op == DurationOp::Pow {
                binds
            } else {
                binds + 1
            };
            let rhs = with_stack(|| self.climb_duration(parts, right_least))?;
            let zero = matches!(&rhs, DurationExpr::Number(n) if n.value == 0.0);
            match op {
                DurationOp::Div if zero => return Err(self.error(at, "division by zero")),
                DurationOp::Mod if zero => return Err(self.error(at, "modulo by zero")),
                _ => {}
            }
            let span = lhs.span().to(rhs.span());
            let (left, right) = (Box::new(lhs), Box::new(rhs));
            lhs = DurationExpr::Binary {
                op,
                lhs: left,
                rhs: right,
                wrapped: false,
                span,
            };
        }
        Ok(lhs)
    }

    fn duration_primary(&self, pair: Pair<'_, Rule>) -> Result<DurationExpr> {
        let span = span_of(&pair);
        Ok(match pair.as_rule() {
            Rule::step_call => DurationExpr::Step(span),
            Rule::range_call => DurationExpr::Range(span),
            Rule::duration_paren => {
                let inner = pair.into_inner().next();
                let inner = inner.map(|inner| self.duration_expr(inner)).transpose()?;
                wrap(
                    inner.ok_or_else(|| self.error(span, "expected duration"))?,
                    span,
                )
            }
            Rule::extreme_call => {
                let mut parts = pair.into_inner();
                let max = parts
                    .next()
                    .is_some_and(|p| p.as_str().eq_ignore_ascii_case("max_of"));
                let op = if max {
                    DurationOp::Max
                } else {
                    DurationOp::Min
                };
                let mut side = || match parts.next() {
                    Some(part) => self.duration_expr(part),
                    None => Err(self.error(span, "expected duration")),
                };
                let (lhs, rhs) = (Box::new(side()?), Box::new(side()?));
                DurationExpr::Binary {
                    op,
                    lhs,
                    rhs,
                    wrapped: false,
                    span,
                }
            }
            _ => {
                let literal = self.number_literal(&pair)?;
                self.in_range(&literal)?;
                DurationExpr::Number(literal)
            }
        })
    }
}

/// Marks parentheses, so that the printer gives them back.
fn wrap(expr: DurationExpr, at: Span) -> DurationExpr {
    match expr {
        DurationExpr::Unary {
            minus,
            operand,
            span,
            ..
        } => DurationExpr::Unary {
            minus,
            operand,
            wrapped: true,
            span,
        },
        DurationExpr::Binary {
            op, lhs, rhs, span, ..
        } => DurationExpr::Binary {
            op,
            lhs,
            rhs,
            wrapped: true,
            span,
        },
        other => {
            let span = Span {
                start: at.start,
                end: other.span().end,
            };
            DurationExpr::Unary {
                minus: false,
                operand: Box::new(other),
                wrapped: true,
                span,
            }
        }
    }
}
