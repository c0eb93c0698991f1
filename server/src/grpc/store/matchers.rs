//! Matchers of messages.

use quarrel_matchers::{MatchOp, Matcher, RegexBudget};
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use tonic::Status;

/// What the automata of a request's matchers may hold, bytes: as those of a query's
/// text.
const AUTOMATA: usize = 16 << 20;

/// The matchers of a request.
///
/// # Errors
/// If a kind is unknown, or Go refuses a regular expression.
pub(in crate::grpc) fn matchers(messages: &[LabelMatcher]) -> Result<Vec<Matcher>, Status> {
    let budget = RegexBudget::new(AUTOMATA);
    let matcher = |message: &LabelMatcher| {
        let unknown = |_| Status::invalid_argument(format!("unknown matcher {}", message.r#type));
        let op = match MatcherType::try_from(message.r#type).map_err(unknown)? {
            MatcherType::Eq => MatchOp::Equal,
            MatcherType::Neq => MatchOp::NotEqual,
            MatcherType::Re => MatchOp::Regex,
            MatcherType::Nre => MatchOp::NotRegex,
        };
        let made = Matcher::new_within(op, &message.name, &message.value, &budget);
        made.map_err(|error| Status::invalid_argument(error.to_string()))
    };
    messages.iter().map(matcher).collect()
}
