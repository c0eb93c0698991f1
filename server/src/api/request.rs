//! Reads a request's path and parameters as Go's `net/http` does.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, header, request::Parts};
use quarrel_functions::fmt::{quote, quote_bytes};

use super::body::{BodyBudget, BodyError, Received, Room, discard, receive};
use super::error::ApiError;
use super::media_type::MediaType;
use super::multipart;
use crate::params;
use crate::target::Target;

/// The largest size of a form, bytes, as in Go.
const MAX_FORM: usize = 10 << 20;
/// The largest size of a form of several parts, bytes.
const MAX_MULTIPART: usize = 32 << 20;
/// The largest size of a body that is read though nobody wants it, as in Go, so
/// that the connection may go on.
const MAX_UNWANTED: usize = 256 << 10;
/// The largest number of parameters of a form or a query string, as in Go.
const MAX_PARAMS: usize = 10_000;

/// A request whose parameters are not parsed yet.
#[derive(Debug)]
pub(crate) struct Unparsed {
    headers: HeaderMap,
    target: Target,
    name: Vec<u8>,
    body: Option<(Form, Received)>,
    /// The error of a body that could not be read as a form.
    body_error: Option<String>,
    budget: Arc<dyn BodyBudget>,
}

/// What a handler wants of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Parameters, if it is a form.
    Form,
    /// Its bytes, at most so many.
    Bytes(usize),
}

/// The encoding of the parameters in a body.
#[derive(Debug)]
enum Form {
    Pairs,
    Multipart {
        boundary: String,
    },
    /// None: the bytes are wanted as they are, at most so many.
    Bytes(usize),
}

impl Unparsed {
    /// Reads the body of a request, where parameters may stand. `name` is the part
    /// of the path for `:name`.
    ///
    /// # Errors
    /// If the body is late or there is no memory for it. Bodies that are wrong
    /// otherwise are errors of the form, for the handler to see.
    pub(crate) async fn receive(
        parts: Parts,
        body: Body,
        name: Vec<u8>,
        wanted: Wanted,
        most: Duration,
        budget: Arc<dyn BodyBudget>,
    ) -> Result<Self, BodyError> {
        let (form, body_error) = match wanted {
            Wanted::Form => form_of(&parts.method, &parts.headers),
            Wanted::Bytes(limit) => (Some(Form::Bytes(limit)), None),
        };
        let mut unparsed = Unparsed {
            target: Target::of(&parts.uri, &parts.extensions),
            headers: parts.headers,
            name,
            body: None,
            body_error,
            budget: Arc::clone(&budget),
        };
        let limit = match form {
            Some(Form::Pairs) => MAX_FORM,
            Some(Form::Multipart { .. }) => MAX_MULTIPART,
            Some(Form::Bytes(limit)) => limit,
            None => {
                let mut parts = body.into_data_stream();
                let unwanted = discard(&mut parts, MAX_UNWANTED);
                // A body that goes on closes the connection behind the answer.
                let _ = tokio::time::timeout(most, unwanted).await;
                return Ok(unparsed);
            }
        };
        match receive(body, limit, most, budget).await {
            Ok(received) => unparsed.body = form.map(|form| (form, received)),
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
        let query = self.target.query().unwrap_or_default();
        let (body, mut room) = match self.body {
            Some((form, received)) => (Some((form, received.bytes)), received.room),
            None => (None, Room::empty(self.budget)),
        };
        room.grow(query.len())?;
        let (query, query_error) = parse_query(query);
        let (mut pairs, mut of_parts, mut form_error) = (Vec::new(), Vec::new(), self.body_error);
        let mut body_bytes = Vec::new();
        if let Some((form, bytes)) = body {
            // The values are as long as the body at most, and stand beside it.
            room.grow(bytes.len())?;
            match form {
                Form::Bytes(_) => body_bytes = bytes,
                Form::Pairs => {
                    let (of_body, error) = parse_query(&bytes);
                    pairs = of_body;
                    form_error = form_error.or(error);
                }
                Form::Multipart { boundary } => {
                    let parts = multipart::parse(&bytes, &boundary).unwrap_or_default();
                    of_parts = parts.into_iter().map(Pair::new).collect();
                }
            }
        }
        let of_body = pairs.len();
        pairs.extend(query);
        let of_form = pairs.len();
        pairs.extend(of_parts);
        let of_pairs = pairs.iter().map(Pair::bytes).sum::<usize>();
        room.shrink_to(of_pairs + body_bytes.capacity());
        Ok(Request {
            headers: self.headers,
            name: self.name,
            body: body_bytes,
            pairs,
            of_body,
            of_form,
            form_error: form_error.or(query_error),
            room,
        })
    }
}

/// A request with its parameters.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) headers: HeaderMap,
    /// The part of the path for `:name`, any bytes.
    pub(crate) name: Vec<u8>,
    /// The body, where [`Wanted::Bytes`] was asked for.
    pub(crate) body: Vec<u8>,
    /// The parameters of the body, those of the query string, and those of a body
    /// of several parts.
    pairs: Vec<Pair>,
    /// Where those of the query string begin.
    of_body: usize,
    /// Where they end.
    of_form: usize,
    /// The error of malformed parameters. The others are valid.
    form_error: Option<String>,
    /// What the parameters and the body hold.
    room: Room,
}

/// A parameter.
#[derive(Debug, PartialEq, Eq)]
struct Pair {
    name: String,
    /// Bytes that are not UTF-8 are U+FFFD in it.
    value: String,
    /// The value's bytes, if they are not UTF-8.
    raw: Option<Vec<u8>>,
}

impl Pair {
    fn new((name, value): (Vec<u8>, Vec<u8>)) -> Self {
        let name = String::from_utf8_lossy(&name).into_owned();
        let (value, raw) = match String::from_utf8(value) {
            Ok(value) => (value, None),
            Err(error) => {
                let raw = error.into_bytes();
                (lossy(&raw), Some(raw))
            }
        };
        Pair { name, value, raw }
    }

    /// What it holds.
    fn bytes(&self) -> usize {
        let raw = self.raw.as_ref().map_or(0, Vec::capacity);
        self.name.capacity() + self.value.capacity() + raw
    }
}

/// The text that Go sees in bytes: each one that is not of a character is U+FFFD.
fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| out.push('\u{fffd}'));
    }
    out
}

impl Request {
    /// A parameter's first value, the empty string if there is none: Go's
    /// `FormValue`.
    pub(crate) fn value(&self, name: &str) -> &str {
        first(&self.pairs, name).map_or("", |pair| &pair.value)
    }

    /// A parameter as `parse` reads it. Its error shows the bytes that were sent.
    ///
    /// # Errors
    /// Those of `parse`.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> params::Result<T>,
    ) -> params::Result<T> {
        parse(self.value(name)).map_err(|why| self.shown(name, why))
    }

    /// A text that quotes a parameter, with the bytes that were sent.
    pub(crate) fn shown(&self, name: &str, text: String) -> String {
        match first(&self.pairs, name) {
            Some(Pair {
                value,
                raw: Some(raw),
                ..
            }) => text.replace(&quote(value), &quote_bytes(raw)),
            _ => text,
        }
    }

    /// The first value in the query string alone.
    pub(crate) fn query_value(&self, name: &str) -> &str {
        let pairs = &self.pairs[self.of_body..self.of_form];
        first(pairs, name).map_or("", |pair| &pair.value)
    }

    /// What is wrong with the body or the parameters, if anything.
    pub(crate) fn body_error(&self) -> Option<&str> {
        self.form_error.as_deref()
    }

    /// Counts more bytes that are held for this request.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.room.grow(bytes)
    }

    /// All values of a parameter.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |pair| pair.name == name)
            .map(|pair| pair.value.as_str())
    }

    /// Go's `ParseForm`, which some handlers begin with: they do not see the
    /// parameters of a body of several parts.
    ///
    /// # Errors
    /// If parameters are malformed.
    pub(crate) fn parse_form(&mut self) -> Result<(), ApiError> {
        self.pairs.truncate(self.of_form);
        match &self.form_error {
            Some(why) => Err(ApiError::bad_data(format!(
                "error parsing form values: {why}"
            ))),
            None => Ok(()),
        }
    }

    /// A header's value, the empty string if it is missing or not text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

fn first<'a>(pairs: &'a [Pair], name: &str) -> Option<&'a Pair> {
    pairs.iter().find(|pair| pair.name == name)
}

/// Go's `url.ParseQuery`: the well-formed parameters, and the error of the
/// others.
fn parse_query(text: &[u8]) -> (Vec<Pair>, Option<String>) {
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
            Ok(pair) => pairs.push(Pair::new(pair)),
            Err(why) => error = error.or(Some(why)),
        }
    }
    (pairs, error)
}

/// Decodes `%` escapes, and `+` as a space if asked.
///
/// # Errors
/// If a `%` is not followed by two digits.
pub(crate) fn unescape(text: &[u8], plus: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'+' if plus => out.push(b' '),
            b'%' => {
                let digit =
                    |at: usize| tail.get(at).and_then(|&digit| (digit as char).to_digit(16));
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    let shown = quote_bytes(&rest[..rest.len().min(3)]);
                    return Err(format!("invalid URL escape {shown}"));
                };
                out.push((high << 4 | low) as u8);
                rest = &tail[2..];
                continue;
            }
            _ => out.push(*byte),
        }
        rest = tail;
    }
    Ok(out)
}

/// The form that a body has by its headers, if any, and what is wrong with these.
/// As in Go, a form of several parts may have any method, another one has not.
fn form_of(method: &Method, headers: &HeaderMap) -> (Option<Form>, Option<String>) {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.as_bytes());
    let content_type = match content_type {
        None | Some(b"") => "application/octet-stream".into(),
        Some(bytes) => String::from_utf8_lossy(bytes),
    };
    let media_type = MediaType::parse(&content_type);
    let has_pairs = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    let error = media_type.error.filter(|_| has_pairs).map(str::to_string);
    let form = match media_type.kind.as_str() {
        "application/x-www-form-urlencoded" if has_pairs => Some(Form::Pairs),
        "multipart/form-data" => {
            let boundary = media_type.parameter("boundary");
            boundary.map(|boundary| Form::Multipart {
                boundary: boundary.to_string(),
            })
        }
        _ => None,
    };
    (form, error)
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
        let unparsed =
            Unparsed::receive(parts, body, Vec::new(), Wanted::Form, SOON, budget()).await;
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
        assert_eq!(r.form_error, None);
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
        let kind = "multipart/form-data; boundary=X";
        for method in [Method::POST, Method::GET] {
            let mut r = request(method, "/?a=3", kind, body).await;
            assert_eq!(r.values("a").collect::<Vec<_>>(), ["3", "1\r\n2"]);
            assert_eq!(r.query_value("a"), "3");
            assert_eq!(r.parse_form(), Ok(()));
            assert_eq!(r.values("a").collect::<Vec<_>>(), ["3"]);
        }
        // Boundaries that are missing are no error, as in Go.
        for kind in ["multipart/form-data", "multipart/form-data; boundary=Y"] {
            let mut r = request(Method::POST, "/?a=3", kind, body).await;
            assert_eq!(r.values("a").collect::<Vec<_>>(), ["3"]);
            assert_eq!(r.parse_form(), Ok(()));
        }
    }

    #[tokio::test]
    async fn malformed_types_are_errors_of_the_form() {
        let read = |kind: &'static str| request(Method::POST, "/?a=3", kind, "a=1");
        let mut r = read("application/x-www-form-urlencoded; charset").await;
        assert_eq!(r.value("a"), "1");
        let error = r.parse_form().unwrap_err();
        assert_eq!(
            error.message,
            "error parsing form values: mime: invalid media parameter"
        );
        let mut r = read("a b").await;
        assert_eq!(r.value("a"), "3");
        assert!(r.parse_form().is_err());
    }

    #[tokio::test]
    async fn errors_show_the_bytes_that_were_sent() {
        let r = request(Method::GET, "/?limit=%FF%C3%BC%00", "", "").await;
        let error = r.parsed("limit", params::parse_limit).unwrap_err();
        assert_eq!(
            error,
            r#"strconv.Atoi: parsing "\xffü\x00": invalid syntax"#
        );
        assert_eq!(lossy(b"a\xe2\x82b"), "a\u{fffd}\u{fffd}b");
    }

    fn form(body: Body) -> (Parts, Body) {
        let request = axum::http::Request::post("/?b=2").header("content-type", FORM);
        request.body(body).unwrap().into_parts()
    }

    #[tokio::test]
    async fn a_form_may_not_be_endless() {
        let (parts, body) = form(Body::from("a=".to_string() + &"x".repeat(MAX_FORM)));
        let unparsed =
            Unparsed::receive(parts, body, Vec::new(), Wanted::Form, SOON, budget()).await;
        let r = unparsed.unwrap().parse().unwrap();
        assert_eq!(
            (r.value("a"), r.value("b"), r.form_error.as_deref()),
            ("", "2", Some("http: POST too large"))
        );
        let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        let (parts, body) = form(Body::from_stream(never));
        let soon = Duration::from_millis(5);
        let late = Unparsed::receive(parts, body, Vec::new(), Wanted::Form, soon, budget()).await;
        assert_eq!(late.unwrap_err(), BodyError::Late);
    }

    #[tokio::test]
    async fn parameters_are_all_that_stays_of_a_body() {
        let budget = Arc::new(FixedBudget::new(200_000));
        let encoded = "%41".repeat(20_000);
        let (parts, body) = form(Body::from(format!("a={encoded}")));
        let shared = Arc::clone(&budget) as _;
        let unparsed = Unparsed::receive(parts, body, Vec::new(), Wanted::Form, SOON, shared).await;
        let r = unparsed.unwrap().parse().unwrap();
        assert_eq!(r.value("a").len(), 20_000);
        // The value's buffer is as long as its encoding was; names are one byte,
        // and so is the other value.
        assert_eq!(budget.free(), 200_000 - 27_235);
        drop(r);
        assert_eq!(budget.free(), 200_000);
    }

    #[test]
    fn malformed_parameters_are_left_out_with_an_error() {
        let (pairs, error) = parse_query(b"a=%zz&b=1;c=2&d=%4&=e&f&&g=%FF");
        let want = [(&b""[..], &b"e"[..]), (b"f", b""), (b"g", b"\xff")];
        let want = want.map(|(name, value)| Pair::new((name.to_vec(), value.to_vec())));
        assert_eq!(pairs, want);
        assert_eq!(pairs[2].value, "\u{fffd}");
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
