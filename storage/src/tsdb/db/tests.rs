//! Changes of a directory while it is open.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures::executor::block_on;
use quarrel_engine::labels::SymbolTable;

use super::*;
use crate::conformance::reader::{self, read_series};
use crate::tsdb::block::BlockMeta;
use crate::tsdb::testing::copy_dir;

const SMALL: &str = "01M8AANFV2MRF0R5WNG27XG02A";

fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small-block")
}

/// Puts a copy of the small block into a directory under another name.
fn add(dir: &Path, ulid: &str, change: impl Fn(String) -> String) {
    let making = dir.join(format!("{ulid}.tmp-for-creation"));
    copy_dir(&small().join(SMALL), &making);
    let meta = making.join("meta.json");
    let text = fs::read_to_string(&meta).unwrap().replace(SMALL, ulid);
    fs::write(meta, change(text)).unwrap();
    fs::rename(making, dir.join(ulid)).unwrap();
}

fn as_is(text: String) -> String {
    text
}

/// Makes the block replace the small one.
fn child(text: String) -> String {
    let parents = format!(r#""compaction": {{ "parents": [{{"ulid": "{SMALL}"}}],"#);
    text.replacen(r#""compaction": {"#, &parents, 1)
}

fn open(dir: &Path) -> Result<Tsdb, StorageError> {
    let tombstones_interval = Duration::ZERO;
    Tsdb::open(
        dir,
        TsdbOptions {
            tombstones_interval,
            ..TsdbOptions::default()
        },
    )
}

fn snapshot(db: &Tsdb) -> Arc<dyn Snapshot> {
    block_on(db.snapshot(TimeRange::ALL)).unwrap()
}

/// Numbers of series and samples.
fn counts(snapshot: &dyn Snapshot) -> (usize, usize) {
    let all = read_series(snapshot, &[], TimeRange::ALL).unwrap();
    (all.len(), all.values().map(Vec::len).sum())
}

const ALL: (usize, usize) = (69, 69 * 150 - 14 - 120);

#[test]
fn directories_that_are_not_blocks_are_skipped() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    for name in [
        "01M8AANFV2MRF0R5WNG27XG02B",
        "01M8AANFV2MRF0R5WNG27XG02C.tmp-for-creation",
        "01M8AANFV2MRF0R5WNG27XG02D.tmp-for-deletion",
        "01M8AANFV2MRF0R5WNG27XG02E.tmp",
        "lost+found",
    ] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    fs::write(dir.path().join("01M8AANFV2MRF0R5WNG27XG02F"), "a file").unwrap();
    assert_eq!(counts(&*snapshot(&open(dir.path()).unwrap())), ALL);
}

#[test]
fn blocks_that_cannot_be_read_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    let db = open(dir.path()).unwrap();
    let meta = dir.path().join(SMALL).join("meta.json");
    let text = fs::read_to_string(&meta).unwrap();
    let range = BlockMeta::read(meta.parent().unwrap()).unwrap();
    let (min, max) = (range.min_time, range.max_time);
    let warnings = |db: &Tsdb, start, end| {
        let snapshot = block_on(db.snapshot(TimeRange { start, end })).unwrap();
        snapshot.warnings()
    };
    assert_eq!(warnings(&db, min, max), [""; 0]);
    fs::write(&meta, text.replace("\"level\": 1", "\"level\": true")).unwrap();
    // A block that is open stays so.
    assert_eq!(counts(&*snapshot(&db)), ALL);
    let db = open(dir.path()).unwrap();
    let left_out = format!(
        "a block was left out: corrupt data in {SMALL}/meta.json: \
         cannot unmarshal bool into field compaction.level of type int64"
    );
    assert_eq!(warnings(&db, min, min), [left_out.as_str()]);
    assert_eq!(warnings(&db, max - 1, i64::MAX), [left_out.as_str()]);
    assert_eq!(warnings(&db, max, i64::MAX), [""; 0]);
    assert_eq!(warnings(&db, i64::MIN, min - 1), [""; 0]);
    // Nobody knows the times of a file that is cut.
    fs::write(&meta, &text[..text.len() / 2]).unwrap();
    assert_eq!(warnings(&db, max, i64::MAX).len(), 1);
    fs::write(&meta, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    assert_eq!(counts(&*snapshot(&db)), ALL);
    assert_eq!(warnings(&db, i64::MIN, i64::MAX), [""; 0]);
}

#[test]
fn a_block_that_another_one_replaces_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    let index = dir.path().join(SMALL).join("index");
    fs::write(&index, "corrupt").unwrap();
    let error = open(dir.path()).unwrap_err().to_string();
    assert!(error.contains(SMALL) && error.contains("index"), "{error}");
    add(dir.path(), "01M8AANFV2MRF0R5WNG27XG02B", child);
    assert_eq!(counts(&*snapshot(&open(dir.path()).unwrap())), ALL);
}

#[test]
fn tables_are_read_with_a_block_if_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    for reads_tables in [false, true] {
        let options = TsdbOptions {
            tombstones_interval: Duration::ZERO,
            reads_tables,
            ..TsdbOptions::default()
        };
        let db = Tsdb::open(dir.path(), options).unwrap();
        let loaded = || {
            let state = db.inner.state.lock();
            let blocks = state.view.blocks.iter();
            blocks
                .map(|b| b.block.index().is_loaded())
                .collect::<Vec<_>>()
        };
        assert_eq!(loaded(), [reads_tables]);
        let added = dir.path().join("01M8AANFV2MRF0R5WNG27XG02B");
        add(dir.path(), "01M8AANFV2MRF0R5WNG27XG02B", as_is);
        let view = snapshot(&db);
        assert_eq!(loaded(), [reads_tables; 2]);
        assert_eq!(counts(&*view), ALL);
        fs::remove_dir_all(added).unwrap();
    }
}

#[test]
fn copies_of_a_block_change_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    add(dir.path(), "01M8AANFV2MRF0R5WNG27XG02B", as_is);
    add(dir.path(), "01M8AANFV2MRF0R5WNG27XG02C", |text| {
        text.replacen(
            r#""compaction": {"#,
            r#""compaction": { "deletable": true,"#,
            1,
        )
    });
    let db = open(dir.path()).unwrap();
    assert_eq!(counts(&*snapshot(&db)), ALL);
    assert_eq!(db.inner.state.lock().view.blocks.len(), 2);
}

#[test]
fn added_and_deleted_blocks_show_in_the_next_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path()).unwrap();
    let empty = snapshot(&db);
    assert_eq!(counts(&*empty), (0, 0));
    add(dir.path(), "01M8AANFV2MRF0R5WNG27XG02B", as_is);
    let full = snapshot(&db);
    assert_eq!(counts(&*full), ALL);
    assert_eq!(counts(&*empty), (0, 0), "a snapshot does not change");
    let symbols = SymbolTable::new();
    let selected = reader::select(&*full, &[], TimeRange::ALL, &symbols).unwrap();
    fs::remove_dir_all(dir.path().join("01M8AANFV2MRF0R5WNG27XG02B")).unwrap();
    assert_eq!(counts(&*snapshot(&db)), (0, 0));
    assert_eq!(counts(&*full), ALL, "a snapshot outlives the files");
    let mut chunks = Vec::new();
    selected.series.chunks(0, &mut chunks).unwrap();
    assert_eq!(reader::samples(&chunks, TimeRange::ALL).unwrap().len(), 150);
}

#[test]
fn deletions_show_in_the_next_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    let tombstones = dir.path().join(SMALL).join("tombstones");
    let deleted = fs::read(&tombstones).unwrap();
    fs::remove_file(&tombstones).unwrap();
    let db = open(dir.path()).unwrap();
    let before = snapshot(&db);
    assert_eq!(counts(&*before), (70, 70 * 150));
    fs::write(&tombstones, deleted).unwrap();
    assert_eq!(counts(&*snapshot(&db)), ALL);
    assert_eq!(counts(&*before), (70, 70 * 150));
}

#[test]
fn an_unchanged_directory_keeps_its_view() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    fs::create_dir(dir.path().join("wal")).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    for path in [dir.path().to_owned(), dir.path().join("wal")] {
        fs::File::open(path)
            .unwrap()
            .set_modified(hour_ago)
            .unwrap();
    }
    let db = Tsdb::open(dir.path(), TsdbOptions::default()).unwrap();
    let first = snapshot(&db);
    assert_eq!(counts(&*first), ALL);
    let view = db.inner.current().expect("nothing has changed");
    assert!(Arc::ptr_eq(&view, &db.inner.current().unwrap()));
    fs::create_dir(dir.path().join("something")).unwrap();
    assert!(db.inner.current().is_none(), "a change is noticed");
    drop(snapshot(&db));
    let now = db.inner.state.lock().view.clone();
    assert!(Arc::ptr_eq(&view, &now), "nothing that matters has changed");
}

#[test]
fn a_log_that_comes_later_is_noticed() {
    let age = |path: &Path| {
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        fs::File::open(path)
            .unwrap()
            .set_modified(hour_ago)
            .unwrap();
    };
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    age(dir.path());
    let db = Tsdb::open(dir.path(), TsdbOptions::default()).unwrap();
    drop(snapshot(&db));
    assert!(db.inner.current().is_some() && db.inner.state.lock().head.has_no_logs());
    fs::create_dir(dir.path().join("wal")).unwrap();
    assert!(db.inner.current().is_none());

    // A link that leads nowhere may lead somewhere later, and the directory that
    // it is in stays the same.
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("wal");
    copy_dir(&small(), dir.path());
    std::os::unix::fs::symlink(&target, dir.path().join("wal")).unwrap();
    age(dir.path());
    let db = Tsdb::open(dir.path(), TsdbOptions::default()).unwrap();
    drop(snapshot(&db));
    assert!(db.inner.current().is_some() && !db.inner.state.lock().head.has_no_logs());
    fs::create_dir(target).unwrap();
    assert!(db.inner.current().is_none());
}

#[test]
fn an_error_ends_with_its_cause() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path()).unwrap();
    let ulid = "01M8AANFV2MRF0R5WNG27XG02B";
    add(dir.path(), ulid, as_is);
    let index = dir.path().join(ulid).join("index");
    let whole = fs::read(&index).unwrap();
    fs::write(&index, "corrupt").unwrap();
    for _ in 0..2 {
        let error = block_on(db.snapshot(TimeRange::ALL))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("index"), "{error}");
    }
    fs::write(&index, whole).unwrap();
    assert_eq!(counts(&*snapshot(&db)), ALL);
}

#[test]
fn many_queries_open_snapshots_at_once() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&small(), dir.path());
    let db = Arc::new(open(dir.path()).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            thread::spawn(move || {
                for _ in 0..20 {
                    assert_eq!(counts(&*snapshot(&db)), ALL);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
}
