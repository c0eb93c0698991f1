//! A run as JSON: the record, with the summary's numbers beside it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::baseline::Changes;
use super::record::Record;
use super::statistics::Interval;
use super::summary::Summary;

/// The version of the form.
const VERSION: u32 = 1;

/// Why a file is no earlier run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is not what a run writes as JSON.
    #[error("{}: {problem}", path.display())]
    Format {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// What is read again; the rest follows from it.
#[derive(Deserialize)]
struct File {
    version: u32,
    record: Record,
}

impl Record {
    /// Reads the JSON of an earlier run.
    ///
    /// # Errors
    /// [`BaselineError`] if the file cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let text = std::fs::read_to_string(path).map_err(|error| BaselineError::Read {
            path: path.to_path_buf(),
            error,
        })?;
        Record::parse(&text).map_err(|problem| BaselineError::Format {
            path: path.to_path_buf(),
            problem,
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if file.version != VERSION {
            let version = file.version;
            return Err(format!("has version {version}, not {VERSION}"));
        }
        let record = file.record;
        let count = record.endpoints.len();
        let is_whole = record
            .queries
            .iter()
            .all(|asked| asked.sides.len() == count);
        if !is_whole {
            return Err("has queries without one of the endpoints".into());
        }
        Ok(record)
    }
}

pub(super) fn write(record: &Record, summary: &Summary, changes: &[Changes]) -> String {
    let totals = record.endpoints.iter().zip(&summary.totals);
    let totals = totals.map(|(name, total)| {
        json!({
            "endpoint": name,
            "last_byte_seconds": total.last_byte,
            "first_byte_seconds": total.first_byte,
            "p90_seconds": total.p90,
            "cold_seconds": total.cold,
            "bytes_per_round": total.bytes,
            "answered": total.answered,
            "failed": total.failed,
            "ratio": total.ratio,
            "ratio_interval": interval(total.interval),
            "cold_ratio": total.cold_ratio,
            "queries_compared": total.compared,
        })
    });
    let changes = changes.iter().map(|changes| {
        let changed = changes.changed.iter().map(|change| {
            json!({
                "query": change.query,
                "before_seconds": change.before,
                "now_seconds": change.now,
            })
        });
        json!({
            "endpoint": changes.endpoint,
            "earlier_endpoint": changes.earlier,
            "ratio": changes.ratio,
            "ratio_interval": interval(changes.interval),
            "queries_compared": changes.compared,
            "changed": changed.collect::<Vec<Value>>(),
        })
    });
    let value = json!({
        "version": VERSION,
        "confidence": 0.95,
        "endpoints": totals.collect::<Vec<Value>>(),
        "baseline": changes.collect::<Vec<Value>>(),
        "record": record,
    });
    format!("{value:#}\n")
}

fn interval(interval: Option<Interval>) -> Option<[f64; 2]> {
    interval.map(|interval| [interval.low, interval.high])
}
