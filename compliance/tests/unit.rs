//! Runs the unit tests of rules in `tests/unit`. What `promtool test rules` says
//! of them is in `verdicts.txt` there, which `compliance/go/cmd/unittestcheck -write`
//! writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use quarrel_compliance::unit::{UnitFile, UnitOptions, run_files};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unit")
}

/// The verdict on a file in the words of `verdicts.txt`.
fn verdict(file: &UnitFile) -> String {
    let failed = file.tests.iter().filter(|test| !test.failures.is_empty());
    let failed: BTreeSet<&str> = failed.map(|test| test.name.as_str()).collect();
    match (&file.refused, failed.is_empty()) {
        (Some(_), _) => "is refused".to_string(),
        (None, true) => "passes".to_string(),
        (None, false) => {
            let names: Vec<&str> = failed.into_iter().collect();
            format!("fails {}", names.join(", "))
        }
    }
}

#[test]
fn verdicts_are_those_of_promtool() {
    let text = std::fs::read_to_string(folder().join("verdicts.txt")).unwrap();
    let want: BTreeMap<&str, &str> = text.lines().map(|l| l.split_once(": ").unwrap()).collect();
    let files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .collect();
    assert!(files.len() >= 90, "only {} files", files.len());
    assert_eq!(files.len(), want.len(), "verdicts.txt has other files");
    let summary = run_files(&files, &UnitOptions::default()).unwrap();
    let mut different = Vec::new();
    for (path, file) in files.iter().zip(&summary.files) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap();
        let got = verdict(file);
        // The names of files say what they are for.
        let kind = name.split('-').next().unwrap();
        let of_kind = match kind {
            "pass" => got == "passes",
            "fail" => got.starts_with("fails"),
            _ => got != "passes",
        };
        if want.get(name) != Some(&got.as_str()) || !of_kind {
            different.push(format!(
                "{name}: want {:?}, got {got}\n{file}",
                want.get(name)
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
