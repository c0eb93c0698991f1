//! The header `grpc-timeout`.

use std::time::Duration;

use axum::http::HeaderMap;

/// How long the client waits for its answer, if it says so: up to eight digits and
/// a unit, as in gRPC over HTTP/2.
///
/// # Errors
/// If the header says something else.
pub(super) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, String> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let wrong = || format!("invalid grpc-timeout {value:?}");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let digits = &text[..text.len() - unit.len_utf8()];
    let fits = (1..=8).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| fits).ok_or_else(wrong)?;
    let duration = match unit {
        'H' => Duration::from_secs(number * 3600),
        'M' => Duration::from_secs(number * 60),
        'S' => Duration::from_secs(number),
        'm' => Duration::from_millis(number),
        'u' => Duration::from_micros(number),
        'n' => Duration::from_nanos(number),
        _ => return Err(wrong()),
    };
    Ok(Some(duration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(text: &[u8]) -> Result<Option<Duration>, String> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_bytes(text).unwrap());
        timeout(&headers)
    }

    #[test]
    fn timeouts_are_digits_and_a_unit() {
        assert_eq!(timeout(&HeaderMap::new()), Ok(None));
        for (text, want) in [
            ("2H", Duration::from_secs(7200)),
            ("99999999M", Duration::from_secs(99_999_999 * 60)),
            ("10S", Duration::from_secs(10)),
            ("1500m", Duration::from_millis(1500)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(of(text.as_bytes()), Ok(Some(want)), "{text}");
        }
        for wrong in [
            "",
            "5",
            "S",
            "123456789S",
            "-1S",
            "+1S",
            "1.5S",
            "5s",
            "5 S",
        ] {
            assert!(of(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(of("5\u{fc}".as_bytes()).is_err());
    }
}
