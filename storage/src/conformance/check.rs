//! The result of a check.

/// Why a check does not pass.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(String),
    Skipped(&'static str),
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Stop::Failed(text)
    }
}

/// Fails a check unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::conformance::check::Stop::Failed(format!($($text)+)));
        }
    };
}
pub(super) use ensure;
