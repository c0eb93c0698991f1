//! Reading JSON. It is read once, into columns, by the types of the API; what
//! the API may add is passed over.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::labels::Labels;
use super::value::{Answer, Bucket, Data, Failure, Histogram, Row, StepStats, Unreadable, Value};

/// How much of a body an error shows, bytes.
const SHOWN: usize = 80;

impl Answer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not of the API's form.
    pub fn read(status: u16, mut body: Vec<u8>) -> Result<Self, Unreadable> {
        let begin = body[..body.len().min(SHOWN)].to_vec();
        let unreadable = |reason: String| Unreadable {
            status,
            reason: match begin.is_empty() {
                true => "no body".to_string(),
                false => {
                    let begin = String::from_utf8_lossy(&begin);
                    format!("no answer of the HTTP API: {reason}; it begins with {begin:?}")
                }
            },
        };
        let read: Result<Envelope<'_>, _> = simd_json::serde::from_slice(&mut body);
        let envelope = read.map_err(|error| unreadable(error.to_string()))?;
        match &*envelope.status {
            "success" => match envelope.data.and_then(Body::value) {
                Some((value, steps)) if (200..300).contains(&status) => Ok(Answer::Data(Data {
                    value,
                    warnings: texts(envelope.warnings),
                    infos: texts(envelope.infos),
                    steps,
                })),
                Some(_) => Err(unreadable("it is a success, and its status is not".into())),
                None => Err(unreadable("it has no result of a known type".into())),
            },
            "error" => Ok(Answer::Failure(Failure {
                status,
                kind: envelope.error_type.unwrap_or_default().into_owned(),
                message: envelope.error.unwrap_or_default().into_owned(),
            })),
            other => Err(unreadable(format!("its status is {other:?}"))),
        }
    }
}

fn texts(texts: Option<Vec<Cow<'_, str>>>) -> Vec<String> {
    let texts = texts.unwrap_or_default().into_iter();
    texts.map(Cow::into_owned).collect()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<Body<'a>>,
    #[serde(borrow, rename = "errorType")]
    error_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    warnings: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    infos: Option<Vec<Cow<'a, str>>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, rename = "resultType")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<Items<'a>>,
    stats: Option<Stats>,
}

#[derive(Deserialize)]
struct Stats {
    samples: Option<Samples>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Samples {
    total_queryable_samples_per_step: Option<Vec<(f64, f64)>>,
    samples_read_per_step: Option<Vec<(f64, f64)>>,
}

impl Stats {
    fn steps(self) -> Option<StepStats> {
        let samples = self.samples?;
        let steps = |steps: Vec<(f64, f64)>| {
            let steps = steps.into_iter();
            steps.map(|(time, count)| (millis(time), count)).collect()
        };
        Some(StepStats {
            total: steps(samples.total_queryable_samples_per_step?),
            read: samples.samples_read_per_step.map(steps),
        })
    }
}

impl Body<'_> {
    fn value(self) -> Option<(Value, Option<StepStats>)> {
        let steps = self.stats.and_then(Stats::steps);
        let value = self.kind.as_deref().zip(self.result);
        value
            .and_then(|(kind, items)| items.value(kind))
            .map(|value| (value, steps))
    }
}

impl Items<'_> {
    /// The value of a type.
    fn value(self, kind: &str) -> Option<Value> {
        match (kind, self) {
            ("vector", Items::Rows(rows)) => {
                let single = rows.iter().all(|row| row.len() == 1);
                single.then_some(Value::Vector(rows))
            }
            ("matrix", Items::Rows(rows)) => Some(Value::Matrix(rows)),
            ("scalar", Items::Pair(time, text)) => Some(Value::Scalar(time, number(&text)?)),
            ("string", Items::Pair(time, text)) => Some(Value::Text(time, text.into_owned())),
            _ => None,
        }
    }
}

/// A result before its type is known, which may come later.
enum Items<'a> {
    Rows(Vec<Row>),
    Pair(i64, Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows, or a time and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<'de>, A::Error> {
        let mut rows = Vec::new();
        while let Some(item) = items.next_element::<Item<'de>>()? {
            match item {
                Item::Row(row) => rows.push(row),
                Item::Time(time) if rows.is_empty() => {
                    let text = items.next_element::<Item<'de>>()?;
                    let (Some(Item::Text(text)), None) =
                        (text, items.next_element::<IgnoredAny>()?)
                    else {
                        return Err(A::Error::custom("a time without its value"));
                    };
                    return Ok(Items::Pair(time, text));
                }
                _ => return Err(A::Error::custom("a value where a row is due")),
            }
        }
        Ok(Items::Rows(rows))
    }
}

enum Item<'a> {
    Row(Row),
    Time(i64),
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row, a time or a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Item<'de>, A::Error> {
        let mut row = Row {
            labels: Labels::default(),
            floats: Vec::new(),
            histograms: Vec::new(),
        };
        while let Some(name) = members.next_key::<&'de str>()? {
            match name {
                "metric" => row.labels = members.next_value::<Metric>()?.0,
                "value" => row.floats = vec![members.next_value::<Float>()?.0],
                "values" => row.floats = members.next_value::<Floats>()?.0,
                "histogram" => row.histograms = vec![members.next_value::<Timed>()?.0],
                "histograms" => {
                    let all = members.next_value::<Vec<Timed>>()?;
                    row.histograms = all.into_iter().map(|timed| timed.0).collect();
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Item::Row(row))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Item<'de>, E> {
        Ok(Item::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Item<'de>, E> {
        Ok(Item::Text(text.to_string().into()))
    }

    fn visit_f64<E>(self, seconds: f64) -> Result<Item<'de>, E> {
        Ok(Item::Time(millis(seconds)))
    }

    fn visit_i64<E>(self, seconds: i64) -> Result<Item<'de>, E> {
        Ok(Item::Time(millis(seconds as f64)))
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<Item<'de>, E> {
        Ok(Item::Time(millis(seconds as f64)))
    }
}

/// Rounded, since fractions of seconds are not exact. Times that no float of
/// milliseconds tells apart are cut, so that differences of times do not
/// overflow.
fn millis(seconds: f64) -> i64 {
    const FARTHEST: f64 = 9_007_199_254_740_992.0;
    (seconds * 1000.0).round().clamp(-FARTHEST, FARTHEST) as i64
}

/// A value as the API writes it: `NaN` and `+Inf`, not `nan` and `inf`.
fn number(text: &str) -> Option<f64> {
    let sign = text.trim_start_matches(['+', '-']);
    match sign.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => None,
        false => text.parse().ok(),
    }
}

struct Metric(Labels);

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MetricVisitor)
    }
}

struct MetricVisitor;

impl<'de> Visitor<'de> for MetricVisitor {
    type Value = Metric;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Metric, A::Error> {
        let mut pairs: Vec<(&'de str, &'de str)> = Vec::new();
        while let Some(pair) = members.next_entry()? {
            pairs.push(pair);
        }
        let labels = Labels::new(pairs);
        let labels = labels.ok_or_else(|| A::Error::custom("a label name twice in a row"))?;
        Ok(Metric(labels))
    }
}

/// A time and a float.
struct Float((i64, f64));

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // A `Cow` in a tuple would be copied.
        let (seconds, text) = <(f64, &'de str)>::deserialize(from)?;
        match number(text) {
            Some(value) => Ok(Float((millis(seconds), value))),
            None => Err(D::Error::custom(format!("{text:?} is no number"))),
        }
    }
}

struct Floats(Vec<(i64, f64)>);

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(FloatsVisitor)
    }
}

struct FloatsVisitor;

impl<'de> Visitor<'de> for FloatsVisitor {
    type Value = Floats;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("times with values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Floats, A::Error> {
        let mut floats = Vec::with_capacity(items.size_hint().unwrap_or_default().min(1 << 16));
        while let Some(Float(float)) = items.next_element()? {
            floats.push(float);
        }
        Ok(Floats(floats))
    }
}

/// A time and a native histogram.
struct Timed((i64, Histogram));

impl<'de> Deserialize<'de> for Timed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (seconds, printed) = <(f64, Printed<'de>)>::deserialize(from)?;
        let histogram = printed.histogram();
        let histogram = histogram.ok_or_else(|| D::Error::custom("a histogram without numbers"))?;
        Ok(Timed((millis(seconds), histogram)))
    }
}

/// A native histogram as the API writes it.
#[derive(Deserialize)]
struct Printed<'a> {
    #[serde(borrow)]
    count: Cow<'a, str>,
    #[serde(borrow)]
    sum: Cow<'a, str>,
    #[serde(borrow)]
    buckets: Option<Vec<PrintedBucket<'a>>>,
}

/// Which bounds belong to it, the bounds, and the count.
type PrintedBucket<'a> = (u8, &'a str, &'a str, &'a str);

impl Printed<'_> {
    fn histogram(&self) -> Option<Histogram> {
        let buckets = self.buckets.iter().flatten();
        let buckets = buckets.map(|(bounds, lower, upper, count)| {
            Some(Bucket {
                bounds: *bounds,
                lower: number(lower)?,
                upper: number(upper)?,
                count: number(count)?,
            })
        });
        Some(Histogram {
            count: number(&self.count)?,
            sum: number(&self.sum)?,
            buckets: buckets.collect::<Option<_>>()?,
        })
    }
}
