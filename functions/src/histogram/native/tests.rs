//! Properties of the arithmetic. Expected numbers are in
//! `tests/native_histograms.rs`.

use std::sync::Arc;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

fn count() -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(0.0), 4 => (0u32..50).prop_map(f64::from), 1 => 0.0..10.0]
}

fn indices(range: std::ops::Range<i32>) -> impl Strategy<Value = Vec<i32>> {
    btree_set(range, 0..8).prop_map(|set| set.into_iter().collect())
}

pub(crate) fn layout() -> impl Strategy<Value = Arc<Layout>> {
    let threshold = prop_oneof![Just(0.0), Just(0.001), Just(1.5)];
    let exponential = (-9i32..=8, threshold, indices(-6..9), indices(-4..5))
        .prop_map(|(schema, zero, p, n)| Layout::exponential(schema, zero, p, n).unwrap());
    let bounds = proptest::sample::subsequence(vec![-1.0, 0.0, 1.0, 2.0, 4.0], 0..=5);
    let custom = (bounds, indices(0..6)).prop_map(|(bounds, mut buckets)| {
        buckets.retain(|&index| index as usize <= bounds.len());
        Layout::custom(bounds.into(), buckets).unwrap()
    });
    prop_oneof![3 => exponential, 1 => custom]
}

fn of_layout(layout: Arc<Layout>) -> impl Strategy<Value = Histogram> {
    let zero = if layout.is_custom() {
        Just(0.0).boxed()
    } else {
        count().boxed()
    };
    let hint = prop_oneof![
        Just(CounterReset::Unknown),
        Just(CounterReset::Reset),
        Just(CounterReset::NoReset),
        Just(CounterReset::Gauge)
    ];
    let width = layout.width();
    (vec(count(), width), zero, hint, -5.0..5.0).prop_map(move |(buckets, zero, hint, mean)| {
        let mut h = Histogram::new(Arc::clone(&layout), buckets).unwrap();
        h.zero_count = zero;
        h.count = zero + h.buckets.iter().sum::<f64>();
        h.sum = h.count * mean;
        h.counter_reset = hint;
        h
    })
}

fn histogram() -> impl Strategy<Value = Histogram> {
    layout().prop_flat_map(of_layout)
}

/// Several histograms of one layout.
fn rows() -> impl Strategy<Value = Vec<Histogram>> {
    layout().prop_flat_map(|layout| vec(of_layout(layout), 1..6))
}

/// A view in which empty buckets count as absent.
pub(crate) fn compact(h: &Histogram) -> HistogramRef<'_> {
    HistogramRef {
        compact: true,
        ..h.view()
    }
}

fn compacted(h: &Histogram) -> Histogram {
    let mut h = h.clone();
    h.compact();
    h
}

/// All of a histogram, for comparisons that tell what differs.
pub(crate) fn parts(h: &Histogram) -> (CounterReset, Arc<Layout>, [u64; 3], Vec<u64>) {
    let totals = [h.zero_count, h.count, h.sum].map(f64::to_bits);
    let buckets = h.buckets.iter().map(|count| count.to_bits()).collect();
    (h.counter_reset, Arc::clone(&h.layout), totals, buckets)
}

/// As [`parts`], with counts that differ by their last bits alone from those
/// of `like` taken from there: means of buckets that are joined on the way
/// round elsewhere.
fn parts_like(h: &Histogram, like: &Histogram) -> (CounterReset, Arc<Layout>, [u64; 3], Vec<u64>) {
    let mut h = h.clone();
    for (count, like) in h.buckets.iter_mut().zip(&like.buckets) {
        if (*count - like).abs() <= 2.0 * f64::EPSILON * like.abs() {
            *count = *like;
        }
    }
    parts(&h)
}

fn matrix(rows: &[Histogram], is_compact: bool) -> HistogramRows {
    let mut matrix = HistogramRows::new(Arc::clone(&rows[0].layout), is_compact);
    for row in rows {
        let row = HistogramRef {
            compact: is_compact,
            ..row.view()
        };
        assert!(matrix.push(&row));
    }
    matrix
}

proptest! {
    #[test]
    fn empty_buckets_of_compact_rows_are_absent(a in histogram(), b in histogram(), q in 0.0..1.0, x in -9.0..9.0) {
        let (marked, real) = (compact(&a), compacted(&a));
        let real = real.view();
        let bits = |(value, annotation): (f64, QuantileAnnotation)| (value.to_bits(), annotation);
        prop_assert_eq!(bits(marked.quantile(q)), bits(real.quantile(q)));
        prop_assert_eq!(marked.fraction(x, x + 2.0).0.to_bits(), real.fraction(x, x + 2.0).0.to_bits());
        prop_assert_eq!(marked.variance().to_bits(), real.variance().to_bits());
        prop_assert_eq!(marked.to_text(), real.to_text());
        prop_assert_eq!(marked.to_test_expression(), real.to_test_expression());
        prop_assert_eq!(parts(&marked.to_histogram()), parts(&real.to_histogram()));
        prop_assert!(marked.equals(&real) && real.equals(&marked) && marked.equals(&marked));
        prop_assert_eq!(marked.equals(&b.view()), real.equals(&b.view()));
        prop_assert_eq!(compact(&b).equals(&marked), compacted(&b).view().equals(&real));
        prop_assert_eq!(marked.is_reset_from(&b.view()), real.is_reset_from(&b.view()));
        prop_assert_eq!(b.view().is_reset_from(&marked), b.view().is_reset_from(&real));
        for factor in [2.0, -1.0, 0.0, f64::NAN, f64::INFINITY] {
            let of = |h: &HistogramRef<'_>| {
                let mut column = HistogramColumn::default();
                column.push_scaled(h, factor);
                column.push_divided(h, factor);
                [0, 1].map(|i| {
                    let h = column.get(i).to_histogram();
                    (h.layout.clone(), h.buckets().iter().map(|c| c.to_bits()).collect::<Vec<_>>())
                })
            };
            prop_assert_eq!(of(&marked), of(&real));
        }
        let (mut with_marked, mut with_real) = (b.clone(), b);
        let found = with_marked.add(&marked);
        prop_assert_eq!(found, with_real.add(&real));
        prop_assert_eq!(parts(&with_marked), parts(&with_real));
    }

    #[test]
    fn a_matrix_computes_as_its_rows_do(a in rows(), b in rows(), factor in -3.0..3.0) {
        let mut rows = matrix(&a, false);
        let mut out = vec![0.0; rows.len()];
        rows.averages(&mut out);
        for (row, out) in a.iter().zip(&out) {
            prop_assert_eq!(row.view().average().to_bits(), out.to_bits());
        }
        let mut resets = vec![true; rows.len()];
        rows.resets(&mut resets);
        for (i, pair) in a.windows(2).enumerate() {
            prop_assert_eq!(resets[i + 1], pair[1].view().is_reset_from(&pair[0].view()));
        }
        let same_rows = rows.clone();
        if !rows.layout().hides() {
            prop_assert_eq!(rows.add_rows(&same_rows), Some(false));
            for (row, mut h) in rows.rows().zip(a.clone()) {
                h.add(&h.clone().view()).unwrap();
                prop_assert_eq!(parts(&row.to_histogram()), parts(&h));
            }
        }
        let mut rows = matrix(&a, false);
        rows.scale(factor);
        for (row, mut h) in rows.rows().zip(a.clone()) {
            h.scale(factor);
            prop_assert_eq!(parts(&row.to_histogram()), parts(&h));
        }
        rows.divide(0.0);
        prop_assert_eq!(rows.row(0).buckets.len(), 0);
        if *rows.layout() != b[0].layout {
            prop_assert_eq!(rows.subtract_rows(&matrix(&b, false)), None);
        }
    }

    #[test]
    fn sums_do_not_depend_on_how_rows_are_stored(all in vec(histogram(), 2..6)) {
        let sum = |views: Vec<HistogramRef<'_>>| {
            let mut sum = SumOfHistograms::new(&views[0]);
            views[1..].iter().try_for_each(|h| sum.add(h)).ok()?;
            let (mut sum, found) = sum.finish();
            sum.compact();
            Some((parts(&sum), found))
        };
        let plain = sum(all.iter().map(Histogram::view).collect());
        let marked = sum(all.iter().map(compact).collect());
        prop_assert_eq!(plain.clone(), marked);
        let mut copies = all.clone();
        for h in &mut copies {
            // The same layout, but not the same pointer.
            h.layout = h.layout.with_threshold(h.layout.zero_threshold());
        }
        prop_assert_eq!(plain, sum(copies.iter().map(Histogram::view).collect()));
    }
}

/// Series of rows of one layout each, some of them far too large.
fn series() -> impl Strategy<Value = Vec<Vec<Histogram>>> {
    let similar = (indices(-3..4), indices(-2..3))
        .prop_map(|(p, n)| Layout::exponential(1, 0.001, p, n).unwrap());
    let layouts = prop_oneof![6 => similar, 1 => layout()];
    let rows = layouts.prop_flat_map(|layout| vec(of_layout(layout), 1..5));
    let scale = prop_oneof![8 => Just(1.0), 1 => Just(3e306)];
    vec((rows, scale), 1..5).prop_map(|series| {
        let scaled = |(mut rows, scale): (Vec<Histogram>, f64)| {
            rows.iter_mut().for_each(|h| h.scale(scale));
            rows
        };
        series.into_iter().map(scaled).collect()
    })
}

/// The aggregate of single histograms; none if they cannot be combined.
fn aggregate(kind: StepAggregate, all: &[&Histogram]) -> Option<(Histogram, Found)> {
    let views = || all[1..].iter().map(|h| h.view());
    let (mut h, found) = match kind {
        StepAggregate::Sum => {
            let mut sum = SumOfHistograms::new(&all[0].view());
            views().try_for_each(|h| sum.add(&h)).ok()?;
            sum.finish()
        }
        StepAggregate::Mean => {
            let mut mean = MeanOfHistograms::new(&all[0].view());
            views().try_for_each(|h| mean.add(&h)).ok()?;
            mean.finish()
        }
    };
    h.compact();
    Some((h, found))
}

proptest! {
    #[test]
    fn steps_are_aggregated_as_single_histograms_are(
        series in series(),
        first in vec(0usize..3, 5),
        mean in any::<bool>(),
    ) {
        let kind = if mean { StepAggregate::Mean } else { StepAggregate::Sum };
        let mut steps = HistogramSteps::new(kind, 6);
        let mut all: Vec<Vec<&Histogram>> = vec![vec![]; 6];
        let mut broken = vec![];
        for (rows, &first) in series.iter().zip(&first) {
            steps.add(&matrix(rows, false), 0..rows.len(), first.., &mut broken);
            for (h, at) in rows.iter().zip(&mut all[first..]) {
                at.push(h);
            }
        }
        let result = steps.finish(|_| false);
        let rows = result.steps.iter().zip(result.rows.rows()).map(|(s, row)| (*s, row.to_histogram()));
        let mut got: Vec<(usize, Histogram)> = rows.chain(result.others).collect();
        got.sort_by_key(|(step, _)| *step);
        let (mut got, mut found, mut incompatible) = (got.into_iter(), Found::default(), vec![]);
        for (step, all) in all.iter().enumerate().filter(|(_, all)| !all.is_empty()) {
            let Some((want, found_here)) = aggregate(kind, all) else {
                incompatible.push(step);
                continue;
            };
            found.reset_collision |= found_here.reset_collision;
            found.bounds_reconciled |= found_here.bounds_reconciled;
            let (at, got) = got.next().unwrap();
            prop_assert_eq!(at, step);
            let got = if mean { parts_like(&got, &want) } else { parts(&got) };
            prop_assert_eq!(got, parts(&want));
        }
        prop_assert!(got.next().is_none());
        // Where there is no result, what was found before counts all the same.
        found.bounds_reconciled |= !incompatible.is_empty() && result.found.bounds_reconciled;
        prop_assert_eq!(result.found, found);
        broken.sort_unstable();
        prop_assert_eq!(broken, incompatible);
    }

    #[test]
    fn windows_over_rows_are_as_over_single_histograms(
        layout in layout(),
        steps in vec((vec(count(), 20), count(), 0usize..6), 2..7),
        window in (0usize..5, 1usize..6),
        anew in vec(proptest::bool::weighted(0.2), 7),
    ) {
        let rows = counter_rows(&layout, &steps);
        let matrix = matrix(&rows, false);
        let Some(mut windows) = RowWindows::of_counter(&matrix, |i| anew[i]) else {
            prop_assert!(layout.hides());
            return Ok(());
        };
        let first = window.0.min(rows.len() - 2);
        let last = (first + window.1).min(rows.len() - 1);
        let points: Vec<HistogramRef<'_>> = rows[first..=last].iter().map(Histogram::view).collect();
        for kind in [Growth::Counter, Growth::Gauge] {
            let (want, want_annotations) = growth(&points, kind, |i| anew[first + i]);
            let mut out = HistogramRows::new(Arc::clone(&layout), true);
            let annotations = windows.growth(first..=last, kind, &mut out);
            prop_assert_eq!(annotations, want_annotations);
            prop_assert_eq!(parts(&out.row(0).to_histogram()), parts(&want.unwrap()));
        }
        let mut out = HistogramRows::new(Arc::clone(&layout), false);
        let collision = windows.sum(first..=last, &mut out);
        let mut sum = SumOfHistograms::new(&points[0]);
        points[1..].iter().try_for_each(|h| sum.add(h)).unwrap();
        let (want, found) = sum.finish();
        prop_assert_eq!(collision, found.reset_collision);
        prop_assert_eq!(parts(&out.row(0).to_histogram()), parts(&want));
        let mut mean = MeanOfHistograms::new(&points[0]);
        points[1..].iter().try_for_each(|h| mean.add(h)).unwrap();
        let (want, found) = mean.finish();
        prop_assert_eq!(windows.mean(first..=last, &mut out), Some(found.reset_collision));
        prop_assert_eq!(parts(&out.row(1).to_histogram()), parts(&want));
    }
}

proptest! {
    #[test]
    fn sums_slide_over_rows(
        layout in layout(),
        steps in vec((vec(0u32..50, 20), 0u32..9, 0usize..6), 30..60),
        windows in vec((0usize..4, 0usize..4), 1..50),
        fraction in prop_oneof![2 => Just(0.0), 1 => 0.0..1.0, 1 => 0.0..1e6],
        infinite in proptest::option::of(0usize..60),
    ) {
        let with_fraction = |(grown, zero, kind): (Vec<u32>, u32, usize)| {
            let more = |count: u32| f64::from(count) + fraction;
            (grown.into_iter().map(more).collect(), more(zero), kind)
        };
        let steps: Vec<_> = steps.into_iter().map(with_fraction).collect();
        let mut rows = counter_rows(&layout, &steps);
        if let Some(h) = infinite.and_then(|at| rows.get_mut(at)) {
            h.sum = f64::INFINITY;
        }
        let matrix = matrix(&rows, false);
        let (Some(mut sums), Some(mut means)) = (RowWindows::new(&matrix), RowWindows::new(&matrix)) else {
            return Ok(());
        };
        let (mut first, mut last) = (0, 12);
        for (leave, come) in windows {
            last = (last + come).min(rows.len() - 1);
            first = (first + leave).min(last);
            let points: Vec<HistogramRef<'_>> = rows[first..=last].iter().map(Histogram::view).collect();
            let mut out = HistogramRows::new(Arc::clone(&layout), false);
            let mut sum = SumOfHistograms::new(&points[0]);
            points[1..].iter().try_for_each(|h| sum.add(h)).unwrap();
            let (want, found) = sum.finish();
            prop_assert_eq!(sums.sum(first..=last, &mut out), found.reset_collision);
            prop_assert_eq!(parts(&out.row(0).to_histogram()), parts(&want));
            let mut mean = MeanOfHistograms::new(&points[0]);
            points[1..].iter().try_for_each(|h| mean.add(h)).unwrap();
            let (want, found) = mean.finish();
            if let Some(collision) = means.mean(first..=last, &mut out) {
                prop_assert_eq!(collision, found.reset_collision);
                prop_assert_eq!(parts(&out.row(1).to_histogram()), parts(&want));
            }
        }
    }
}

/// A counter of one layout: each row grows from the one before, or begins anew.
pub(crate) fn counter_rows(
    layout: &Arc<Layout>,
    steps: &[(Vec<f64>, f64, usize)],
) -> Vec<Histogram> {
    let nothing = Histogram::new(Arc::clone(layout), vec![0.0; layout.width()]).unwrap();
    let mut rows = vec![nothing.clone()];
    for (grown, zero, kind) in steps {
        let mut h = match kind {
            0 => nothing.clone(),
            _ => rows[rows.len() - 1].clone(),
        };
        h.buckets
            .iter_mut()
            .zip(grown)
            .for_each(|(count, grown)| *count += grown);
        if !layout.is_custom() {
            h.zero_count += zero;
        }
        h.count = h.zero_count + h.buckets.iter().sum::<f64>();
        h.sum = h.count * 0.7;
        h.counter_reset = match kind {
            1 => CounterReset::NoReset,
            2 => CounterReset::Reset,
            3 => CounterReset::Gauge,
            _ => CounterReset::Unknown,
        };
        rows.push(h);
    }
    rows
}

#[test]
fn means_that_are_not_finite_are_left_to_single_histograms() {
    let layout = Layout::exponential(0, 0.0, vec![1], vec![]).unwrap();
    let mut h = Histogram::new(Arc::clone(&layout), vec![f64::MAX]).unwrap();
    h.count = f64::MAX;
    let matrix = matrix(&[h.clone(), h], false);
    let mut windows = RowWindows::new(&matrix).unwrap();
    let mut out = HistogramRows::new(layout, false);
    assert_eq!(windows.mean(0..=1, &mut out), None);
    assert_eq!((out.len(), windows.mean(1..=1, &mut out)), (0, Some(false)));
    assert_eq!(out.row(0).buckets, [f64::MAX]);
}

#[test]
fn spans_are_made_of_indices_and_read_again() {
    for (indices, want) in [
        (&[][..], &[][..]),
        (&[-3], &[(-3, 1)]),
        (&[-2, -1, 0, 3, 4, 9], &[(-2, 3), (2, 2), (4, 1)]),
    ] {
        let spans: Vec<_> = spans_of(indices).collect();
        assert_eq!(spans, want);
        let layout = Layout::from_spans(0, 0.0, spans, [], Arc::default()).unwrap();
        assert_eq!(layout.positive(), indices);
    }
}

#[test]
fn absurd_layouts_are_refused() {
    let exponential = |schema, p: &[i32]| Layout::exponential(schema, 0.0, p.to_vec(), vec![]);
    assert_eq!(
        exponential(9, &[]).err(),
        Some(LayoutError::UnknownSchema(9))
    );
    assert_eq!(
        exponential(CUSTOM_SCHEMA, &[]).err(),
        Some(LayoutError::UnknownSchema(-53))
    );
    assert_eq!(
        exponential(0, &[1, 1]).err(),
        Some(LayoutError::NotAscending(1))
    );
    let nan = Layout::exponential(0, f64::NAN, vec![], vec![]);
    assert_eq!(nan.err(), Some(LayoutError::NoZeroThreshold));
    let custom = |bounds: &[f64], p: &[i32]| Layout::custom(bounds.into(), p.to_vec()).err();
    assert_eq!(custom(&[1.0], &[0, 1]), None);
    assert_eq!(custom(&[f64::NEG_INFINITY, 1.0], &[]), None);
    assert_eq!(custom(&[1.0], &[2]), Some(LayoutError::NoCustomBound(2)));
    assert_eq!(custom(&[1.0], &[-1]), Some(LayoutError::NoCustomBound(-1)));
    assert_eq!(
        custom(&[1.0, 1.0], &[]),
        Some(LayoutError::BadCustomBound(1))
    );
    assert_eq!(
        custom(&[f64::NAN], &[]),
        Some(LayoutError::BadCustomBound(0))
    );
    assert_eq!(
        custom(&[f64::INFINITY], &[]),
        Some(LayoutError::BadCustomBound(0))
    );
    let spans = |p: &[(i32, u32)], n: &[(i32, u32)], schema, bounds: &[f64]| {
        let (p, n) = (p.iter().copied(), n.iter().copied());
        Layout::from_spans(schema, 0.0, p, n, bounds.into()).map(|l| l.positive().to_vec())
    };
    assert_eq!(
        spans(&[(-2, 2), (1, 1), (0, 0)], &[], 0, &[]),
        Ok(vec![-2, -1, 1])
    );
    assert_eq!(
        spans(&[(0, 1), (-1, 1)], &[], 0, &[]),
        Err(LayoutError::BadSpan(1))
    );
    assert_eq!(
        spans(&[(i32::MAX, 2)], &[], 0, &[]),
        Err(LayoutError::BadSpan(0))
    );
    assert_eq!(
        spans(&[(0, u32::MAX)], &[], 0, &[]),
        Err(LayoutError::BadSpan(0))
    );
    assert_eq!(
        spans(&[(0, 1 << 20)], &[], 0, &[]),
        Err(LayoutError::TooManyBuckets)
    );
    assert_eq!(
        spans(&[], &[(0, 1)], CUSTOM_SCHEMA, &[]),
        Err(LayoutError::CustomWithOthers)
    );
    assert_eq!(
        spans(&[], &[], 0, &[1.0]),
        Err(LayoutError::BoundsWithoutCustomSchema)
    );
}

#[test]
fn wrong_widths_are_refused() {
    let layout = Layout::exponential(0, 0.0, vec![1, 2], vec![3]).unwrap();
    let wrong = WrongWidth {
        expected: 3,
        got: 1,
    };
    assert_eq!(
        Histogram::new(Arc::clone(&layout), vec![1.0]).err(),
        Some(wrong)
    );
    let columns = RowColumns {
        hints: vec![CounterReset::Unknown],
        zero_counts: vec![0.0],
        counts: vec![0.0],
        sums: vec![0.0],
        buckets: vec![0.0],
    };
    let rows = HistogramRows::from_columns(layout, false, columns);
    assert_eq!(rows.err(), Some(wrong));
}

#[test]
fn far_apart_buckets_do_not_fill_texts() {
    let layout = Layout::exponential(0, 0.0, vec![-2_000_000_000, 2_000_000_000], vec![]).unwrap();
    let h = Histogram::new(layout, vec![1.0, 2.0]).unwrap();
    assert_eq!(
        h.to_test_expression(),
        "{{offset:-2000000000 buckets:[1 ... 2]}}"
    );
    assert_eq!(h.to_text(), "{count:0, sum:0, (0,0):1, (+Inf,+Inf]:2}");
}
