//! Errors as gRPC's codes.

use quarrel_engine::storage::StorageError;
use quarrel_engine::{ErrorClass, QueryError};
use tonic::{Code, Status};

use crate::api::{ApiError, ErrorType};
use crate::limits;

/// The status of a query's error. What Thanos says with `Aborted`, an evaluation
/// that failed, is that here, too; the rest is told apart.
pub(super) fn of_query(error: &QueryError) -> Status {
    let code = match error.class() {
        ErrorClass::BadData => Code::InvalidArgument,
        ErrorClass::Execution => match error {
            QueryError::Limit(_) => Code::ResourceExhausted,
            _ => Code::Aborted,
        },
        ErrorClass::Timeout => Code::DeadlineExceeded,
        ErrorClass::Canceled => Code::Cancelled,
        ErrorClass::Internal => Code::Internal,
        ErrorClass::Unavailable => Code::Unavailable,
    };
    Status::new(code, limits::api_text(error))
}

/// The status of the HTTP API's error.
pub(super) fn of_api(error: &ApiError) -> Status {
    let code = match error.kind {
        ErrorType::BadData => Code::InvalidArgument,
        ErrorType::Execution => Code::Aborted,
        ErrorType::CostLimit => Code::ResourceExhausted,
        ErrorType::Canceled => Code::Cancelled,
        ErrorType::Timeout => Code::DeadlineExceeded,
        ErrorType::Internal => Code::Internal,
        ErrorType::Unavailable | ErrorType::Disabled => Code::Unavailable,
    };
    Status::new(code, error.message.clone())
}

/// The status of a store's error.
pub(super) fn of_storage(error: &StorageError) -> Status {
    Status::aborted(error.to_string())
}

#[cfg(test)]
mod tests {
    use quarrel_engine::LimitError;

    use super::*;

    #[test]
    fn errors_have_codes() {
        for (error, code) in [
            (QueryError::BadData("x".into()), Code::InvalidArgument),
            (
                QueryError::Limit(LimitError::Samples { limit: 1 }),
                Code::ResourceExhausted,
            ),
            (
                QueryError::Limit(LimitError::Queue { limit: 1 }),
                Code::Unavailable,
            ),
            (
                QueryError::Storage(StorageError::Other("x".into())),
                Code::Aborted,
            ),
            (QueryError::Canceled { phase: "x" }, Code::Cancelled),
            (QueryError::Internal("x".into()), Code::Internal),
        ] {
            assert_eq!(of_query(&error).code(), code, "{error}");
        }
    }
}
