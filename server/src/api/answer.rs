//! Writes answers while they are sent.
//!
//! The `data` of an answer comes in [`Pieces`], each of which is left to be printed
//! ([`Print`]). The first [`AT_ONCE`] bytes are sent at once, and an error up to
//! there gives a complete error answer. The rest is streamed: some pieces are
//! printed side by side, and the next ones when the client has read the last. An
//! error closes the connection in the middle of a chunk, so that clients notice
//! that the answer is incomplete.

use std::ops::Range;

use axum::BoxError;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;

use super::content_type::JSON;
use super::error::{ApiError, ErrorType};
use super::side_by_side;
use crate::json;

/// Answers below this size are sent in one piece, bytes.
const AT_ONCE: usize = 256 << 10;
/// The size that a streamed piece is to have, bytes.
pub(super) const PIECE: usize = 64 << 10;
/// How many warnings and how many infos an answer shows.
const MAX_ANNOTATIONS: usize = 10;

/// What a handler answers.
pub(crate) enum Answer {
    /// Success with data.
    Data(Box<dyn Pieces>),
    /// Success without data: status 204.
    NoContent,
    /// Success in another form.
    Other(Response),
}

impl Answer {
    /// Data that is complete already.
    pub(crate) fn json(data: Vec<u8>, warnings: Vec<String>) -> Self {
        let data = Some(data);
        Answer::Data(Box::new(Ready { data, warnings }))
    }
}

impl Answer {
    /// Data that is complete already, to be written as JSON.
    pub(super) fn of(data: &impl Serialize, warnings: Vec<String>) -> Result<Self, ApiError> {
        let data = serde_json::to_vec(data);
        let data = data.map_err(|why| ApiError::new(ErrorType::Internal, why.to_string()));
        Ok(Answer::json(data?, warnings))
    }
}

/// The warnings and infos of an answer.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
}

/// Where a piece ends that has the first of some items, given the size of each, and
/// the size of the piece.
pub(super) fn piece_end(items: Range<usize>, size: impl Fn(usize) -> usize) -> (usize, usize) {
    let mut bytes = 0;
    let mut full = items.clone().skip_while(|&i| {
        bytes += size(i);
        bytes < PIECE
    });
    let end = full.next().map_or(items.end, |last| last + 1);
    (end, bytes)
}

/// Makes room for a piece of this size, roughly. A buffer that grows by itself would
/// double behind labels of megabytes.
pub(super) fn reserve(out: &mut Vec<u8>, size: usize) {
    out.reserve_exact(size + size / 8);
}

/// Prints a piece of an answer: on whatever thread, beside other pieces.
pub(crate) type Print = Box<dyn FnOnce(&mut Vec<u8>) + Send>;

/// The next piece of an answer; `None` at its end.
pub(crate) type Next<'a> = BoxFuture<'a, Result<Option<Print>, ApiError>>;

/// The data of an answer, piece by piece.
pub(crate) trait Pieces: Send + 'static {
    /// The next piece, of about [`PIECE`] bytes of the data's JSON.
    fn next(&mut self) -> Next<'_>;

    /// The annotations, when all pieces are there.
    fn annotations(&mut self) -> Annotations;
}

struct Ready {
    data: Option<Vec<u8>>,
    warnings: Vec<String>,
}

impl Pieces for Ready {
    fn next(&mut self) -> Next<'_> {
        let data = self.data.take();
        let print = data.map(|data| Box::new(move |out: &mut Vec<u8>| out.extend(data)) as Print);
        Box::pin(std::future::ready(Ok(print)))
    }

    fn annotations(&mut self) -> Annotations {
        Annotations {
            warnings: std::mem::take(&mut self.warnings),
            infos: Vec::new(),
        }
    }
}

/// An answer with the JSON around its data.
pub(crate) struct Document {
    pieces: Box<dyn Pieces>,
    begun: bool,
    ended: bool,
}

impl Document {
    pub(crate) fn new(pieces: Box<dyn Pieces>) -> Self {
        Document {
            pieces,
            begun: false,
            ended: false,
        }
    }

    /// The next piece; `None` when the answer is complete.
    pub(crate) async fn next(&mut self) -> Result<Option<Print>, ApiError> {
        if self.ended {
            return Ok(None);
        }
        let head: &[u8] = match std::mem::replace(&mut self.begun, true) {
            false => b"{\"status\":\"success\",\"data\":",
            true => b"",
        };
        if let Some(print) = self.pieces.next().await? {
            return Ok(Some(Box::new(move |out| {
                out.extend_from_slice(head);
                print(out);
            })));
        }
        self.ended = true;
        let annotations = self.pieces.annotations();
        Ok(Some(Box::new(move |out| {
            out.extend_from_slice(head);
            list(out, "warnings", limited(annotations.warnings, "warning"));
            list(out, "infos", limited(annotations.infos, "info"));
            out.push(b'}');
        })))
    }

    /// The rest of the answer in its order. Some pieces are printed side by side.
    pub(crate) fn bytes(self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
        let pieces = stream::unfold(Some(self), |document| async {
            let mut document = document?;
            match document.next().await {
                Ok(print) => Some((Ok(print?), Some(document))),
                Err(error) => {
                    tracing::warn!(error = %error, "Answer broken off");
                    Some((Err(error.into()), None))
                }
            }
        });
        side_by_side::map(pieces, |print| {
            let mut out = Vec::with_capacity(PIECE * 5 / 4);
            print(&mut out);
            // It may wait long for its reader.
            out.shrink_to(out.len() * 5 / 4);
            Ok(Bytes::from(out))
        })
    }
}

fn list(out: &mut Vec<u8>, name: &str, items: Vec<String>) {
    if !items.is_empty() {
        out.push(b',');
        json::string(out, name);
        out.push(b':');
        json::strings(out, items);
    }
}

/// The first annotations, and how many more there are.
pub(crate) fn limited(mut items: Vec<String>, kind: &str) -> Vec<String> {
    if items.len() > MAX_ANNOTATIONS {
        let over = items.len() - MAX_ANNOTATIONS;
        items.truncate(MAX_ANNOTATIONS);
        items.push(format!("{over} more {kind} annotations omitted"));
    }
    items
}

/// Sends an answer.
pub(crate) async fn respond(answer: Answer) -> Response {
    let pieces = match answer {
        Answer::Data(pieces) => pieces,
        Answer::Other(response) => return response,
        Answer::NoContent => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
    };
    let mut document = Document::new(pieces);
    let mut first = Vec::new();
    let body = loop {
        match document.next().await {
            Err(error) => return error.into_response(),
            Ok(None) => break Body::from(first),
            Ok(Some(print)) => print(&mut first),
        }
        if first.len() >= AT_ONCE {
            first.shrink_to_fit();
            let first = stream::once(std::future::ready(Ok(Bytes::from(first))));
            break Body::from_stream(first.chain(document.bytes()));
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::HttpBody as _;

    /// A list of numbers, one in each piece, that may fail at its end.
    struct Count {
        now: usize,
        end: usize,
        fail: bool,
    }

    impl Pieces for Count {
        fn next(&mut self) -> Next<'_> {
            let (now, end) = (self.now, self.end);
            self.now += 1;
            let print = move |out: &mut Vec<u8>| {
                out.push(if now == 0 { b'[' } else { b',' });
                json::integer(out, now as i64);
                out.extend_from_slice(if now + 1 == end { b"]" } else { b"" });
            };
            let result = match () {
                () if self.fail && now + 1 == end => Err(ApiError::bad_data("late")),
                () => Ok((now < end).then(|| Box::new(print) as Print)),
            };
            Box::pin(std::future::ready(result))
        }

        fn annotations(&mut self) -> Annotations {
            let warnings = (0..self.end.min(13)).map(|i| format!("w{i}")).collect();
            Annotations {
                warnings,
                infos: vec![],
            }
        }
    }

    #[tokio::test]
    async fn small_answers_are_whole() {
        let response = respond(Answer::Data(Box::new(Count {
            now: 0,
            end: 2,
            fail: false,
        })))
        .await;
        assert_eq!(response.body().size_hint().exact(), Some(56));
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        assert_eq!(
            body,
            &br#"{"status":"success","data":[0,1],"warnings":["w0","w1"]}"#[..]
        );
    }

    #[tokio::test]
    async fn annotations_are_limited() {
        let response = respond(Answer::Data(Box::new(Count {
            now: 0,
            end: 20,
            fail: false,
        })))
        .await;
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let warnings = value["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 11);
        assert_eq!(warnings[10], "3 more warning annotations omitted");
        assert!(value.get("infos").is_none());
    }

    #[tokio::test]
    async fn early_errors_are_answers_and_late_ones_break_off() {
        let early = respond(Answer::Data(Box::new(Count {
            now: 0,
            end: 20,
            fail: true,
        })))
        .await;
        assert_eq!(early.status(), 400);
        let late = respond(Answer::Data(Box::new(Count {
            now: 0,
            end: 200_000,
            fail: true,
        })))
        .await;
        assert_eq!(late.status(), 200);
        assert!(
            axum::body::to_bytes(late.into_body(), 1 << 24)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn large_answers_are_streamed_whole() {
        let end = 200_000;
        let response = respond(Answer::Data(Box::new(Count {
            now: 0,
            end,
            fail: false,
        })))
        .await;
        assert_eq!(response.body().size_hint().exact(), None);
        let mut stream = response.into_body().into_data_stream();
        let (mut all, mut parts) = (Vec::new(), 0);
        while let Some(part) = stream.next().await {
            let part = part.unwrap();
            assert!(part.len() < AT_ONCE + PIECE, "{}", part.len());
            all.extend_from_slice(&part);
            parts += 1;
        }
        assert!(parts > 5, "{parts}");
        let value: serde_json::Value = serde_json::from_slice(&all).unwrap();
        assert_eq!(value["data"].as_array().unwrap().len(), end);
    }

    #[tokio::test]
    async fn no_content_has_its_status() {
        assert_eq!(respond(Answer::NoContent).await.status(), 204);
    }
}
