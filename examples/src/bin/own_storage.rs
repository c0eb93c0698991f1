//! A storage of one's own: a house full of thermometers, whose readings have
//! a form that no database knows.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin own_storage
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::{BoxFuture, FutureExt, ready};
use quarrel::labels::{Label, LabelList};
use quarrel::storage::{
    Chunk, ChunkData, Matcher, SelectRequest, Selected, SeriesSource, Snapshot, Storage,
    StorageError, TimeRange,
};
use quarrel::{Engine, QueryOptions, Timestamp};

/// What the program has anyway.
#[derive(Clone)]
struct Thermometer {
    room: String,
    /// Seconds since the epoch, ascending.
    times: Vec<u32>,
    tenths_of_a_degree: Vec<i16>,
}

/// All thermometers, sorted by room, each room once.
#[derive(Default)]
struct House {
    thermometers: RwLock<Arc<Vec<Thermometer>>>,
}

// From here on: all that the engine asks of a storage.

type Answer<'a, T> = BoxFuture<'a, Result<T, StorageError>>;

impl Storage for House {
    fn snapshot(&self, _: TimeRange) -> Answer<'_, Arc<dyn Snapshot>> {
        let now = self.thermometers.read();
        let now = Arc::clone(&now.unwrap_or_else(PoisonError::into_inner));
        ready(Ok(Arc::new(View(now)) as Arc<dyn Snapshot>)).boxed()
    }
}

/// The labels of each series, sorted.
const NAMES: [&str; 2] = ["__name__", "room"];

impl Thermometer {
    fn label(&self, name: &str) -> &str {
        match name {
            "__name__" => "temperature_celsius",
            "room" => &self.room,
            _ => "", // the value of a label that a series lacks
        }
    }

    fn matches(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|m| m.matches(self.label(m.name())))
    }
}

/// The house at one moment: a query sees no reading that comes later.
struct View(Arc<Vec<Thermometer>>);

impl View {
    /// A label's values where any of the selectors matches; none: in all series.
    fn values(&self, name: &str, any: &[Vec<Matcher>]) -> Vec<String> {
        let matching = |t: &&Thermometer| any.is_empty() || any.iter().any(|m| t.matches(m));
        let values = self.0.iter().filter(matching).map(|t| t.label(name));
        let values: BTreeSet<&str> = values.filter(|value| !value.is_empty()).collect();
        values.into_iter().map(String::from).collect()
    }
}

impl Snapshot for View {
    fn select<'a>(&'a self, request: SelectRequest<'a>) -> Answer<'a, Selected> {
        let matching = self.0.iter().filter(|t| t.matches(request.matchers));
        let matching: Vec<Thermometer> = matching.cloned().collect();
        let mut labels = LabelList::new();
        for thermometer in &matching {
            labels.push(NAMES.map(|name| Label {
                name: request.symbols.intern(name),
                value: request.symbols.intern(thermometer.label(name)),
            }));
        }
        let selected = Selected {
            labels,
            series: Arc::new(Readings(matching)),
            warnings: Vec::new(),
        };
        ready(Ok(selected)).boxed()
    }

    fn label_names<'a>(&'a self, any: &'a [Vec<Matcher>], _: TimeRange) -> Answer<'a, Vec<String>> {
        let used = |name: &&str| !self.values(name, any).is_empty();
        let used = NAMES.into_iter().filter(used).map(String::from).collect();
        ready(Ok(used)).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        any: &'a [Vec<Matcher>],
        _: TimeRange,
    ) -> Answer<'a, Vec<String>> {
        ready(Ok(self.values(name, any))).boxed()
    }
}

/// The samples of selected series, by their number in the selection.
struct Readings(Vec<Thermometer>);

impl SeriesSource for Readings {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let thermometer = &self.0[row as usize];
        let seconds = thermometer.times.iter();
        let timestamps: Vec<i64> = seconds.map(|&s| i64::from(s) * 1000).collect();
        let tenths = thermometer.tenths_of_a_degree.iter();
        let values: Vec<f64> = tenths.map(|&t| f64::from(t) / 10.0).collect();
        if let (Some(&min_time), Some(&max_time)) = (timestamps.first(), timestamps.last()) {
            let (timestamps, values) = (timestamps.into(), values.into());
            out.push(Chunk {
                min_time,
                max_time,
                data: ChunkData::Floats { timestamps, values },
                deleted: None,
            });
        }
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
        readings("attic", &[264, 259, 251, 250]),
        readings("cellar", &[112, 112, 111, 113]),
        readings("kitchen", &[191, 198, 207, 223]),
    ]);

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
    assert_eq!(labels, [&[("room".to_string(), "kitchen".to_string())]]);

    // What an HTTP API asks.
    let view = storage.snapshot(TimeRange::ALL).await?;
    let rooms = view.label_values("room", &[], TimeRange::ALL).await?;
    println!("rooms: {rooms:?}");
    assert_eq!(rooms, ["attic", "cellar", "kitchen"]);
    Ok(())
}
