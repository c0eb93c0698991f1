//! Asks endpoints side by side, each for a stream of frames.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use quarrel_proto::labels::LabelSet;
use quarrel_proto::store::PartialResponseStrategy;
use quarrel_storage::store_api::{
    Call, CallObserver, CallOutcome, EndpointStatus, Endpoints, ObservedCall, status_text,
};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::source::TenantLabel;
use crate::tenancy::THANOS_TENANT;

/// What a message may have, bytes. A sidecar sends the metadata of all metrics in one.
pub(super) const MAX_MESSAGE: usize = 64 << 20;
/// What the answer of one endpoint may have, bytes. It is held in memory.
const MAX_ANSWER: u64 = 256 << 20;

/// How a request wants endpoints asked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whether an endpoint that fails is a warning, else an error.
    pub(crate) partial_response: bool,
    /// How long each endpoint may take.
    pub(crate) timeout: Duration,
    /// Labels that tell replicas apart, which answers lose.
    pub(crate) replica_labels: Vec<String>,
    /// Who asks.
    pub(crate) tenant: String,
    /// The label of what is shown; `None` for all there is.
    pub(crate) own: Option<TenantLabel>,
    /// Sees the calls.
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
}

/// An API that endpoints are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Api {
    /// What it gives.
    pub(super) what: &'static str,
    /// Its method with its service.
    pub(super) method: &'static str,
}

/// A call to an endpoint that is about to be made.
pub(super) struct Asking<'a> {
    settings: &'a Settings,
    endpoint: &'a str,
    api: Api,
    observed: Cell<Option<Box<dyn ObservedCall>>>,
}

impl Settings {
    /// What endpoints are told about their own endpoints.
    pub(super) fn strategy(&self) -> i32 {
        match self.partial_response {
            true => PartialResponseStrategy::Warn as i32,
            false => PartialResponseStrategy::Abort as i32,
        }
    }

    /// Whether what has these labels is shown.
    pub(super) fn shows(&self, labels: Option<&LabelSet>) -> bool {
        let Some(own) = &self.own else {
            return true;
        };
        let labels = labels.map_or(&[][..], |set| &set.labels);
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        own.is_in((labels.iter()).map(|label| (text(&label.name), text(&label.value))))
    }
}

impl Asking<'_> {
    /// A request to the endpoint, which learns who asks and how long the answer is
    /// waited for: endpoints in a circle end with the first of them.
    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.settings.timeout);
        let metadata = request.metadata_mut();
        // What cannot be a header is no tenant that an endpoint could know.
        if let Ok(tenant) = self.settings.tenant.parse() {
            metadata.insert(THANOS_TENANT, tenant);
        }
        if let Some(observer) = &self.settings.observer {
            let observed = observer.begin(&Call::new(self.endpoint, self.api.method));
            for (name, value) in observed.headers() {
                if let Ok(value) = value.parse() {
                    metadata.insert(name, value);
                }
            }
            self.observed.set(Some(observed));
        }
        request
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
    /// A message.
    type Content;

    /// What it holds, as far as it is shown; `None` if it holds nothing.
    fn part(self, settings: &Settings) -> Option<Part<Self::Content>>;
}

/// Asks the healthy endpoints for which `has` holds. `call` makes the call to one, or
/// none if that endpoint has nothing to say; `read` reads what it has sent.
pub(super) async fn ask<T, F, C>(
    endpoints: &Endpoints,
    settings: &Settings,
    api: Api,
    has: impl Fn(&EndpointStatus) -> bool,
    call: impl Fn(&EndpointStatus, Channel, &Asking<'_>) -> Option<F>,
    read: impl Fn(T::Content) -> Result<C, String>,
) -> Result<Answers<Vec<C>>, FanoutError>
where
    T: Frame,
    F: Future<Output = Result<Response<Streaming<T>>, Status>>,
{
    let channels = endpoints.channels(has);
    let calls = channels.into_iter().filter_map(|(status, channel)| {
        let asking = Asking {
            settings,
            endpoint: &status.name,
            api,
            observed: Cell::default(),
        };
        let call = call(&status, channel, &asking)?;
        let observed = asking.observed.take();
        Some(one(settings, (api, status.name), observed, call, &read))
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
async fn one<T: Frame, C>(
    settings: &Settings,
    (api, endpoint): (Api, String),
    mut observed: Option<Box<dyn ObservedCall>>,
    call: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
    read: impl Fn(T::Content) -> Result<C, String>,
) -> Result<Answers<Vec<C>>, FanoutError> {
    let mut answers = Answers {
        found: Vec::new(),
        warnings: Vec::new(),
    };
    let begun = Instant::now();
    let mut outcome = CallOutcome::default();
    let reading = collect(settings, (&mut answers, &mut outcome), call, read);
    let read = match tokio::time::timeout(settings.timeout, reading).await {
        // The call and the endpoint look at the clock as well.
        Ok(read) if read.is_ok() || begun.elapsed() < settings.timeout => read,
        _ => Err(format!("no complete answer in {:?}", settings.timeout)),
    };
    if let Some(call) = &mut observed {
        outcome.elapsed = begun.elapsed();
        outcome.error = read.as_ref().err().cloned();
        call.end(outcome);
    }
    if let Err(why) = read {
        let what = api.what;
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

async fn collect<T: Frame, C>(
    settings: &Settings,
    (answers, outcome): (&mut Answers<Vec<C>>, &mut CallOutcome),
    call: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
    read: impl Fn(T::Content) -> Result<C, String>,
) -> Result<(), String> {
    let response = call.await.map_err(|status| status_text(&status))?;
    let mut frames = response.into_inner();
    while let Some(frame) = frames.message().await.map_err(|s| status_text(&s))? {
        outcome.messages += 1;
        outcome.bytes += frame.encoded_len() as u64;
        if outcome.bytes > MAX_ANSWER {
            return Err(format!("the answer has more than {MAX_ANSWER} bytes"));
        }
        match frame.part(settings) {
            Some(Part::Content(content)) => answers.found.push(read(content)?),
            Some(Part::Warning(warning)) => answers.warnings.push(warning),
            None => return Err("a frame of the answer holds nothing".to_string()),
        }
    }
    Ok(())
}
