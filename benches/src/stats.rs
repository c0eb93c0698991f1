//! Medians and means.

/// The value below which this part of all values lies; of an even number the
/// upper middle one is the median.
pub fn quantile(values: &[u64], part: f64) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1)?;
    let at = (part.clamp(0.0, 1.0) * sorted.len() as f64) as usize;
    sorted.get(at.min(last)).copied()
}

/// The median.
pub fn median(values: &[u64]) -> Option<u64> {
    quantile(values, 0.5)
}

/// The geometric mean of positive numbers; others are left out.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut logs, mut count) = (0.0, 0_u32);
    for value in values {
        if value > 0.0 && value.is_finite() {
            logs += value.ln();
            count += 1;
        }
    }
    (count > 0).then(|| (logs / f64::from(count)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3]), Some(3));
        assert_eq!(median(&[9, 1, 5]), Some(5));
        assert_eq!(median(&[4, 1, 3, 2]), Some(3));
        let hundred: Vec<u64> = (0..100).collect();
        assert_eq!(quantile(&hundred, 0.99), Some(99));
        assert_eq!(quantile(&hundred, 0.0), Some(0));
        assert_eq!(quantile(&hundred, 1.0), Some(99));
    }

    #[test]
    fn geometric_means() {
        assert_eq!(geometric_mean([]), None);
        assert_eq!(geometric_mean([0.0, f64::NAN, f64::INFINITY]), None);
        let mean = geometric_mean([2.0, 8.0, 0.0]).expect("a mean");
        assert!((mean - 4.0).abs() < 1e-12);
    }
}
