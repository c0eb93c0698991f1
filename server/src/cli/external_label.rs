//! External labels on the command line.

use std::fmt;
use std::str::FromStr;

use quarrel_planner::literal::unquote;

/// A label as Thanos's flags have it: `name="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExternalLabel {
    pub(super) name: String,
    pub(super) value: String,
}

impl FromStr for ExternalLabel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not a label: write name=\"value\"");
        let (name, quoted) = text.split_once('=').ok_or_else(wrong)?;
        let mut letters = name.bytes();
        let begins = letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
        if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            return Err(format!("{name:?} is not the name of a label"));
        }
        if name.starts_with("__") {
            return Err(format!("{name} is reserved"));
        }
        if !quoted.starts_with(['"', '`']) {
            return Err(wrong());
        }
        let value = String::from_utf8(unquote(quoted)?).map_err(|_| wrong())?;
        if value.is_empty() {
            return Err(format!("label {name} has no value"));
        }
        Ok(ExternalLabel {
            name: name.to_string(),
            value,
        })
    }
}

impl fmt::Display for ExternalLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = quarrel_functions::fmt::quote(&self.value);
        write!(f, "{}={value}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_a_name_and_a_quoted_value() {
        for (text, name, value) in [
            ("cluster=\"a\"", "cluster", "a"),
            ("_x1=\"a=\\\"b\\\"\"", "_x1", "a=\"b\""),
            ("a=`b c`", "a", "b c"),
        ] {
            let label: ExternalLabel = text.parse().unwrap();
            assert_eq!((label.name.as_str(), label.value.as_str()), (name, value));
            assert_eq!(label.to_string().parse(), Ok(label));
        }
        for wrong in [
            "",
            "a",
            "a=b",
            "a=\"\"",
            "=\"b\"",
            "1a=\"b\"",
            "a-b=\"c\"",
            "__name__=\"x\"",
            "a=\"b",
            "a=\"\\xff\"",
            "a='b'",
        ] {
            assert!(wrong.parse::<ExternalLabel>().is_err(), "{wrong}");
        }
    }
}
