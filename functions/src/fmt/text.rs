//! Quoted strings and times.

/// A string in double quotes with Go's escapes (`strconv.Quote`).
pub use quarrel_matchers::quote;

/// Bytes that may be no UTF-8 in double quotes with Go's escapes.
pub fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let quoted = quote(chunk.valid());
        out.push_str(&quoted[1..quoted.len() - 1]);
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// A time in seconds as `2006-01-02T15:04:05Z`.
pub fn rfc3339_seconds(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = crate::elementwise::civil_from_days(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_times() {
        let text = "a\"b\\\n\u{7f}ü\u{200b}";
        assert_eq!(quote(text), "\"a\\\"b\\\\\\n\\x7fü\\u200b\"");
        assert_eq!(quote_bytes(b"a\xffb\xc3"), "\"a\\xffb\\xc3\"");
        assert_eq!(rfc3339_seconds(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339_seconds(1_709_210_096), "2024-02-29T12:34:56Z");
    }
}
