//! Every Rust block of the guide on embedding stands in a program of
//! `src/bin`, line by line, however far it is indented there.

use std::fs;
use std::path::Path;

/// Lines without their indentation.
fn lines(text: &str) -> String {
    let trimmed: Vec<&str> = text.lines().map(str::trim).collect();
    format!("\n{}\n", trimmed.join("\n"))
}

#[test]
fn the_guide_quotes_the_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs: Vec<String> = fs::read_dir(root.join("src/bin"))
        .expect("the folder of programs")
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("a text"))
        .map(|text| lines(&text))
        .collect();
    let guide = fs::read_to_string(root.join("../docs/embedding.md")).expect("the guide");
    let blocks: Vec<&str> = guide
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 10, "only {} blocks found", blocks.len());
    for block in blocks {
        let found = programs.iter().any(|text| text.contains(&lines(block)));
        assert!(found, "in no program:\n{block}");
    }
}
