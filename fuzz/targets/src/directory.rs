//! Files of a data directory. Each input becomes a file in a directory of its
//! own, which is opened and queried as a user would. The first byte of most
//! inputs says whether the rest is the file as it is (odd), or describes one
//! whose checksums are right.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use futures::executor::block_on;
use quarrel_engine::storage::{LabelsRequest, Storage, TimeRange};
use quarrel_engine::{Engine, EngineOptions, QueryOptions, Timestamp};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

use crate::memory;
use crate::sealed::{Sealed, checksum};

macro_rules! block {
    ($file:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../storage/testdata/small-block/01M8AANFV2MRF0R5WNG27XG02A/",
            $file
        ))
    };
}

pub(crate) const INDEX: &[u8] = block!("index");
pub(crate) const META: &[u8] = block!("meta.json");
pub(crate) const SEGMENT: &[u8] = block!("chunks/000001");
const TOMBSTONES: &[u8] = block!("tombstones");

/// The block that these are of.
pub(crate) const BLOCK: &str = "01M8AANFV2MRF0R5WNG27XG02A";

static SEALED_INDEX: LazyLock<Sealed> = LazyLock::new(|| Sealed::index(INDEX));
static SEALED_SEGMENT: LazyLock<Sealed> = LazyLock::new(|| Sealed::segment(SEGMENT));
static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(EngineOptions::default()).expect("an engine"));

/// `index`: edits of a real one, or all of it.
pub(crate) fn index(data: &[u8]) -> usize {
    block(&edited_index(data), META, SEGMENT, TOMBSTONES)
}

/// What an input makes of a real index.
pub(crate) fn edited_index(data: &[u8]) -> Vec<u8> {
    described(data, |edits| SEALED_INDEX.edited(edits))
}

/// `meta.json`.
pub(crate) fn meta(data: &[u8]) -> usize {
    block(INDEX, data, SEGMENT, TOMBSTONES)
}

/// `chunks/000001`: edits of a real one, or all of it.
pub(crate) fn segment(data: &[u8]) -> usize {
    let file = described(data, |edits| SEALED_SEGMENT.edited(edits));
    block(INDEX, META, &file, TOMBSTONES)
}

/// `tombstones`: their content, or the whole file.
pub(crate) fn tombstones(data: &[u8]) -> usize {
    let file = described(data, |content| {
        [
            &[0x01, 0x30, 0xba, 0x30, 1],
            content,
            &checksum(content).to_be_bytes(),
        ]
        .concat()
    });
    block(INDEX, META, SEGMENT, &file)
}

/// Segments of the write-ahead logs. The first byte picks the log, and whether
/// the rest is a file as it is or records, see [`log`].
pub(crate) fn wal(data: &[u8]) -> usize {
    let Some((&pick, _)) = data.split_first() else {
        return 0;
    };
    let file = described(data, log);
    let dir = tempfile::tempdir_in(memory()).expect("a directory");
    // The segment is beside one that knows the series, and once the last one.
    let (folder, series) = [
        ("wal/00000001", "wal/00000000"),
        ("wbl/00000000", "wal/00000000"),
        ("wal/checkpoint.00000000/00000000", "wal/00000001"),
    ][usize::from(pick / 2) % 3];
    write(dir.path(), series, &log(SERIES));
    write(dir.path(), folder, &file);
    if pick / 6 % 2 == 1 {
        write(dir.path(), "wal/00000002", &log(SERIES));
    }
    open(dir.path())
}

/// Head chunk files: chunks of series 1 and 2 with their checksums, or a whole
/// file.
pub(crate) fn head_chunks(data: &[u8]) -> usize {
    let file = described(data, |mut rest| {
        let mut file = vec![0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0];
        // Two bytes of length and then a chunk: reference, times, encoding and
        // all that follows.
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length) % 512).min(after.len());
            let (chunk, next) = after.split_at(length);
            file.extend_from_slice(chunk);
            file.extend_from_slice(&checksum(chunk).to_be_bytes());
            rest = next;
        }
        file
    });
    let dir = tempfile::tempdir_in(memory()).expect("a directory");
    write(dir.path(), "wal/00000000", &log(SERIES));
    write(dir.path(), "chunks_head/000001", &file);
    open(dir.path())
}

/// One record of series 1 and 2, as [`log`] takes it.
const SERIES: &[u8] = b"\0\x29\0\x01\
    \0\0\0\0\0\0\0\x01\x01\x08__name__\x01a\
    \0\0\0\0\0\0\0\x02\x01\x08__name__\x01b";

/// A log segment of records: for each two bytes of length, one that picks the
/// compression, and what is then in the record.
fn log(mut rest: &[u8]) -> Vec<u8> {
    const PAGE: usize = 32 << 10;
    const HEADER: usize = 7;
    let mut file = Vec::new();
    while let Some(([high, low, pick], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low]) % 4096).min(after.len());
        let (record, next) = after.split_at(length);
        rest = next;
        if file.len() % PAGE + HEADER + length > PAGE {
            file.resize(file.len().next_multiple_of(PAGE), 0);
        }
        // A whole record, plain or said to be of Snappy or Zstandard.
        file.push([1, 1, 1, 1 | 8, 1 | 16][usize::from(pick % 5)]);
        file.extend_from_slice(&(length as u16).to_be_bytes());
        file.extend_from_slice(&checksum(record).to_be_bytes());
        file.extend_from_slice(record);
    }
    file
}

/// The rest of an input as it is, or what it describes.
pub(crate) fn described(data: &[u8], make: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    match data.split_first() {
        Some((pick, rest)) if pick % 2 == 0 => make(rest),
        Some((_, rest)) => rest.to_vec(),
        None => Vec::new(),
    }
}

pub(crate) fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

/// A data directory with one block.
fn block(index: &[u8], meta: &[u8], segment: &[u8], tombstones: &[u8]) -> usize {
    let dir = tempfile::tempdir_in(memory()).expect("a directory");
    for (name, bytes) in [
        ("index", index),
        ("meta.json", meta),
        ("chunks/000001", segment),
        ("tombstones", tombstones),
    ] {
        write(dir.path(), &format!("{BLOCK}/{name}"), bytes);
    }
    open(dir.path())
}

/// Opens a directory and queries it.
fn open(dir: &Path) -> usize {
    let mut options = TsdbOptions::default();
    options.cache_bytes = 1 << 20;
    let Ok(tsdb) = Tsdb::open(dir, options) else {
        return 0;
    };
    query(Arc::new(tsdb))
}

/// Asks a store all that it can be asked. Errors are right answers; nothing else than
/// ending is wanted. Returns how many rows came back.
pub(crate) fn query(storage: Arc<dyn Storage>) -> usize {
    if let Ok(view) = block_on(storage.snapshot(TimeRange::ALL)) {
        view.time_range();
        let _ = block_on(view.label_names(LabelsRequest::new(&[], TimeRange::ALL)));
        let _ = block_on(view.label_values("pod", LabelsRequest::new(&[], TimeRange::ALL)));
    }
    let mut rows = 0;
    for text in [
        "{__name__!=\"\"}[100y]",
        "count_over_time({pod=~\"pod-0.*|pod-11\",job!=\"job-1\"}[100y])",
        "sum by (job) (rate({seventh=\"\",pod!~\".*3\",job=~\".+\"}[100y]))",
    ] {
        let query = ENGINE.prepare(text).expect("a query");
        let at = Timestamp::from_millis(1_700_100_000_000);
        let query = query.instant(Arc::clone(&storage), at, QueryOptions::new());
        if let Ok(answer) = block_on(query.execute()) {
            rows += answer.value.iter().count();
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the targets build around their inputs is right: inputs without a
    /// fault are read, so that what is behind the checksums is reached.
    #[test]
    fn what_has_no_fault_is_read() {
        let corpus = |name: &str, file: &str| {
            std::fs::read(crate::home().join("corpus").join(name).join(file)).unwrap()
        };
        // Of 70 series tombstones delete one; the second query picks ten pods
        // less those of one job.
        let all = [69, 7, 3];
        for rows in [
            index(b"\0"),
            meta(META),
            segment(b"\0"),
            tombstones(&corpus("block_tombstones", "content")),
        ] {
            assert_eq!(rows, all.iter().sum::<usize>());
        }
        // Nobody uploads tombstones.
        for rows in [
            crate::bucket::index(b"\0"),
            crate::bucket::meta(META),
            crate::bucket::header(&corpus("bucket_header", "real")),
        ] {
            assert!(rows > all.iter().sum::<usize>(), "{rows}");
        }
        for file in [
            "wal-samples0-1",
            "wal-samples1-1",
            "wbl-samples0-1",
            "wal-histograms0-1",
        ] {
            assert!(wal(&corpus("wal", file)) > 0, "{file}");
        }
        for file in ["XOR-in-order-1", "histogram-in-order-1"] {
            assert!(head_chunks(&corpus("head_chunks", file)) > 0, "{file}");
        }
    }
}
