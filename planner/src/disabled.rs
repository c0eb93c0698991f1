//! Modifiers that an engine may refuse: `@` and negative offsets. They are part
//! of the language, so the parser takes them.

use crate::ast::{AtModifier, DurationValue, Expr};
use crate::with_stack;

/// A modifier that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisabledModifier {
    /// `@`
    #[error("@ modifier is disabled")]
    At,
    /// `offset` with a negative duration. (One that is computed counts as none,
    /// as in Prometheus.)
    #[error("negative offset is disabled")]
    NegativeOffset,
}

/// Which modifiers an engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedModifiers {
    /// `@`
    pub at: bool,
    /// `offset` with a negative duration.
    pub negative_offset: bool,
}

impl AllowedModifiers {
    /// Looks for a modifier that is not allowed.
    ///
    /// # Errors
    /// The first one in the expression.
    pub fn check(self, expr: &Expr) -> Result<(), DisabledModifier> {
        if self.at && self.negative_offset {
            return Ok(());
        }
        with_stack(|| match expr {
            Expr::Number(_) | Expr::String(_) => Ok(()),
            Expr::VectorSelector(selector) => self.modifiers(selector.at, &selector.offset),
            Expr::MatrixSelector(matrix) => {
                self.modifiers(matrix.selector.at, &matrix.selector.offset)
            }
            Expr::Subquery(subquery) => {
                self.modifiers(subquery.at, &subquery.offset)?;
                self.check(&subquery.expr)
            }
            Expr::Call(call) => call.args.iter().try_for_each(|arg| self.check(arg)),
            Expr::Aggregate(aggregate) => {
                self.check(&aggregate.expr)?;
                aggregate
                    .param
                    .as_ref()
                    .map_or(Ok(()), |param| self.check(param))
            }
            Expr::Binary(binary) => {
                self.check(&binary.lhs)?;
                self.check(&binary.rhs)
            }
            Expr::Unary(unary) => self.check(&unary.expr),
            Expr::Paren(paren) => self.check(&paren.expr),
        })
    }

    fn modifiers(
        self,
        at: Option<AtModifier>,
        offset: &DurationValue,
    ) -> Result<(), DisabledModifier> {
        if at.is_some() && !self.at {
            return Err(DisabledModifier::At);
        }
        match offset {
            DurationValue::Known(..0) if !self.negative_offset => {
                Err(DisabledModifier::NegativeOffset)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParserOptions, parse};

    #[test]
    fn modifiers_are_found_wherever_they_stand() {
        let refused = |at: bool, negative_offset: bool, text: &str| {
            let tree = parse(text, &ParserOptions::all()).unwrap();
            let allowed = AllowedModifiers {
                at,
                negative_offset,
            };
            allowed.check(tree.expr()).err()
        };
        for text in [
            "x @ 1",
            "-(x @ start())",
            "topk(scalar(x @ end()), y)",
            "rate(x[5m] @ 1)",
            "1 + max_over_time(x[5m:] @ 1)",
            "max_over_time((x @ 1)[5m:])",
        ] {
            assert_eq!(refused(true, true, text), None, "{text}");
            assert_eq!(refused(true, false, text), None, "{text}");
            assert_eq!(
                refused(false, true, text),
                Some(DisabledModifier::At),
                "{text}"
            );
        }
        for text in [
            "x offset -1m",
            "rate(x[5m] offset -1m)",
            "max_over_time(x[5m:] offset -1m)",
        ] {
            assert_eq!(refused(false, true, text), None, "{text}");
            let found = refused(true, false, text);
            assert_eq!(found, Some(DisabledModifier::NegativeOffset), "{text}");
        }
        assert_eq!(refused(false, false, "rate(x[5m] offset 1m)"), None);
        let both = "x offset -1m + x @ 1";
        assert_eq!(
            refused(false, false, both),
            Some(DisabledModifier::NegativeOffset)
        );
    }
}
