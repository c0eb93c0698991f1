//! Fuzz targets: a function for each decoder and parser that takes bytes from
//! outside. None may panic, hang or hold much memory, whatever the bytes are;
//! some check what must hold besides.
//!
//! `fuzz_targets/` beside this crate runs them under libFuzzer; the program
//! `fuzz-seconds` runs them on stable Rust, over the corpus and mutations of it.

mod bucket;
mod chunks;
mod comparisons;
mod directory;
mod grpc;
mod http;
pub mod mutate;
mod remote_read;
mod sealed;
mod text;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// All targets by name, which is also the name of the folder of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("float_chunk", chunks::floats),
    ("histogram_chunk", chunks::histograms),
    ("downsampled_chunk", chunks::downsampled),
    ("block_index", |data| _ = directory::index(data)),
    ("block_meta", |data| _ = directory::meta(data)),
    ("block_segment", |data| _ = directory::segment(data)),
    ("block_tombstones", |data| _ = directory::tombstones(data)),
    ("bucket_index", |data| _ = bucket::index(data)),
    ("bucket_meta", |data| _ = bucket::meta(data)),
    ("bucket_header", |data| _ = bucket::header(data)),
    ("bucket_config", bucket::config),
    ("wal", |data| _ = directory::wal(data)),
    ("head_chunks", |data| _ = directory::head_chunks(data)),
    ("http", http::request),
    ("grpc", grpc::request),
    ("store_series", grpc::series),
    ("remote_read_request", remote_read::request),
    ("remote_read_response", remote_read::response),
    ("remote_read_frames", remote_read::frames),
    ("promql", text::promql),
    ("selector", text::selector),
    ("regex", text::regex),
    ("script", text::script),
    ("times", text::times),
    ("answer", comparisons::answer),
    ("cases", comparisons::cases),
    ("template", comparisons::template),
];

/// The target of a name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
}

/// The folder `fuzz/`.
pub fn home() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The inputs kept of a target, sorted by file name.
///
/// # Errors
/// When they cannot be read.
pub fn corpus(name: &str) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(home().join("corpus").join(name))? {
        let path = entry?.path();
        let bytes = std::fs::read(&path)?;
        all.push((path, bytes));
    }
    all.sort();
    Ok(all)
}

/// A folder for files of hundreds of kilobytes for each input: in memory where
/// that is possible.
pub fn memory() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let shared = Path::new("/dev/shm");
        match tempfile::tempdir_in(shared) {
            Ok(_) => shared.to_owned(),
            Err(_) => std::env::temp_dir(),
        }
    });
    &FOLDER
}
