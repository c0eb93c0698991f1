//! Converts classic histograms to native histograms with custom buckets, for
//! `load_with_nhcb`.
//!
//! Series `x_bucket`, `x_count` and `x_sum` that differ only in the suffix and
//! `le` become one series `x`. Follows `util/convertnhcb` of Prometheus.

use std::collections::BTreeMap;

use quarrel_functions::fmt::{format_g, parse_float};

use crate::script::HistogramLiteral;

/// Schema of native histograms with custom buckets.
const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// Names and values, sorted by name.
type Labels = Vec<(String, String)>;

/// A series' native histograms by time, ms.
type NativeSeries = (Labels, Vec<(i64, HistogramLiteral)>);

/// The samples of a classic histogram at one time.
#[derive(Clone, Debug, Default)]
struct Classic {
    /// Upper bound and cumulative count, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    /// The first contradiction; later samples are ignored.
    error: Option<String>,
}

/// Collects classic histograms.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    series: BTreeMap<Labels, BTreeMap<i64, Classic>>,
}

/// A part of a classic histogram.
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

impl Collector {
    /// Takes a series' float samples (time in ms, value) if it is a part of a
    /// classic histogram.
    ///
    /// # Errors
    /// When buckets have no `le`.
    pub(crate) fn take(
        &mut self,
        labels: &[(String, String)],
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) -> Result<(), String> {
        let value = |name: &str| labels.iter().find(|l| l.0 == name).map(|l| l.1.as_str());
        let name = value("__name__").unwrap_or_default();
        let (base, part) = if let Some(base) = name.strip_suffix("_bucket") {
            let le = value("le").ok_or_else(|| format!("{name} has no label le"))?;
            match parse_float(le).filter(|le| !le.is_nan()) {
                Some(le) => (base, Part::Bucket(le)),
                None => return Ok(()),
            }
        } else if let Some(base) = name.strip_suffix("_count") {
            (base, Part::Count)
        } else if let Some(base) = name.strip_suffix("_sum") {
            (base, Part::Sum)
        } else {
            return Ok(());
        };
        let mut key: Labels = labels
            .iter()
            .filter(|l| l.0 != "__name__" && l.0 != "le")
            .cloned()
            .collect();
        key.push(("__name__".to_string(), base.to_string()));
        key.sort();
        let times = self.series.entry(key).or_default();
        for (time, value) in samples {
            times.entry(time).or_default().take(&part, value);
        }
        Ok(())
    }

    /// The native histograms: by labels, in order of time.
    ///
    /// # Errors
    /// When the samples of one time contradict each other.
    pub(crate) fn finish(self) -> Result<Vec<NativeSeries>, String> {
        let convert = |(labels, times): (Labels, BTreeMap<i64, Classic>)| {
            let converted = times
                .into_iter()
                .map(|(time, classic)| Ok((time, classic.convert()?)));
            Ok((labels, converted.collect::<Result<_, String>>()?))
        };
        self.series.into_iter().map(convert).collect()
    }
}

impl Classic {
    fn take(&mut self, part: &Part, value: f64) {
        if self.error.is_some() {
            return;
        }
        match part {
            Part::Sum => self.sum = value,
            Part::Count if value < 0.0 => {
                self.error = Some(format!(
                    "count must be non-negative: count={}",
                    format_g(value)
                ));
            }
            Part::Count => self.count = Some(value),
            Part::Bucket(le) => self.take_bucket(*le, value),
        }
    }

    fn take_bucket(&mut self, le: f64, count: f64) {
        if count < 0.0 {
            let (le, count) = (format_g(le), format_g(count));
            self.error = Some(format!(
                "bucket count must be non-negative: le={le}, count={count}"
            ));
            return;
        }
        let at = self.buckets.partition_point(|b| b.0 < le);
        if self.buckets.get(at).is_some_and(|b| b.0 == le) {
            return;
        }
        let before = at
            .checked_sub(1)
            .and_then(|i| self.buckets.get(i))
            .map(|b| b.1);
        let after = self.buckets.get(at).map(|b| b.1);
        let not_cumulative = |than, sign, other| {
            format!(
                "count is not cumulative: {} {sign} {}",
                format_g(than),
                format_g(other)
            )
        };
        match (before, after) {
            (Some(before), _) if count < before => {
                self.error = Some(not_cumulative(count, '<', before));
            }
            (_, Some(after)) if count > after => {
                self.error = Some(not_cumulative(count, '>', after));
            }
            _ => self.buckets.insert(at, (le, count)),
        }
    }

    fn convert(mut self) -> Result<HistogramLiteral, String> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let count = match (self.count, self.buckets.last()) {
            (Some(count), _) => count,
            (None, Some(last)) => last.1,
            (None, None) => return Err("count must be provided when no buckets are present".into()),
        };
        if self.buckets.last().is_none_or(|b| b.0 != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let last = self.buckets.last().map_or(0.0, |b| b.1);
        if last != count {
            let (last, count) = (format_g(last), format_g(count));
            return Err(format!(
                "count mismatch: count={count} != le=+Inf count={last}"
            ));
        }
        let mut before = 0.0;
        let mut own = |&(_, cumulative): &(f64, f64)| {
            let count = cumulative - before;
            before = cumulative;
            count
        };
        Ok(HistogramLiteral {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            buckets: self.buckets.iter().map(&mut own).collect(),
            custom_values: self
                .buckets
                .iter()
                .map(|b| b.0)
                .filter(|le| *le != f64::INFINITY)
                .collect(),
            ..HistogramLiteral::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()))
            .collect()
    }

    #[test]
    fn buckets_count_and_sum_become_one_histogram() {
        let mut collector = Collector::default();
        for (le, count) in [("+Inf", 5.0), ("0.1", 1.0), ("1", 3.0), ("bad", 9.0)] {
            let series = labels(&[("__name__", "x_bucket"), ("job", "a"), ("le", le)]);
            collector.take(&series, [(0, count)]).unwrap();
        }
        collector
            .take(&labels(&[("__name__", "x_sum"), ("job", "a")]), [(0, 7.0)])
            .unwrap();
        collector
            .take(&labels(&[("__name__", "y"), ("job", "a")]), [(0, 7.0)])
            .unwrap();
        let all = collector.finish().unwrap();
        let [(series, samples)] = &all[..] else {
            panic!("one series, not {all:?}")
        };
        assert_eq!(series, &labels(&[("__name__", "x"), ("job", "a")]));
        let text = "{{schema:-53 count:5 sum:7 custom_values:[0.1 1] buckets:[1 2 2]}}";
        assert_eq!(samples[0].1.to_string(), text);
    }

    #[test]
    fn contradictions_are_errors() {
        let of = |parts: &[(&str, &str, f64)]| {
            let mut collector = Collector::default();
            for (name, le, value) in parts {
                collector
                    .take(&labels(&[("__name__", name), ("le", le)]), [(0, *value)])
                    .unwrap();
            }
            collector.finish().unwrap_err()
        };
        let bucket = "x_bucket";
        assert_eq!(
            of(&[(bucket, "1", 3.0), (bucket, "2", 2.0)]),
            "count is not cumulative: 2 < 3"
        );
        assert_eq!(
            of(&[(bucket, "2", 2.0), (bucket, "1", 3.0)]),
            "count is not cumulative: 3 > 2"
        );
        assert_eq!(
            of(&[(bucket, "+Inf", 2.0), ("x_count", "", 3.0)]),
            "count mismatch: count=3 != le=+Inf count=2"
        );
        assert!(of(&[("x_sum", "", 3.0)]).contains("count must be provided"));
        assert!(of(&[("x_count", "", -3.0)]).contains("non-negative"));
    }
}
