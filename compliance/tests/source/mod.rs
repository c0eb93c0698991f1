//! Where scripts are: Prometheus's in the Go module cache, and quarrel's own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The output of a Go command, or why it failed.
fn go(arguments: &[&str]) -> Result<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let output = Command::new("go")
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("go cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The folder of Prometheus's source.
fn prometheus() -> Result<PathBuf, String> {
    const MODULE: &str = "github.com/prometheus/prometheus";
    let dir = || go(&["list", "-m", "-f", "{{.Dir}}", MODULE]);
    let mut found = dir()?;
    if found.is_empty() {
        // The module is known, but not in the cache yet.
        go(&["mod", "download", MODULE])?;
        found = dir()?;
    }
    if found.is_empty() {
        Err(format!("{MODULE} is not in the module cache"))
    } else {
        Ok(found.into())
    }
}

/// Prometheus's scripts, or `None` without Go, which is an error if the
/// environment variable `CI` is `true`.
pub fn scripts() -> Option<Vec<PathBuf>> {
    let source = match prometheus() {
        Ok(source) => source,
        Err(error) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no Prometheus: {error}"
            );
            eprintln!("NOT RUN: Prometheus's tests need Go and its module cache: {error}");
            return None;
        }
    };
    let folder = source.join("promql/promqltest/testdata");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    files.sort();
    assert!(
        files.len() >= 20,
        "only {} scripts in {}",
        files.len(),
        folder.display()
    );
    Some(files)
}

/// quarrel's own scripts.
pub fn own_scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
