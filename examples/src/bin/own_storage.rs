//! A storage of one's own: a house full of thermometers, whose readings have
//! a form that no database knows. An index leads from labels to series, so
//! that a select looks at the series that match and at no others.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin own_storage
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::ready;
use std::sync::{Arc, PoisonError, RwLock};

use quarrel::labels::{Label, LabelList};
use quarrel::storage::{
    BoxFuture, Chunk, LabelsRequest, Matcher, SelectRequest, Selected, SeriesSource, Snapshot,
    Storage, StorageError, TimeRange,
};
use quarrel::{Engine, QueryOptions, Timestamp};

/// What the program has anyway.
struct Thermometer {
    /// Names and values, sorted by name; no value is empty.
    labels: Vec<(String, String)>,
    /// Seconds since the epoch, ascending.
    times: Vec<u32>,
    tenths_of_a_degree: Vec<i16>,
}

/// All thermometers, sorted by labels, no two equal.
#[derive(Default)]
struct House {
    now: RwLock<Arc<View>>,
}

/// The house at one moment: a query sees no reading that comes later.
#[derive(Default)]
struct View {
    thermometers: Vec<Arc<Thermometer>>,
    index: Index,
}

/// Label name, then value, then the series that have it, ascending.
#[derive(Default)]
struct Index(BTreeMap<String, BTreeMap<String, BTreeSet<u32>>>);

impl Index {
    fn new(thermometers: &[Arc<Thermometer>]) -> Self {
        let mut index = Index::default();
        for (row, thermometer) in (0..).zip(thermometers) {
            for (name, value) in &thermometer.labels {
                let values = index.0.entry(name.clone()).or_default();
                values.entry(value.clone()).or_default().insert(row);
            }
        }
        index
    }

    /// The series that have a value which satisfies a condition.
    fn with(&self, name: &str, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<u32> {
        let values = self.0.get(name).into_iter().flatten();
        let wanted = values.filter(|(value, _)| is_wanted(value));
        wanted.flat_map(|(_, rows)| rows.iter().copied()).collect()
    }

    /// The series that all matchers match, of `count` series.
    fn select(&self, matchers: &[Matcher], count: usize) -> BTreeSet<u32> {
        let mut rows: BTreeSet<u32> = (0..count as u32).collect();
        for m in matchers {
            if m.matches("") {
                // So do series without the label: those that fail are taken out.
                let fail = self.with(m.name(), |value| !m.matches(value));
                rows.retain(|row| !fail.contains(row));
            } else {
                let matching = self.with(m.name(), |value| m.matches(value));
                rows.retain(|row| matching.contains(row));
            }
        }
        rows
    }
}

// From here on: all that the engine asks of a storage.

type Answer<'a, T> = BoxFuture<'a, Result<T, StorageError>>;

impl Storage for House {
    fn snapshot(&self, _: TimeRange) -> Answer<'_, Arc<dyn Snapshot>> {
        let now = self.now.read();
        let view = Arc::clone(&now.unwrap_or_else(PoisonError::into_inner));
        Box::pin(ready(Ok(view as Arc<dyn Snapshot>)))
    }
}

impl View {
    /// The series that any of the selectors matches; none: all series.
    fn any(&self, selectors: &[Vec<Matcher>]) -> BTreeSet<u32> {
        let count = self.thermometers.len();
        match selectors {
            [] => self.index.select(&[], count),
            _ => {
                let each = selectors.iter().map(|m| self.index.select(m, count));
                each.flatten().collect()
            }
        }
    }
}

impl Snapshot for View {
    fn select<'a>(&'a self, request: SelectRequest<'a>) -> Answer<'a, Selected> {
        let rows = self.index.select(request.matchers, self.thermometers.len());
        let (mut labels, mut readings) = (LabelList::new(), Vec::new());
        // One lock of the table for all strings.
        let mut symbols = request.symbols.write();
        for row in rows {
            let thermometer = &self.thermometers[row as usize];
            labels.push(thermometer.labels.iter().map(|(name, value)| Label {
                name: symbols.intern(name),
                value: symbols.intern(value),
            }));
            readings.push(Arc::clone(thermometer));
        }
        let selected = Selected::new(labels, Arc::new(Readings(readings)));
        Box::pin(ready(Ok(selected)))
    }

    fn label_names<'a>(&'a self, request: LabelsRequest<'a>) -> Answer<'a, Vec<String>> {
        let rows = self.any(request.selectors);
        let used = |name: &&String| !self.index.with(name, |_| true).is_disjoint(&rows);
        let names = self.index.0.keys().filter(used).cloned().collect();
        Box::pin(ready(Ok(names)))
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> Answer<'a, Vec<String>> {
        let rows = self.any(request.selectors);
        let values = self.index.0.get(name).into_iter().flatten();
        let used = values.filter(|(_, of)| !of.is_disjoint(&rows));
        let values = used.map(|(value, _)| value.clone()).collect();
        Box::pin(ready(Ok(values)))
    }
}

/// The samples of selected series, by their number in the selection.
struct Readings(Vec<Arc<Thermometer>>);

impl SeriesSource for Readings {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let thermometer = &self.0[row as usize];
        let seconds = thermometer.times.iter();
        let timestamps: Vec<i64> = seconds.map(|&s| i64::from(s) * 1000).collect();
        let tenths = thermometer.tenths_of_a_degree.iter();
        let values: Vec<f64> = tenths.map(|&t| f64::from(t) / 10.0).collect();
        out.push(Chunk::floats(timestamps, values));
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.0.iter().map(|t| t.times.len() as u64).sum())
    }
}

// That was all.

/// A thermometer that is read every ten minutes.
fn thermometer(floor: &str, room: &str, tenths: &[i16]) -> Arc<Thermometer> {
    let labels = [
        ("__name__", "temperature_celsius"),
        ("floor", floor),
        ("room", room),
    ];
    let labels = labels.map(|(name, value)| (name.to_string(), value.to_string()));
    Arc::new(Thermometer {
        labels: labels.into(),
        times: (0..tenths.len() as u32).map(|i| i * 600).collect(),
        tenths_of_a_degree: tenths.to_vec(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut thermometers = vec![
        thermometer("2", "attic", &[264, 259, 251, 250]),
        thermometer("0", "cellar", &[112, 112, 111, 113]),
        thermometer("1", "kitchen", &[191, 198, 207, 223]),
    ];
    thermometers.sort_by(|a, b| a.labels.cmp(&b.labels));
    let index = Index::new(&thermometers);
    let house = House::default();
    let view = Arc::new(View {
        thermometers,
        index,
    });
    *house.now.write().unwrap_or_else(PoisonError::into_inner) = view;

    let engine = Engine::builder().build()?;
    let storage: Arc<dyn Storage> = Arc::new(house);
    let warm = "delta(temperature_celsius{room!='cellar'}[30m]) > 0";
    let result = engine
        .prepare(warm)?
        .instant(
            Arc::clone(&storage),
            Timestamp::from_secs(1800),
            QueryOptions::new(),
        )
        .execute()
        .await?;
    let warmer = result
        .value
        .as_vector()
        .ok_or("a comparison gives a vector")?;
    let warmer = warmer.to_series();
    let labels: Vec<_> = warmer.iter().map(|series| &series.labels).collect();
    println!("rooms that grow warmer: {labels:?}");
    let label = |name: &str, value: &str| (name.to_string(), value.to_string());
    assert_eq!(labels, [&[label("floor", "1"), label("room", "kitchen")]]);

    // What an HTTP API asks.
    let view = storage.snapshot(TimeRange::ALL).await?;
    let rooms = view
        .label_values("room", LabelsRequest::new(&[], TimeRange::ALL))
        .await?;
    println!("rooms: {rooms:?}");
    assert_eq!(rooms, ["attic", "cellar", "kitchen"]);
    Ok(())
}
