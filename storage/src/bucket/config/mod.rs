//! How a bucket is reached: Thanos's `--objstore.config`.

mod connection_string;
mod connector;
mod duration;
mod error;
mod http;
mod open;
mod providers;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use self::error::setting;
use self::providers::{Azure, Filesystem, Gcs, S3};

pub use error::BucketConfigError;
pub(super) use open::Opened;

/// Most bytes of a configuration.
const LONGEST: u64 = 1 << 20;

/// Where a bucket is, and how it is reached: the content of Thanos's
/// `--objstore.config-file`. It prints without its secrets.
///
/// Types FILESYSTEM, S3, GCS and AZURE are known, with all keys that Thanos 0.42 has
/// for them. `docs/buckets.md` says which mean something here.
#[derive(Clone, Debug)]
pub struct BucketConfig {
    pub(super) provider: Provider,
    pub(super) prefix: String,
}

#[derive(Clone, Debug)]
pub(super) enum Provider {
    Filesystem(Filesystem),
    S3(Box<S3>),
    Gcs(Box<Gcs>),
    Azure(Box<Azure>),
}

/// What is looked at first: it says what the rest is.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    r#type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<C> {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    config: Option<C>,
    prefix: Option<String>,
}

impl BucketConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When it is malformed, has an unknown type or key, or asks for what is not there.
    pub fn parse(text: &str) -> Result<Self, BucketConfigError> {
        let kind: Option<Kind> = yaml(text)?;
        let kind = kind.map(|kind| kind.r#type).unwrap_or_default();
        let (provider, prefix) = match &*kind.to_ascii_uppercase() {
            "FILESYSTEM" => {
                let (config, prefix) = whole::<Filesystem>(text)?;
                config.check()?;
                (Provider::Filesystem(config), prefix)
            }
            "S3" => {
                let (config, prefix) = whole::<S3>(text)?;
                config.check()?;
                (Provider::S3(Box::new(config)), prefix)
            }
            "GCS" => {
                let (config, prefix) = whole::<Gcs>(text)?;
                config.check()?;
                (Provider::Gcs(Box::new(config)), prefix)
            }
            "AZURE" => {
                let (config, prefix) = whole::<Azure>(text)?;
                config.check()?;
                (Provider::Azure(Box::new(config)), prefix)
            }
            "" => return Err(setting("type", "is missing")),
            _ => return Err(BucketConfigError::Provider(kind)),
        };
        Ok(BucketConfig { provider, prefix })
    }

    /// Reads the configuration in a file.
    ///
    /// # Errors
    /// As [`BucketConfig::parse`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, BucketConfigError> {
        let wrong = |why: String| BucketConfigError::File {
            path: path.to_path_buf(),
            why,
        };
        let metadata = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(wrong("is not a file of at most 1 MiB".to_string()));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        BucketConfig::parse(&text).map_err(|error| wrong(error.to_string()))
    }

    /// The directory of this name in the file system as a bucket.
    pub fn filesystem(directory: &Path) -> Self {
        BucketConfig {
            provider: Provider::Filesystem(Filesystem {
                directory: directory.to_path_buf(),
            }),
            prefix: String::new(),
        }
    }
}

fn whole<C: DeserializeOwned + Default>(text: &str) -> Result<(C, String), BucketConfigError> {
    let whole: Whole<C> = yaml(text)?;
    let config = whole.config.unwrap_or_default();
    Ok((config, whole.prefix.unwrap_or_default()))
}

/// Reads YAML. Errors say where, but show nothing of the text, in which secrets are.
fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, BucketConfigError> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| BucketConfigError::Malformed(error.to_string()))
}
