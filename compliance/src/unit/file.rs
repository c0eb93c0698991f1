//! The form of a unit-test file.

use serde::Deserialize;

use super::start::Start;
use super::yaml::{self, Millis, Number};
use crate::template::Labels;

/// A whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TestFile {
    #[serde(deserialize_with = "yaml::list")]
    pub(super) rule_files: Vec<String>,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) evaluation_interval: Millis,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) group_eval_order: Vec<String>,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) tests: Vec<Test>,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) fuzzy_compare: bool,
}

/// Series, and what is expected of them and of the rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Test {
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) interval: Millis,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) input_series: Vec<InputSeries>,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) alert_rule_test: Vec<AlertTest>,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) promql_expr_test: Vec<ExprTest>,
    #[serde(deserialize_with = "yaml::map")]
    pub(super) external_labels: Labels,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) external_url: String,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) start_timestamp: Start,
}

/// A series and its values in the notation of scripts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InputSeries {
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) series: String,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) values: String,
}

/// The alerts that fire at a time.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AlertTest {
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) eval_time: Millis,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) alertname: String,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) exp_alerts: Vec<ExpectedAlert>,
}

/// An alert that fires.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedAlert {
    #[serde(deserialize_with = "yaml::map")]
    pub(super) exp_labels: Labels,
    #[serde(deserialize_with = "yaml::map")]
    pub(super) exp_annotations: Labels,
}

/// The answer to a query at a time.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExprTest {
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) expr: String,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) eval_time: Millis,
    #[serde(deserialize_with = "yaml::list")]
    pub(super) exp_samples: Vec<ExpectedSample>,
}

/// A sample of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedSample {
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) labels: String,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) value: Number,
    #[serde(deserialize_with = "yaml::or_default")]
    pub(super) histogram: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<TestFile, String> {
        yaml::read(text.as_bytes())
    }

    #[test]
    fn plain_values_are_texts() {
        let file = read(
            "tests:\n- name: 5\n  input_series:\n  - {series: x, values: 1}\n  - {series: ~, values: '1 2'}\n  \
             external_labels: {a: 1.50, b: true, c: , d: 2024-01-01}\n  start_timestamp: 100\n- \n",
        );
        let file = file.unwrap();
        assert_eq!(file.tests.len(), 2);
        let test = &file.tests[0];
        assert_eq!(
            (test.name.as_str(), test.input_series[0].values.as_str()),
            ("5", "1")
        );
        assert_eq!(test.input_series[1].series, "");
        let labels: Vec<_> = test.external_labels.values().map(String::as_str).collect();
        assert_eq!(labels, ["1.50", "true", "", "2024-01-01"]);
        assert_eq!(test.start_timestamp.ms(), Some(100_000));
    }

    #[test]
    fn empty_files_and_further_documents_are_fine() {
        for text in [
            "",
            "# nothing\n",
            "---\n",
            "rule_files:\ntests:\n",
            "tests: []\n---\nnope: 1\n",
        ] {
            assert!(read(text).unwrap().tests.is_empty(), "{text}");
        }
    }

    #[test]
    fn anchors_and_merges_are_followed() {
        let text = "tests:\n- &a\n  name: one\n  interval: 5s\n- <<: *a\n  name: two\n";
        let file = read(text).unwrap();
        assert_eq!(file.tests[1].interval, Millis(5000));
        assert_eq!(file.tests[1].name, "two");
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for text in [
            "nope: 1",
            "tests: 1",
            "tests: [{nope: 1}]",
            "evaluation_interval: 5",
            "evaluation_interval: -5m",
            "tests: []\ntests: []",
            "fuzzy_compare: maybe",
            "tests: [{promql_expr_test: [{exp_samples: [{value: '1'}]}]}]",
            "tests: [{promql_expr_test: [{exp_samples: [{value: NaN}]}]}]",
            "tests: [{start_timestamp: yesterday}]",
            "tests: [",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_numbers() {
        for (text, want) in [
            ("1", 1.0),
            ("-2.5e3", -2500.0),
            (".inf", f64::INFINITY),
            ("0", 0.0),
            ("", 0.0),
        ] {
            let file = read(&format!(
                "tests: [{{promql_expr_test: [{{exp_samples: [{{value: {text}}}]}}]}}]"
            ));
            assert_eq!(
                file.unwrap().tests[0].promql_expr_test[0].exp_samples[0]
                    .value
                    .0,
                want,
                "{text}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            let _ = yaml::read::<TestFile>(&bytes);
        }

        #[test]
        fn no_text_panics(text in "[a-z:\\- \\n\\[\\]{},&*<'\"|>#0-9~!]{0,96}") {
            let _ = yaml::read::<TestFile>(text.as_bytes());
        }
    }
}
