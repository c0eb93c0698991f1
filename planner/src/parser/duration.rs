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
        let value = self.duration_expr(pair)?;
        match &value {
            DurationExpr::Number(literal) if literal.value <= 0.0 || literal.value.is_nan() => {
                Err(self.refused(literal.span))
            }
            _ => Ok(duration_value(value)),
        }
    }

    /// An offset, and where it ends.
    pub(super) fn offset_value(&self, pair: Pair<'_, Rule>) -> Result<(DurationValue, u32)> {
        let mut end = span_of(&pair).end;
        let (mut sign, mut value) = (None, None);
        for part in pair.into_inner() {
            let at = span_of(&part);
            match part.as_rule() {
                Rule::sign => sign = Some((part.as_str() == "-", at)),
                Rule::duration_expr if sign.is_some() => {
                    // A sign stands before parentheses alone here.
                    let inner = self.duration_expr(part)?;
                    let inner_span = inner.span();
                    value = Some(wrap(inner, inner_span));
                }
                Rule::duration_expr => {
                    end = self.offset_end(part.clone());
                    value = Some(self.duration_expr(part)?);
                }
                _ => value = Some(self.duration_primary(part)?),
            }
        }
        let Some(mut value) = value else {
            return Ok((DurationValue::ZERO, end));
        };
        if let Some((minus, at)) = sign {
            let wrapped = matches!(
                value,
                DurationExpr::Unary { .. } | DurationExpr::Binary { wrapped: true, .. }
            );
            value = match value {
                // Prometheus keeps this plus alone.
                operand if !minus && !wrapped && !matches!(operand, DurationExpr::Number(_)) => {
                    unary(false, at, operand)
                }
                value => self.signed(minus, at, value)?,
            };
        }
        Ok((duration_value(value), end))
    }

    /// Where Prometheus thinks that an offset ends: it has to read on to
    /// know that no operator follows, and takes a closing bracket for its end.
    fn offset_end(&self, expr: Pair<'_, Rule>) -> u32 {
        let end = expr
            .into_inner()
            .last()
            .map_or(0, |last| span_of(&last).end);
        let next = next_token(self.query, end);
        match self.query.as_bytes().get(next as usize) {
            Some(b')' | b']' | b'}') => next + 1,
            _ => end,
        }
    }

    fn signed(&self, minus: bool, at: Span, mut value: DurationExpr) -> Result<DurationExpr> {
        if let DurationExpr::Number(literal) = &mut value {
            if minus {
                literal.value = -literal.value;
            }
            literal.span.start = at.start;
            self.in_range(literal)?;
            return Ok(value);
        }
        Ok(if minus { unary(true, at, value) } else { value })
    }

    fn in_range(&self, literal: &NumberLiteral) -> Result<()> {
        if is_duration(literal.value) {
            Ok(())
        } else {
            Err(self.refused(literal.span))
        }
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
            return Err(self.refused(Span::default()));
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
            return Err(self.refused(Span::default()));
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
                DurationOp::Div if zero => return Err(self.refused(at)),
                DurationOp::Mod if zero => return Err(self.refused(at)),
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
                wrap(inner.ok_or_else(|| self.refused(span))?, span)
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
                    None => Err(self.refused(span)),
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

fn duration_value(value: DurationExpr) -> DurationValue {
    match &value {
        DurationExpr::Number(literal) => DurationValue::Known(to_nanos(literal.value)),
        _ => DurationValue::Computed(value),
    }
}

fn unary(minus: bool, at: Span, operand: DurationExpr) -> DurationExpr {
    let span = Span {
        start: at.start,
        end: operand.span().end,
    };
    let operand = Box::new(operand);
    DurationExpr::Unary {
        minus,
        operand,
        wrapped: false,
        span,
    }
}

/// Where the next token begins, behind white space and comments.
pub(super) fn next_token(query: &str, from: u32) -> u32 {
    let mut rest = &query[from as usize..];
    loop {
        rest = rest.trim_start_matches(is_space);
        let Some(comment) = rest.strip_prefix('#') else {
            return (query.len() - rest.len()) as u32;
        };
        rest = &comment[comment.find(['\n', '\r']).unwrap_or(comment.len())..];
    }
}

/// Marks parentheses, so that the printer gives them back.
fn wrap(mut expr: DurationExpr, at: Span) -> DurationExpr {
    match &mut expr {
        DurationExpr::Unary { wrapped, .. } | DurationExpr::Binary { wrapped, .. } => {
            *wrapped = true;
            expr
        }
        DurationExpr::Number(_) => in_parentheses(at.start, expr),
        // Prometheus marks the call itself.
        DurationExpr::Step(span) | DurationExpr::Range(span) => in_parentheses(span.start, expr),
    }
}

fn in_parentheses(start: u32, operand: DurationExpr) -> DurationExpr {
    let end = operand.span().end;
    DurationExpr::Unary {
        minus: false,
        operand: Box::new(operand),
        wrapped: true,
        span: Span { start, end },
    }
}
