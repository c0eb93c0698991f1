//! What is shown of URLs and errors.

use reqwest::Url;

/// A URL without what must not be shown: user, password, and query.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither fails for a URL with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_string()
}

/// The same of a text, which may be no URL.
pub fn shown_text(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => shown(&url),
        _ => {
            let text = text.rsplit('@').next().unwrap_or_default();
            text.split('?').next().unwrap_or_default().to_string()
        }
    }
}

/// The innermost reason of an error, which says the most, and has no URL.
pub fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_queries_are_not_shown() {
        for (text, wanted) in [
            ("http://u:hush@h:1/read?token=hush#x", "http://h:1/read"),
            ("https://h/", "https://h"),
            ("u:hush@h/read?token=hush", "h/read"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(shown_text(text), wanted, "{text}");
        }
    }
}
