//! The limits of remote read.

/// What requests of remote read may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteReadLimits {
    /// Samples that a query may find, where the answer has samples; 0 for any number.
    /// `--storage.remote.read-sample-limit`.
    pub samples: u64,
    /// Requests that are answered at once; 0 for any number.
    /// `--storage.remote.read-concurrent-limit`.
    pub concurrent: usize,
    /// About how many bytes a frame of chunks has.
    /// `--storage.remote.read-max-bytes-in-frame`.
    pub bytes_in_frame: usize,
}

impl Default for RemoteReadLimits {
    /// Those of Prometheus.
    fn default() -> Self {
        RemoteReadLimits {
            samples: 50_000_000,
            concurrent: 10,
            bytes_in_frame: 1 << 20,
        }
    }
}
