//! A run beside an earlier one.

use std::collections::HashMap;

use super::record::{Asked, Record, Times};
use super::statistics::{Interval, geometric_mean, median, median_interval, ratio_interval};
use super::summary::warm;

/// What has changed since an earlier run, on one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// The endpoint, and what the earlier run called it.
    pub endpoint: String,
    /// Its name in the earlier run.
    pub earlier: String,
    /// The geometric mean of the ratios of medians, new to old.
    pub ratio: Option<f64>,
    /// Where that lies.
    pub interval: Option<Interval>,
    /// How many queries it is over.
    pub compared: usize,
    /// Queries whose medians' intervals lie apart, the slowest first.
    pub changed: Vec<Change>,
}

/// A query that takes another time than in an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// PromQL.
    pub query: String,
    /// The median of the earlier run, seconds.
    pub before: f64,
    /// That of the new one.
    pub now: f64,
}

impl Changes {
    /// Compares each endpoint with that of the same name in an earlier run; if
    /// there is none, with that in the same place. Queries are the same if their
    /// texts are, and their evaluation times but for when they begin.
    pub fn since(earlier: &Record, now: &Record) -> Vec<Changes> {
        let endpoints = now.endpoints.iter().enumerate();
        let pairs = endpoints.filter_map(|(side, name)| {
            let same = earlier.endpoints.iter().position(|old| old == name);
            let old = same.or((side < earlier.endpoints.len()).then_some(side))?;
            Some((side, old))
        });
        pairs
            .map(|(side, old)| changes(earlier, old, now, side))
            .collect()
    }
}

/// What makes two queries the same.
type Key<'a> = (&'a str, Option<(i64, i64)>);

fn key(asked: &Asked) -> Key<'_> {
    let shape = match asked.times {
        Times::Instant { .. } => None,
        Times::Range {
            start_ms,
            end_ms,
            step_ms,
        } => Some((end_ms.saturating_sub(start_ms), step_ms)),
    };
    (&asked.query, shape)
}

fn changes(earlier: &Record, old: usize, now: &Record, new: usize) -> Changes {
    let mut before: HashMap<Key, &Asked> = HashMap::new();
    for asked in &earlier.queries {
        before.entry(key(asked)).or_insert(asked);
    }
    let (mut samples, mut changed) = (Vec::new(), Vec::new());
    for asked in &now.queries {
        // A query that comes twice is compared once.
        let Some(old_asked) = before.remove(&key(asked)) else {
            continue;
        };
        let (Some(old_side), Some(new_side)) = (old_asked.sides.get(old), asked.sides.get(new))
        else {
            continue;
        };
        let (old_times, new_times) = (warm(old_side), warm(new_side));
        let (Some(was), Some(is)) = (median(&old_times), median(&new_times)) else {
            continue;
        };
        let intervals = median_interval(&old_times).zip(median_interval(&new_times));
        if intervals.is_some_and(|(old, new)| old.is_apart(new)) {
            changed.push(Change {
                query: asked.query.clone(),
                before: was,
                now: is,
            });
        }
        samples.push((new_times, old_times));
    }
    let ratio = |change: &Change| change.now / change.before;
    changed.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let pairs: Vec<(&[f64], &[f64])> = samples.iter().map(|(new, old)| (&**new, &**old)).collect();
    let ratios = pairs
        .iter()
        .filter_map(|(new, old)| Some(median(new)? / median(old)?));
    Changes {
        endpoint: now.endpoints[new].clone(),
        earlier: earlier.endpoints[old].clone(),
        ratio: geometric_mean(ratios),
        // Rounds of two runs have nothing to do with each other.
        interval: ratio_interval(&pairs, false),
        compared: pairs.len(),
        changed,
    }
}
