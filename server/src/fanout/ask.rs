//! Asks endpoints side by side, each for a stream of frames.

use std::future::Future;
use std::time::Duration;

use futures::future::try_join_all;
use quarrel_proto::store::PartialResponseStrategy;
use quarrel_storage::store_api::{EndpointStatus, Endpoints, status_text};
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

/// What a message may have, bytes. A sidecar sends the metadata of all metrics in one.
pub(super) const MAX_MESSAGE: usize = 64 << 20;
/// What the answer of one endpoint may have, bytes. It is held in memory.
const MAX_ANSWER: usize = 256 << 20;

/// How a request wants endpoints asked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whether an endpoint that fails is a warning, else an error.
    pub(crate) partial_response: bool,
    /// How long each endpoint may take.
    pub(crate) timeout: Duration,
    /// Labels that tell replicas apart, which answers lose.
    pub(crate) replica_labels: Vec<String>,
}

impl Settings {
    /// What endpoints are told about their own endpoints.
    pub(super) fn strategy(&self) -> i32 {
        match self.partial_response {
            true => PartialResponseStrategy::Warn as i32,
            false => PartialResponseStrategy::Abort as i32,
        }
    }
}

/// An endpoint has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint}: fetch {what}: {why}")]
pub(crate) struct FanoutError {
    endpoint: String,
    what: &'static str,
    why: String,
}

/// What endpoints have answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answers<T> {
    /// In the order of the endpoints' addresses.
    pub(crate) found: T,
    /// What is missing from it.
    pub(crate) warnings: Vec<String>,
}

impl<T> Answers<T> {
    /// The same warnings with something else.
    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> Answers<U> {
        Answers {
            found: map(self.found),
            warnings: self.warnings,
        }
    }
}

/// What a frame holds.
pub(super) enum Part<T> {
    Content(T),
    Warning(String),
}

/// A frame of an API's stream.
pub(super) trait Frame: prost::Message {
    type Content;

    /// What it holds.
    ///
    /// # Errors
    /// If it holds nothing, or what is no text where there has to be one.
    fn part(self) -> Result<Part<Self::Content>, String>;
}

/// Asks the healthy endpoints for which `has` holds. `call` makes the call to one, or
/// none if that endpoint has nothing to say.
pub(super) async fn ask<T, F>(
    endpoints: &Endpoints,
    settings: &Settings,
    what: &'static str,
    has: impl Fn(&EndpointStatus) -> bool,
    call: impl Fn(&EndpointStatus, Channel) -> Option<F>,
) -> Result<Answers<Vec<T::Content>>, FanoutError>
where
    T: Frame,
    F: Future<Output = Result<Response<Streaming<T>>, Status>>,
{
    let channels = endpoints.channels(has);
    let calls = channels.into_iter().filter_map(|(status, channel)| {
        let call = call(&status, channel)?;
        Some(one(settings, what, status.name, call))
    });
    let mut all = Answers {
        found: Vec::new(),
        warnings: Vec::new(),
    };
    for answers in try_join_all(calls).await? {
        all.found.extend(answers.found);
        all.warnings.extend(answers.warnings);
    }
    Ok(all)
}

/// The answer of one endpoint. What has come before it failed counts, too.
async fn one<T: Frame>(
    settings: &Settings,
    what: &'static str,
    endpoint: String,
    call: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
) -> Result<Answers<Vec<T::Content>>, FanoutError> {
    let mut answers = Answers {
        found: Vec::new(),
        warnings: Vec::new(),
    };
    let reading = read(&mut answers, call);
    let outcome = match tokio::time::timeout(settings.timeout, reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no complete answer in {:?}", settings.timeout)),
    };
    if let Err(why) = outcome {
        let failure = FanoutError {
            endpoint,
            what,
            why,
        };
        if !settings.partial_response {
            return Err(failure);
        }
        answers.warnings.push(failure.to_string());
    }
    Ok(answers)
}

async fn read<T: Frame>(
    answers: &mut Answers<Vec<T::Content>>,
    call: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
) -> Result<(), String> {
    let response = call.await.map_err(|status| status_text(&status))?;
    let mut frames = response.into_inner();
    let mut bytes = 0;
    while let Some(frame) = frames.message().await.map_err(|s| status_text(&s))? {
        bytes += frame.encoded_len();
        if bytes > MAX_ANSWER {
            return Err(format!("the answer has more than {MAX_ANSWER} bytes"));
        }
        match frame.part()? {
            Part::Content(content) => answers.found.push(content),
            Part::Warning(warning) => answers.warnings.push(warning),
        }
    }
    Ok(())
}

/// What a frame without content is.
pub(super) fn empty<T>() -> Result<T, String> {
    Err("a frame of the answer holds nothing".to_string())
}
