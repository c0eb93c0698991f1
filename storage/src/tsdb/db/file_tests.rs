//! Files that are truncated, replaced, or no files at all. Whatever happens to
//! the directory, a query gets an answer or an error that names the file.

use std::fs::{self, File};
use std::path::PathBuf;

use futures::executor::block_on;

use super::*;
use crate::conformance::reader::read_series;
use crate::tsdb::testing::{Odd, copy_dir, ends};

const SMALL: &str = "01M8AANFV2MRF0R5WNG27XG02A";
/// Series of the small block.
const SERIES: usize = 69;

struct Dir {
    dir: tempfile::TempDir,
}

impl Dir {
    /// The small block with a second segment, which no series refers to.
    fn new() -> Dir {
        let dir = tempfile::tempdir().unwrap();
        let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small-block");
        copy_dir(&small, dir.path());
        let chunks = dir.path().join(SMALL).join("chunks");
        fs::copy(chunks.join("000001"), chunks.join("000002")).unwrap();
        Dir { dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().into()
    }

    fn in_block(&self, file: &str) -> PathBuf {
        self.dir.path().join(SMALL).join(file)
    }

    /// Opens it; each query looks at the tombstones.
    fn open(&self) -> Result<Tsdb, String> {
        self.open_with(Duration::ZERO)
    }

    fn open_with(&self, tombstones_interval: Duration) -> Result<Tsdb, String> {
        let options = TsdbOptions {
            tombstones_interval,
            ..TsdbOptions::default()
        };
        let dir = self.root();
        ends(move || Tsdb::open(dir, options)).map_err(|e| self.checked(&e))
    }

    /// The number of series that a query over all times gets.
    fn query(&self, db: &Tsdb) -> Result<usize, String> {
        self.query_in(db, TimeRange::ALL)
    }

    fn query_in(&self, db: &Tsdb, range: TimeRange) -> Result<usize, String> {
        let inner = Arc::clone(&db.inner);
        let query = move || {
            let snapshot = block_on(Tsdb { inner }.snapshot(range))?;
            read_series(&*snapshot, &[], range).map(|all| all.len())
        };
        ends(query).map_err(|e| self.checked(&e))
    }

    /// The text of an error, which does not tell where the directory is.
    fn checked(&self, error: &dyn std::fmt::Display) -> String {
        let text = error.to_string();
        let place = self.dir.path().to_str().unwrap();
        assert!(!text.contains(place), "{text}");
        text
    }
}

#[test]
fn a_truncated_file_is_an_error_until_it_is_whole_again() {
    for file in ["index", "chunks/000001", "chunks/000002"] {
        let dir = Dir::new();
        let path = dir.in_block(file);
        let whole = fs::read(&path).unwrap();
        // However seldom tombstones are read.
        for interval in [Duration::ZERO, Duration::from_secs(3600)] {
            let db = dir.open_with(interval).unwrap();
            assert_eq!(dir.query(&db).unwrap(), SERIES);
            for length in [whole.len() / 2, 8, 7, 0] {
                let file = File::options().write(true).open(&path).unwrap();
                file.set_len(length as u64).unwrap();
                for _ in 0..2 {
                    // The second segment needs nothing but its header.
                    if path.ends_with("000002") && length >= 8 {
                        assert_eq!(dir.query(&db).unwrap(), SERIES);
                    } else {
                        let error = dir.query(&db).unwrap_err();
                        let name = format!(
                            "{SMALL}/{}",
                            path.strip_prefix(dir.in_block("")).unwrap().display()
                        );
                        assert!(error.contains(&name), "{length}: {error}");
                    }
                }
            }
            fs::write(&path, &whole).unwrap();
            assert_eq!(dir.query(&db).unwrap(), SERIES, "{file}");
        }
    }
}

#[test]
fn a_query_beside_a_truncated_block_is_answered() {
    let dir = Dir::new();
    let db = dir.open().unwrap();
    let start = dir.in_block("meta.json");
    let meta: serde_json::Value = serde_json::from_slice(&fs::read(start).unwrap()).unwrap();
    let start = meta["minTime"].as_i64().unwrap();
    let before = TimeRange {
        start: 0,
        end: start - 1,
    };
    File::create(dir.in_block("index")).unwrap();
    for _ in 0..2 {
        assert_eq!(dir.query_in(&db, before).unwrap(), 0);
        assert!(dir.query(&db).unwrap_err().contains("index"));
    }
}

#[test]
fn a_replaced_file_takes_effect() {
    for file in ["index", "chunks/000001"] {
        let dir = Dir::new();
        let (path, new) = (dir.in_block(file), dir.in_block("new"));
        let whole = fs::read(&path).unwrap();
        let db = dir.open().unwrap();
        assert_eq!(dir.query(&db).unwrap(), SERIES);
        // Of the same length, by another file and in place.
        let garbage = vec![7; whole.len()];
        fs::write(&new, &garbage).unwrap();
        fs::rename(&new, &path).unwrap();
        for _ in 0..2 {
            let error = dir.query(&db).unwrap_err();
            assert!(error.contains(file), "{error}");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(dir.query(&db).unwrap(), SERIES);
        fs::write(&path, &garbage).unwrap();
        // File systems may count time in steps.
        let later = std::time::SystemTime::now() + Duration::from_secs(1);
        let handle = File::options().write(true).open(&path).unwrap();
        handle.set_modified(later).unwrap();
        let error = dir.query(&db).unwrap_err();
        assert!(error.contains(file), "{error}");
        fs::write(&new, &whole).unwrap();
        fs::rename(&new, &path).unwrap();
        assert_eq!(dir.query(&db).unwrap(), SERIES);
    }
}

#[test]
fn a_directory_that_is_gone_is_an_error_until_it_is_back() {
    let dir = Dir::new();
    fs::create_dir(dir.root().join("wal")).unwrap();
    let db = dir.open_with(Duration::from_secs(3600)).unwrap();
    assert_eq!(dir.query(&db).unwrap(), SERIES);
    let aside = tempfile::tempdir().unwrap();
    let away = aside.path().join("data");
    for _ in 0..2 {
        fs::rename(dir.root(), &away).unwrap();
        for _ in 0..3 {
            let error = dir.query(&db).unwrap_err();
            assert!(error.contains("the data directory"), "{error}");
        }
        fs::rename(&away, dir.root()).unwrap();
        assert_eq!(dir.query(&db).unwrap(), SERIES);
    }
    fs::remove_dir_all(dir.root()).unwrap();
    for _ in 0..3 {
        let error = dir.query(&db).unwrap_err();
        assert!(error.contains("the data directory"), "{error}");
    }
    fs::create_dir(dir.root()).unwrap();
    assert_eq!(dir.query(&db).unwrap(), 0);
}

#[test]
fn a_cause_that_stays_stays_an_error_however_old_it_is() {
    let dir = Dir::new();
    let db = dir.open_with(Duration::from_secs(3600)).unwrap();
    let block = "01M8AANFV2MRF0R5WNG27XG02B";
    copy_dir(&dir.root().join(SMALL), &dir.root().join(block));
    let meta = dir.root().join(block).join("meta.json");
    let text = fs::read_to_string(&meta).unwrap().replace(SMALL, block);
    fs::write(meta, text).unwrap();
    File::create(dir.root().join(block).join("index")).unwrap();
    // Then a change would show in the modification time.
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    File::open(dir.root()).unwrap().set_modified(old).unwrap();
    for _ in 0..3 {
        let error = dir.query(&db).unwrap_err();
        assert!(error.contains(&format!("{block}/index")), "{error}");
    }
}

/// The files of a data directory that are opened.
const FILES: [&str; 8] = [
    "01M8AANFV2MRF0R5WNG27XG02A/index",
    "01M8AANFV2MRF0R5WNG27XG02A/chunks/000001",
    "01M8AANFV2MRF0R5WNG27XG02A/tombstones",
    "01M8AANFV2MRF0R5WNG27XG02A/meta.json",
    "wal/00000000",
    "wal/checkpoint.00000000/00000000",
    "wbl/00000000",
    "chunks_head/000001",
];

#[test]
fn what_is_no_regular_file_is_an_error_and_hangs_nothing() {
    for odd in Odd::ALL {
        for file in FILES {
            let dir = Dir::new();
            let wal = dir.root().join("wal");
            fs::create_dir(&wal).unwrap();
            let db = dir.open().unwrap();
            assert_eq!(dir.query(&db).unwrap(), SERIES);
            odd.put(&dir.root().join(file));
            let opened = dir.open().map(|db| dir.query(&db).unwrap());
            // Prometheus skips a block whose meta.json it cannot read.
            if file.ends_with("meta.json") {
                assert_eq!(opened, Ok(0), "{odd:?} as {file}");
                continue;
            }
            let error = opened.unwrap_err();
            let expected = format!("{file}: is not a regular file");
            assert!(error.contains(&expected), "{odd:?} as {file}: {error}");
            // Head chunks are read when the head is read as a whole.
            if file.starts_with("chunks_head") {
                continue;
            }
            for _ in 0..2 {
                let error = dir.query(&db).unwrap_err();
                assert!(error.contains(&expected), "{odd:?} as {file}: {error}");
            }
        }
    }
}

#[test]
fn a_directory_may_be_no_directory() {
    for name in [
        "wal",
        "wbl",
        "chunks_head",
        "01M8AANFV2MRF0R5WNG27XG02A/chunks",
    ] {
        let dir = Dir::new();
        let path = dir.root().join(name);
        let _ = fs::remove_dir_all(&path);
        Odd::Fifo.put(&path);
        let error = dir.open().unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_file_of_absurd_size_is_not_read() {
    let dir = Dir::new();
    for (file, length) in [
        ("index", 1 << 42),
        ("chunks/000001", 1 << 40),
        ("tombstones", 1 << 40),
    ] {
        let path = dir.in_block(file);
        let whole = fs::read(&path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        let error = dir.open().unwrap_err();
        assert!(error.contains("has more than"), "{error}");
        fs::write(path, whole).unwrap();
    }
    // Prometheus skips such a block.
    let file = File::options().write(true).open(dir.in_block("meta.json"));
    file.unwrap().set_len(10 << 30).unwrap();
    assert_eq!(dir.query(&dir.open().unwrap()).unwrap(), 0);
}

#[test]
fn a_panic_of_the_store_does_not_tell_its_place() {
    let dir = Dir::new();
    let db = dir.open().unwrap();
    dir.checked(&db.name());
    assert!(!db.name().is_empty());
}
