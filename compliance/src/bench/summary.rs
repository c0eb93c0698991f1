//! What the measurements say.

use super::record::{Asked, Record, Side, Timing};
use super::statistics::{
    Interval, geometric_mean, median, median_interval, quantile, ratio_interval,
};

/// A run in few numbers. Times are seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Each endpoint over all queries.
    pub totals: Vec<Total>,
    /// Each query, in the order of the record.
    pub lines: Vec<Line>,
}

/// An endpoint over all queries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Total {
    /// The geometric mean of the medians until the last byte.
    pub last_byte: Option<f64>,
    /// The geometric mean of the medians until the first byte.
    pub first_byte: Option<f64>,
    /// The value below which nine of ten warm requests lie.
    pub p90: Option<f64>,
    /// The geometric mean of the first rounds until the last byte.
    pub cold: Option<f64>,
    /// Bytes of the bodies on the wire, of one warm round of all queries.
    pub bytes: f64,
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that failed.
    pub failed: u64,
    /// The ratio to the first endpoint, over the queries that both have answered:
    /// until the last byte.
    pub ratio: Option<f64>,
    /// Where that lies.
    pub interval: Option<Interval>,
    /// The same of the first rounds.
    pub cold_ratio: Option<f64>,
    /// How many queries the ratio is over.
    pub compared: usize,
}

/// A query: its endpoints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Each endpoint.
    pub cells: Vec<Cell>,
}

/// A query on one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The median until the last byte.
    pub last_byte: Option<f64>,
    /// Where that lies.
    pub interval: Option<Interval>,
    /// The ratio to the first endpoint.
    pub ratio: Option<f64>,
}

impl Summary {
    /// Sums up a run.
    pub fn of(record: &Record) -> Self {
        let lines: Vec<Line> = record.queries.iter().map(line).collect();
        let totals = (0..record.endpoints.len()).map(|side| total(record, &lines, side));
        Summary {
            totals: totals.collect(),
            lines,
        }
    }

    /// The queries in the order of the largest ratio to the first endpoint; of
    /// one endpoint alone, in that of time.
    pub fn slowest_first(&self) -> Vec<usize> {
        let key = |line: &Line| {
            let ratios = line.cells.iter().skip(1).filter_map(|cell| cell.ratio);
            let time = line.cells.first().and_then(|cell| cell.last_byte);
            let ratio = ratios.max_by(f64::total_cmp);
            match line.cells.len() {
                1 => time,
                _ => ratio,
            }
            .unwrap_or(0.0)
        };
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        order.sort_by(|a, b| key(&self.lines[*b]).total_cmp(&key(&self.lines[*a])));
        order
    }
}

/// The warm times until the last byte, in seconds.
pub(super) fn warm(side: &Side) -> Vec<f64> {
    side.warm.iter().map(last_byte).collect()
}

pub(super) fn last_byte(timing: &Timing) -> f64 {
    timing.last_byte_ns as f64 / 1e9
}

fn line(asked: &Asked) -> Line {
    let medians: Vec<Option<f64>> = asked.sides.iter().map(|side| median(&warm(side))).collect();
    let first = medians.first().copied().flatten();
    let cells = asked.sides.iter().zip(&medians).map(|(side, own)| Cell {
        last_byte: *own,
        interval: median_interval(&warm(side)),
        ratio: own.zip(first).map(|(own, first)| own / first),
    });
    Line {
        cells: cells.collect(),
    }
}

fn total(record: &Record, lines: &[Line], side: usize) -> Total {
    let sides = || {
        record
            .queries
            .iter()
            .filter_map(|asked| asked.sides.get(side))
    };
    let medians = lines
        .iter()
        .filter_map(|line| line.cells.get(side)?.last_byte);
    let first_bytes = sides().filter_map(|side| {
        let times = side
            .warm
            .iter()
            .map(|timing| timing.first_byte_ns as f64 / 1e9);
        median(&times.collect::<Vec<f64>>())
    });
    let all: Vec<f64> = sides().flat_map(warm).collect();
    let bytes = sides().filter_map(|side| {
        let sizes = side.warm.iter().map(|timing| timing.sent_bytes as f64);
        median(&sizes.collect::<Vec<f64>>())
    });
    let (mut answered, mut failed) = (0, 0);
    for side in sides() {
        answered += (usize::from(side.cold.is_some()) + side.warm.len()) as u64;
        failed += side.errors.len() as u64;
    }
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = record.queries.iter().map(|q| paired(q, side)).collect();
    let pairs = pairs.iter().filter(|(own, _)| !own.is_empty());
    let pairs: Vec<(&[f64], &[f64])> = pairs.map(|(own, first)| (&**own, &**first)).collect();
    let ratios = pairs
        .iter()
        .filter_map(|(own, first)| Some(median(own)? / median(first)?));
    let cold = |side: &Side| side.cold.as_ref().map(last_byte);
    let cold_ratios = record.queries.iter().filter_map(|asked| {
        let (own, first) = (asked.sides.get(side)?, asked.sides.first()?);
        Some(cold(own)? / cold(first)?)
    });
    let is_other = side > 0;
    Total {
        last_byte: geometric_mean(medians),
        first_byte: geometric_mean(first_bytes),
        p90: quantile(&all, 0.9),
        cold: geometric_mean(sides().filter_map(cold)),
        bytes: bytes.sum(),
        answered,
        failed,
        ratio: geometric_mean(ratios).filter(|_| is_other),
        interval: ratio_interval(&pairs, true).filter(|_| is_other),
        cold_ratio: geometric_mean(cold_ratios).filter(|_| is_other),
        compared: pairs.len(),
    }
}

/// The times of an endpoint and of the first one, of the rounds that both have
/// answered.
fn paired(asked: &Asked, side: usize) -> (Vec<f64>, Vec<f64>) {
    let (Some(own), Some(first)) = (asked.sides.get(side), asked.sides.first()) else {
        return Default::default();
    };
    let mut pairs = (Vec::new(), Vec::new());
    let mut others = first.warm.iter().peekable();
    for timing in &own.warm {
        while others.next_if(|other| other.round < timing.round).is_some() {}
        if let Some(other) = others.next_if(|other| other.round == timing.round) {
            pairs.0.push(last_byte(timing));
            pairs.1.push(last_byte(other));
        }
    }
    pairs
}
