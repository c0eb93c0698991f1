//! Parsing queries for servers whose options are not known.

use quarrel_planner::{ParseError, ParserOptions, Tree};

/// Parses a query with all experimental syntax. Letters beyond ASCII in names
/// without quotes are allowed only if the query has some: a tree that was parsed so
/// is printed so, and not every server takes that.
///
/// # Errors
/// When it is no query whatever is allowed.
pub(crate) fn parse(query: &str) -> Result<Tree, ParseError> {
    let quoted = ParserOptions {
        enable_unquoted_utf8_names: false,
        ..ParserOptions::all()
    };
    quarrel_planner::parse(query, &quoted)
        .or_else(|_| quarrel_planner::parse(query, &ParserOptions::all()))
}

#[cfg(test)]
mod tests {
    use quarrel_planner::to_promql;

    use super::*;

    #[test]
    fn names_keep_their_quotes() {
        for query in [
            r#"sum by ("ü", "a.b") ({"my.metric"})"#,
            r#"x + on ("ü") group_left ("a.b") y"#,
            "sum by (ü) (my.metric)",
            "limitk(1, x) + fill (0) y",
        ] {
            let printed = to_promql(parse(query).unwrap().expr());
            assert_eq!(printed.contains('"'), query.contains('"'), "{printed}");
            assert!(parse(&printed).is_ok(), "{printed}");
        }
        assert!(parse("sum(").is_err());
    }
}
