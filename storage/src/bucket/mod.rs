//! Blocks in object storage, read where they lie: what Thanos's sidecars and receivers
//! upload, and its Compactor makes of it.
//!
//! [`Bucket`] finds the blocks and keeps itself up to date, [`BucketStorage`] is the
//! storage that a query reads. Of an index the tables are fetched once and kept on disk
//! ([`BucketOptions::cache_dir`]); postings, series and chunks are fetched by ranges, in
//! pages that stay in memory and on disk within bounds. Chunks come piece by piece while
//! the query computes.
//!
//! What it is bad at: a query that reads nearly all of a large block fetches nearly all
//! of it.
//!
//! # Examples
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use quarrel_storage::bucket::{Bucket, BucketConfig, BucketOptions, BucketQuery, BucketStorage};
//!
//! let config = BucketConfig::parse(
//!     "type: S3\nconfig:\n  bucket: metrics\n  endpoint: s3.eu-west-1.amazonaws.com\n",
//! )?;
//! let mut options = BucketOptions::default();
//! options.cache_dir = Some("/var/cache/quarrel".into());
//! let bucket = Arc::new(Bucket::open(&config, options)?);
//! bucket.ready().await?;
//! let storage = BucketStorage::new(bucket, BucketQuery::default());
//! # let _ = storage;
//! # Ok(())
//! # }
//! ```

mod again;
mod block;
#[expect(clippy::module_inception, reason = "it is where the type Bucket is")]
mod bucket;
mod config;
mod discovery;
mod disk;
mod disk_pages;
mod downloads;
mod failure;
mod file;
mod group;
mod header;
mod index;
mod meta;
mod metrics;
mod objects;
mod options;
mod pages;
mod postings;
mod segment;
mod select;
mod selection;
mod shared;
mod snapshot;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod view;
mod windows;

pub use bucket::{Bucket, BucketDatabase};
pub use config::{BucketConfig, BucketConfigError};
pub use failure::BlockVanished;
pub use metrics::{BucketMetrics, BucketOperation, OperationMetrics};
pub use options::BucketOptions;
pub use snapshot::{BucketQuery, BucketStorage};
