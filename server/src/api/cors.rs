//! CORS: which web pages may read the API, as in Prometheus.

use axum::http::{HeaderMap, HeaderValue, header};
use quarrel_matchers::Regex;

/// Adds the headers for a request from the page `origin`.
pub(super) fn set(headers: &mut HeaderMap, allowed: &Regex, origin: Option<&HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.filter(|origin| !origin.is_empty()) else {
        return;
    };
    for (name, value) in [
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Accept, Authorization, Content-Type, Origin",
        ),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if allowed.is_match(origin.as_bytes()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow_origin(pattern: &str, origin: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        let origin = HeaderValue::from_static(origin);
        set(&mut headers, &Regex::new(pattern).unwrap(), Some(&origin));
        assert_eq!(headers[header::VARY], "Origin");
        let allowed = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        allowed.map(|value| value.to_str().unwrap().to_string())
    }

    #[test]
    fn the_pattern_is_anchored() {
        let pattern = r"https?://(a|b)\.org";
        assert_eq!(
            allow_origin(pattern, "http://a.org"),
            Some("http://a.org".into())
        );
        assert_eq!(allow_origin(pattern, "http://a.org.evil"), None);
        assert_eq!(allow_origin(".*", "null"), Some("null".into()));
        assert_eq!(allow_origin(".*", ""), None);
    }
}
