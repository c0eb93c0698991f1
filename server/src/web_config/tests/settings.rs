//! Passwords, headers, rates, and changes of the file.

use super::super::WebConfig;
use super::{Config, ask, basic, users};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn every_page_needs_the_password() {
    let config = Config::new(&users("alice", "secret"));
    let address = config.serve().await;
    let refused = ask(address, "").await;
    assert_eq!(status(&refused), "401");
    assert!(refused.contains("\r\nwww-authenticate: Basic\r\n"));
    assert!(refused.ends_with("\r\n\r\nUnauthorized\n"), "{refused}");
    for (user, password, want) in [
        ("alice", "secret", "200"),
        ("alice", "secret", "200"),
        ("alice", "other", "401"),
        ("bob", "secret", "401"),
    ] {
        let answer = ask(address, &basic(user, password)).await;
        assert_eq!(status(&answer), want, "{user} {password}");
    }
}

#[tokio::test]
async fn changes_count_at_once_and_mistakes_answer_nobody() {
    let config = Config::new(&users("a", "old"));
    let address = config.serve().await;
    let with = async |password: &str| {
        let answer = ask(address, &basic("a", password)).await;
        status(&answer).to_string()
    };
    assert_eq!(with("old").await, "200");
    config.write("web.yml", &users("a", "new"));
    assert_eq!(
        (with("old").await, with("new").await),
        ("401".into(), "200".into())
    );
    config.write("web.yml", "basic_auth_users:\n  a: plain\n");
    assert_eq!(with("new").await, "500");
    std::fs::remove_file(config.path()).unwrap();
    assert_eq!(with("new").await, "500");
    config.write("web.yml", &users("a", "new"));
    assert_eq!(with("new").await, "200");
}

#[tokio::test]
async fn headers_stand_in_all_answers() {
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    \
                   Strict-Transport-Security: max-age=5\n";
    let config = Config::new(&format!("{headers}{}", users("a", "b")));
    let address = config.serve().await;
    for (request, want) in [(basic("a", "b"), "200"), (String::new(), "401")] {
        let answer = ask(address, &request).await;
        assert_eq!(status(&answer), want);
        assert!(answer.contains("\r\nx-frame-options: deny\r\n"), "{answer}");
        assert!(
            answer.contains("\r\nstrict-transport-security: max-age=5\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn requests_over_the_rate_are_refused() {
    let config = Config::new("rate_limit:\n  interval: 1h\n  burst: 2\n");
    let address = config.serve().await;
    for want in ["200", "200", "429", "429"] {
        assert_eq!(status(&ask(address, "").await), want);
    }
}

#[test]
fn mistakes_are_named() {
    let open = |text: &str| WebConfig::open(&Config::new(text).path());
    for (text, word) in [
        (
            "http_server_config:\n  headers:\n    X-Other: a\n",
            "X-Other",
        ),
        (
            "http_server_config:\n  headers:\n    x-frame-options: deny\n",
            "x-frame-options",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
            "sameorigin",
        ),
        (
            "http_server_config:\n  headers:\n    X-Content-Type-Options: ''\n",
            "nosniff",
        ),
        ("http_server_config:\n  http2: true\n", "HTTP/2"),
        ("basic_auth_users:\n  ann: secret\n", "ann"),
        ("rate_limit:\n  interval: 1s\n", "burst"),
        ("rate_limit:\n  interval: 1 day\n  burst: 1\n", "interval"),
        ("tls_server_config:\n  cert_file: c\n", "key"),
        ("tls_server_config:\n  key_file: c\n", "cert"),
        (
            "tls_server_config:\n  client_auth_type: NoClientCert\n",
            "cert",
        ),
        (
            "tls_server_config:\n  cert_file: nope.pem\n  key_file: k\n",
            "nope.pem",
        ),
        (
            "tls_server_config:\n  cert: text\n  key: text\n",
            "no certificate",
        ),
    ] {
        let error = open(text).err().unwrap_or_else(|| panic!("{text}"));
        assert!(error.to_string().contains(word), "{text}: {error}");
    }
    let error = WebConfig::open("/nonexistent/web.yml".as_ref()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/web.yml"));
}
