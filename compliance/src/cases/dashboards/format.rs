//! How values are written into a query, also in the formats of Grafana's advanced
//! variable syntax, `${name:format}`.

use super::values::Bound;

/// A text as a part of a PromQL string.
pub(super) fn in_string(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A text as a regular expression for itself.
pub(super) fn in_regex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\^$*+?.()|[]{}".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Values as Grafana's Prometheus data source writes them: several are
/// alternatives in a regular expression, all within a PromQL string.
pub(super) fn for_promql(bound: &Bound) -> String {
    if bound.is_literal {
        return bound.values.join(",");
    }
    if !bound.is_list {
        return in_string(&bound.values.join(","));
    }
    let values = bound.values.iter();
    let escaped: Vec<String> = values.map(|value| in_string(&in_regex(value))).collect();
    match &*escaped {
        [one] => one.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// A variable in a format; `None` if there is no such format.
pub(super) fn formatted(name: &str, bound: &Bound, format: &str) -> Option<String> {
    let values = &bound.values;
    let joined = |separator: &str| values.join(separator);
    let each = |one: &dyn Fn(&str) -> String, separator: &str| {
        let texts: Vec<String> = values.iter().map(|value| one(value)).collect();
        texts.join(separator)
    };
    let is_one = values.len() == 1;
    Some(match format {
        "csv" | "raw" => joined(","),
        "pipe" => joined("|"),
        "text" => joined(" + "),
        "distributed" => values.join(&format!(",{name}=")),
        "glob" if is_one => joined(""),
        "glob" => format!("{{{}}}", joined(",")),
        "regex" if is_one => each(&in_regex, ""),
        "regex" => format!("({})", each(&in_regex, "|")),
        "doublequote" => each(&|value| format!("\"{}\"", value.replace('"', "\\\"")), ","),
        "singlequote" => each(&|value| format!("'{}'", value.replace('\'', "\\'")), ","),
        "sqlstring" => each(&|value| format!("'{}'", value.replace('\'', "''")), ","),
        "json" if is_one => serde_json::Value::from(values[0].clone()).to_string(),
        "json" => serde_json::Value::from(values.clone()).to_string(),
        "lucene" if is_one => joined("").replace('"', "\\\""),
        "lucene" => {
            let quoted = each(
                &|value| format!("\"{}\"", value.replace('"', "\\\"")),
                " OR ",
            );
            format!("({quoted})")
        }
        "percentencode" => percent(&joined(",")),
        "queryparam" => each(&|value| format!("var-{name}={}", percent(value)), "&"),
        _ => return None,
    })
}

fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
