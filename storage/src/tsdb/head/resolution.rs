//! Reduces histograms of a finer resolution than Prometheus 3.16 supports, which
//! a later version may have logged, by adding up neighbouring buckets.

use super::histogram::{Counts, Span, WalHistogram};

/// The finest supported schema of exponential buckets.
pub(super) const FINEST: i32 = 8;

/// Reduces a histogram to the finest supported schema if it is finer.
///
/// # Errors
/// When spans go backwards or need more buckets than there are.
pub(super) fn reduce(histogram: &mut WalHistogram) -> Result<(), &'static str> {
    let Ok(shift @ 1..) = u32::try_from(histogram.schema - FINEST) else {
        return Ok(());
    };
    let WalHistogram {
        positive_spans,
        negative_spans,
        counts,
        ..
    } = histogram;
    match counts {
        Counts::Integer {
            positive, negative, ..
        } => {
            for (spans, deltas) in [(positive_spans, positive), (negative_spans, negative)] {
                let mut sum = 0i64;
                let absolute = deltas.iter().map(|d| {
                    sum = sum.wrapping_add(*d);
                    sum
                });
                let absolute: Vec<i64> = absolute.collect();
                let merged = merge(spans, &absolute, shift, i64::wrapping_add)?;
                *spans = merged.0;
                let before = std::iter::once(0).chain(merged.1.iter().copied());
                *deltas = merged
                    .1
                    .iter()
                    .zip(before)
                    .map(|(b, a)| b.wrapping_sub(a))
                    .collect();
            }
        }
        Counts::Float {
            positive, negative, ..
        } => {
            for (spans, buckets) in [(positive_spans, positive), (negative_spans, negative)] {
                (*spans, *buckets) = merge(spans, buckets, shift, |a, b| a + b)?;
            }
        }
    }
    histogram.schema = FINEST;
    Ok(())
}

fn merge<T: Copy>(
    spans: &[Span],
    buckets: &[T],
    shift: u32,
    add: impl Fn(T, T) -> T,
) -> Result<(Vec<Span>, Vec<T>), &'static str> {
    let mut merged: (Vec<Span>, Vec<T>) = Default::default();
    let mut rest = buckets.iter();
    let mut index = 0i32;
    let mut last = 0i32;
    for (n, span) in spans.iter().enumerate() {
        if n > 0 && span.offset < 0 {
            return Err("a histogram's spans go backwards");
        }
        index = index.wrapping_add(span.offset);
        for _ in 0..span.length {
            let bucket = *rest
                .next()
                .ok_or("a histogram has fewer buckets than spans")?;
            let target = (index.wrapping_sub(1) >> shift.min(31)).wrapping_add(1);
            index = index.wrapping_add(1);
            match (merged.0.last_mut(), merged.1.last_mut()) {
                (Some(_), Some(sum)) if target == last => *sum = add(*sum, bucket),
                (Some(span), _) if target == last.wrapping_add(1) => {
                    span.length += 1;
                    merged.1.push(bucket);
                }
                (before, _) => {
                    let offset = match before {
                        None => target,
                        Some(_) => target.wrapping_sub(last).wrapping_sub(1),
                    };
                    merged.0.push(Span { offset, length: 1 });
                    merged.1.push(bucket);
                }
            }
            last = target;
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(list: &[(i32, u32)]) -> Vec<Span> {
        list.iter()
            .map(|(offset, length)| Span {
                offset: *offset,
                length: *length,
            })
            .collect()
    }

    #[test]
    fn neighbouring_buckets_are_added_up() {
        let (positive_spans, negative_spans) = (spans(&[(-2, 3), (5, 2)]), spans(&[(0, 1)]));
        let mut whole = WalHistogram {
            schema: 9,
            positive_spans,
            negative_spans,
            counts: Counts::Integer {
                count: 20,
                zero_count: 0,
                // 1, 3, 2 at -2, -1, 0 and 4, 5 at 6, 7.
                positive: vec![1, 2, -1, 2, 1],
                negative: vec![5],
            },
            ..WalHistogram::stale(false, 1.0)
        };
        reduce(&mut whole).unwrap();
        // Buckets 2i - 1 and 2i become i: 1 at -1, 3 + 2 at 0, 4 at 3, 5 at 4.
        assert_eq!(
            (whole.schema, &whole.positive_spans),
            (8, &spans(&[(-1, 2), (2, 2)]))
        );
        let Counts::Integer {
            positive, negative, ..
        } = &whole.counts
        else {
            panic!()
        };
        assert_eq!((positive, negative), (&vec![1, 4, -1, 1], &vec![5]));
        let before = whole.clone();
        reduce(&mut whole).unwrap();
        assert_eq!(whole, before);
        whole.schema = 52;
        whole.positive_spans.push(Span {
            offset: 1,
            length: u32::MAX,
        });
        assert!(reduce(&mut whole).is_err());
    }
}
