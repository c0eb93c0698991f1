//! File service discovery, as Prometheus has it: files of JSON or YAML that are lists of
//! `{"targets": ["HOST:PORT", ...]}`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;

use super::super::config_error::ConfigError;
use super::super::spec::EndpointSpec;

/// Bytes that a file may have.
const LONGEST: u64 = 16 << 20;

/// The files, and what they said when they were read last.
#[derive(Debug)]
pub(super) struct Files {
    paths: Vec<PathBuf>,
    interval: Duration,
    read: BTreeMap<PathBuf, Read>,
}

#[derive(Debug)]
struct Read {
    at: Instant,
    stamp: Option<Stamp>,
    specs: Vec<EndpointSpec>,
}

/// What shows that a file has changed.
type Stamp = (SystemTime, u64);

/// One group of targets. Its labels say nothing of endpoints.
#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    targets: Vec<String>,
}

impl Files {
    /// # Errors
    /// When a path does not end in a name of a JSON or YAML file.
    pub(super) fn new(paths: Vec<PathBuf>, interval: Duration) -> Result<Self, ConfigError> {
        for path in &paths {
            let known = path.extension().and_then(|extension| extension.to_str());
            if !matches!(known, Some("json" | "yml" | "yaml")) {
                return Err(ConfigError::File {
                    path: path.clone(),
                    why: "its name does not end in .json, .yml or .yaml".to_string(),
                });
            }
        }
        Ok(Files {
            paths,
            interval,
            read: BTreeMap::new(),
        })
    }

    /// Reads the files that are new, have changed, or were not read for long. A file that
    /// is there but wrong stays as it was; one that is gone is forgotten.
    pub(super) fn read(mut self) -> Self {
        let files: Vec<PathBuf> = self.paths.iter().flat_map(|path| matching(path)).collect();
        self.read.retain(|path, _| files.contains(path));
        for path in files {
            let stamp = stamp(&path);
            let known = self.read.get(&path);
            if known.is_some_and(|r| r.stamp == stamp && r.at.elapsed() < self.interval) {
                continue;
            }
            let specs = specs_of(&path).unwrap_or_else(|error| {
                tracing::warn!(%error, "file of endpoints cannot be read");
                known.map(|read| read.specs.clone()).unwrap_or_default()
            });
            let at = Instant::now();
            self.read.insert(path, Read { at, stamp, specs });
        }
        self
    }

    /// What all files name.
    pub(super) fn specs(&self) -> impl Iterator<Item = EndpointSpec> {
        self.read
            .values()
            .flat_map(|read| read.specs.iter().cloned())
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The files of a path, whose name may have `*`.
fn matching(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(pattern) = name.filter(|name| name.contains('*')) else {
        return match path.exists() {
            true => vec![path.to_path_buf()],
            false => Vec::new(),
        };
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let fits = |name: &str| is_match(pattern, name);
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .collect();
    found.sort_unstable();
    found
}

/// Whether a name fits a pattern, in which `*` is any text.
pub(super) fn is_match(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn specs_of(path: &Path) -> Result<Vec<EndpointSpec>, ConfigError> {
    let wrong = |why: String| ConfigError::File {
        path: path.to_path_buf(),
        why,
    };
    let metadata = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(wrong("is not a file of at most 16 MiB".to_string()));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    parse(&text, is_json).map_err(wrong)
}

/// The endpoints that a file's text names.
pub(super) fn parse(text: &str, is_json: bool) -> Result<Vec<EndpointSpec>, String> {
    let groups: Vec<Group> = match is_json {
        true => serde_json::from_str(text).map_err(|error| error.to_string())?,
        false => serde_saphyr::from_str::<Option<Vec<Group>>>(text)
            .map_err(|error| error.to_string())?
            .unwrap_or_default(),
    };
    let targets = groups.iter().flat_map(|group| &group.targets);
    let specs = targets.map(|target| EndpointSpec::new(target));
    specs
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}
