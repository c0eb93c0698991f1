//! Recording and alerting rules.

use crate::labels::LabelSet;
use crate::store::PartialResponseStrategy;
use crate::time::Timestamp;

/// Asks for rules.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RulesRequest {
    /// Which ones.
    #[prost(enumeration = "RulesType", tag = "1")]
    pub r#type: i32,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "2")]
    pub partial_response_strategy: i32,
    /// Selectors, one of which the labels must match.
    #[prost(string, repeated, tag = "3")]
    pub matcher_string: Vec<String>,
    /// Names of rules; empty for all.
    #[prost(string, repeated, tag = "4")]
    pub rule_name: Vec<String>,
    /// Names of groups; empty for all.
    #[prost(string, repeated, tag = "5")]
    pub rule_group: Vec<String>,
    /// Files; empty for all.
    #[prost(string, repeated, tag = "6")]
    pub file: Vec<String>,
}

/// Which rules are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum RulesType {
    /// All.
    All = 0,
    /// Alerting rules.
    Alert = 1,
    /// Recording rules.
    Record = 2,
}

/// A frame of the answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RulesResponse {
    /// What it holds.
    #[prost(oneof = "RulesResult", tags = "1, 2")]
    pub result: Option<RulesResult>,
}

/// What a frame of the answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum RulesResult {
    /// A group.
    #[prost(message, tag = "1")]
    Group(RuleGroup),
    /// A warning.
    #[prost(string, tag = "2")]
    Warning(String),
}

/// A group of rules.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RuleGroup {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its file.
    #[prost(string, tag = "2")]
    pub file: String,
    /// Its rules.
    #[prost(message, repeated, tag = "3")]
    pub rules: Vec<Rule>,
    /// How often it is evaluated, seconds.
    #[prost(double, tag = "4")]
    pub interval: f64,
    /// How long that took, seconds.
    #[prost(double, tag = "5")]
    pub evaluation_duration_seconds: f64,
    /// When that was.
    #[prost(message, optional, tag = "6")]
    pub last_evaluation: Option<Timestamp>,
    /// What a failing part means for it.
    #[prost(enumeration = "PartialResponseStrategy", tag = "8")]
    pub partial_response_strategy: i32,
    /// At most so many series or alerts; 0 for no limit.
    #[prost(int64, tag = "9")]
    pub limit: i64,
}

/// A rule.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Rule {
    /// What it is.
    #[prost(oneof = "RuleResult", tags = "1, 2")]
    pub result: Option<RuleResult>,
}

/// A rule of either kind.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum RuleResult {
    /// A recording rule.
    #[prost(message, tag = "1")]
    Recording(RecordingRule),
    /// An alerting rule.
    #[prost(message, tag = "2")]
    Alert(Alert),
}

/// How an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum AlertState {
    /// Not evaluated yet.
    Unknown = 0,
    /// Not active.
    Inactive = 1,
    /// Active, not long enough.
    Pending = 2,
    /// Firing.
    Firing = 3,
}

/// An alert of a rule.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AlertInstance {
    /// Its labels.
    #[prost(message, optional, tag = "1")]
    pub labels: Option<LabelSet>,
    /// Its annotations.
    #[prost(message, optional, tag = "2")]
    pub annotations: Option<LabelSet>,
    /// How it is.
    #[prost(enumeration = "AlertState", tag = "3")]
    pub state: i32,
    /// Since when.
    #[prost(message, optional, tag = "4")]
    pub active_at: Option<Timestamp>,
    /// The value.
    #[prost(string, tag = "5")]
    pub value: String,
    /// What a failing part means for it.
    #[prost(enumeration = "PartialResponseStrategy", tag = "6")]
    pub partial_response_strategy: i32,
}

/// An alerting rule.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Alert {
    /// How it is.
    #[prost(enumeration = "AlertState", tag = "1")]
    pub state: i32,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// PromQL.
    #[prost(string, tag = "3")]
    pub query: String,
    /// `for`, seconds.
    #[prost(double, tag = "4")]
    pub duration_seconds: f64,
    /// Its labels.
    #[prost(message, optional, tag = "5")]
    pub labels: Option<LabelSet>,
    /// Its annotations.
    #[prost(message, optional, tag = "6")]
    pub annotations: Option<LabelSet>,
    /// Its alerts.
    #[prost(message, repeated, tag = "7")]
    pub alerts: Vec<AlertInstance>,
    /// `ok`, `err`, `unknown`.
    #[prost(string, tag = "8")]
    pub health: String,
    /// The last error, or empty.
    #[prost(string, tag = "9")]
    pub last_error: String,
    /// How long its evaluation took, seconds.
    #[prost(double, tag = "10")]
    pub evaluation_duration_seconds: f64,
    /// When that was.
    #[prost(message, optional, tag = "11")]
    pub last_evaluation: Option<Timestamp>,
    /// `keep_firing_for`, seconds.
    #[prost(double, tag = "12")]
    pub keep_firing_for_seconds: f64,
}

/// A recording rule.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RecordingRule {
    /// The metric that it records.
    #[prost(string, tag = "1")]
    pub name: String,
    /// PromQL.
    #[prost(string, tag = "2")]
    pub query: String,
    /// Labels that it adds.
    #[prost(message, optional, tag = "3")]
    pub labels: Option<LabelSet>,
    /// `ok`, `err`, `unknown`.
    #[prost(string, tag = "4")]
    pub health: String,
    /// The last error, or empty.
    #[prost(string, tag = "5")]
    pub last_error: String,
    /// How long its evaluation took, seconds.
    #[prost(double, tag = "6")]
    pub evaluation_duration_seconds: f64,
    /// When that was.
    #[prost(message, optional, tag = "7")]
    pub last_evaluation: Option<Timestamp>,
}
