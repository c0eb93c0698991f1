//! Selectors: a metric's name and label matchers.

use super::*;
use crate::matcher::build_matcher;

impl Builder<'_> {
    pub(super) fn vector_selector(&self, pair: Pair<'_, Rule>) -> Result<VectorSelector> {
        let mut span = span_of(&pair);
        let (mut name, mut matchers) = (None, Vec::new());
        for part in pair.into_inner() {
            // The pair may include white space behind its last part.
            span.end = span_of(&part).end;
            match part.as_rule() {
                Rule::metric_name => name = Some(part.as_str().to_string()),
                _ => {
                    for matcher in part.into_inner() {
                        matchers.push(self.matcher(matcher)?);
                    }
                }
            }
        }
        if let Some(name) = &name {
            matchers.push(self.new_matcher(MatchOp::Equal, "__name__", name.as_bytes(), span)?);
        }
        Ok(VectorSelector {
            name,
            matchers,
            offset: DurationValue::ZERO,
            at: None,
            anchored: false,
            smoothed: false,
            may_match_empty: false,
            span,
            unquoted_utf8: self.options.enable_unquoted_utf8_names,
        })
    }

    fn matcher(&self, pair: Pair<'_, Rule>) -> Result<Matcher> {
        let span = span_of(&pair);
        let (mut texts, mut op) = (Vec::new(), MatchOp::Equal);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::identifier => texts.push(part.as_str().as_bytes().to_vec()),
                Rule::string => texts.push(self.bytes(&part)?),
                _ => {
                    op = match part.as_str() {
                        "=" => MatchOp::Equal,
                        "!=" => MatchOp::NotEqual,
                        "=~" => MatchOp::Regex,
                        _ => MatchOp::NotRegex,
                    };
                }
            }
        }
        match texts.as_slice() {
            [name, value] => self.new_matcher(op, &String::from_utf8_lossy(name), value, span),
            [name] => self.new_matcher(op, "__name__", name, span),
            _ => Err(self.refused(span)),
        }
    }

    fn new_matcher(&self, op: MatchOp, name: &str, value: &[u8], span: Span) -> Result<Matcher> {
        build_matcher(op, name, value, &self.regexes).map_err(|_| self.refused(span))
    }
}
