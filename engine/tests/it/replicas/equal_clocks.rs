//! Replicas that have the same samples, but for what they lost, answer as if nothing
//! was lost.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::data::{Cut, Loss, Metric, cut, store_of, united};
use super::queries::{Times, ask, queries};

/// Compares the answers to all queries at some times.
fn compare(cut: &Cut, times: Times, starts: bool) -> Result<(), TestCaseError> {
    let (uncut, united) = (store_of(&cut.uncut), united(&cut.replicas));
    let range = matches!(times, Times::Over(..));
    for metric in Metric::ALL {
        for text in queries(metric) {
            let answer = |storage| ask(storage, &text, times, starts);
            let expected = answer(&uncut);
            prop_assert_eq!(&answer(&united), &expected, "{} at {:?}", text, times);
        }
        if !range {
            let raw = format!("{}[20m]", metric.name());
            let answer = |storage| ask(storage, &raw, times, starts);
            prop_assert_eq!(answer(&united), answer(&uncut), "{}", raw);
        }
    }
    Ok(())
}

/// Somewhere in the series, which begins at 1,000 to 2,000 s.
fn times() -> impl Strategy<Value = Times> {
    let at = 900_000i64..8_000_000;
    prop_oneof![
        at.clone().prop_map(Times::At),
        (at, 0i64..4_000_000, 7_000i64..200_000).prop_map(|(start, length, step)| Times::Over(
            start,
            start + length,
            step
        )),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn samples_lost_here_and_there_are_no_loss(
        cut in (2usize..=3).prop_flat_map(|replicas| cut(Loss::Some, replicas)),
        (times, starts) in (times(), any::<bool>()),
    ) {
        compare(&cut, times, starts)?;
    }

    #[test]
    fn replicas_that_are_down_are_no_loss(
        cut in (2usize..=3).prop_flat_map(|replicas| cut(Loss::Pieces, replicas)),
        (times, starts) in (times(), any::<bool>()),
    ) {
        compare(&cut, times, starts)?;
    }
}
