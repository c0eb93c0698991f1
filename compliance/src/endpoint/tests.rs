use std::io::Write as _;
use std::time::Duration;

use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::fake::{Asked, Fake, Told};
use super::*;
use crate::answer::{Answer, Value};

const SCALAR: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"1"]}}"#;

fn at(seconds: i64) -> QueryTimes {
    QueryTimes::Instant(Timestamp::from_secs(seconds))
}

fn endpoint(fake: &Fake, options: EndpointOptions) -> Endpoint {
    Endpoint::new(&fake.url, options).unwrap()
}

#[tokio::test]
async fn a_query_goes_by_post_with_all_that_belongs_to_it() {
    let fake = Fake::start(|_| Told::json(SCALAR)).await;
    let http = HttpConfig {
        basic_auth: Some(BasicAuth {
            username: "u".to_string(),
            password: Some("p".to_string().into()),
            ..BasicAuth::default()
        }),
        headers: [("X-Tenant".to_string(), Secret::from("a".to_string()))].into(),
        ..HttpConfig::default()
    };
    let options = EndpointOptions {
        http,
        parameters: vec![("dedup".to_string(), "false".to_string())],
        ..EndpointOptions::default()
    };
    let endpoint = endpoint(&fake, options);
    let range = QueryRange::from_millis(1500..=4000, 500).unwrap();
    let answer = endpoint
        .query("up{a=\"&=é\"}", QueryTimes::Range(range))
        .await
        .unwrap();
    let Answer::Data(data) = answer else { panic!() };
    assert_eq!(data.value, Value::Scalar(7000, 1.0));
    let asked = &fake.asked()[0];
    assert_eq!(
        (&*asked.method, &*asked.path),
        ("POST", "/api/v1/query_range")
    );
    for (name, value) in [
        ("query", "up{a=\"&=é\"}"),
        ("start", "1.500"),
        ("end", "4"),
        ("step", "0.500"),
        ("dedup", "false"),
    ] {
        assert_eq!(asked.parameter(name), value, "{name}");
    }
    assert_eq!(asked.header("authorization"), "Basic dTpw");
    assert_eq!(asked.header("x-tenant"), "a");
}

#[tokio::test]
async fn who_does_not_know_post_is_asked_by_get() {
    let tell = |asked: &Asked| match &*asked.method {
        "GET" => Told::json(SCALAR),
        _ => Told::Answer(405, "", Vec::new()),
    };
    let fake = Fake::start(tell).await;
    let url = format!("{}/prefix/?tenant=a", fake.url);
    let endpoint = Endpoint::new(&url, EndpointOptions::default()).unwrap();
    assert_eq!(endpoint.name(), format!("{}/prefix", fake.url));
    endpoint.query("1", at(7)).await.unwrap();
    let asked = &fake.asked()[1];
    assert_eq!(
        (&*asked.method, &*asked.path),
        ("GET", "/prefix/api/v1/query")
    );
    assert_eq!(
        (asked.parameter("tenant"), asked.parameter("time")),
        ("a", "7")
    );
}

#[tokio::test]
async fn compressed_answers_are_read() {
    let tell = |asked: &Asked| {
        assert_eq!(asked.header("accept-encoding"), "gzip");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(SCALAR.as_bytes()).unwrap();
        Told::Answer(200, "content-encoding: gzip\r\n", gzip.finish().unwrap())
    };
    let fake = Fake::start(tell).await;
    let options = EndpointOptions {
        compression: true,
        max_answer: 1000,
        ..EndpointOptions::default()
    };
    let reply = endpoint(&fake, options.clone())
        .ask("1", at(7))
        .await
        .unwrap();
    assert_eq!(reply.body, SCALAR.as_bytes());
    assert!(reply.sent > 0 && reply.sent != SCALAR.len() as u64);
    assert!(reply.first_byte <= reply.last_byte);
    let options = EndpointOptions {
        max_answer: 10,
        ..options
    };
    let error = endpoint(&fake, options).ask("1", at(7)).await.unwrap_err();
    assert_eq!(error, AskError::TooLarge { limit: 10 });
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_named() {
    let tell = |asked: &Asked| match asked.parameter("query") {
        "late" => Told::Late(Duration::from_secs(60), SCALAR.into()),
        "cut" => Told::Cut(20, SCALAR.into()),
        _ => Told::Answer(502, "", b"<html>bad gateway".to_vec()),
    };
    let fake = Fake::start(tell).await;
    let options = EndpointOptions {
        timeout: Duration::from_secs(3),
        ..EndpointOptions::default()
    };
    let endpoint = endpoint(&fake, options);
    let ask = async |query| endpoint.query(query, at(7)).await.unwrap_err();
    let limit = Duration::from_secs(3);
    let begun = false;
    assert_eq!(ask("late").await, AskError::Timeout { limit, begun });
    let cut = ask("cut").await;
    assert!(matches!(cut, AskError::Broken { .. }), "{cut}");
    let other = ask("other").await.to_string();
    assert!(
        other.contains("status 502") && other.contains("bad gateway"),
        "{other}"
    );
    let closed = Endpoint::new("http://127.0.0.1:1", EndpointOptions::default()).unwrap();
    let error = closed.query("1", at(7)).await.unwrap_err();
    assert!(matches!(error, AskError::Connect(_)), "{error}");
}

#[test]
fn urls_of_other_kinds_are_refused_without_their_password() {
    for url in [
        "",
        "localhost:9090",
        "ftp://u:hush@host",
        "http://u:hush@:x",
        "/api",
    ] {
        let error = Endpoint::new(url, EndpointOptions::default()).unwrap_err();
        assert!(matches!(error, EndpointError::Url { .. }), "{url}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    let endpoint = Endpoint::new("http://u:hush@host:1/", EndpointOptions::default());
    assert_eq!(endpoint.unwrap().name(), "http://host:1");
}

/// A server with data between two times, in seconds.
async fn with_data(first: f64, last: f64) -> Fake {
    let tell = move |asked: &Asked| {
        let time = |name| asked.parameter(name).parse::<f64>().unwrap();
        match time("start") <= last && first <= time("end") {
            true => Told::json(r#"{"status":"success","data":[{"__name__":"up"}]}"#),
            false => Told::json(r#"{"status":"success","data":[]}"#),
        }
    };
    Fake::start(tell).await
}

#[tokio::test]
async fn the_time_of_the_data_is_found() {
    let now = Timestamp::from_secs(1_800_000_000);
    for (first, last) in [
        (1_799_990_000, 1_800_000_000),
        (1_799_999_000, 1_799_999_500),
        (1_000_000_000, 1_000_000_030),
        (0, 1_790_000_000),
    ] {
        let fake = with_data(first as f64, last as f64).await;
        let endpoint = endpoint(&fake, EndpointOptions::default());
        let (from, to) = endpoint.bounds(now, 3_600_000).await.unwrap().unwrap();
        assert!((to.as_millis() / 1000 - last).abs() <= 61, "{to:?} {last}");
        let from = from.as_millis() / 1000;
        assert!(
            (from - first.max(last - 3600)).abs() <= 180,
            "{from} {first} {last}"
        );
        assert!(fake.asked().len() < 60);
    }
    let fake = with_data(1.9e9, 2e9).await;
    let endpoint = endpoint(&fake, EndpointOptions::default());
    assert_eq!(endpoint.bounds(now, 3_600_000).await, Ok(None));
}

#[tokio::test]
async fn what_an_endpoint_has_is_asked_for() {
    let tell = |asked: &Asked| match &*asked.path {
        "/api/v1/label/job/values" => Told::json(r#"{"status":"success","data":["a","b","c"]}"#),
        "/api/v1/label/U__a_2e_b__c/values" => Told::json(r#"{"status":"success","data":null}"#),
        "/api/v1/metadata" => Told::json(
            r#"{"status":"success","data":{"up":[{"type":"gauge","help":"","unit":""}]}}"#,
        ),
        "/api/v1/labels" => Told::json(r#"{"status":"success","data":["job"]}"#),
        _ => Told::json(r#"{"status":"error","errorType":"bad_data","error":"no"}"#),
    };
    let fake = Fake::start(tell).await;
    let endpoint = endpoint(&fake, EndpointOptions::default());
    let up = ["up".to_string()];
    let values = endpoint.label_values("job", &up, None, 2).await.unwrap();
    assert_eq!(values, ["a", "b"]);
    assert_eq!(fake.asked()[0].parameter("match[]"), "up");
    assert_eq!(
        endpoint.label_values("a.b_c", &[], None, 0).await,
        Ok(vec![])
    );
    assert_eq!(endpoint.metric_types().await.unwrap()["up"], "gauge");
    assert_eq!(endpoint.label_names(&[], None).await.unwrap(), ["job"]);
    let refused = endpoint.series(&up, None, 0).await.unwrap_err();
    assert_eq!(refused.to_string(), "series: bad_data: \"no\"");
}

#[tokio::test]
async fn a_redirect_does_not_lose_the_query() {
    let there = Fake::start(|_| Told::json(SCALAR)).await;
    let to = format!("location: {}/api/v1/query?query=1&time=7\r\n", there.url);
    let to: &'static str = Box::leak(to.into_boxed_str());
    let here = Fake::start(move |_| Told::Answer(301, to, Vec::new())).await;
    let endpoint = endpoint(&here, EndpointOptions::default());
    endpoint.query("1", at(7)).await.unwrap();
    assert_eq!(there.asked()[0].parameter("query"), "1");
    let methods: Vec<_> = here
        .asked()
        .iter()
        .map(|asked| asked.method.clone())
        .collect();
    assert_eq!(methods, ["POST", "GET"]);
    // It is known from now on.
    endpoint.query("1", at(7)).await.unwrap();
    assert_eq!(here.asked().len(), 3);
}

#[test]
fn no_debug_output_shows_a_password() {
    let endpoint = Endpoint::new("http://u:hush@host:1/", EndpointOptions::default()).unwrap();
    assert!(!format!("{endpoint:?}").contains("hush"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("http.yml");
    std::fs::write(&file, "basic_auth: {username: u, pasword: hush}\n").unwrap();
    let error = HttpConfig::read(&file).unwrap_err().to_string();
    assert!(
        error.contains("pasword") && !error.contains("hush"),
        "{error}"
    );
}
