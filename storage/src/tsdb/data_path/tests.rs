//! Opening what is no regular file, and what is too large.

use std::os::unix::fs::symlink;

use super::*;
use crate::tsdb::testing::{Odd, ends};

#[test]
fn only_regular_files_are_opened_and_nothing_is_waited_for() {
    for odd in Odd::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = DataPath::root(dir.path()).join("file");
        odd.put(&path.full());
        let error = ends(move || path.open().unwrap_err());
        assert_eq!(error.to_string(), "is not a regular file", "{odd:?}");
    }
}

#[test]
fn links_to_regular_files_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let root = DataPath::root(dir.path());
    fs::write(root.join("file").full(), "content").unwrap();
    symlink("file", root.join("link").full()).unwrap();
    symlink("nothing", root.join("broken").full()).unwrap();
    assert_eq!(root.join("link").read(7).unwrap(), b"content");
    let error = root.join("broken").read(7).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_file_above_the_limit_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = DataPath::root(dir.path()).join("file");
    // It takes no room on the disk, and must take none in memory.
    let file = File::create(path.full()).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = path.read(1 << 20).unwrap_err().to_string();
    assert!(error.contains("more than 1048576 bytes"), "{error}");
    file.set_len(1 << 20).unwrap();
    assert_eq!(path.read(1 << 20).unwrap().len(), 1 << 20);
}

#[test]
fn paths_print_below_the_data_directory() {
    let root = DataPath::root(Path::new("/secret/data"));
    assert_eq!(root.to_string(), "the data directory");
    assert_eq!(root.name().unwrap(), "data");
    let segment = root.join("wal").join("00000001");
    assert_eq!(segment.to_string(), "wal/00000001");
    assert_eq!(segment.full(), Path::new("/secret/data/wal/00000001"));
    let block = DataPath::block(Path::new("/secret/data/01B"));
    assert_eq!(block.join("index").to_string(), "01B/index");
    assert_eq!(block, root.join("01B"));
    let error = segment.io(io::ErrorKind::NotFound.into()).to_string();
    assert!(error.starts_with("wal/00000001: "), "{error}");
}
