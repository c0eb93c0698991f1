//! The form of a rule file.

use serde::Deserialize;

use super::yaml::{self, Millis};
use crate::template::Labels;

/// Defines the form once; whether unknown fields are errors is an attribute.
macro_rules! form {
    ($module:ident, $serde:meta) => {
        mod $module {
            use super::{Deserialize, Labels, Millis, yaml};

            #[derive(Debug, Default, Deserialize)]
            #[$serde]
            #[serde(default)]
            pub(in crate::unit) struct RuleFile {
                #[serde(deserialize_with = "yaml::list")]
                pub(in crate::unit) groups: Vec<Group>,
            }

            #[derive(Debug, Default, Deserialize)]
            #[$serde]
            #[serde(default)]
            pub(in crate::unit) struct Group {
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) name: String,
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) interval: Millis,
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) query_offset: Millis,
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) limit: i64,
                #[serde(deserialize_with = "yaml::list")]
                pub(in crate::unit) rules: Vec<Rule>,
                #[serde(deserialize_with = "yaml::map")]
                pub(in crate::unit) labels: Labels,
            }

            #[derive(Debug, Default, Deserialize)]
            #[$serde]
            #[serde(default)]
            pub(in crate::unit) struct Rule {
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) record: String,
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) alert: String,
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) expr: String,
                #[serde(deserialize_with = "yaml::or_default", rename = "for")]
                pub(in crate::unit) hold: Millis,
                #[serde(deserialize_with = "yaml::or_default")]
                pub(in crate::unit) keep_firing_for: Millis,
                #[serde(deserialize_with = "yaml::map")]
                pub(in crate::unit) labels: Labels,
                #[serde(deserialize_with = "yaml::map")]
                pub(in crate::unit) annotations: Labels,
            }
        }
    };
}

form!(strict, serde(deny_unknown_fields));
form!(lenient, serde());

pub(super) use strict::{Group, Rule, RuleFile};

impl From<lenient::RuleFile> for RuleFile {
    fn from(file: lenient::RuleFile) -> Self {
        let rule = |rule: lenient::Rule| Rule {
            record: rule.record,
            alert: rule.alert,
            expr: rule.expr,
            hold: rule.hold,
            keep_firing_for: rule.keep_firing_for,
            labels: rule.labels,
            annotations: rule.annotations,
        };
        let group = |group: lenient::Group| Group {
            name: group.name,
            interval: group.interval,
            query_offset: group.query_offset,
            limit: group.limit,
            rules: group.rules.into_iter().map(rule).collect(),
            labels: group.labels,
        };
        RuleFile {
            groups: file.groups.into_iter().map(group).collect(),
        }
    }
}

/// Reads a rule file.
///
/// # Errors
/// When it is not YAML, or not of this form.
pub(super) fn read(bytes: &[u8], ignore_unknown_fields: bool) -> Result<RuleFile, String> {
    match ignore_unknown_fields {
        true => yaml::read::<lenient::RuleFile>(bytes).map(RuleFile::from),
        false => yaml::read(bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_fields_may_be_ignored() {
        let text = b"groups:\n- name: g\n  owner: [me, {and: you}]\n  rules:\n  - record: a\n    expr: 1\n    x: 2\n";
        assert!(read(text, false).unwrap_err().contains("owner"));
        let file = read(text, true).unwrap();
        assert_eq!(file.groups[0].rules[0].expr, "1");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..96), lenient: bool) {
            let _ = read(&bytes, lenient);
        }
    }
}
