//! The documentation stays true as far as a test can tell: every Rust block of
//! the guide on embedding stands in a program of `src/bin`, line by line,
//! however far it is indented there, and every link leads somewhere.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files of a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let all = all.map(|file| file.expect("a file").path());
    all.filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect()
}

/// Lines without their indentation.
fn lines(text: &str) -> String {
    let trimmed: Vec<&str> = text.lines().map(str::trim).collect();
    format!("\n{}\n", trimmed.join("\n"))
}

#[test]
fn the_guide_quotes_the_programs() {
    let programs: Vec<String> = files(&root().join("examples/src/bin"), "rs")
        .iter()
        .map(|path| lines(&read(path)))
        .collect();
    let guide = read(&root().join("docs/embedding.md"));
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

#[test]
fn links_lead_to_files_and_headings() {
    let mut pages = files(&root(), "md");
    pages.extend(files(&root().join("docs"), "md"));
    pages.extend(files(&root().join("docs/decisions"), "md"));
    let (mut checked, mut broken) = (0, Vec::new());
    for page in &pages {
        let folder = page.parent().expect("a folder");
        for rest in read(page).split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            if link.starts_with("http") {
                continue;
            }
            checked += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                folder.join(path)
            };
            let there = target.exists() && (heading.is_empty() || has_heading(&target, heading));
            if !there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(checked >= 30, "only {checked} links found");
}

/// Whether a page has a heading of this anchor, as GitHub makes them.
fn has_heading(page: &Path, anchor: &str) -> bool {
    let text = read(page);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor_of = |heading: &str| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        words
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(anchor_of).any(|known| known == anchor)
}
