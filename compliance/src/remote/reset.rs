//! Making an endpoint fresh.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use quarrel_engine::{QueryTimes, Timestamp};

use super::error::RemoteError;
use crate::answer::Answer;
use crate::endpoint::Endpoint;

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs a command of the shell, and waits until the endpoint answers queries.
///
/// # Errors
/// When the command fails or the endpoint is not ready in time.
pub(super) async fn reset(
    endpoint: &Endpoint,
    command: &str,
    limit: Duration,
) -> Result<(), RemoteError> {
    let text = command.to_string();
    let run = move || {
        Command::new("sh")
            .args(["-c", &text])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
    };
    let ended = match tokio::task::spawn_blocking(run).await {
        Ok(ended) => ended,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let status = ended.map_err(|source| RemoteError::Start {
        command: command.to_string(),
        source,
    })?;
    if !status.success() {
        return Err(RemoteError::Reset {
            command: command.to_string(),
            status,
        });
    }
    ready(endpoint, limit).await
}

async fn ready(endpoint: &Endpoint, limit: Duration) -> Result<(), RemoteError> {
    let begin = Instant::now();
    loop {
        let at = QueryTimes::Instant(Timestamp::from_secs(0));
        let reason = match endpoint.query("1", at).await {
            Ok(Answer::Data(_)) => return Ok(()),
            Ok(Answer::Failure(failure)) => failure.message,
            Err(error) => error.to_string(),
        };
        if begin.elapsed() >= limit {
            return Err(RemoteError::NotReady { limit, reason });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
