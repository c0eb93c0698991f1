use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::bits::BitWriter;

/// Spans with gaps; some are empty.
fn spans(first: std::ops::Range<i32>) -> impl Strategy<Value = Vec<Span>> {
    (first, vec((0i32..5, 0u32..4), 0..4)).prop_map(|(first, spans)| {
        let spans = spans.into_iter().enumerate();
        spans
            .map(|(i, (offset, length))| Span {
                offset: if i == 0 { first } else { offset },
                length,
            })
            .collect()
    })
}

fn layout() -> impl Strategy<Value = HistogramLayout> {
    let threshold = prop_oneof![
        Just(0.0),
        Just(2f64.powi(-128)),
        any::<u32>().prop_map(f64::from)
    ];
    let exponential = (-9i32..=8, threshold, spans(-40..40), spans(-40..40)).prop_map(
        |(schema, zero_threshold, positive_spans, negative_spans)| HistogramLayout {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values: vec![],
        },
    );
    let custom = (spans(0..4), any::<i16>(), vec(1u16..3000, 30)).prop_map(
        |(positive_spans, first, steps)| {
            let mut bound = f64::from(first);
            let ascend = |step: &u16| {
                bound += f64::from(*step) / 128.0;
                bound
            };
            HistogramLayout {
                schema: CUSTOM_SCHEMA,
                positive_spans,
                custom_values: steps.iter().map(ascend).collect(),
                ..HistogramLayout::default()
            }
        },
    );
    prop_oneof![3 => exponential, 1 => custom]
}

/// Of a sample: time since the previous one, start timestamp, count, zero count,
/// bits of the sum, buckets.
pub(super) type Raw = (i64, i64, u64, u64, u64, Vec<u64>);

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0u64..10,
        2 => 0u64..1_000_000,
        1 => 0u64..1 << 52,
        1 => 0u64..=i64::MAX as u64,
    ]
}

/// A layout with samples for it.
pub(super) fn chunk() -> impl Strategy<Value = (HistogramLayout, Vec<Raw>)> {
    layout().prop_flat_map(|layout| {
        let width = layout.buckets();
        let gap = prop_oneof![4 => Just(15_000i64), 2 => 0i64..100_000, 1 => any::<i64>()];
        let start = prop_oneof![2 => Just(0i64), 1 => any::<i32>().prop_map(i64::from)];
        let zero = if layout.is_custom() {
            Just(0u64).boxed()
        } else {
            count().boxed()
        };
        let sample = (
            gap,
            start,
            any::<u64>(),
            zero,
            any::<u64>(),
            vec(count(), width),
        );
        (Just(layout), vec(sample, 0..40))
    })
}

/// Histograms of samples; stale markers only at the end.
pub(super) fn samples_of<C: Count>(
    raw: &[Raw],
    count: impl Fn(u64) -> C,
) -> Vec<(i64, i64, Histogram<C>)> {
    let (mut t, mut stale) = (1_700_000_000_000i64, false);
    let mut samples = Vec::new();
    for (number, (gap, start, all, zero, sum, buckets)) in raw.iter().enumerate() {
        t = t.wrapping_add(*gap);
        stale |= number > 5 && sum.is_multiple_of(8);
        let mut histogram = Histogram::stale();
        if !stale {
            histogram.count = count(*all);
            histogram.zero_count = count(*zero);
            histogram.sum = f64::from_bits(sum | 1);
            histogram.buckets = buckets.iter().map(|&c| count(c)).collect();
        }
        samples.push((*start, t, histogram));
    }
    samples
}

pub(super) fn encoded<C: Count>(
    layout: &HistogramLayout,
    samples: &[(i64, i64, Histogram<C>)],
    with_start: bool,
) -> HistogramEncoder<C> {
    let mut encoder =
        HistogramEncoder::new(layout.clone(), CounterReset::NoReset, with_start).unwrap();
    for (start, t, histogram) in samples {
        encoder.append(*start, *t, histogram.sample()).unwrap();
    }
    encoder
}

/// Checks that decoded samples are the encoded ones.
fn check<C: Count>(
    layout: &HistogramLayout,
    samples: &[(i64, i64, Histogram<C>)],
    with_start: bool,
    float: impl Fn(C) -> f64,
) -> Result<(), TestCaseError> {
    let encoder = encoded(layout, samples, with_start);
    let mut columns = HistogramColumns::default();
    decode_histograms(encoder.encoding(), encoder.bytes(), &mut columns).unwrap();
    prop_assert_eq!(columns.len(), samples.len());
    if !samples.is_empty() {
        prop_assert_eq!(&columns.layout, layout);
        prop_assert_eq!(columns.counter_reset, CounterReset::NoReset);
    }
    for (i, (start, t, histogram)) in samples.iter().enumerate() {
        prop_assert_eq!(columns.timestamps[i], *t);
        prop_assert_eq!(
            columns.start_timestamps[i],
            if with_start { *start } else { 0 }
        );
        prop_assert_eq!(columns.sums[i].to_bits(), histogram.sum.to_bits());
        let totals = [columns.counts[i], columns.zero_counts[i]].map(f64::to_bits);
        let want = [histogram.count, histogram.zero_count].map(|c| float(c).to_bits());
        prop_assert_eq!(totals, want);
        let mut row: Vec<f64> = histogram.buckets.iter().map(|&c| float(c)).collect();
        row.resize(layout.buckets(), 0.0);
        prop_assert_eq!(columns.row(i), row);
    }
    Ok(())
}

proptest! {
    #[test]
    fn encoded_samples_are_decoded((layout, raw) in chunk(), with_start in any::<bool>()) {
        check(&layout, &samples_of(&raw, |c| c), with_start, |c| c as f64)?;
        check(&layout, &samples_of(&raw, |c| c as f64 / 3.0), with_start, |c| c)?;
    }

    #[test]
    fn built_chunks_are_decoded(
        parts in vec(chunk(), 1..6),
        hints in vec(0u8..8, 240),
        with_start in any::<bool>(),
    ) {
        let mut builder = HistogramBuilder::<u64>::new(with_start);
        let mut pushed = Vec::new();
        for (layout, raw) in &parts {
            for (start, _, mut histogram) in samples_of(raw, |c| c) {
                if !histogram.sample().is_stale() {
                    histogram.layout = layout.clone();
                }
                histogram.counter_reset = match hints[pushed.len()] {
                    0 => CounterReset::Reset,
                    1..4 => CounterReset::Gauge,
                    _ => CounterReset::Unknown,
                };
                let t = 1_000 * pushed.len() as i64;
                builder.push(start, t, &histogram).unwrap();
                pushed.push(histogram);
            }
        }
        let (mut seen, mut columns) = (0, HistogramColumns::default());
        for chunk in builder.finish().unwrap() {
            decode_histograms(chunk.encoding, &chunk.bytes, &mut columns).unwrap();
            prop_assert_eq!(columns.len(), chunk.samples);
            for i in 0..columns.len() {
                let histogram = &pushed[seen];
                prop_assert_eq!(columns.timestamps[i], 1_000 * seen as i64);
                prop_assert_eq!(columns.sums[i].to_bits(), histogram.sum.to_bits());
                prop_assert_eq!(columns.counts[i], histogram.count as f64);
                let floats: Vec<f64> = histogram.buckets.iter().map(|&c| c as f64).collect();
                let want = populated(&histogram.layout, &floats);
                prop_assert_eq!(populated(&columns.layout, columns.row(i)), want);
                seen += 1;
            }
        }
        prop_assert_eq!(seen, pushed.len());
    }

    #[test]
    fn damaged_chunks_give_an_error_or_samples_but_never_a_panic(
        (layout, raw) in chunk(),
        cut in any::<Index>(),
        flips in vec(any::<Index>(), 0..4),
        with_start in any::<bool>(),
        is_float in any::<bool>(),
    ) {
        let (encoding, mut bytes) = if is_float {
            let encoder = encoded(&layout, &samples_of(&raw, |c| c as f64), with_start);
            (encoder.encoding(), encoder.bytes().to_vec())
        } else {
            let encoder = encoded(&layout, &samples_of(&raw, |c| c), with_start);
            (encoder.encoding(), encoder.bytes().to_vec())
        };
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        consistent(encoding, &bytes)?;
    }

    #[test]
    fn samples_are_appended_as_they_are_decoded(
        (layout, raw) in chunk(),
        (other, more) in chunk(),
        (cut, from, to) in any::<(Index, Index, Index)>(),
        with_start in any::<bool>(),
    ) {
        let (first, second) = raw.split_at(cut.index(raw.len() + 1));
        let chunks = [(&layout, first), (&layout, second), (&other, &more[..])];
        let mut columns = HistogramColumns::default();
        for (of, raw) in chunks {
            let chunk = encoded(of, &samples_of(raw, |c| c), with_start);
            let before = columns.clone();
            let mut alone = HistogramColumns::default();
            decode_histograms(chunk.encoding(), chunk.bytes(), &mut alone).unwrap();
            let ascending = alone.timestamps.is_sorted();
            let time = |i: &Index| match alone.is_empty() || !ascending {
                true => None,
                false => Some(alone.timestamps[i.index(alone.len())]),
            };
            let times = time(&from).unwrap_or(i64::MIN)..=time(&to).unwrap_or(i64::MAX);
            let wanted: Vec<usize> =
                (0..alone.len()).filter(|&i| times.contains(&alone.timestamps[i])).collect();
            let earlier = alone.timestamps.iter().filter(|t| *t < times.start()).count();
            let appended =
                append_histograms(chunk.encoding(), chunk.bytes(), times.clone(), &mut columns)
                    .unwrap();
            let fits = before.is_empty() || raw.is_empty() || before.layout == *of;
            if !fits {
                prop_assert_eq!(appended, None);
                prop_assert_eq!(columns.len(), before.len());
                continue;
            }
            if !times.is_empty() {
                prop_assert_eq!(appended, Some(earlier));
            }
            prop_assert_eq!(columns.len(), before.len() + wanted.len());
            let sample = |c: &HistogramColumns, i: usize| {
                let floats = [c.counts[i], c.zero_counts[i], c.sums[i]].map(f64::to_bits);
                (c.timestamps[i], c.start_timestamps[i], floats, c.row(i).to_vec())
            };
            for i in 0..before.len() {
                prop_assert_eq!(sample(&columns, i), sample(&before, i));
            }
            for (i, &from) in wanted.iter().enumerate() {
                prop_assert_eq!(sample(&columns, before.len() + i), sample(&alone, from));
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        for encoding in ALL {
            consistent(encoding, &bytes)?;
        }
    }

    #[test]
    fn every_truncation_is_found((layout, raw) in chunk(), with_start in any::<bool>()) {
        let encoder = encoded(&layout, &samples_of(&raw, |c| c), with_start);
        let mut columns = HistogramColumns::default();
        if encoder.samples() > 0 {
            for length in 0..encoder.bytes().len() {
                let part = &encoder.bytes()[..length];
                prop_assert!(decode_histograms(encoder.encoding(), part, &mut columns).is_err());
            }
        }
    }
}

pub(super) const ALL: [Encoding; 4] = [
    Encoding::Histogram,
    Encoding::HistogramSt,
    Encoding::FloatHistogram,
    Encoding::FloatHistogramSt,
];

/// Sign, index and count of the buckets that have counts.
fn populated(layout: &HistogramLayout, row: &[f64]) -> Vec<(bool, i32, u64)> {
    let positive = layout::indices(&layout.positive_spans).map(|index| (true, index));
    let negative = layout::indices(&layout.negative_spans).map(|index| (false, index));
    let buckets = positive.chain(negative).zip(row);
    buckets
        .filter(|(_, count)| **count != 0.0)
        .map(|((positive, index), count)| (positive, index, count.to_bits()))
        .collect()
}

/// Decodes any bytes: an error leaves no samples, an answer is consistent.
fn consistent(encoding: Encoding, bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut columns = HistogramColumns::default();
    columns.timestamps.push(1);
    match decode_histograms(encoding, bytes, &mut columns) {
        Err(_) => prop_assert_eq!(&columns, &HistogramColumns::default()),
        Ok(()) => {
            let samples = columns.len();
            let lengths = [
                columns.start_timestamps.len(),
                columns.counts.len(),
                columns.zero_counts.len(),
                columns.sums.len(),
            ];
            prop_assert_eq!(lengths, [samples; 4]);
            prop_assert_eq!(columns.buckets.len(), samples * columns.layout.buckets());
            prop_assert_eq!(columns.layout.validate(), Ok(()));
        }
    }
    Ok(())
}

/// A chunk whose content after the header `write` writes.
fn crafted(samples: u16, write: impl Fn(&mut BitWriter)) -> Result<HistogramColumns, ChunkError> {
    let [high, low] = samples.to_be_bytes();
    let mut out = BitWriter::new(&[high, low, 0]);
    write(&mut out);
    // Zeros, enough for the rest of the chunk.
    (0..40).for_each(|_| out.write(0, 64));
    let mut columns = HistogramColumns::default();
    decode_histograms(Encoding::Histogram, &out.bytes, &mut columns).map(|()| columns)
}

/// Writes a layout of schema 0 with positive spans only.
fn write_layout(out: &mut BitWriter, spans: &[(u64, i64)]) {
    out.write(0, 8);
    out.varbit_int(0);
    out.varbit_uint(spans.len() as u64);
    for &(length, offset) in spans {
        out.varbit_uint(length);
        out.varbit_int(offset);
    }
    out.varbit_uint(0);
}

#[test]
fn invalid_layouts_are_refused() {
    fn layout<T>(error: LayoutError) -> Result<T, ChunkError> {
        Err(ChunkError::Layout(error))
    }
    for schema in [-54, -52, -10, 53, 1 << 40] {
        let got = crafted(1, |out| {
            out.write(0, 8);
            out.varbit_int(schema);
        });
        assert_eq!(got, layout(LayoutError::UnknownSchema(schema)));
    }
    let spans = |spans: &[(u64, i64)]| {
        crafted(1, |out| write_layout(out, spans)).map(|c| c.layout.buckets())
    };
    assert_eq!(spans(&[(2, 5), (1, 0)]), Ok(3));
    assert_eq!(
        spans(&[(2, 5), (1, -1)]),
        layout(LayoutError::NegativeOffset {
            span: 1,
            offset: -1
        })
    );
    assert_eq!(
        spans(&[(2, i64::from(i32::MAX))]),
        layout(LayoutError::IndexOutOfRange(0))
    );
    assert_eq!(
        spans(&[(1, i64::from(i32::MIN))]),
        layout(LayoutError::IndexOutOfRange(0))
    );
    assert_eq!(
        spans(&[(1, 1 << 40)]),
        layout(LayoutError::IndexOutOfRange(0))
    );
    assert_eq!(
        spans(&[(1 << 20, 0)]),
        layout(LayoutError::TooManyBuckets(1 << 20))
    );
    assert_eq!(
        spans(&[(1 << 33, 0)]),
        layout(LayoutError::TooManyBuckets(1 << 33))
    );
    assert_eq!(
        spans(&[(100_000, 0)]),
        Err(ChunkError::Truncated {
            sample: 0,
            samples: 1
        }),
        "more buckets than bits"
    );
    let got = crafted(1, |out| {
        out.write(0, 8);
        out.varbit_int(0);
        out.varbit_uint(u64::MAX);
    });
    assert_eq!(got, layout(LayoutError::TooLong(u64::MAX)));
    let got = crafted(1, |out| {
        out.write(255, 8);
        out.write(f64::NAN.to_bits(), 64);
        out.varbit_int(0);
    });
    assert_eq!(got, layout(LayoutError::NoZeroThreshold));
}

#[test]
fn custom_layouts_are_checked() {
    let custom = |bounds: &[f64], length: u32| HistogramLayout {
        schema: CUSTOM_SCHEMA,
        positive_spans: vec![Span { offset: 0, length }],
        custom_values: bounds.to_vec(),
        ..HistogramLayout::default()
    };
    assert_eq!(custom(&[1.0, 2.0], 3).validate(), Ok(()));
    assert_eq!(custom(&[], 1).validate(), Ok(()));
    assert_eq!(
        custom(&[1.0, 2.0], 4).validate(),
        Err(LayoutError::TooFewCustomBounds {
            bounds: 2,
            bucket: 3
        })
    );
    for (bounds, bad) in [
        (&[f64::NAN, 1.0] as &[f64], 1),
        (&[f64::NAN], 0),
        (&[1.0, 1.0], 1),
        (&[1.0, f64::NAN], 1),
        (&[1.0, f64::INFINITY], 1),
    ] {
        assert_eq!(
            custom(bounds, 1).validate(),
            Err(LayoutError::BadCustomBound(bad))
        );
    }
    let mut layout = custom(&[1.0], 1);
    layout.zero_threshold = 1.0;
    assert_eq!(layout.validate(), Err(LayoutError::CustomWithOthers));
    let mut layout = custom(&[1.0], 1);
    layout.schema = 0;
    assert_eq!(
        layout.validate(),
        Err(LayoutError::BoundsWithoutCustomSchema(0))
    );
    let mut layout = custom(&[1.0], 1);
    layout.positive_spans[0].offset = -1;
    assert_eq!(
        layout.validate(),
        Err(LayoutError::NegativeOffset {
            span: 0,
            offset: -1
        })
    );
}

#[test]
fn counts_that_overflow_or_fall_below_zero_are_refused() {
    let of = |steps: [i64; 2]| {
        crafted(1, |out| {
            write_layout(out, &[(2, 0)]);
            out.varbit_int(1);
            out.varbit_uint(5);
            out.varbit_uint(0);
            out.write(0, 64);
            steps.iter().for_each(|&step| out.varbit_int(step));
        })
        .map(|columns| columns.buckets)
    };
    assert_eq!(of([3, -3]), Ok(vec![3.0, 0.0]));
    assert_eq!(of([i64::MAX, 0]), Ok(vec![i64::MAX as f64; 2]));
    let what = "a bucket with a negative or overflowing count";
    for steps in [[3, -4], [-1, 5], [i64::MAX, 1], [i64::MIN, i64::MIN]] {
        assert_eq!(of(steps), Err(ChunkError::Corrupt { sample: 0, what }));
    }
}

#[test]
fn stale_markers_have_bounded_memory() {
    let buckets = 4_000u64;
    let stale = crate::xor2::STALE_NAN;
    let got = crafted(u16::MAX, |out| {
        write_layout(out, &[(buckets, 0)]);
        out.varbit_int(1);
        out.write(0, 2);
        out.write(0, 64);
        (0..buckets).for_each(|_| out.varbit_int(0));
        for sample in 1..u16::MAX {
            out.write(0, 3);
            if sample > 1 {
                out.write(0, 1);
                continue;
            }
            out.write(0b11, 2);
            out.write(0, 11);
            out.write(stale, 64);
        }
    });
    assert!(matches!(got, Err(ChunkError::TooLarge { .. })), "{got:?}");
}

#[test]
fn encoders_refuse_invalid_samples() {
    let layout = HistogramLayout {
        positive_spans: vec![Span {
            offset: 0,
            length: 1,
        }],
        ..HistogramLayout::default()
    };
    let mut encoder = HistogramEncoder::new(layout.clone(), CounterReset::Unknown, true).unwrap();
    let sample = |buckets| HistogramSample {
        count: 1u64,
        zero_count: 0,
        sum: 1.0,
        buckets,
    };
    let wrong = EncodeError::WrongBuckets {
        expected: 1,
        got: 2,
    };
    assert_eq!(encoder.append(0, 0, sample(&[1, 2])), Err(wrong));
    let large = EncodeError::CountTooLarge(u64::MAX);
    assert_eq!(encoder.append(0, 0, sample(&[u64::MAX])), Err(large));
    assert_eq!(encoder.samples(), 0);
    for t in 0..0x3fff {
        encoder.append(0, t, sample(&[1])).unwrap();
    }
    assert_eq!(
        encoder.append(0, 1 << 20, sample(&[1])),
        Err(EncodeError::Full)
    );
    let mut encoder = HistogramEncoder::new(layout, CounterReset::Unknown, false).unwrap();
    encoder.append(0, 0, sample(&[1])).unwrap();
    encoder.append(0, 1, Histogram::stale().sample()).unwrap();
    assert_eq!(
        encoder.append(0, 2, sample(&[1])),
        Err(EncodeError::AfterStale)
    );
    let absurd = HistogramLayout {
        schema: 99,
        ..HistogramLayout::default()
    };
    let got = HistogramEncoder::<f64>::new(absurd, CounterReset::Unknown, false);
    assert_eq!(
        got.err(),
        Some(EncodeError::Layout(LayoutError::UnknownSchema(99)))
    );
}

#[test]
fn floats_are_not_histograms() {
    let mut columns = HistogramColumns::default();
    for encoding in [Encoding::Xor, Encoding::Xor2] {
        let got = decode_histograms(encoding, &[0, 0, 0], &mut columns);
        assert_eq!(got, Err(ChunkError::NotHistograms));
    }
    for encoding in ALL {
        assert_eq!(
            decode_histograms(encoding, &[0, 0, 0], &mut columns),
            Ok(())
        );
        assert!(columns.is_empty());
        assert_eq!(
            decode_histograms(encoding, &[0, 0], &mut columns),
            Err(ChunkError::NoHeader(2))
        );
    }
}
