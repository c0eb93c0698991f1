//! `--enable-feature`: the names that Prometheus knows, and what they enable
//! here.

use quarrel_planner::ParserOptions;

/// The features that a command line enables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Experimental syntax.
    pub parser: ParserOptions,
    /// Metric names are removed when the answer is complete.
    pub delayed_name_removal: bool,
    /// Functions of counters use start timestamps.
    pub use_start_timestamps: bool,
    /// Queries may ask for the samples of each step.
    pub per_step_stats: bool,
    /// The label `__type__` is the metric's type.
    pub type_and_unit_labels: bool,
    /// Requests may set limits on the cost of their queries.
    pub query_cost: bool,
    /// Names and values may be searched for.
    pub search: bool,
    /// For the log: the enabled features.
    pub enabled: Vec<&'static str>,
    /// For the log, as warnings: features that are unsupported or unknown.
    pub warnings: Vec<String>,
}

/// How a feature is treated.
enum Effect {
    /// Supported, with the message for the log.
    Set(fn(&mut Features), &'static str),
    /// Always on.
    Permanent,
    /// Of Prometheus's scraping, storage or rules: without effect on queries.
    Elsewhere,
}

fn effect(name: &str) -> Option<Effect> {
    Some(match name {
        "promql-experimental-functions" => Effect::Set(
            |features| features.parser.enable_experimental_functions = true,
            "Experimental PromQL functions enabled.",
        ),
        "promql-binop-fill-modifiers" => Effect::Set(
            |features| features.parser.enable_binop_fill_modifiers = true,
            "Experimental PromQL binary operator fill modifiers enabled.",
        ),
        "promql-unquoted-utf8-names" => Effect::Set(
            |features| features.parser.enable_unquoted_utf8_names = true,
            "Experimental unquoted UTF-8 names enabled.",
        ),
        "promql-delayed-name-removal" => Effect::Set(
            |features| features.delayed_name_removal = true,
            "Experimental PromQL delayed name removal enabled.",
        ),
        "promql-per-step-stats" => Effect::Set(
            |features| features.per_step_stats = true,
            "Experimental per-step statistics reporting.",
        ),
        "type-and-unit-labels" => Effect::Set(
            |features| features.type_and_unit_labels = true,
            "Experimental type and unit labels enabled.",
        ),
        "promql-duration-expr" | "promql-extended-range-selectors" => Effect::Permanent,
        "use-start-timestamps" => Effect::Set(
            |features| features.use_start_timestamps = true,
            "Start timestamps in PromQL functions enabled.",
        ),
        "query-cost" => Effect::Set(
            |features| features.query_cost = true,
            "Experimental limits of a query's cost enabled.",
        ),
        "search-api" => Effect::Set(
            |features| features.search = true,
            "Experimental search API enabled.",
        ),
        "exemplar-storage"
        | "memory-snapshot-on-shutdown"
        | "extra-scrape-metrics"
        | "metadata-wal-records"
        | "auto-reload-config"
        | "concurrent-rule-eval"
        | "native-histograms"
        | "ooo-native-histograms"
        | "created-timestamp-zero-ingestion"
        | "xor2-encoding"
        | "histograms-st-encoding"
        | "st-synthesis"
        | "st-storage"
        | "delayed-compaction"
        | "old-ui"
        | "otlp-deltatocumulative"
        | "otlp-native-delta-ingestion"
        | "openmetrics2"
        | "zstd-scrape"
        | "use-uncached-io"
        | "fast-startup" => Effect::Elsewhere,
        _ => return None,
    })
}

impl Features {
    /// Parses comma-separated lists of names.
    pub fn parse<T: AsRef<str>>(lists: &[T]) -> Self {
        let mut features = Features::default();
        for name in lists.iter().flat_map(|list| list.as_ref().split(',')) {
            match effect(name) {
                Some(Effect::Set(set, message)) => {
                    set(&mut features);
                    features.enabled.push(message);
                }
                Some(Effect::Permanent) => features.warnings.push(format!(
                    "This option for --enable-feature is now permanently enabled and therefore \
                     a no-op. option={name}"
                )),
                Some(Effect::Elsewhere) => features.warnings.push(format!(
                    "This option for --enable-feature is of Prometheus's scraping, storage or \
                     rules and has no effect here. option={name}"
                )),
                None => features
                    .warnings
                    .push(format!("Unknown option for --enable-feature option={name}")),
            }
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_in_lists_and_repeated() {
        let features = Features::parse(&[
            "promql-experimental-functions,promql-binop-fill-modifiers",
            "promql-unquoted-utf8-names,promql-delayed-name-removal",
        ]);
        assert_eq!(features.parser, ParserOptions::all());
        assert!(features.delayed_name_removal);
        assert_eq!(features.enabled.len(), 4);
        assert!(features.warnings.is_empty());
        assert_eq!(Features::parse::<&str>(&[]), Features::default());
    }

    #[test]
    fn features_without_effect_give_a_message() {
        let names = "promql-duration-expr,old-ui,nope,";
        let features = Features::parse(&[names]);
        assert_eq!(features.parser, ParserOptions::default());
        let words = ["no-op", "scraping", "Unknown", "Unknown"];
        assert_eq!(features.warnings.len(), words.len());
        for (warning, word) in features.warnings.iter().zip(words) {
            assert!(warning.contains(word), "{warning}");
        }
    }
}
