//! Kernels against the plain definition, and what the rule is for.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Samples of a replica: time and value.
type Samples = Vec<(i64, f64)>;

struct Columns {
    times: Vec<Vec<i64>>,
    values: Vec<Vec<f64>>,
    stale: Vec<Vec<i64>>,
}

impl Columns {
    fn new(replicas: &[Samples], stale: &[Vec<i64>]) -> Self {
        let times = |samples: &Samples| samples.iter().map(|s| s.0).collect();
        let values = |samples: &Samples| samples.iter().map(|s| s.1).collect();
        Columns {
            times: replicas.iter().map(times).collect(),
            values: replicas.iter().map(values).collect(),
            stale: stale.to_vec(),
        }
    }

    fn replicas(&self) -> Vec<Replica<'_>> {
        let numbered = self.times.iter().enumerate();
        numbered
            .map(|(number, samples)| Replica {
                samples,
                stale: self.stale.get(number).map_or(&[], Vec::as_slice),
            })
            .collect()
    }
}

impl CounterValues for Columns {
    fn is_reset(&self, place: Place) -> bool {
        let values = &self.values[place.replica];
        values[place.index] < values[place.index - 1]
    }

    fn is_below(&self, place: Place, earlier: Place) -> bool {
        self.values[place.replica][place.index] < self.values[earlier.replica][earlier.index]
    }
}

impl FloatValues for Columns {
    fn float(&self, replica: usize, index: usize) -> Option<f64> {
        Some(self.values[replica][index])
    }
}

fn places(runs: &[Run]) -> Vec<(usize, Place)> {
    let of_run = |run: &Run| {
        let Run { replica, clock, .. } = *run;
        (run.from..run.to).map(move |index| (clock, Place { replica, index }))
    };
    runs.iter().flat_map(of_run).collect()
}

fn united(replicas: &[Replica<'_>], range: (i64, i64)) -> Vec<Run> {
    let mut runs = Vec::new();
    unite(replicas, range, &mut Scratch::default(), &mut runs);
    runs
}

/// The times and values that count in a range of a counter, or of a gauge.
fn answer(columns: &Columns, range: (i64, i64), is_counter: bool) -> Samples {
    let replicas = columns.replicas();
    let runs = united(&replicas, range);
    let sample = |(_, place): (usize, Place)| {
        let Place { replica, index } = place;
        (
            columns.times[replica][index],
            columns.values[replica][index],
        )
    };
    let mut out: Samples = places(&runs).into_iter().map(sample).collect();
    if is_counter {
        for Lift { number, to } in lift(&replicas, &runs, columns) {
            out[number].1 = columns.values[to.replica][to.index];
        }
    }
    out
}

/// Intervals of a replica: mostly regular, with gaps and short ones.
fn replica() -> impl Strategy<Value = Samples> {
    let interval = prop_oneof![
        8 => Just(15i64), 2 => 10i64..20, 1 => 1i64..60, 1 => 100i64..2000
    ];
    let step = (interval, prop_oneof![6 => 0i32..5, 1 => -40i32..0]);
    (0i64..1500, 0i64..3, vec(step, 0..250)).prop_map(|(begin, shift, steps)| {
        let (mut time, mut value) = (begin * 1000 - 700_000, 100);
        steps
            .into_iter()
            .map(|(interval, growth)| {
                time += interval * 1000;
                value = (value + growth).max(0);
                (time + shift, f64::from(value))
            })
            .collect()
    })
}

/// Replicas, some of which have the times of the first one, with losses.
fn replicas() -> impl Strategy<Value = (Vec<Samples>, Vec<Vec<i64>>)> {
    let one = (replica(), any::<bool>(), vec(any::<bool>(), 250));
    let stale = vec(vec(-700i64..3000, 0..4), 4);
    (vec(one, 1..5), stale).prop_map(|(drawn, stale)| {
        let first = drawn[0].0.clone();
        let replica = |(own, same, lost): (Samples, bool, Vec<bool>)| match same {
            true => {
                let kept = first.iter().zip(lost).filter(|(_, lost)| !lost);
                kept.map(|(sample, _)| *sample).collect()
            }
            false => own,
        };
        let all: Vec<Samples> = drawn.into_iter().map(replica).collect();
        let markers = |(mut times, samples): (Vec<i64>, &Samples)| {
            times.iter_mut().for_each(|t| *t *= 1000);
            times.sort_unstable();
            times.dedup();
            times.retain(|t| samples.iter().all(|s| s.0 != *t));
            times
        };
        let stale = stale.into_iter().zip(&all).map(markers).collect();
        (all, stale)
    })
}

/// What lies beyond the reach of a range decides about no sample in it.
#[test]
fn a_fall_over_a_long_gap_is_no_reset_that_one_saw() {
    let sparse = vec![(876_000, 98.0), (2_582_000, 82.0), (2_597_000, 82.0)];
    let steady = (0..36).map(|i| (2_057_001 + i * 15_000, 100.0)).collect();
    let columns = Columns::new(&[sparse, steady], &[vec![], vec![]]);
    let range = (2_400_000, 2_582_000);
    let answered = |replicas: &Columns, range| {
        let mut samples = answer(replicas, range, true);
        samples.retain(|(time, _)| (2_400_000..=2_582_000).contains(time));
        samples
    };
    let whole = answered(&columns, (i64::MIN, i64::MAX));
    assert_eq!(whole.last(), Some(&(2_582_000, 100.0)));
    let near: Vec<Samples> = vec![
        vec![(2_582_000, 82.0), (2_597_000, 82.0)],
        (0..36).map(|i| (2_057_001 + i * 15_000, 100.0)).collect(),
    ];
    let cut = Columns::new(&near, &[vec![], vec![]]);
    assert_eq!(answered(&cut, Reach::of(range, true).counting), whole);
}

proptest! {
    #[test]
    fn what_counts_is_what_the_plain_definition_says((samples, stale) in replicas()) {
        let columns = Columns::new(&samples, &stale);
        let replicas = columns.replicas();
        let runs = united(&replicas, (i64::MIN, i64::MAX));
        let expected = naive::unite(&replicas);
        let got = places(&runs);
        let plain: Vec<_> = expected.iter().map(|s| (s.clock, s.place)).collect();
        prop_assert_eq!(&got, &plain);
        let mut lifted: Vec<Place> = got.iter().map(|s| s.1).collect();
        for Lift { number, to } in lift(&replicas, &runs, &columns) {
            prop_assert!(lifted[number] != to);
            lifted[number] = to;
        }
        prop_assert_eq!(lifted, naive::lifted(&replicas, &expected, &columns));
        let markers = stale_markers(&replicas, (i64::MIN, i64::MAX));
        let times: Vec<i64> = markers.iter().map(|m| m.time).collect();
        prop_assert_eq!(times, naive::stale(&replicas));
    }

    #[test]
    fn a_range_has_what_all_have_in_it(
        (samples, stale) in replicas(),
        (from, length) in (-700i64..3000, 0i64..1500),
        is_counter in any::<bool>(),
    ) {
        let columns = Columns::new(&samples, &stale);
        let range = (from * 1000, (from + length) * 1000);
        let inside = |(time, _): &(i64, f64)| range.0 <= *time && *time <= range.1;
        let mut whole = answer(&columns, (i64::MIN, i64::MAX), is_counter);
        whole.retain(inside);
        // Beyond the reach, samples are not even there.
        let reach = Reach::of(range, is_counter);
        prop_assert!(range.0 - REACH_MS <= reach.samples.0 && reach.samples.1 <= range.1 + REACH_MS);
        let near = |time: &i64| reach.samples.0 <= *time && *time <= reach.samples.1;
        let cut = samples.iter().map(|samples| {
            let near = samples.iter().copied().filter(|(time, _)| near(time));
            near.collect::<Samples>()
        });
        let cut = Columns::new(&cut.collect::<Vec<_>>(), &stale);
        let mut part = answer(&cut, reach.counting, is_counter);
        part.retain(inside);
        prop_assert_eq!(part, whole);
        let markers = |columns: &Columns| stale_markers(&columns.replicas(), range);
        let times = |columns| -> Vec<i64> { markers(columns).iter().map(|m| m.time).collect() };
        prop_assert_eq!(times(&cut), times(&columns));
    }

    #[test]
    fn copies_with_losses_are_the_uncut_series(
        count in 2usize..5,
        lost in vec(vec(proptest::bool::weighted(0.3), 4), 400),
        jitter in vec(-3000i64..3000, 400),
        interval in prop_oneof![Just(15_000i64), Just(30_000), Just(60_000)],
    ) {
        let lost_everywhere = |lost: &[bool]| lost.iter().all(|lost| *lost);
        let uncut: Samples = (0..400)
            .map(|i| (i as i64 * interval + jitter[i], i as f64))
            .collect();
        let replica = |number: usize| -> Samples {
            let kept = (0..400).filter(|&i| lost_everywhere(&lost[i][..count]) || !lost[i][number]);
            kept.map(|i| uncut[i]).collect()
        };
        let columns = Columns::new(&(0..count).map(replica).collect::<Vec<_>>(), &[]);
        prop_assert_eq!(answer(&columns, (i64::MIN, i64::MAX), true), uncut);
    }

    #[test]
    fn replicas_that_scrape_at_other_times_count_once(
        shifts in vec(1i64..15_000, 3),
        lost in vec(vec(proptest::bool::weighted(0.2), 3), 400),
        down in vec((0usize..400, 1usize..100), 3),
    ) {
        // A counter that never falls, read by each replica at its own times.
        let value = |time: i64| (time / 7000) as f64;
        let replica = |number: usize| -> Samples {
            let is_down = |i: usize| down[number].0 <= i && i < down[number].0 + down[number].1;
            let kept = (0..400).filter(|&i| !is_down(i) && (!lost[i][number] || i % 7 == 0));
            let time = |i: usize| i as i64 * 15_000 + shifts[number];
            kept.map(|i| (time(i), value(time(i)))).collect()
        };
        let columns = Columns::new(&(0..3).map(replica).collect::<Vec<_>>(), &[]);
        let united = answer(&columns, (i64::MIN, i64::MAX), true);
        prop_assert!(united.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        for pair in united.windows(2) {
            let interval = pair[1].0 - pair[0].0;
            prop_assert!(interval >= 7_500, "{} and {}", pair[0].0, pair[1].0);
        }
        // Nobody has a sample that a gap would take.
        for gap in united.windows(2).filter(|pair| pair[1].0 - pair[0].0 > 22_500) {
            let takes = gap[0].0 + 7_500..gap[1].0 - 7_500;
            let missed = columns.times.iter().flatten().find(|t| takes.contains(t));
            prop_assert_eq!(missed, None);
        }
        // A replica that misses nothing fills as much as is missing.
        let other: Samples = (0..400).map(|i| i * 15_000 + shifts[1]).map(|t| (t, value(t))).collect();
        let two = Columns::new(&[replica(0), other], &[]);
        let united = answer(&two, ALL, true);
        for gap in two.times[0].windows(2) {
            let missing = (gap[1] - gap[0]) / 15_000 - 1;
            let filled = united.iter().filter(|s| gap[0] < s.0 && s.0 < gap[1]);
            prop_assert_eq!(filled.count() as i64, missing);
        }
    }
}

/// Samples of a replica at some intervals of 15 s, from 0 on.
fn regular(shift: i64, numbers: impl IntoIterator<Item = i64>, value: fn(i64) -> f64) -> Samples {
    let sample = |n: i64| (n * 15_000 + shift, value(n));
    numbers.into_iter().map(sample).collect()
}

fn times(samples: &Samples) -> Vec<i64> {
    samples.iter().map(|s| s.0).collect()
}

const ALL: (i64, i64) = (i64::MIN, i64::MAX);

#[test]
fn a_gap_is_filled_by_as_many_samples_as_it_misses() {
    for shift in (0..15_000).step_by(500) {
        let first = regular(0, (0..40).chain(50..80), |n| n as f64);
        let other = regular(shift, 0..80, |n| n as f64);
        let columns = Columns::new(&[first, other], &[]);
        let mut united = answer(&columns, ALL, false);
        // The first one ends half an interval before the other one, or less.
        united.retain(|s| s.0 <= 79 * 15_000);
        assert_eq!(united.len(), 80, "shift {shift}");
        let filled = united
            .iter()
            .filter(|s| 39 * 15_000 < s.0 && s.0 < 50 * 15_000);
        assert_eq!(filled.count(), 10, "shift {shift}");
    }
}

#[test]
fn what_alternates_strictly_is_two_replicas_of_twice_the_interval() {
    // By their times alone nobody can tell these from two replicas that scrape
    // every 30 s, one 15 s behind the other.
    let even = regular(0, (0..80).step_by(2), |n| n as f64);
    let odd = regular(0, (1..80).step_by(2), |n| n as f64);
    let columns = Columns::new(&[even.clone(), odd], &[]);
    // Behind the last sample of the first one is a gap.
    let last = 79 * 15_000;
    let expected = [times(&even), vec![last]].concat();
    assert_eq!(times(&answer(&columns, ALL, false)), expected);
}

#[test]
fn copies_of_two_replicas_count_as_two_clocks() {
    // Receivers replicate both of two Prometheus servers.
    let server =
        |shift, lost: i64| regular(shift, (0..80).filter(|n| n % 20 != lost), |n| n as f64);
    let replicas = [
        server(0, 5),
        server(4_000, 7),
        server(0, 9),
        server(4_000, 11),
    ];
    let columns = Columns::new(&replicas, &[]);
    let expected = times(&regular(0, 0..80, |n| n as f64));
    assert_eq!(times(&answer(&columns, ALL, false)), expected);
}

#[test]
fn an_hourly_series_counts_once() {
    let hourly = |shift: i64| (0..20).map(|n| (n * 3_600_000 + shift, n as f64)).collect();
    for shift in [0, 5_000, 300_000, 599_000] {
        let mut first: Samples = hourly(0);
        first.remove(7);
        let other: Samples = hourly(shift);
        let mut expected = times(&first);
        expected.insert(7, other[7].0);
        let columns = Columns::new(&[first, other], &[]);
        assert_eq!(
            times(&answer(&columns, ALL, false)),
            expected,
            "shift {shift}"
        );
    }
}

#[test]
fn a_counter_does_not_fall_where_another_replica_takes_over() {
    let first = regular(0, (0..40).chain(45..80), |n| 10.0 * n as f64 + 9.0);
    let other = regular(8_000, 0..80, |n| 10.0 * n as f64 - 3.0);
    let columns = Columns::new(&[first.clone(), other], &[]);
    let counter = answer(&columns, ALL, true);
    assert!(counter.is_sorted_by(|a, b| a.1 <= b.1));
    // The value of the first one's last sample.
    assert_eq!(counter[40], (39 * 15_000 + 8_000, 399.0));
    let gauge = answer(&columns, ALL, false);
    assert_eq!(gauge[40], (39 * 15_000 + 8_000, 387.0));
}

#[test]
fn a_reset_stays_one() {
    // The counter begins anew while the first replica is down, and the other one
    // has seen it.
    let value = |n: i64| if n < 42 { 1000.0 + n as f64 } else { n as f64 };
    let first = regular(0, (0..40).chain(45..80), value);
    let other = regular(8_000, 0..80, value);
    let columns = Columns::new(&[first, other], &[]);
    let counter = answer(&columns, ALL, true);
    assert_eq!(counter, answer(&columns, ALL, false));
    let resets = counter.windows(2).filter(|pair| pair[1].1 < pair[0].1);
    assert_eq!(resets.count(), 1);
}

#[test]
fn a_stale_marker_ends_its_replica_alone() {
    let first = regular(0, 0..40, |_| 1.0);
    let other = regular(4_000, 0..80, |_| 1.0);
    let (of_first, of_both) = (vec![40 * 15_000], vec![80 * 15_000 + 4_000]);
    let markers = |replicas: &[Samples], stale: [Vec<i64>; 2]| {
        let columns = Columns::new(replicas, &stale);
        let markers = stale_markers(&columns.replicas(), ALL);
        markers
            .iter()
            .map(|m| (m.time, m.replica))
            .collect::<Vec<_>>()
    };
    let both = [first.clone(), other];
    let counting = markers(&both, [of_first.clone(), of_both.clone()]);
    assert_eq!(counting, [(of_both[0], 1)]);
    // A marker between samples, which both have, stays; the one of one replica, where
    // the other has a sample, does not.
    let same = [first.clone(), first];
    let between = 20 * 15_000 + 1;
    let counting = markers(&same, [vec![between], vec![between]]);
    assert_eq!(counting, [(between, 0)]);
    assert!(markers(&same, [vec![between], vec![]]).is_empty());
    assert_eq!(markers(&same, [vec![600_000], vec![]]), [(600_000, 0)]);
}

/// What a test of Thanos's algorithm expects: replica, number, and what is added.
fn penalized(replicas: &[Samples], is_counter: bool) -> Samples {
    let columns = Columns::new(replicas, &[]);
    let times: Vec<&[i64]> = columns.times.iter().map(Vec::as_slice).collect();
    let counting = penalty(&times, is_counter.then_some(&columns as &dyn FloatValues));
    let sample = |s: &PenaltySample| {
        let value = columns.values[s.replica][s.index] + s.added;
        (times[s.replica][s.index], value)
    };
    counting.iter().map(sample).collect()
}

#[test]
fn a_loser_leaves_out_twice_the_interval() {
    let first = regular(0, [0, 1, 3, 4, 5], |n| n as f64);
    let other = regular(1_000, 0..6, |n| n as f64);
    // The other one's sample at 16 s and that at 31 s were left out already when the
    // first one missed its own.
    let expected = [0, 15_000, 45_000, 60_000, 75_000];
    assert_eq!(times(&penalized(&[first.clone(), other], false)), expected);
    assert_eq!(
        times(&penalized(std::slice::from_ref(&first), false)),
        times(&first)
    );
    assert!(penalized(&[], false).is_empty());
    assert!(penalized(&[vec![], vec![]], true).is_empty());
}

#[test]
fn a_counter_is_lifted_for_good() {
    let first = regular(0, 0..3, |n| 100.0 + n as f64);
    let other = regular(1_000, 0..8, |n| 90.0 + n as f64);
    let counter = penalized(&[first, other], true);
    assert_eq!(
        times(&counter),
        [0, 15_000, 30_000, 61_000, 76_000, 91_000, 106_000]
    );
    let values: Vec<f64> = counter.iter().map(|s| s.1).collect();
    assert_eq!(values, [100.0, 101.0, 102.0, 102.0, 103.0, 104.0, 105.0]);
}
