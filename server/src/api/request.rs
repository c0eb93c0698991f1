//! Reads a request's path and parameters as Go's `net/http` does.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Uri, header, request::Parts};
use quarrel_functions::fmt::quote;

use super::body::{BodyBudget, BodyError, Received, Room, receive};
use super::multipart;

/// The largest size of a form, bytes, as in Go.
const MAX_FORM: usize = 10 << 20;
/// The largest size of a form of several parts, bytes.
const MAX_MULTIPART: usize = 32 << 20;
/// The largest number of parameters of a form or a query string, as in Go.
const MAX_PARAMS: usize = 10_000;

/// A request whose parameters are not parsed yet.
#[derive(Debug)]
pub(crate) struct Unparsed {
    headers: HeaderMap,
    uri: Uri,
    name: Vec<u8>,
    body: Option<(Form, Received)>,
    /// The error of a body that could not be read as a form.
    body_error: Option<String>,
}

/// The encoding of the parameters in a body.
#[derive(Debug)]
enum Form {
    Pairs,
    Multipart { boundary: String },
}

impl Unparsed {
    /// Reads the body of a POST, where parameters may stand. `name` is the part
    /// of the path for `:name`.
    ///
    /// # Errors
    /// If the body is late or there is no memory for it. Bodies that are wrong
    /// otherwise are errors of the form, for the handler to see.
    pub(crate) async fn receive(
        parts: Parts,
        body: Body,
        name: Vec<u8>,
        most: Duration,
        budget: Arc<dyn BodyBudget>,
    ) -> Result<Self, BodyError> {
        let mut unparsed = Unparsed {
            headers: parts.headers,
            uri: parts.uri,
            name,
            body: None,
            body_error: None,
        };
        if !matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            return Ok(unparsed);
        }
        let (form, limit) = match form_of(&unparsed.headers) {
            Ok(Some(Form::Pairs)) => (Form::Pairs, MAX_FORM),
            Ok(Some(form)) => (form, MAX_MULTIPART),
            Ok(None) => return Ok(unparsed),
            Err(error) => {
                unparsed.body_error = Some(error);
                return Ok(unparsed);
            }
        };
        match receive(body, limit, most, budget).await {
            Ok(received) => unparsed.body = Some((form, received)),
            Err(error @ (BodyError::Late | BodyError::NoRoom)) => return Err(error),
            Err(error) => unparsed.body_error = Some(error.to_string()),
        }
        Ok(unparsed)
    }

    /// Parses the parameters and frees the body.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub(crate) fn parse(self) -> Result<Request, BodyError> {
        let (mut pairs, mut form_error, mut room) = (Vec::new(), self.body_error, None);
        if let Some((form, mut received)) = self.body {
            // The values are as long as the body at most, and stand beside it.
            received.room.grow(received.bytes.len())?;
            (pairs, form_error) = form.parse(&received.bytes);
            drop(received.bytes);
            let text = |(name, value): &(String, String)| name.capacity() + value.capacity();
            received.room.shrink_to(pairs.iter().map(text).sum());
            room = Some(received.room);
        }
        let of_body = pairs.len();
        let (query, query_error) = parse_query(query_of(&self.uri));
        pairs.extend(query);
        Ok(Request {
            headers: self.headers,
            name: self.name,
            pairs,
            of_body,
            form_error: form_error.or(query_error),
            _room: room,
        })
    }
}

impl Form {
    /// The parameters, and the error of malformed ones.
    fn parse(&self, body: &[u8]) -> (Pairs, Option<String>) {
        match self {
            Form::Pairs => parse_query(body),
            Form::Multipart { boundary } => match multipart::parse(body, boundary) {
                Ok(pairs) => (pairs, None),
                Err(error) => (Vec::new(), Some(error)),
            },
        }
    }
}

/// A request with its parameters.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) headers: HeaderMap,
    /// The part of the path for `:name`, any bytes.
    pub(crate) name: Vec<u8>,
    /// The parameters of the body, then those of the query string.
    pairs: Pairs,
    /// How many of them stood in the body.
    of_body: usize,
    /// The error of malformed parameters. The others are valid.
    form_error: Option<String>,
    /// What the parameters of the body hold.
    _room: Option<Room>,
}

impl Request {
    /// A parameter's first value, the empty string if there is none: Go's
    /// `FormValue`.
    pub(crate) fn value(&self, name: &str) -> &str {
        first(&self.pairs, name)
    }

    /// The same for the query string alone.
    pub(crate) fn query_value(&self, name: &str) -> &str {
        first(&self.pairs[self.of_body..], name)
    }

    /// All values of a parameter.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The error of Go's `ParseForm`.
    pub(crate) fn form_error(&self) -> Option<&str> {
        self.form_error.as_deref()
    }

    /// A header's value, the empty string if it is missing or not text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

fn query_of(uri: &Uri) -> &[u8] {
    uri.query().unwrap_or_default().as_bytes()
}

type Pairs = Vec<(String, String)>;

/// Go's `url.ParseQuery`: the well-formed parameters, and the error of the
/// others.
pub(crate) fn parse_query(text: &[u8]) -> (Pairs, Option<String>) {
    if text.iter().filter(|&&byte| byte == b'&').count() >= MAX_PARAMS {
        let error = "number of URL query parameters exceeded limit".to_string();
        return (Vec::new(), Some(error));
    }
    let (mut pairs, mut error) = (Vec::new(), None);
    for part in text
        .split(|&byte| byte == b'&')
        .filter(|part| !part.is_empty())
    {
        if part.contains(&b';') {
            error = Some("invalid semicolon separator in query".to_string());
            continue;
        }
        let mut halves = part.splitn(2, |&byte| byte == b'=');
        let (key, value) = (halves.next().unwrap_or(b""), halves.next().unwrap_or(b""));
        match unescape(key, true).and_then(|key| Ok((key, unescape(value, true)?))) {
            Ok((key, value)) => pairs.push((text_of(key), text_of(value))),
            Err(why) => error = error.or(Some(why)),
        }
    }
    (pairs, error)
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Decodes `%` escapes, and `+` as a space if asked.
///
/// # Errors
/// If a `%` is not followed by two digits.
pub(crate) fn unescape(text: &[u8], plus: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'+' if plus => out.push(b' '),
            b'%' => {
                let digit =
                    |at: usize| tail.get(at).and_then(|&digit| (digit as char).to_digit(16));
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    let shown = &text[text.len() - tail.len() - 1..];
                    let shown = String::from_utf8_lossy(&shown[..shown.len().min(3)]);
                    return Err(format!("invalid URL escape {}", quote(&shown)));
                };
                out.push((high << 4 | low) as u8);
                rest = &tail[2..];
            }
            _ => out.push(*byte),
        }
    }
    Ok(out)
}

/// The form that a body has by its headers, if any.
///
/// # Errors
/// If the boundary of a form of several parts is missing.
fn form_of(headers: &HeaderMap) -> Result<Option<Form>, String> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let (kind, options) = split_media_type(content_type.unwrap_or("application/octet-stream"));
    match kind.as_str() {
        "application/x-www-form-urlencoded" => Ok(Some(Form::Pairs)),
        "multipart/form-data" => match multipart::boundary(options) {
            Some(boundary) => Ok(Some(Form::Multipart { boundary })),
            None => Err("no multipart boundary param in Content-Type".to_string()),
        },
        _ => Ok(None),
    }
}

fn split_media_type(text: &str) -> (String, &str) {
    let (kind, options) = text.split_once(';').unwrap_or((text, ""));
    (kind.trim().to_ascii_lowercase(), options)
}

#[cfg(test)]
mod tests {
    use super::super::body::FixedBudget;
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    async fn request(method: Method, uri: &str, content_type: &str, body: &'static str) -> Request {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", content_type)
            .body(Body::from(body))
            .unwrap();
        let (parts, body) = request.into_parts();
        let unparsed = Unparsed::receive(parts, body, Vec::new(), SOON, budget()).await;
        unparsed.unwrap().parse().unwrap()
    }

    fn budget() -> Arc<dyn BodyBudget> {
        Arc::new(FixedBudget::new(64 << 20))
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[tokio::test]
    async fn the_body_comes_before_the_query_string() {
        let r = request(Method::POST, "/?a=1&b=2", FORM, "a=3&c=%2Bx+y").await;
        assert_eq!(r.value("a"), "3");
        assert_eq!(r.query_value("a"), "1");
        assert_eq!(r.values("a").collect::<Vec<_>>(), ["3", "1"]);
        assert_eq!(
            (r.value("b"), r.value("c"), r.value("d")),
            ("2", "+x y", "")
        );
        assert_eq!(r.form_error(), None);
    }

    #[tokio::test]
    async fn bodies_that_are_no_forms_are_left_alone() {
        for kind in ["text/plain", "application/json", ""] {
            let r = request(Method::POST, "/?b=2", kind, "a=3").await;
            assert_eq!((r.value("a"), r.value("b")), ("", "2"));
        }
        let r = request(Method::GET, "/?b=2", FORM, "a=3").await;
        assert_eq!(r.value("a"), "");
        let r = request(
            Method::POST,
            "/",
            "Application/X-WWW-Form-urlencoded; charset=utf-8",
            "a=3",
        )
        .await;
        assert_eq!(r.value("a"), "3");
    }

    #[tokio::test]
    async fn forms_in_several_parts_are_read() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n--X--\r\n";
        let r = request(
            Method::POST,
            "/?a=3",
            "multipart/form-data; boundary=X",
            body,
        )
        .await;
        assert_eq!(r.values("a").collect::<Vec<_>>(), ["1\r\n2", "3"]);
    }

    fn form(body: Body) -> (Parts, Body) {
        let request = axum::http::Request::post("/?b=2").header("content-type", FORM);
        request.body(body).unwrap().into_parts()
    }

    #[tokio::test]
    async fn a_form_may_not_be_endless() {
        let (parts, body) = form(Body::from("a=".to_string() + &"x".repeat(MAX_FORM)));
        let unparsed = Unparsed::receive(parts, body, Vec::new(), SOON, budget()).await;
        let r = unparsed.unwrap().parse().unwrap();
        assert_eq!(
            (r.value("a"), r.value("b"), r.form_error()),
            ("", "2", Some("http: POST too large"))
        );
        let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        let (parts, body) = form(Body::from_stream(never));
        let soon = Duration::from_millis(5);
        let late = Unparsed::receive(parts, body, Vec::new(), soon, budget()).await;
        assert_eq!(late.unwrap_err(), BodyError::Late);
    }

    #[tokio::test]
    async fn parameters_are_all_that_stays_of_a_body() {
        let budget = Arc::new(FixedBudget::new(200_000));
        let encoded = "%41".repeat(20_000);
        let (parts, body) = form(Body::from(format!("a={encoded}")));
        let shared = Arc::clone(&budget) as _;
        let unparsed = Unparsed::receive(parts, body, Vec::new(), SOON, shared).await;
        let r = unparsed.unwrap().parse().unwrap();
        assert_eq!(r.value("a").len(), 20_000);
        // The value's buffer is as long as its encoding was.
        assert_eq!(budget.free(), 200_000 - 27_233);
        drop(r);
        assert_eq!(budget.free(), 200_000);
    }

    #[test]
    fn malformed_parameters_are_left_out_with_an_error() {
        let (pairs, error) = parse_query(b"a=%zz&b=1;c=2&d=%4&=e&f&&g=%FF");
        let want = [("", "e"), ("f", ""), ("g", "\u{fffd}")];
        assert_eq!(pairs, want.map(|(k, v)| (k.to_string(), v.to_string())));
        assert_eq!(
            error.as_deref(),
            Some("invalid semicolon separator in query")
        );
        assert_eq!(
            parse_query(b"a=%zz").1.as_deref(),
            Some("invalid URL escape \"%zz\"")
        );
        assert_eq!(
            parse_query(b"a=%4").1.as_deref(),
            Some("invalid URL escape \"%4\"")
        );
        assert_eq!(
            parse_query("a=%üb".as_bytes()).1.as_deref(),
            Some("invalid URL escape \"%ü\"")
        );
        assert_eq!(unescape(b"a+b%2F", false).unwrap(), b"a+b/");
        assert!(parse_query("a&".repeat(MAX_PARAMS).as_bytes()).1.is_some());
    }

    #[test]
    fn no_bytes_panic() {
        let mut seed = 3u64;
        for length in 0..3000usize {
            let bytes: Vec<u8> = (0..length % 40)
                .map(|_| {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(99991);
                    b"ab=&%+;2F\xff\0"[(seed >> 40) as usize % 11]
                })
                .collect();
            let _ = parse_query(&bytes);
        }
    }
}
