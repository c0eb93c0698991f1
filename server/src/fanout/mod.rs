//! What the server asks its endpoints for beside series: rules, targets, the metadata of
//! metrics, and exemplars, as Thanos Query does.
//!
//! All endpoints that say they have an API are asked side by side (`ask`). Each API has
//! its file: what is asked, how answers become one, and the JSON of the result. Who asks
//! over gRPC gets the messages as they came, and makes one of them itself. An endpoint
//! that fails is an error or a warning which names it, as the request says.

mod ask;
mod exemplars;
mod json;
mod labels;
mod metadata;
mod rules;
mod targets;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use ask::{Answers, FanoutError, Settings};
pub(crate) use exemplars::{exemplar_messages, exemplars, merge as merge_exemplars};
pub(crate) use metadata::{Meta, merge as merge_metadata, metadata, metadata_messages};
pub(crate) use rules::{AlertInstance, RuleFilter, RuleGroup, rule_messages, rules};
pub(crate) use targets::{target_messages, targets};
