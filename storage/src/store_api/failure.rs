//! What went wrong with a store, told as an error or as a warning.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::storage::StorageError;
use tonic::{Code, Status};

/// How errors and warnings call a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoreName {
    /// Its address.
    pub(super) address: Arc<str>,
    /// Its external labels, printed; empty if it has none.
    pub(super) labels: String,
}

/// What a store was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Series, of which it has sent nothing yet.
    Series,
    /// More of the series that it has begun to send.
    MoreSeries,
    LabelNames,
    LabelValues,
}

/// A store has failed.
#[derive(Clone, Debug)]
pub(super) struct StoreFailure {
    pub(super) store: Arc<StoreName>,
    pub(super) asked: Asked,
    pub(super) cause: Cause,
}

/// Why a store has failed.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// An error of gRPC, or of the connection.
    Status(Status),
    /// Nothing has come for so long.
    Silent(Duration),
    /// What has come is not what it should be.
    Invalid(String),
    /// It has said that its own answer is not whole.
    Warned(String),
}

impl StoreFailure {
    /// The failure as the error of a query.
    pub(super) fn into_error(self) -> StorageError {
        let what = match self.asked {
            Asked::Series => "fetch series",
            Asked::MoreSeries => "receive series",
            Asked::LabelNames => "fetch label names",
            Asked::LabelValues => "fetch label values",
        };
        let labels = match &*self.store.labels {
            "" => String::new(),
            labels => format!(" of {labels}"),
        };
        StorageError::Remote {
            endpoint: self.store.address.to_string(),
            detail: format!("{what}{labels}: {}", self.cause),
        }
    }

    /// The failure as a warning, in about the words of Thanos.
    pub(super) fn warning(&self) -> String {
        let StoreName { address, labels } = &*self.store;
        let labels = match &**labels {
            "" => "Store Gateway",
            labels => labels,
        };
        let cause = &self.cause;
        match self.asked {
            Asked::Series => format!("fetch series for {labels} {address}: {cause}"),
            Asked::MoreSeries => format!("receive series from {labels} {address}: {cause}"),
            Asked::LabelNames => {
                format!("fetch label names from store {labels} {address}: {cause}")
            }
            Asked::LabelValues => {
                format!("fetch label values from store {labels} {address}: {cause}")
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Status(status) => f.write_str(&status_text(status)),
            Cause::Silent(time) => write!(f, "failed to receive any data in {time:?}"),
            Cause::Invalid(what) | Cause::Warned(what) => f.write_str(what),
        }
    }
}

/// A status as clients in Go print it, with what lies behind it.
pub fn status_text(status: &Status) -> String {
    let code = match status.code() {
        Code::Ok => "OK".to_string(),
        Code::Cancelled => "Canceled".to_string(),
        code => format!("{code:?}"),
    };
    let mut text = format!("rpc error: code = {code} desc = {}", status.message());
    let mut source = status.source();
    while let Some(error) = source {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_the_store() {
        let store = |labels: &str| {
            let (address, labels) = ("10.0.0.1:10901".into(), labels.to_string());
            Arc::new(StoreName { address, labels })
        };
        let mut failure = StoreFailure {
            store: store("{cluster=\"a\"}"),
            asked: Asked::Series,
            cause: Cause::Status(Status::unavailable("gone")),
        };
        let text = "rpc error: code = Unavailable desc = gone";
        assert_eq!(
            failure.warning(),
            format!("fetch series for {{cluster=\"a\"}} 10.0.0.1:10901: {text}")
        );
        assert_eq!(
            failure.clone().into_error().to_string(),
            format!("10.0.0.1:10901: fetch series of {{cluster=\"a\"}}: {text}")
        );
        failure.store = store("");
        failure.asked = Asked::LabelNames;
        failure.cause = Cause::Silent(Duration::from_millis(1500));
        assert_eq!(
            failure.warning(),
            "fetch label names from store Store Gateway 10.0.0.1:10901: \
             failed to receive any data in 1.5s"
        );
    }
}
