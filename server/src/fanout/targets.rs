//! Scrape targets.

use std::cmp::Reverse;

use quarrel_proto::services::targets::targets_client::TargetsClient;
use quarrel_proto::targets::{
    ActiveTarget as ActiveMessage, TargetDiscovery, TargetHealth, TargetsRequest, TargetsResponse,
    TargetsResult, TargetsState,
};
use quarrel_storage::store_api::Endpoints;
use serde::Serialize;

use super::ask::{Answers, Api, FanoutError, Frame, MAX_MESSAGE, Part, Settings, ask};
use super::json::{Time, number};
use super::labels::Labels;

const API: Api = Api {
    what: "targets",
    method: "thanos.Targets/Targets",
};

/// A target that is scraped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActiveTarget {
    /// Labels before relabeling.
    discovered_labels: Labels,
    /// Labels after relabeling.
    labels: Labels,
    scrape_pool: String,
    scrape_url: String,
    global_url: String,
    last_error: String,
    last_scrape: Time,
    /// Seconds.
    #[serde(serialize_with = "number")]
    last_scrape_duration: f64,
    health: &'static str,
    /// A failing one goes before one that is fine, and that before one not yet known.
    #[serde(skip)]
    rank: i32,
}

/// A target that relabeling dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DroppedTarget {
    discovered_labels: Labels,
}

/// Targets of all endpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Targets {
    active_targets: Vec<ActiveTarget>,
    dropped_targets: Vec<DroppedTarget>,
}

impl Frame for TargetsResponse {
    type Content = TargetDiscovery;

    fn part(self, settings: &Settings) -> Option<Part<TargetDiscovery>> {
        Some(match self.result? {
            TargetsResult::Targets(mut found) => {
                let active = &mut found.active_targets;
                active.retain(|target| settings.shows(target.labels.as_ref()));
                let dropped = &mut found.dropped_targets;
                dropped.retain(|target| settings.shows(target.discovered_labels.as_ref()));
                Part::Content(found)
            }
            TargetsResult::Warning(warning) => Part::Warning(warning),
        })
    }
}

pub(super) fn read(found: TargetDiscovery) -> Result<Targets, String> {
    let active = found.active_targets.into_iter().map(active);
    let dropped = found.dropped_targets.into_iter().map(|target| {
        let discovered_labels = Labels::read(target.discovered_labels)?;
        Ok(DroppedTarget { discovered_labels })
    });
    Ok(Targets {
        active_targets: active.collect::<Result<_, String>>()?,
        dropped_targets: dropped.collect::<Result<_, String>>()?,
    })
}

fn active(target: ActiveMessage) -> Result<ActiveTarget, String> {
    let health = TargetHealth::try_from(target.health).unwrap_or(TargetHealth::Unknown);
    Ok(ActiveTarget {
        discovered_labels: Labels::read(target.discovered_labels)?,
        labels: Labels::read(target.labels)?,
        scrape_pool: target.scrape_pool,
        scrape_url: target.scrape_url,
        global_url: target.global_url,
        last_error: target.last_error,
        last_scrape: Time::read(target.last_scrape),
        last_scrape_duration: target.last_scrape_duration,
        health: match health {
            TargetHealth::Down => "down",
            TargetHealth::Up => "up",
            TargetHealth::Unknown => "unknown",
        },
        rank: health as i32,
    })
}

/// The targets of endpoints. Those that differ in replica labels alone are one.
pub(crate) async fn targets(
    endpoints: &Endpoints,
    settings: &Settings,
    state: TargetsState,
) -> Result<Answers<Targets>, FanoutError> {
    let answers = fetch(endpoints, settings, state as i32, read).await?;
    Ok(answers.map(|frames| merge(frames, &settings.replica_labels)))
}

/// The same as messages, as the endpoints have sent them. A state is one of
/// [`TargetsState`].
pub(crate) async fn target_messages(
    endpoints: &Endpoints,
    settings: &Settings,
    state: i32,
) -> Result<Answers<Vec<TargetDiscovery>>, FanoutError> {
    fetch(endpoints, settings, state, Ok).await
}

async fn fetch<C>(
    endpoints: &Endpoints,
    settings: &Settings,
    state: i32,
    read: impl Fn(TargetDiscovery) -> Result<C, String>,
) -> Result<Answers<Vec<C>>, FanoutError> {
    let request = TargetsRequest {
        state,
        partial_response_strategy: settings.strategy(),
    };
    let answers = ask(
        endpoints,
        settings,
        API,
        |status| status.info.as_ref().is_some_and(|info| info.targets),
        |_, channel, asking| {
            let client = TargetsClient::new(channel);
            let mut client = client.max_decoding_message_size(MAX_MESSAGE);
            let request = asking.request(request.clone());
            Some(async move { client.targets(request).await })
        },
        read,
    );
    answers.await
}

/// One list of each kind. Of equal targets that are scraped the one that fails is left,
/// of those that are as well the one that was scraped last.
pub(super) fn merge(frames: Vec<Targets>, replica_labels: &[String]) -> Targets {
    let mut all = Targets::default();
    for frame in frames {
        all.active_targets.extend(frame.active_targets);
        all.dropped_targets.extend(frame.dropped_targets);
    }
    for target in &mut all.active_targets {
        target.discovered_labels.remove(replica_labels);
        target.labels.remove(replica_labels);
    }
    for target in &mut all.dropped_targets {
        target.discovered_labels.remove(replica_labels);
    }
    let rank = |target: &ActiveTarget| (target.rank, Reverse(target.last_scrape));
    all.active_targets
        .sort_by(|a, b| key(a).cmp(&key(b)).then(rank(a).cmp(&rank(b))));
    all.active_targets.dedup_by(|a, b| key(a) == key(b));
    all.dropped_targets.sort();
    all.dropped_targets.dedup();
    all
}

/// What makes two targets equal.
fn key(target: &ActiveTarget) -> (&str, &str, &Labels, &Labels) {
    (
        &target.scrape_url,
        &target.scrape_pool,
        &target.discovered_labels,
        &target.labels,
    )
}
