//! What an endpoint has: labels, series, types, and the time of its data.

use std::collections::BTreeMap;

use quarrel_engine::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Endpoint;
use super::error::AskError;
use crate::answer::{Labels, Unreadable, seconds};

/// A second, in milliseconds.
const SECOND: i64 = 1000;
/// How far back data is looked for: some 50 years.
const FARTHEST: i64 = 50 * 365 * 24 * 3600 * SECOND;
/// How exactly the ends of the data are found.
const EXACT: i64 = 60 * SECOND;

/// The times for which labels and series are asked, in milliseconds, both
/// inclusive.
pub type Between = (Timestamp, Timestamp);

#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
}

impl Endpoint {
    /// The values of a label, at most `limit` where that is not 0.
    ///
    /// # Errors
    /// [`AskError`] if the endpoint does not answer, or refuses.
    pub async fn label_values(
        &self,
        label: &str,
        matchers: &[String],
        between: Option<Between>,
        limit: usize,
    ) -> Result<Vec<String>, AskError> {
        let path = format!("label/{}/values", path_segment(label));
        self.list(&path, matchers, between, limit, true).await
    }

    /// The names of labels.
    ///
    /// # Errors
    /// As of [`Endpoint::label_values`].
    pub async fn label_names(
        &self,
        matchers: &[String],
        between: Option<Between>,
    ) -> Result<Vec<String>, AskError> {
        self.list("labels", matchers, between, 0, false).await
    }

    /// The label sets of the series that match one of the selectors, at most
    /// `limit` where that is not 0.
    ///
    /// # Errors
    /// As of [`Endpoint::label_values`].
    pub async fn series(
        &self,
        matchers: &[String],
        between: Option<Between>,
        limit: usize,
    ) -> Result<Vec<Labels>, AskError> {
        let sets: Vec<BTreeMap<String, String>> =
            self.list("series", matchers, between, limit, false).await?;
        let labels = sets.iter().map(|set| {
            let pairs = set.iter().map(|(name, value)| (&**name, &**value));
            // A map has no name twice.
            Labels::new(pairs.collect()).unwrap_or_default()
        });
        Ok(labels.collect())
    }

    /// The types of metrics, such as `counter`, as far as the endpoint knows
    /// them.
    ///
    /// # Errors
    /// As of [`Endpoint::label_values`].
    pub async fn metric_types(&self) -> Result<BTreeMap<String, String>, AskError> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(rename = "type")]
            kind: String,
        }
        let all: BTreeMap<String, Vec<Entry>> = self.get("metadata", &[], true).await?;
        let first = all.into_iter().filter_map(|(name, entries)| {
            let kind = entries.into_iter().next()?.kind;
            Some((name, kind))
        });
        Ok(first.collect())
    }

    /// The times of the last data before `now`, and of the first ones in the
    /// `reach_ms` before these, to a minute; `None` if there is none. It takes
    /// some 40 requests for one series each, over short times if the data are
    /// fresh.
    ///
    /// # Errors
    /// As of [`Endpoint::label_values`].
    pub async fn bounds(&self, now: Timestamp, reach_ms: i64) -> Result<Option<Between>, AskError> {
        // A little of the future: clocks differ.
        let end = now.as_millis() + EXACT;
        let (mut reach, mut none) = (3600 * SECOND, 0);
        while !self.has_data(end - reach, end - none).await? {
            if reach >= FARTHEST {
                return Ok(None);
            }
            none = reach;
            reach = (reach * 4).min(FARTHEST);
        }
        // There are data between `with` and `last`, and none after `last`.
        let (mut with, mut last) = (end - reach, end - none);
        while last - with > EXACT {
            let middle = with + (last - with) / 2;
            match self.has_data(middle, last).await? {
                true => with = middle,
                false => last = middle,
            }
        }
        // There are none between `without` and `first`'s minute.
        let (mut without, mut first) = (last - reach_ms.max(EXACT), last);
        if self.has_data(without - EXACT, without).await? {
            first = without;
        }
        while first - without > EXACT {
            let middle = without + (first - without) / 2;
            match self.has_data(without, middle).await? {
                true => first = middle,
                false => without = middle,
            }
        }
        Ok(Some((
            Timestamp::from_millis(first),
            Timestamp::from_millis(last),
        )))
    }

    async fn has_data(&self, start: i64, end: i64) -> Result<bool, AskError> {
        let between = (Timestamp::from_millis(start), Timestamp::from_millis(end));
        let all = [r#"{__name__!=""}"#.to_string()];
        Ok(!self.series(&all, Some(between), 1).await?.is_empty())
    }

    async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        matchers: &[String],
        between: Option<Between>,
        limit: usize,
        get: bool,
    ) -> Result<Vec<T>, AskError> {
        let mut parameters: Vec<(&str, String)> = Vec::new();
        parameters.extend(matchers.iter().map(|text| ("match[]", text.clone())));
        if let Some((start, end)) = between {
            parameters.push(("start", seconds(start.as_millis())));
            parameters.push(("end", seconds(end.as_millis())));
        }
        if limit > 0 {
            parameters.push(("limit", limit.to_string()));
        }
        let mut list: Vec<T> = self.get(path, &parameters, get).await?;
        if limit > 0 {
            list.truncate(limit);
        }
        Ok(list)
    }

    async fn get<T: DeserializeOwned + Default>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        get: bool,
    ) -> Result<T, AskError> {
        let reply = self.send(path, parameters, get).await?;
        let unreadable = |reason: &dyn std::fmt::Display| Unreadable {
            status: reply.status,
            reason: format!("{path}: {reason}"),
        };
        let read: Result<Envelope<T>, _> = serde_json::from_slice(&reply.body);
        let envelope = read.map_err(|error| unreadable(&error))?;
        match envelope.data {
            Some(data) if envelope.status == "success" => Ok(data),
            // What is empty may be null.
            None if envelope.status == "success" => Ok(T::default()),
            _ => Err(AskError::Refused {
                path: path.to_string(),
                kind: envelope.kind,
                message: envelope.error,
            }),
        }
    }
}

/// A label's name as a segment of a path, in Prometheus's escaping of names
/// that are not plain.
fn path_segment(label: &str) -> String {
    let plain = |c: char| c == '_' || c.is_ascii_alphanumeric();
    if label.chars().all(plain) {
        return label.to_string();
    }
    let mut escaped = String::from("U__");
    for c in label.chars() {
        match c {
            '_' => escaped.push_str("__"),
            c if plain(c) => escaped.push(c),
            c => escaped.push_str(&format!("_{:x}_", c as u32)),
        }
    }
    escaped
}
