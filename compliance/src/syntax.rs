//! Queries of unknown servers as trees.

use quarrel_planner::{ParserOptions, Tree, parse};

/// The tree of a query, of which everything is allowed. Names that need quotes
/// without `promql-unquoted-utf8-names` get them when the tree is printed, but
/// where the query itself relies on that feature.
pub(crate) fn tree(query: &str) -> Option<Tree> {
    let all = ParserOptions::all();
    let quoted = ParserOptions {
        enable_unquoted_utf8_names: false,
        ..all
    };
    parse(query, &quoted).or_else(|_| parse(query, &all)).ok()
}

#[cfg(test)]
mod tests {
    use quarrel_planner::to_promql;

    use super::*;

    #[test]
    fn names_are_printed_as_the_query_has_them() {
        let printed = |query| to_promql(tree(query).unwrap().expr());
        assert_eq!(
            printed(r#"sum by ("ü", "a") (x)"#),
            r#"sum by ("ü", a) (x)"#
        );
        assert_eq!(printed("sum by (ü) (x)"), "sum by (ü) (x)");
        assert!(tree("sum by (").is_none());
    }
}
