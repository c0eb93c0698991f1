//! The program over a bucket in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::{quarrel, stderr, stdout};

/// The configuration of a bucket that has blocks of Thanos, and the folder of a cache.
struct Bucket {
    dir: tempfile::TempDir,
}

impl Bucket {
    fn new() -> Bucket {
        let dir = tempfile::tempdir().unwrap();
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../storage/testdata/downsampled");
        for resolution in ["raw", "1h"] {
            for block in fs::read_dir(home.join(resolution)).unwrap() {
                let block = block.unwrap().path();
                copy(
                    &block,
                    &dir.path().join("objects").join(block.file_name().unwrap()),
                );
            }
        }
        let config = format!(
            "type: FILESYSTEM\nconfig:\n  directory: {:?}\n",
            dir.path().join("objects")
        );
        fs::write(dir.path().join("bucket.yml"), config).unwrap();
        Bucket { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_string()
    }
}

fn copy(from: &Path, to: &PathBuf) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let target = to.join(entry.file_name().unwrap());
        match entry.is_dir() {
            true => copy(&entry, &target),
            false => _ = fs::copy(&entry, &target).unwrap(),
        }
    }
}

#[test]
fn a_query_reads_the_bucket() {
    let bucket = Bucket::new();
    let (config, cache) = (bucket.path("bucket.yml"), bucket.path("cache"));
    for _ in 0..2 {
        let query = "sum by (replica) (count_over_time(gauge[30d]))";
        let output = quarrel(&[
            "query",
            query,
            "--objstore.config-file",
            &config,
            "--cache-dir",
            &cache,
            "--format",
            "csv",
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = stdout(&output);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].contains("replica") && lines[1].contains('a'),
            "{text}"
        );
        assert!(
            !stderr(&output).contains("demo data"),
            "{}",
            stderr(&output)
        );
    }
    let kept = fs::read_dir(bucket.path("cache")).unwrap();
    let (blocks, files): (Vec<_>, Vec<_>) = kept
        .map(|entry| entry.unwrap())
        .partition(|entry| entry.path().is_dir());
    assert_eq!(blocks.len(), 6, "a folder a block");
    let mut files: Vec<_> = files.iter().map(|file| file.file_name()).collect();
    files.sort();
    assert_eq!(files, ["pages", "pages.index"]);
}

#[test]
fn a_wrong_configuration_is_an_error_that_says_so() {
    for (text, why) in [
        ("type: COS", "type COS is not supported"),
        (
            "type: S3\nconfig: {bucket: b, secret: hush}",
            "unknown field",
        ),
        (
            "type: FILESYSTEM\nconfig: {directory: /nonexistent/x}",
            "/nonexistent/x",
        ),
    ] {
        for command in [vec!["query", "1"], vec!["serve", "--listen", "127.0.0.1:0"]] {
            let args = [&command[..], &["--objstore.config", text]].concat();
            let output = quarrel(&args);
            assert_ne!(output.status.code(), Some(0), "{args:?}");
            let error = stderr(&output);
            assert!(error.contains(why) && !error.contains("hush"), "{error}");
        }
    }
}
