//! The files' YAML.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub reference_target_config: Option<TargetConfig>,
    pub test_target_config: Option<TargetConfig>,
    pub query_tweaks: Option<Vec<TweakConfig>>,
    pub test_cases: Option<Vec<TestCase>>,
    pub query_time_parameters: Option<TimeParameters>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TimeParameters {
    pub end_time: Option<Spanned<String>>,
    pub range_in_seconds: Option<Spanned<f64>>,
    pub resolution_in_seconds: Option<Spanned<f64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TargetConfig {
    pub query_url: Option<String>,
    pub basic_auth_user: Option<String>,
    pub basic_auth_pass: Option<String>,
    pub headers: Option<BTreeMap<String, String>>,
    pub tsdb_path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TweakConfig {
    pub note: Option<String>,
    pub no_bug: bool,
    pub truncate_timestamps_to_ms: i64,
    pub align_timestamps_to_step: bool,
    pub align_timestamps_to_ms: i64,
    pub offset_timestamps_by_ms: i64,
    pub drop_result_labels: Option<Vec<String>>,
    pub ignore_first_step: bool,
    pub ignore_case: bool,
    pub adjust_value_tolerance: Option<ToleranceConfig>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ToleranceConfig {
    pub fraction: Option<f64>,
    pub margin: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestCase {
    pub query: Spanned<String>,
    #[serde(default)]
    pub variant_args: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub skip_comparison: bool,
    #[serde(default)]
    pub should_fail: bool,
}
