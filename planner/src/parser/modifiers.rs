//! Modifiers of operands and operators: ranges, offsets, `@`, `on`,
//! `group_left`, `fill`.

use super::*;

impl Builder<'_> {
    pub(super) fn operator(&self, pair: Pair<'_, Rule>) -> Result<Operator> {
        let span = span_of(&pair);
        let mut operator = Operator {
            op: BinaryOp::Add,
            return_bool: false,
            matching: VectorMatching::default(),
            span,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::operator => {
                    operator.span = span_of(&part);
                    operator.op = binary_op(part.as_str());
                }
                Rule::bool => operator.return_bool = true,
                Rule::matching => self.matching(part, &mut operator.matching)?,
                _ => self.fill(part, &mut operator.matching)?,
            }
        }
        Ok(operator)
    }

    fn matching(&self, pair: Pair<'_, Rule>, matching: &mut VectorMatching) -> Result<()> {
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::on => matching.on = true,
                Rule::label_list => matching.labels = self.label_list(part)?,
                Rule::group_side => {
                    for inner in part.into_inner() {
                        match inner.as_rule() {
                            Rule::group_left => matching.card = Cardinality::ManyToOne,
                            Rule::group_right => matching.card = Cardinality::OneToMany,
                            _ => matching.include = self.label_list(inner)?,
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fill(&self, pair: Pair<'_, Rule>, matching: &mut VectorMatching) -> Result<()> {
        let span = span_of(&pair);
        let (mut word, mut minus, mut value) = (String::new(), false, 0.0);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::fill_word => word = part.as_str().to_ascii_lowercase(),
                Rule::sign => minus = part.as_str() == "-",
                _ => value = self.number_literal(&part)?.value,
            }
        }
        let value = Some(if minus { -value } else { value });
        let (left, right) = (word != "fill_right", word != "fill_left");
        let twice =
            (left && matching.fill_left.is_some()) || (right && matching.fill_right.is_some());
        if twice {
            return Err(self.refused(span));
        }
        if left {
            matching.fill_left = value;
        }
        if right {
            matching.fill_right = value;
        }
        Ok(())
    }

    pub(super) fn label_list(&self, pair: Pair<'_, Rule>) -> Result<Vec<String>> {
        let mut labels = Vec::new();
        for part in pair.into_inner() {
            let name = match part.as_rule() {
                Rule::string => {
                    let bytes = self.bytes(&part)?;
                    String::from_utf8(bytes).map_err(|_| self.refused(span_of(&part)))?
                }
                _ => part.as_str().to_string(),
            };
            let colon = self.options.enable_unquoted_utf8_names
                && part.as_rule() != Rule::string
                && name.contains(':');
            if name.is_empty() || colon {
                return Err(self.refused(span_of(&part)));
            }
            labels.push(name);
        }
        Ok(labels)
    }

    /// `[5m]` or `[5m:1m]` behind an expression.
    pub(super) fn range(&self, pair: Pair<'_, Rule>, operand: Expr) -> Result<Expr> {
        let bracket = span_of(&pair);
        let span = operand.span().to(bracket);
        let (mut range, mut step, mut subquery) = (None, None, false);
        self.bracket_rules(&pair)?;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::colon => subquery = true,
                _ if range.is_none() => range = Some(self.positive_duration(part)?),
                _ => step = Some(self.positive_duration(part)?),
            }
        }
        let range = range.unwrap_or(DurationValue::ZERO);
        if subquery {
            return Ok(Expr::Subquery(Box::new(Subquery {
                expr: operand,
                range,
                step,
                offset: DurationValue::ZERO,
                at: None,
                span,
            })));
        }
        let Expr::VectorSelector(selector) = operand else {
            return Err(self.refused(bracket));
        };
        if !selector.offset.is_zero() || selector.at.is_some() {
            return Err(self.refused(bracket));
        }
        Ok(Expr::MatrixSelector(Box::new(MatrixSelector {
            selector: *selector,
            range,
            span,
        })))
    }

    /// In brackets, comments are understood behind the first number alone, and
    /// no number is a word.
    fn bracket_rules(&self, range: &Pair<'_, Rule>) -> Result<()> {
        let span = span_of(range);
        let literals = range.clone().into_inner().flatten();
        let literals = literals.filter(|p| matches!(p.as_rule(), Rule::number | Rule::duration));
        let mut first = None;
        for literal in literals {
            if literal.as_str().starts_with(|c: char| c.is_alphabetic()) {
                return Err(self.refused(span_of(&literal)));
            }
            first.get_or_insert(literal.as_span().start());
        }
        let end = first.unwrap_or(span.end as usize);
        if self.query[span.start as usize..end].contains('#') {
            return Err(self.refused(span));
        }
        Ok(())
    }

    pub(super) fn modify(&self, pair: Pair<'_, Rule>, expr: &mut Expr) -> Result<()> {
        match pair.as_rule() {
            Rule::offset => self.offset(pair, expr),
            Rule::at => self.at(pair, expr),
            Rule::anchored => self.extended(expr, true),
            _ => self.extended(expr, false),
        }
    }

    fn offset(&self, pair: Pair<'_, Rule>, expr: &mut Expr) -> Result<()> {
        let before = expr.span();
        let value = pair
            .into_inner()
            .find(|p| p.as_rule() == Rule::offset_value);
        let Some(value) = value else { return Ok(()) };
        let (value, end) = self.offset_value(value)?;
        let (offset, span) = match expr {
            Expr::VectorSelector(s) => (&mut s.offset, &mut s.span),
            Expr::MatrixSelector(m) => (&mut m.selector.offset, &mut m.span),
            Expr::Subquery(s) => (&mut s.offset, &mut s.span),
            _ => return Err(self.refused(before)),
        };
        if !offset.is_zero() {
            return Err(self.refused(before));
        }
        *offset = value;
        span.end = end;
        Ok(())
    }

    fn at(&self, pair: Pair<'_, Rule>, expr: &mut Expr) -> Result<()> {
        let end = span_of(&pair).end;
        let before = expr.span();
        let (mut minus, mut value) = (false, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::start_call => value = Some(AtModifier::Start),
                Rule::end_call => value = Some(AtModifier::End),
                Rule::sign => minus = part.as_str() == "-",
                _ => {
                    let seconds = self.number_literal(&part)?.value;
                    let seconds = if minus { -seconds } else { seconds };
                    if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 {
                        return Err(self.refused(before));
                    }
                    value = Some(AtModifier::Timestamp((seconds * 1000.0).round() as i64));
                }
            }
        }
        let (at, span) = match expr {
            Expr::VectorSelector(s) => (&mut s.at, &mut s.span),
            Expr::MatrixSelector(m) => (&mut m.selector.at, &mut m.span),
            Expr::Subquery(s) => (&mut s.at, &mut s.span),
            _ => return Err(self.refused(before)),
        };
        if at.is_some() {
            return Err(self.refused(before));
        }
        *at = value;
        span.end = end;
        Ok(())
    }

    fn extended(&self, expr: &mut Expr, anchored: bool) -> Result<()> {
        let span = expr.span();
        let selector = match expr {
            Expr::VectorSelector(selector) => &mut **selector,
            Expr::MatrixSelector(matrix) => &mut matrix.selector,
            _ => return Err(self.refused(span)),
        };
        if anchored {
            selector.anchored = true;
        } else {
            selector.smoothed = true;
        }
        if selector.anchored && selector.smoothed {
            return Err(self.refused(span));
        }
        Ok(())
    }
}

fn binary_op(symbol: &str) -> BinaryOp {
    let lower = symbol.to_ascii_lowercase();
    let mut all = BinaryOp::ALL.into_iter();
    all.find(|op| op.symbol() == lower).unwrap_or(BinaryOp::Add)
}
