//! Exemplars of series.

use std::collections::BTreeMap;

use quarrel_engine::storage::TimeRange;
use quarrel_matchers::Matcher;
use quarrel_proto::exemplars::{
    ExemplarData, ExemplarsRequest, ExemplarsResponse, ExemplarsResult,
};
use quarrel_proto::services::exemplars::exemplars_client::ExemplarsClient;
use quarrel_storage::store_api::{EndpointInfo, Endpoints};
use quarrel_storage::tsdb::head::{Exemplar, SeriesExemplars};

use super::ask::{Answers, Api, FanoutError, Frame, MAX_MESSAGE, Part, Settings, ask};
use super::labels::Labels;

const API: Api = Api {
    what: "exemplars",
    method: "thanos.Exemplars/Exemplars",
};

impl Frame for ExemplarsResponse {
    type Content = Option<ExemplarData>;

    fn part(self, settings: &Settings) -> Option<Part<Self::Content>> {
        Some(match self.result? {
            ExemplarsResult::Data(series) => {
                let is_shown = settings.shows(series.series_labels.as_ref());
                Part::Content(is_shown.then_some(series))
            }
            ExemplarsResult::Warning(warning) => Part::Warning(warning),
        })
    }
}

pub(super) fn read(series: ExemplarData) -> Result<SeriesExemplars, String> {
    let exemplars = series.exemplars.into_iter().map(|one| {
        Ok(Exemplar {
            labels: Labels::read(one.labels)?.0,
            value: one.value,
            timestamp: one.ts,
        })
    });
    Ok(SeriesExemplars {
        labels: Labels::read(series.series_labels)?.0,
        exemplars: exemplars.collect::<Result<_, String>>()?,
    })
}

/// The exemplars that endpoints have of the series that any of the selectors picks; not
/// merged yet.
pub(crate) async fn exemplars(
    endpoints: &Endpoints,
    settings: &Settings,
    selectors: &[Vec<Matcher>],
    range: TimeRange,
) -> Result<Answers<Vec<SeriesExemplars>>, FanoutError> {
    fetch(endpoints, settings, selectors, range, read).await
}

/// The same as messages.
pub(crate) async fn exemplar_messages(
    endpoints: &Endpoints,
    settings: &Settings,
    selectors: &[Vec<Matcher>],
    range: TimeRange,
) -> Result<Answers<Vec<ExemplarData>>, FanoutError> {
    fetch(endpoints, settings, selectors, range, Ok).await
}

async fn fetch<C>(
    endpoints: &Endpoints,
    settings: &Settings,
    selectors: &[Vec<Matcher>],
    range: TimeRange,
    read: impl Fn(ExemplarData) -> Result<C, String>,
) -> Result<Answers<Vec<C>>, FanoutError> {
    let answers = ask(
        endpoints,
        settings,
        API,
        |status| {
            let info = status.info.as_ref();
            info.is_some_and(|info| info.exemplars.is_some())
        },
        |status, channel, asking| {
            let request = ExemplarsRequest {
                query: query(status.info.as_ref()?, selectors)?,
                start: range.start,
                end: range.end,
                partial_response_strategy: settings.strategy(),
            };
            let client = ExemplarsClient::new(channel);
            let mut client = client.max_decoding_message_size(MAX_MESSAGE);
            let request = asking.request(request);
            Some(async move { client.exemplars(request).await })
        },
        |series| series.map(&read).transpose(),
    );
    Ok(answers
        .await?
        .map(|all| all.into_iter().flatten().collect()))
}

/// The selectors that an endpoint may have series of, as one expression; `None` if there
/// are none. Prometheus does not know its external labels, so that matchers of these are
/// left out; another querier needs them.
pub(super) fn query(info: &EndpointInfo, selectors: &[Vec<Matcher>]) -> Option<String> {
    let sets = &info.label_sets;
    let passes_on = info.component == "query";
    let may_have = |matchers: &&Vec<Matcher>| {
        let fits = |set: &Vec<(String, String)>| {
            matchers.iter().all(|matcher| {
                let of_name = set.iter().find(|(name, _)| name == matcher.name());
                of_name.is_none_or(|(_, value)| matcher.matches(value))
            })
        };
        sets.is_empty() || sets.iter().any(fits)
    };
    let is_external = |matcher: &Matcher| {
        let mut labels = sets.iter().flatten();
        labels.any(|(name, value)| name == matcher.name() && !value.is_empty())
    };
    let selector = |matchers: &Vec<Matcher>| {
        let own = matchers.iter().filter(|m| passes_on || !is_external(m));
        let own: Vec<String> = own.map(ToString::to_string).collect();
        match own.is_empty() {
            // A selector has to have a matcher.
            true => "{__name__=~\".+\"}".to_string(),
            false => format!("{{{}}}", own.join(", ")),
        }
    };
    let parts: Vec<String> = selectors.iter().filter(may_have).map(selector).collect();
    (!parts.is_empty()).then(|| parts.join(" + "))
}

/// Series of equal labels without replica labels become one. Series and exemplars are
/// sorted: by labels, and by time, labels and value.
pub(crate) fn merge(all: Vec<SeriesExemplars>, replica_labels: &[String]) -> Vec<SeriesExemplars> {
    let mut merged: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
    for series in all.into_iter().filter(|s| !s.exemplars.is_empty()) {
        let mut labels = Labels(series.labels);
        labels.remove(replica_labels);
        merged.entry(labels).or_default().extend(series.exemplars);
    }
    let merged = merged.into_iter().map(|(labels, mut exemplars)| {
        exemplars.sort_by(|a, b| {
            let times = a.timestamp.cmp(&b.timestamp);
            let labels = times.then_with(|| a.labels.cmp(&b.labels));
            labels.then_with(|| a.value.total_cmp(&b.value))
        });
        exemplars.dedup_by(|a, b| {
            a.timestamp == b.timestamp
                && a.labels == b.labels
                && a.value.total_cmp(&b.value).is_eq()
        });
        let labels = labels.0;
        SeriesExemplars { labels, exemplars }
    });
    merged.collect()
}
