//! Scrape targets.

use crate::labels::LabelSet;
use crate::store::PartialResponseStrategy;
use crate::time::Timestamp;

/// Asks for targets.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TargetsRequest {
    /// Which ones.
    #[prost(enumeration = "TargetsState", tag = "1")]
    pub state: i32,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "2")]
    pub partial_response_strategy: i32,
}

/// Which targets are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum TargetsState {
    /// All.
    Any = 0,
    /// Those that are scraped.
    Active = 1,
    /// Those that relabeling dropped.
    Dropped = 2,
}

/// A frame of the answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TargetsResponse {
    /// What it holds.
    #[prost(oneof = "TargetsResult", tags = "1, 2")]
    pub result: Option<TargetsResult>,
}

/// What a frame of the answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum TargetsResult {
    /// Targets.
    #[prost(message, tag = "1")]
    Targets(TargetDiscovery),
    /// A warning.
    #[prost(string, tag = "2")]
    Warning(String),
}

/// Targets.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TargetDiscovery {
    /// Those that are scraped.
    #[prost(message, repeated, tag = "1")]
    pub active_targets: Vec<ActiveTarget>,
    /// Those that relabeling dropped.
    #[prost(message, repeated, tag = "2")]
    pub dropped_targets: Vec<DroppedTarget>,
}

/// How a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum TargetHealth {
    /// The last scrape failed.
    Down = 0,
    /// The last scrape went well.
    Up = 1,
    /// It was not scraped yet.
    Unknown = 2,
}

/// A target that is scraped.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ActiveTarget {
    /// Labels before relabeling.
    #[prost(message, optional, tag = "1")]
    pub discovered_labels: Option<LabelSet>,
    /// Labels after relabeling.
    #[prost(message, optional, tag = "2")]
    pub labels: Option<LabelSet>,
    /// The scrape pool.
    #[prost(string, tag = "3")]
    pub scrape_pool: String,
    /// What is scraped.
    #[prost(string, tag = "4")]
    pub scrape_url: String,
    /// The same, as seen from elsewhere.
    #[prost(string, tag = "5")]
    pub global_url: String,
    /// The last error, or empty.
    #[prost(string, tag = "6")]
    pub last_error: String,
    /// When it was scraped last.
    #[prost(message, optional, tag = "7")]
    pub last_scrape: Option<Timestamp>,
    /// How long that took, seconds.
    #[prost(double, tag = "8")]
    pub last_scrape_duration: f64,
    /// How it is.
    #[prost(enumeration = "TargetHealth", tag = "9")]
    pub health: i32,
}

/// A target that relabeling dropped.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DroppedTarget {
    /// Labels before relabeling.
    #[prost(message, optional, tag = "1")]
    pub discovered_labels: Option<LabelSet>,
}
