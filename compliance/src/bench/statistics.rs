//! Medians, intervals, means of ratios.

/// One half of what an interval of 95% confidence leaves out.
const TAIL: f64 = 0.025;

/// How often a bootstrap draws, at most and at least, and how many samples it
/// draws in all.
const DRAWS: std::ops::RangeInclusive<usize> = 200..=2000;
const DRAWN_SAMPLES: usize = 40_000_000;

/// Where a value lies with 95% confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Whether two intervals have no value in common.
    pub fn is_apart(self, other: Interval) -> bool {
        self.high < other.low || other.high < self.low
    }
}

/// The middle value, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    middle(&mut sorted)
}

/// The same of values whose order does not matter.
fn middle(values: &mut [f64]) -> Option<f64> {
    let length = values.len();
    if length == 0 {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(length / 2, f64::total_cmp);
    let upper = *upper;
    if length % 2 == 1 {
        return Some(upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    Some(lower / 2.0 + upper / 2.0)
}

/// The value below which a share of the values lies, interpolated between two.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    let part = place - below as f64;
    Some(sorted[below] * (1.0 - part) + sorted[above] * part)
}

/// Where the median of the distribution lies that values are drawn from, by
/// order statistics: as many values are cut off at each end as a fair coin would
/// not show heads in so many throws, but for 2.5%. Fewer than six values have no
/// such interval.
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    let length = values.len();
    // The chance of no head, and then of one more, in logarithms: the chance
    // itself is too small for a float from 1075 values on.
    let mut chance = -(length as f64) * std::f64::consts::LN_2;
    let (mut total, mut cut) = (0.0, 0);
    for heads in 0..length {
        total += chance.exp();
        if total > TAIL {
            break;
        }
        cut = heads + 1;
        chance += ((length - heads) as f64).ln() - ((heads + 1) as f64).ln();
    }
    if cut == 0 {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(Interval {
        low: sorted[cut - 1],
        high: sorted[length - cut],
    })
}

/// The geometric mean of positive values.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u32);
    for value in values {
        sum += value.ln();
        count += 1;
    }
    let mean = (count > 0).then(|| (sum / f64::from(count)).exp())?;
    mean.is_finite().then_some(mean)
}

/// Where the geometric mean of ratios of medians lies, by a bootstrap: for each
/// query, the rounds are drawn anew, with repetition, and the ends are quantiles
/// of the means. A query's samples are those of what is divided and those of what
/// it is divided by; `paired` ones have the same rounds and are drawn together.
/// Queries with fewer than two samples on a side do not vary. The same samples
/// give the same interval.
pub fn ratio_interval(queries: &[(&[f64], &[f64])], paired: bool) -> Option<Interval> {
    let varies = |pair: &&(&[f64], &[f64])| pair.0.len() > 1 && pair.1.len() > 1;
    if queries.iter().filter(varies).count() == 0 {
        return None;
    }
    let samples: usize = queries.iter().map(|pair| pair.0.len() + pair.1.len()).sum();
    let draws = (DRAWN_SAMPLES / samples.max(1)).clamp(*DRAWS.start(), *DRAWS.end());
    let mut random = fastrand::Rng::with_seed(1);
    let mut means = Vec::with_capacity(draws);
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for _ in 0..draws {
        let ratios = queries.iter().filter_map(|(numerator, denominator)| {
            above.clear();
            below.clear();
            for index in 0..numerator.len() {
                let drawn = random.usize(..numerator.len());
                above.push(numerator[drawn]);
                if paired && index < denominator.len() {
                    below.push(denominator[drawn.min(denominator.len() - 1)]);
                }
            }
            while below.len() < denominator.len() {
                below.push(denominator[random.usize(..denominator.len())]);
            }
            Some(middle(&mut above)? / middle(&mut below)?)
        });
        means.extend(geometric_mean(ratios));
    }
    Some(Interval {
        low: quantile(&means, TAIL)?,
        high: quantile(&means, 1.0 - TAIL)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    #[test]
    fn medians_and_quantiles() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.25), Some(1.5));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(geometric_mean([2.0, 8.0]), Some(4.0));
        assert_eq!(geometric_mean([]), None);
        assert_eq!(geometric_mean([0.0]), Some(0.0));
    }

    /// The tables of the sign test: the values that are cut off at each end.
    #[test]
    fn intervals_are_those_of_tables() {
        for (length, cut) in [
            (6, 1),
            (8, 1),
            (9, 2),
            (10, 2),
            (12, 3),
            (20, 6),
            (30, 10),
            (100, 40),
        ] {
            let values: Vec<f64> = (1..=length).map(f64::from).collect();
            let interval = median_interval(&values).unwrap();
            let expected = (f64::from(cut), f64::from(length - cut + 1));
            assert_eq!((interval.low, interval.high), expected, "{length}");
        }
        assert_eq!(median_interval(&[1.0; 5]), None);
        let many: Vec<f64> = (0..4000).map(f64::from).collect();
        let interval = median_interval(&many).unwrap();
        assert!(
            interval.low > 1900.0 && interval.high < 2100.0,
            "{interval:?}"
        );
    }

    #[test]
    fn an_interval_of_ratios_holds_what_is_true() {
        let first: Vec<f64> = (0..40).map(|n| 10.0 + f64::from(n % 7)).collect();
        let twice: Vec<f64> = first.iter().map(|value| value * 2.0).collect();
        // What disturbs both sides alike does not widen it.
        let paired = ratio_interval(&[(&twice, &first)], true).unwrap();
        assert!((paired.low - 2.0).abs() < 1e-9 && (paired.high - 2.0).abs() < 1e-9);
        let apart = ratio_interval(&[(&twice, &first)], false).unwrap();
        assert!(apart.low < 2.0 && 2.0 < apart.high, "{apart:?}");
        assert_eq!(apart, ratio_interval(&[(&twice, &first)], false).unwrap());
        assert_eq!(ratio_interval(&[(&[1.0], &[2.0])], false), None);
        assert_eq!(ratio_interval(&[(&[], &[2.0])], true), None);
    }

    proptest! {
        #[test]
        fn the_median_has_as_many_below_as_above(
            values in prop::collection::vec(-1e6f64..1e6, 1..50),
        ) {
            let found = median(&values).unwrap();
            let sorted = sorted(&values);
            let length = sorted.len();
            let plain = (sorted[(length - 1) / 2] + sorted[length / 2]) / 2.0;
            prop_assert!((found - plain).abs() <= 1e-9 * plain.abs().max(1.0));
            let interpolated = quantile(&values, 0.5).unwrap();
            prop_assert!((found - interpolated).abs() <= 1e-9 * plain.abs().max(1.0));
        }

        /// The binomial distribution by its plain definition.
        #[test]
        fn an_interval_cuts_off_what_the_coin_says(length in 1usize..60) {
            let values: Vec<f64> = (1..=length).map(|value| value as f64).collect();
            let choose = |k: usize| {
                (0..k).fold(1.0, |all, i| all * (length - i) as f64 / (i + 1) as f64)
            };
            let below = |k: usize| {
                (0..k).map(choose).sum::<f64>() / 2f64.powi(length as i32)
            };
            let cut = (0..=length).rev().find(|k| below(*k) <= TAIL).unwrap();
            let found = median_interval(&values);
            prop_assert_eq!(found.map(|interval| interval.low), (cut > 0).then_some(cut as f64));
        }

        #[test]
        fn a_quantile_lies_between_its_neighbours(
            values in prop::collection::vec(-1e6f64..1e6, 1..50),
            share in 0.0f64..=1.0,
        ) {
            let found = quantile(&values, share).unwrap();
            let below = values.iter().filter(|value| **value < found - 1e-6).count() as f64;
            let above = values.iter().filter(|value| **value > found + 1e-6).count() as f64;
            let last = (values.len() - 1) as f64;
            prop_assert!(below <= share * last + 1.0);
            prop_assert!(above <= (1.0 - share) * last + 1.0);
        }

        #[test]
        fn a_mean_of_ratios_is_the_ratio_of_means(
            pairs in prop::collection::vec((1e-3f64..1e3, 1e-3f64..1e3), 1..20),
        ) {
            let mean = |values: Vec<f64>| geometric_mean(values).unwrap();
            let ratios = mean(pairs.iter().map(|(a, b)| a / b).collect());
            let apart = mean(pairs.iter().map(|pair| pair.0).collect())
                / mean(pairs.iter().map(|pair| pair.1).collect());
            prop_assert!((ratios / apart - 1.0).abs() < 1e-9);
        }

        #[test]
        fn any_samples_are_taken(
            first in prop::collection::vec(any::<f64>(), 0..9),
            second in prop::collection::vec(any::<f64>(), 0..9),
            paired: bool,
        ) {
            median(&first);
            quantile(&first, 0.9);
            median_interval(&first);
            ratio_interval(&[(&first, &second)], paired);
        }
    }
}
