//! A storage of one's own: a house full of thermometers, whose readings have
//! a form that no database knows.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin own_storage
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

use arrow_buffer::ScalarBuffer;
use futures::future::{BoxFuture, FutureExt, ready};
use quarrel::labels::{Label, LabelList};
use quarrel::storage::{
    Chunk, ChunkData, Matcher, SelectRequest, Selected, SeriesSource, Snapshot, Storage,
    StorageError, TimeRange,
};
use quarrel::{Engine, EngineOptions, QueryOptions, Value};

/// What the program has anyway.
#[derive(Clone)]
struct Thermometer {
    room: String,
    /// Seconds since the epoch, ascending.
    times: Vec<u32>,
    tenths_of_a_degree: Vec<i16>,
}

#[derive(Default)]
struct House {
    thermometers: RwLock<Arc<Vec<Thermometer>>>,
}

// From here on: all that the engine asks of a storage.

impl Storage for House {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let thermometers = self.thermometers.read();
        let thermometers = thermometers.unwrap_or_else(PoisonError::into_inner);
        let view: Arc<dyn Snapshot> = Arc::new(View(Arc::clone(&thermometers)));
        ready(Ok(view)).boxed()
    }
}

/// The house at one moment: a query sees no reading that comes later.
struct View(Arc<Vec<Thermometer>>);

/// The labels of a series, in order of their names.
fn labels_of(thermometer: &Thermometer) -> BTreeMap<&str, &str> {
    BTreeMap::from([
        ("__name__", "temperature_celsius"),
        ("room", thermometer.room.as_str()),
    ])
}

impl View {
    fn matching(&self, matchers: &[Matcher]) -> Vec<&Thermometer> {
        let all = self.0.iter().filter(|thermometer| {
            let labels = labels_of(thermometer);
            // A label that a series lacks has the empty value.
            let value = |m: &Matcher| labels.get(m.name()).copied().unwrap_or("");
            matchers.iter().all(|m| m.matches(value(m)))
        });
        let mut all: Vec<&Thermometer> = all.collect();
        all.sort_by_key(|thermometer| labels_of(thermometer));
        all
    }

    /// Those that match any of the selectors, all if there is none.
    fn matching_any(&self, selectors: &[Vec<Matcher>]) -> Vec<&Thermometer> {
        if selectors.is_empty() {
            return self.matching(&[]);
        }
        selectors.iter().flat_map(|m| self.matching(m)).collect()
    }
}

impl Snapshot for View {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        let selected = self.matching(request.matchers);
        let mut labels = LabelList::new();
        for thermometer in &selected {
            let intern = |text: &str| request.symbols.intern(text);
            let label = |(name, value)| Label {
                name: intern(name),
                value: intern(value),
            };
            labels.push(labels_of(thermometer).into_iter().map(label));
        }
        let series = Arc::new(Readings(selected.into_iter().cloned().collect()));
        let warnings = Vec::new();
        ready(Ok(Selected {
            labels,
            series,
            warnings,
        }))
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        selectors: &'a [Vec<Matcher>],
        _: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let all = self.matching_any(selectors);
        let names: BTreeSet<&str> = all
            .into_iter()
            .flat_map(labels_of)
            .map(|(n, _)| n)
            .collect();
        ready(Ok(names.into_iter().map(String::from).collect())).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        selectors: &'a [Vec<Matcher>],
        _: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let all = self.matching_any(selectors);
        let value = |t: &Thermometer| labels_of(t).get(name).map(ToString::to_string);
        let values: BTreeSet<String> = all.into_iter().filter_map(value).collect();
        ready(Ok(values.into_iter().collect())).boxed()
    }
}

/// The samples of selected series, by their number in the selection.
struct Readings(Vec<Thermometer>);

impl SeriesSource for Readings {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let readings = &self.0[row as usize];
        let ms = readings.times.iter().map(|&s| i64::from(s) * 1000);
        let timestamps: ScalarBuffer<i64> = ms.collect();
        let degrees = readings
            .tenths_of_a_degree
            .iter()
            .map(|&t| f64::from(t) / 10.0);
        let (Some(&min_time), Some(&max_time)) = (timestamps.first(), timestamps.last()) else {
            return Ok(()); // no readings, no chunk
        };
        let data = ChunkData::Floats {
            timestamps,
            values: degrees.collect(),
        };
        out.push(Chunk {
            min_time,
            max_time,
            data,
            deleted: None,
        });
        Ok(())
    }
}

// That was all.

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let readings = |room: &str, tenths: &[i16]| Thermometer {
        room: room.to_string(),
        times: (0..tenths.len() as u32).map(|i| i * 600).collect(),
        tenths_of_a_degree: tenths.to_vec(),
    };
    let house = House::default();
    *house
        .thermometers
        .write()
        .unwrap_or_else(PoisonError::into_inner) = Arc::new(vec![
        readings("kitchen", &[191, 198, 207, 223]),
        readings("cellar", &[112, 112, 111, 113]),
        readings("attic", &[264, 259, 251, 250]),
    ]);

    let engine = Engine::new(EngineOptions::default())?;
    let storage: Arc<dyn Storage> = Arc::new(house);
    let warm = "delta(temperature_celsius{room!='cellar'}[30m]) > 0";
    let result = engine
        .prepare(warm)?
        .instant(Arc::clone(&storage), 1_800_000, QueryOptions::default())
        .execute()
        .await?;
    let Value::Vector(warmer) = result.value else {
        return Err("a comparison gives a vector".into());
    };
    let warmer = warmer.to_series();
    let labels: Vec<_> = warmer.iter().map(|series| &series.labels).collect();
    println!("rooms that grow warmer: {labels:?}");
    assert_eq!(labels, [&[("room".to_string(), "kitchen".to_string())]]);

    // What an HTTP API asks.
    let view = storage.snapshot(TimeRange::ALL).await?;
    let rooms = view.label_values("room", &[], TimeRange::ALL).await?;
    println!("rooms: {rooms:?}");
    assert_eq!(rooms, ["attic", "cellar", "kitchen"]);
    Ok(())
}
