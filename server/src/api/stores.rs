//! `stores`: the Thanos API servers behind the server, as Thanos Query shows them, and
//! the bucket beside them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use quarrel_storage::bucket::BucketDatabase;
use quarrel_storage::store_api::EndpointStatus;
use serde::Serialize;

use super::answer::Answer;
use super::call::{Call, Result};
use crate::time::{Moment, format_nanos};

/// The type of the bucket.
const BUCKET: &str = "bucket";

/// An endpoint; times of data in ms.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Store<'a> {
    name: &'a str,
    last_check: String,
    last_error: Option<&'a str>,
    label_sets: Vec<BTreeMap<&'a str, &'a str>>,
    min_time: i64,
    max_time: i64,
}

pub(super) async fn list(call: Call) -> Result {
    let stores = call.source.stores();
    let bucket = call.source.bucket();
    let databases = bucket.map_or_else(Vec::new, |bucket| bucket.databases());
    let mut components = by_component(&stores);
    if let Some(bucket) = bucket {
        let own = components.entry(BUCKET).or_default();
        own.push(of_bucket(bucket.name(), &databases));
    }
    Answer::of(&components, Vec::new())
}

/// The bucket, which checks of its own list.
fn of_bucket<'a>(name: &'a str, databases: &'a [BucketDatabase]) -> Store<'a> {
    let sets = databases.iter().map(|database| {
        let labels = database.labels.iter();
        labels.map(|(n, v)| (&**n, &**v)).collect()
    });
    let starts = databases.iter().map(|database| database.range.start);
    let ends = databases.iter().map(|database| database.range.end);
    Store {
        name,
        last_check: format_nanos(Moment::now()),
        last_error: None,
        label_sets: sets.collect(),
        min_time: starts.min().unwrap_or(i64::MAX),
        max_time: ends.max().unwrap_or(i64::MIN),
    }
}

/// By their types; those that have never said theirs are not shown, as in Thanos.
fn by_component(stores: &[EndpointStatus]) -> BTreeMap<&str, Vec<Store<'_>>> {
    let mut components: BTreeMap<&str, Vec<Store<'_>>> = BTreeMap::new();
    for status in stores {
        let Some(info) = &status.info else { continue };
        let range = info.range();
        let sets = info.label_sets.iter();
        let sets = sets.map(|set| set.iter().map(|(n, v)| (&**n, &**v)).collect());
        let store = Store {
            name: &status.name,
            last_check: format_nanos(status.last_check.map_or(Moment::from_ms(0), moment)),
            last_error: status.last_error.as_deref(),
            label_sets: sets.collect(),
            min_time: range.start,
            max_time: range.end,
        };
        components.entry(&info.component).or_default().push(store);
    }
    components
}

fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Moment::new(seconds, i64::from(since.subsec_nanos()))
}
