//! Which stores can have series that a query asks for.

use quarrel_engine::storage::{Matcher, TimeRange};

use super::info::{EndpointInfo, LabelSet};

/// Whether a store with these facts can have series in the range that match.
/// Matchers of labels that are not external ones say nothing of it.
pub(super) fn may_have(info: &EndpointInfo, range: TimeRange, matchers: &[Matcher]) -> bool {
    let of = info.range();
    range.overlaps(of.start, of.end) && label_sets_match(matchers, &info.label_sets)
}

/// Whether any of the label sets satisfies the matchers of its labels; so it is if
/// there is no set.
fn label_sets_match(matchers: &[Matcher], sets: &[LabelSet]) -> bool {
    sets.is_empty() || sets.iter().any(|set| label_set_matches(matchers, set))
}

fn label_set_matches(matchers: &[Matcher], set: &LabelSet) -> bool {
    matchers.iter().all(|matcher| {
        let of_name = set.iter().find(|(name, _)| name == matcher.name());
        of_name.is_none_or(|(_, value)| matcher.matches(value))
    })
}

/// Whether a store is among those that `storeMatch[]` picks: any of the selectors
/// matches its address, as the label `__address__`, and one of its label sets.
pub(super) fn is_picked(selectors: &[Vec<Matcher>], address: &str, sets: &[LabelSet]) -> bool {
    selectors.is_empty()
        || selectors.iter().any(|matchers| {
            let (of_address, of_labels): (Vec<_>, Vec<_>) = matchers
                .iter()
                .cloned()
                .partition(|matcher| matcher.name() == "__address__");
            of_address.iter().all(|matcher| matcher.matches(address))
                && label_sets_match(&of_labels, sets)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quarrel_matchers::MatchOp;

    use super::super::info::StoreFacts;
    use super::*;

    fn matcher(op: MatchOp, name: &str, value: &str) -> Matcher {
        Matcher::new(op, name, value).unwrap()
    }

    fn set(pairs: &[(&str, &str)]) -> LabelSet {
        let own = |&(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        pairs.iter().map(own).collect()
    }

    fn info(sets: &[LabelSet]) -> EndpointInfo {
        EndpointInfo {
            label_sets: sets.to_vec(),
            store: Some(StoreFacts {
                range: TimeRange { start: 10, end: 20 },
                supports_sharding: false,
                supports_without_replica_labels: false,
                tsdbs: Vec::new(),
            }),
            ..EndpointInfo::default()
        }
    }

    #[test]
    fn stores_are_picked_by_time_and_external_labels() {
        let info = info(&[set(&[("zone", "a")]), set(&[("zone", "b"), ("ha", "1")])]);
        let at = |start, end| TimeRange { start, end };
        for (range, expected) in [
            (at(0, 9), false),
            (at(0, 10), true),
            (at(20, 30), true),
            (at(21, 30), false),
        ] {
            assert_eq!(may_have(&info, range, &[]), expected);
        }
        let all = TimeRange::ALL;
        for (op, value, expected) in [
            (MatchOp::Equal, "a", true),
            (MatchOp::Equal, "c", false),
            (MatchOp::NotEqual, "a", true),
            (MatchOp::Regex, "a|c", true),
            (MatchOp::Regex, "c.*", false),
            (MatchOp::NotRegex, "a|b", false),
            (MatchOp::Equal, "", false),
        ] {
            assert_eq!(
                may_have(&info, all, &[matcher(op, "zone", value)]),
                expected,
                "{op} {value}"
            );
        }
        // One of the sets has no such label: its series may have it.
        assert!(may_have(&info, all, &[matcher(MatchOp::Equal, "ha", "2")]));
        let both = [
            matcher(MatchOp::Equal, "zone", "b"),
            matcher(MatchOp::Equal, "ha", "2"),
        ];
        assert!(!may_have(&info, all, &both));
        assert!(may_have(&EndpointInfo::default(), all, &both));
    }

    #[test]
    fn store_matchers_look_at_address_and_labels() {
        let sets = [set(&[("zone", "a")])];
        let of = |matchers: Vec<Matcher>| is_picked(&[matchers], "10.0.0.1:10901", &sets);
        assert!(of(vec![matcher(MatchOp::Regex, "__address__", "10\\.0.*")]));
        assert!(!of(vec![matcher(MatchOp::Equal, "__address__", "x")]));
        assert!(!of(vec![matcher(MatchOp::Equal, "zone", "b")]));
        assert!(of(vec![
            matcher(MatchOp::Equal, "zone", "a"),
            matcher(MatchOp::Equal, "other", "b")
        ]));
        assert!(is_picked(&[], "x", &sets));
        let either = [
            vec![matcher(MatchOp::Equal, "zone", "b")],
            vec![matcher(MatchOp::Equal, "zone", "a")],
        ];
        assert!(is_picked(&either, "x", &sets));
    }

    proptest! {
        /// No store is left out that has a series that matches.
        #[test]
        fn what_matches_is_asked_for(
            external in prop::collection::btree_map("[ab]", "[xy]", 0..3),
            own in prop::collection::btree_map("[cd]", "[xy]", 0..3),
            matchers in prop::collection::vec(("[abcd]", "[xy]?", 0usize..4), 0..4),
        ) {
            const OPS: [MatchOp; 4] = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
            let matchers: Vec<Matcher> = matchers.iter().map(|(name, value, op)| matcher(OPS[*op], name, value)).collect();
            let value = |name: &str| external.get(name).or(own.get(name)).map_or("", String::as_str);
            let series_matches = matchers.iter().all(|m| m.matches(value(m.name())));
            let info = info(&[external.clone().into_iter().collect()]);
            if series_matches {
                prop_assert!(may_have(&info, TimeRange::ALL, &matchers));
            }
        }
    }
}
