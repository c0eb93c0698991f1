use std::path::Path;

use super::*;

#[test]
fn a_directory_without_a_head_has_no_series() {
    let dir = tempfile::tempdir().unwrap();
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(head.select(&[]), Vec::<SeriesId>::new());
    assert_eq!((head.time_range(), head.warnings()), (None, &[][..]));
    let nowhere = Head::read(Path::new("/nowhere"), HeadOptions::default()).unwrap();
    assert!(nowhere.select(&[]).is_empty());
}
