//! A series, and what replicas have of it.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use quarrel_chunks::histogram::{Histogram, HistogramLayout, Span};
use quarrel_engine::storage::Storage;
use quarrel_storage::memory::{FloatSample, HistogramSample, MemoryStorage};
use quarrel_storage::replicas::Replicas;

pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Counter,
    Gauge,
    /// A counter whose samples know when it began.
    Started,
    Histogram,
    /// Floats, and later histograms.
    Mixed,
}

impl Metric {
    pub const ALL: [Metric; 5] = [
        Metric::Counter,
        Metric::Gauge,
        Metric::Started,
        Metric::Histogram,
        Metric::Mixed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Metric::Counter => "requests_total",
            Metric::Gauge => "load",
            Metric::Started => "jobs_total",
            Metric::Histogram => "latency",
            Metric::Mixed => "mixed",
        }
    }
}

/// A sample of a scrape, from which those of all metrics follow.
#[derive(Debug, Clone, Copy)]
pub struct Scrape {
    pub time: i64,
    /// The counter.
    pub count: u32,
    /// When it began, ms.
    pub start: i64,
    pub gauge: i32,
    /// Whether it tells that the series has ended.
    pub stale: bool,
}

/// The scrapes of each replica, and all of them.
#[derive(Debug, Clone)]
pub struct Cut {
    pub uncut: Vec<Scrape>,
    pub replicas: Vec<Vec<Scrape>>,
}

/// How the replicas have lost samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Each loses samples here and there, a third at most, of a series whose
    /// intervals may be anything.
    Some,
    /// They are down for long, or one has what the other has not, piece by piece.
    /// Samples are at nearly equal intervals: by their times alone nobody could tell
    /// these from replicas that scrape at other times.
    Pieces,
}

const SCRAPES: usize = 180;

/// The scrapes of a target that may pause and be restarted.
fn uncut(loss: Loss) -> impl Strategy<Value = Vec<Scrape>> {
    let jitter = match loss {
        Loss::Some => 350i64,
        Loss::Pieces => 150,
    };
    let interval = prop_oneof![Just(15_000i64), Just(30_000), Just(60_000)];
    let scrape = (
        -jitter..=jitter,
        0u32..8,
        prop_oneof![12 => Just(None), 1 => (0i64..1000).prop_map(Some)],
        prop_oneof![25 => Just(0usize), 1 => 2usize..30],
        any::<bool>(),
    );
    (interval, 1_000_000i64..2_000_000, vec(scrape, SCRAPES)).prop_map(
        move |(interval, begin, scrapes)| {
            let mut out: Vec<Scrape> = Vec::new();
            let (mut at, mut count, mut start) = (begin, 50u32, begin - 7_000);
            for (jitter, growth, restart, pause, marked) in scrapes {
                if let (Some(shift), Loss::Some, Some(last)) = (restart, loss, out.last()) {
                    // Whoever scrapes begins anew, at another time.
                    at = last.time + 1 + (shift * interval) / 1000;
                }
                let time: i64 = at + jitter * interval / 1000;
                let time = out
                    .last()
                    .map_or(time, |last: &Scrape| time.max(last.time + 1));
                count = match restart {
                    Some(_) => 0,
                    None => count + growth,
                };
                if restart.is_some() {
                    start = time - 1;
                }
                let gauge = (time / 777 % 1000) as i32 - 500;
                // The target is away; sometimes a marker says so.
                let stale = pause > 0 && marked;
                if pause == 0 || stale {
                    out.push(Scrape {
                        time,
                        count,
                        start,
                        gauge,
                        stale,
                    });
                }
                at += interval * (1 + pause as i64);
            }
            out
        },
    )
}

/// A series cut into replicas that between them have all of it.
pub fn cut(loss: Loss, replicas: usize) -> impl Strategy<Value = Cut> {
    let lost = vec((0u32..100, any::<proptest::sample::Index>()), SCRAPES);
    let pieces = vec(
        (2usize..25, any::<proptest::sample::Index>(), 0usize..3),
        SCRAPES,
    );
    (uncut(loss), vec(lost, replicas), pieces, any::<bool>()).prop_map(
        move |(uncut, lost, pieces, markers)| {
            let mut has = vec![vec![false; replicas]; uncut.len()];
            match loss {
                Loss::Some => {
                    for (i, has) in has.iter_mut().enumerate() {
                        for (replica, has) in has.iter_mut().enumerate() {
                            *has = lost[replica][i].0 >= 33;
                        }
                        let one = lost[0][i].1.index(replicas);
                        has[one] = true;
                    }
                }
                Loss::Pieces => {
                    let mut at = 0;
                    for (length, one, others) in pieces {
                        for has in has.iter_mut().skip(at).take(length) {
                            let first = one.index(replicas);
                            (0..=others).for_each(|other| has[(first + other) % replicas] = true);
                        }
                        at += length;
                    }
                }
            }
            let replica = |number: usize| -> Vec<Scrape> {
                let numbered = uncut.iter().zip(&has).enumerate();
                let scrape = |(i, (scrape, has)): (usize, (&Scrape, &Vec<bool>))| {
                    // A failed scrape leaves a marker of its own.
                    let failed = markers && !has[number] && lost[number][i].0 % 3 == 0;
                    (has[number] || failed).then_some(Scrape {
                        stale: scrape.stale || failed,
                        ..*scrape
                    })
                };
                numbered.filter_map(scrape).collect()
            };
            Cut {
                replicas: (0..replicas).map(replica).collect(),
                uncut,
            }
        },
    )
}

/// A histogram whose buckets grow with a counter.
fn histogram(scrape: &Scrape) -> Histogram<u64> {
    let count = u64::from(scrape.count);
    let buckets = vec![count, 2 * count, count / 3];
    Histogram {
        layout: HistogramLayout {
            schema: 1,
            zero_threshold: 0.001,
            positive_spans: vec![Span {
                offset: 0,
                length: 3,
            }],
            ..HistogramLayout::default()
        },
        count: buckets.iter().sum::<u64>() + 1,
        zero_count: 1,
        sum: match scrape.stale {
            true => f64::from_bits(STALE),
            false => 1.5 * count as f64,
        },
        buckets,
        ..Histogram::default()
    }
}

fn floats(scrapes: &[Scrape], value: impl Fn(&Scrape) -> f64) -> (Vec<i64>, Vec<f64>) {
    let value = |scrape: &Scrape| match scrape.stale {
        true => f64::from_bits(STALE),
        false => value(scrape),
    };
    scrapes
        .iter()
        .map(|scrape| (scrape.time, value(scrape)))
        .unzip()
}

/// Appends what a metric has of some scrapes.
pub fn append(memory: &MemoryStorage, metric: Metric, replica: &str, scrapes: &[Scrape]) {
    let labels = || {
        [
            ("__name__", metric.name()),
            ("job", "api"),
            ("replica", replica),
        ]
    };
    let histograms = |scrapes: &[Scrape]| {
        let sample = |scrape: &Scrape| HistogramSample {
            timestamp: scrape.time,
            start_timestamp: 0,
            histogram: histogram(scrape),
        };
        let samples: Vec<_> = scrapes.iter().map(sample).collect();
        memory.append_histograms(labels(), &samples).unwrap();
    };
    let plain = |scrapes: &[Scrape]| {
        let (times, values) = floats(scrapes, |scrape| f64::from(scrape.count));
        memory.append_series(labels(), times, values).unwrap();
    };
    match metric {
        Metric::Counter => plain(scrapes),
        Metric::Gauge => {
            let (times, values) = floats(scrapes, |scrape| f64::from(scrape.gauge) / 8.0);
            memory.append_series(labels(), times, values).unwrap();
        }
        Metric::Started => {
            let sample = |scrape: &Scrape| FloatSample {
                timestamp: scrape.time,
                start_timestamp: scrape.start,
                value: match scrape.stale {
                    true => f64::from_bits(STALE),
                    false => f64::from(scrape.count),
                },
            };
            let samples: Vec<_> = scrapes.iter().map(sample).collect();
            memory.append_floats(labels(), &samples).unwrap();
        }
        Metric::Histogram => histograms(scrapes),
        Metric::Mixed => {
            // By their time, so that all replicas say the same.
            let first = scrapes.partition_point(|scrape| scrape.time < 3_500_000);
            plain(&scrapes[..first]);
            histograms(&scrapes[first..]);
        }
    }
}

/// All metrics of some scrapes.
pub fn store_of(scrapes: &[Scrape]) -> Arc<dyn Storage> {
    let memory = MemoryStorage::new();
    Metric::ALL
        .iter()
        .for_each(|&metric| append(&memory, metric, "", scrapes));
    Arc::new(memory)
}

/// All metrics of some replicas, united.
pub fn united(replicas: &[Vec<Scrape>]) -> Arc<dyn Storage> {
    let memory = MemoryStorage::new();
    for (number, scrapes) in replicas.iter().enumerate() {
        let replica = format!("r{number}");
        Metric::ALL
            .iter()
            .for_each(|&metric| append(&memory, metric, &replica, scrapes));
    }
    Arc::new(Replicas::new(Arc::new(memory), ["replica"]))
}
