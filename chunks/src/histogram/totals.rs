//! Decodes histogram chunks without their buckets, which are passed over.

use super::columns::HistogramColumns;
use super::decode::{CountReader, MemoryBound, Samples, Totals, counter_reset};
use super::layout::HistogramLayout;
use super::reduce;
use crate::error::ChunkError;

/// Decodes a chunk into empty columns without buckets. If `ends` are given, the
/// first sample and the last one that is no stale marker are decoded to them
/// whole.
pub(super) fn decode<C: CountReader>(
    bytes: &[u8],
    with_start: bool,
    columns: &mut HistogramColumns,
    mut ends: Option<&mut HistogramColumns>,
) -> Result<(), ChunkError> {
    columns.counter_reset = counter_reset(bytes, with_start)?;
    let Some(mut chunk) = Samples::<C>::new(bytes, with_start, &mut columns.memory)? else {
        return Ok(());
    };
    let bound = MemoryBound {
        samples: chunk.samples,
        width: chunk.width,
        bytes: bytes.len(),
    };
    bound.reserve(columns, 0);
    let mut last = None;
    for sample in 0..chunk.samples {
        let corrupt = |what| ChunkError::Corrupt { sample, what };
        let totals = chunk.next(i64::MAX, |buckets| {
            let first = buckets.first();
            let read = match (buckets.stored(), ends.is_some()) {
                (false, _) => Ok(()),
                (true, false) => buckets.counts.skip(buckets.r, first),
                (true, true) => buckets.counts.advance(buckets.r, first),
            };
            read.map_err(corrupt)
        })?;
        let Some(totals) = totals else {
            break;
        };
        totals.push_to(columns);
        if sample == 0
            && let Some(ends) = &mut ends
        {
            push_row(&chunk, &totals, ends).map_err(corrupt)?;
        } else if !totals.stale {
            last = Some((sample, totals));
        }
    }
    if let Some(ends) = ends {
        if let Some((sample, totals)) = last {
            let pushed = push_row(&chunk, &totals, ends);
            pushed.map_err(|what| ChunkError::Corrupt { sample, what })?;
        }
        ends.counter_reset = chunk.counter_reset;
        ends.layout = chunk.layout.clone();
        reduce::to_used_schema(ends);
    }
    columns.layout = HistogramLayout {
        positive_spans: Vec::new(),
        negative_spans: Vec::new(),
        ..chunk.layout
    };
    reduce::to_used_schema(columns);
    columns.memory = chunk.counts.into_memory();
    Ok(())
}

/// Appends a sample with the buckets that were read last.
fn push_row<C: CountReader>(
    chunk: &Samples<'_, C>,
    totals: &Totals,
    rows: &mut HistogramColumns,
) -> Result<(), &'static str> {
    let from = rows.buckets.len();
    rows.buckets.resize(from + chunk.width, 0.0);
    if !totals.stale {
        chunk.counts.row(&mut rows.buckets[from..])?;
    }
    totals.push_to(rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::tests::{ALL, chunk, encoded, samples_of};
    use super::super::{decode_histogram_totals, decode_histograms};
    use super::*;
    use crate::encoding::Encoding;

    /// Whether decoding buckets alone finds this.
    fn is_of_buckets(error: &ChunkError) -> bool {
        match error {
            ChunkError::TooLarge { .. } => true,
            ChunkError::Corrupt { what, .. } => what.starts_with("a bucket"),
            _ => false,
        }
    }

    /// Bits of all but the buckets of some samples.
    fn bits(columns: &HistogramColumns, samples: &[usize]) -> Vec<(i64, i64, [u64; 3])> {
        let of = |&i: &usize| {
            let floats = [columns.counts[i], columns.zero_counts[i], columns.sums[i]];
            let times = (columns.timestamps[i], columns.start_timestamps[i]);
            (times.0, times.1, floats.map(f64::to_bits))
        };
        samples.iter().map(of).collect()
    }

    /// Totals are those of whole samples, and so are their errors.
    fn as_whole(encoding: Encoding, bytes: &[u8]) -> Result<(), TestCaseError> {
        let mut whole = HistogramColumns::default();
        let decoded = decode_histograms(encoding, bytes, &mut whole);
        for with_ends in [false, true] {
            let [mut totals, mut ends] = [HistogramColumns::default(), HistogramColumns::default()];
            totals.sums.push(1.0);
            ends.sums.push(1.0);
            let to = with_ends.then_some(&mut ends);
            let got = decode_histogram_totals(encoding, bytes, &mut totals, to);
            if got.is_err() {
                prop_assert_eq!(&totals, &HistogramColumns::default());
                prop_assert!(!with_ends || ends == HistogramColumns::default());
            }
            if let Err(error) = &decoded {
                prop_assert!(is_of_buckets(error) || got.as_ref() == Err(error));
                continue;
            }
            prop_assert_eq!(got, Ok(()));
            let all: Vec<usize> = (0..whole.len()).collect();
            prop_assert_eq!(totals.len(), all.len());
            prop_assert_eq!(bits(&totals, &all), bits(&whole, &all));
            prop_assert_eq!((totals.layout.buckets(), totals.buckets.len()), (0, 0));
            prop_assert_eq!(totals.layout.schema, whole.layout.schema);
            prop_assert_eq!(totals.counter_reset, whole.counter_reset);
            if with_ends {
                let last = all.iter().rev().find(|&&i| i > 0 && !whole.is_stale(i));
                let wanted: Vec<usize> = all.first().into_iter().chain(last).copied().collect();
                prop_assert_eq!(&ends.layout, &whole.layout);
                let rows: Vec<usize> = (0..ends.len()).collect();
                prop_assert_eq!(bits(&ends, &rows), bits(&whole, &wanted));
                for (row, &sample) in wanted.iter().enumerate() {
                    prop_assert_eq!(ends.row(row), whole.row(sample));
                }
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn totals_are_those_of_whole_samples(
            (layout, raw) in chunk(),
            with_start in any::<bool>(),
            flips in vec(any::<Index>(), 0..4),
            cut in any::<Index>(),
        ) {
            let integers = encoded(&layout, &samples_of(&raw, |c| c), with_start);
            let floats = encoded(&layout, &samples_of(&raw, |c| c as f64), with_start);
            let chunks = [
                (integers.encoding(), integers.bytes()),
                (floats.encoding(), floats.bytes()),
            ];
            for (encoding, bytes) in chunks {
                as_whole(encoding, bytes)?;
                let mut bytes = bytes.to_vec();
                for flip in &flips {
                    let bit = flip.index(bytes.len() * 8);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
                as_whole(encoding, &bytes)?;
                bytes.truncate(cut.index(bytes.len() + 1));
                as_whole(encoding, &bytes)?;
            }
        }

        #[test]
        fn totals_of_random_bytes_are_those_of_whole_samples(bytes in vec(any::<u8>(), 0..300)) {
            for encoding in ALL {
                as_whole(encoding, &bytes)?;
            }
        }
    }
}
