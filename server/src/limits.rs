//! Adds to limit errors the command-line flag that sets the limit. The engine
//! names only its own option.

use quarrel_engine::{LimitError, QueryError};

/// The text of a query's error for the HTTP API. Clients match on Prometheus's
/// texts, so only limits that Prometheus does not have name their flag.
pub(crate) fn api_text(error: &QueryError) -> String {
    match error {
        QueryError::Limit(
            LimitError::Memory { .. } | LimitError::TotalMemory { .. } | LimitError::Queue { .. },
        ) => text(error),
        _ => error.to_string(),
    }
}

/// The text of a query's error for the terminal.
pub(crate) fn text(error: &QueryError) -> String {
    match flag(error) {
        Some(flag) => format!("{error} (see {flag})"),
        None => error.to_string(),
    }
}

fn flag(error: &QueryError) -> Option<&'static str> {
    let QueryError::Limit(limit) = error else {
        return None;
    };
    match limit {
        LimitError::Samples { .. } => Some("--query.max-samples"),
        LimitError::Memory { .. } => Some("--query.max-memory"),
        LimitError::TotalMemory { .. } => Some("--query.max-memory-total"),
        LimitError::Queue { .. } => Some("--query.max-waiting"),
        // Requests and library users set the others; they have no flag.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_name_their_flag() {
        let what = || "a join".to_string();
        for (limit, flag) in [
            (LimitError::Samples { limit: 5 }, "--query.max-samples"),
            (
                LimitError::Memory {
                    limit: 5,
                    what: what(),
                },
                "--query.max-memory",
            ),
            (
                LimitError::TotalMemory {
                    limit: 5,
                    what: what(),
                },
                "--query.max-memory-total",
            ),
            (LimitError::Queue { limit: 5 }, "--query.max-waiting"),
        ] {
            let error = QueryError::Limit(limit);
            assert!(text(&error).ends_with(&format!(" (see {flag})")));
        }
        let error = QueryError::Limit(LimitError::Series { limit: 5 });
        assert_eq!(text(&error), error.to_string());
    }

    #[test]
    fn the_api_keeps_the_texts_of_prometheus() {
        for error in [
            QueryError::Limit(LimitError::Samples { limit: 5 }),
            QueryError::Limit(LimitError::SelectedSeries { limit: 5 }),
            QueryError::Limit(LimitError::SamplesRead { limit: 5 }),
            QueryError::BadData("x".to_string()),
        ] {
            assert_eq!(api_text(&error), error.to_string());
        }
        let error = QueryError::Limit(LimitError::Queue { limit: 5 });
        assert_eq!(api_text(&error), text(&error));
    }
}
