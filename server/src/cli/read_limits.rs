//! Limits of the server side of remote read, named as in Prometheus.

use clap::Args;

use crate::api::RemoteReadLimits;

/// What requests of remote read may take.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits of /api/v1/read")]
pub(super) struct ReadLimitArgs {
    /// Maximum overall number of samples to return via the remote read interface, in a
    /// single query. 0 means no limit. This limit is ignored for streamed response types.
    #[arg(
        long = "storage.remote.read-sample-limit",
        value_name = "N",
        default_value = "5e7",
        value_parser = count
    )]
    sample_limit: u64,
    /// Maximum number of concurrent remote read calls. 0 means no limit.
    #[arg(
        long = "storage.remote.read-concurrent-limit",
        value_name = "N",
        default_value = "10",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    concurrent_limit: u32,
    /// Maximum number of bytes in a single frame for streaming remote read response types
    /// before marshalling. Note that client might have limit on frame size as well.
    #[arg(
        long = "storage.remote.read-max-bytes-in-frame",
        value_name = "BYTES",
        default_value = "1048576",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    max_bytes_in_frame: u32,
}

/// A count, which may be written as `5e7`, as in Prometheus.
fn count(text: &str) -> Result<u64, String> {
    if let Ok(count) = text.parse() {
        return Ok(count);
    }
    match text.parse::<f64>() {
        Ok(count) if (0.0..1e18).contains(&count) && count.fract() == 0.0 => Ok(count as u64),
        _ => Err("not a whole number".to_string()),
    }
}

impl ReadLimitArgs {
    pub(super) fn limits(&self) -> RemoteReadLimits {
        RemoteReadLimits {
            samples: self.sample_limit,
            concurrent: self.concurrent_limit as usize,
            bytes_in_frame: self.max_bytes_in_frame as usize,
        }
    }

    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "storage.remote.read-sample-limit",
                self.sample_limit.to_string(),
            ),
            (
                "storage.remote.read-concurrent-limit",
                self.concurrent_limit.to_string(),
            ),
            (
                "storage.remote.read-max-bytes-in-frame",
                self.max_bytes_in_frame.to_string(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_have_exponents() {
        for (text, wanted) in [("5e7", Some(50_000_000)), ("0", Some(0)), ("12", Some(12))] {
            assert_eq!(count(text).ok(), wanted);
        }
        for bad in ["", "-1", "1.5", "many", "1e30"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
