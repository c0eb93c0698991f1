//! Selectors: a metric's name and label matchers.

use super::*;

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
            matchers.push(self.new_matcher(MatchOp::Equal, "__name__", name, span)?);
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
        let (mut texts, mut op) = (Vec::new(), None);
        // The last text's bytes from where they are no UTF-8.
        let mut invalid = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::identifier => texts.push(part.as_str().to_string()),
                Rule::string => {
                    let bytes = self.bytes(&part)?;
                    let valid = std::str::from_utf8(&bytes);
                    invalid = valid
                        .err()
                        .map(|error| bytes[error.valid_up_to()..].to_vec());
                    texts.push(String::from_utf8_lossy(&bytes).into_owned());
                }
                _ => {
                    op = Some(match part.as_str() {
                        "=" => MatchOp::Equal,
                        "!=" => MatchOp::NotEqual,
                        "=~" => MatchOp::Regex,
                        _ => MatchOp::NotRegex,
                    });
                }
            }
        }
        if let Some(bytes) = invalid
            && matches!(op, Some(MatchOp::Regex | MatchOp::NotRegex))
        {
            let rest = String::from_utf8_lossy(&bytes);
            let message = format!("error parsing regexp: invalid UTF-8: `{rest}`");
            return Err(self.error(span, message));
        }
        match (op, texts.as_slice()) {
            (Some(op), [name, value]) => self.new_matcher(op, name, value, span),
            (_, [name, ..]) => self.new_matcher(MatchOp::Equal, "__name__", name, span),
            _ => Err(self.error(span, "incomplete label matcher")),
        }
    }

    fn new_matcher(&self, op: MatchOp, name: &str, value: &str, span: Span) -> Result<Matcher> {
        Matcher::new_within(op, name, value, &self.regexes)
            .map_err(|error| self.error(span, error.to_string()))
    }
}
