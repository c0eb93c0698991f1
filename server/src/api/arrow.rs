//! Answers of `query` and `query_range` as Arrow record batches, for clients that
//! ask for them by `Accept: application/vnd.apache.arrow.stream`.
//!
//! The body is an Arrow IPC stream. Its form is [`ArrowForm::Tidy`], a row a
//! sample with a column for each label, or with the parameter `form=nested`
//! of the media type [`ArrowForm::Nested`], a row a series. The schema's metadata
//! has the keys `resultType`, and, if there are any, `warnings` and `infos`: JSON
//! lists of texts. Errors are JSON, as always.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};
use axum::BoxError;
use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use quarrel_engine::{ArrowForm, ArrowLayout, QueryResult, QueryStream, Value};

use super::content_type::ARROW;
use super::request::Request;
use crate::json;

const MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// The form that a request asks for, if it asks for Arrow.
pub(super) fn wanted(request: &Request) -> Option<ArrowForm> {
    request.header("accept").split(',').find_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(MEDIA_TYPE) {
            return None;
        }
        let is_nested = parts.any(|parameter| parameter.eq_ignore_ascii_case("form=nested"));
        Some(match is_nested {
            true => ArrowForm::Nested,
            false => ArrowForm::Tidy,
        })
    })
}

/// Sends an answer.
///
/// # Errors
/// When a schema cannot be written.
pub(super) fn respond(result: QueryResult, form: ArrowForm) -> Result<Response, ArrowError> {
    let layout = ArrowLayout::new(&result.value, form);
    let schema = Schema::clone(layout.schema()).with_metadata(metadata(&result));
    // A stream without rows is its schema and its end.
    let writer = StreamWriter::try_new(Vec::new(), &schema)?;
    let parts = Batches {
        parts: result.into(),
        layout,
        schema: Arc::new(schema),
        writer: Some(writer),
    };
    let mut response = Response::new(Body::from_stream(parts.bytes()));
    response.headers_mut().insert(header::CONTENT_TYPE, ARROW);
    Ok(response)
}

fn metadata(result: &QueryResult) -> HashMap<String, String> {
    let list = |texts: &[String]| {
        let mut out = Vec::new();
        json::strings(&mut out, texts);
        // Strings, printed.
        String::from_utf8(out).unwrap_or_default()
    };
    let mut metadata = HashMap::from([(
        "resultType".to_string(),
        result.value.type_name().to_string(),
    )]);
    for (name, texts) in [("warnings", &result.warnings), ("infos", &result.infos)] {
        if !texts.is_empty() {
            metadata.insert(name.to_string(), list(texts));
        }
    }
    metadata
}

/// The record batches of an answer that is there.
struct Batches {
    parts: QueryStream,
    layout: ArrowLayout,
    /// The layout's schema with the metadata of the answer.
    schema: Arc<Schema>,
    /// `None` after the end.
    writer: Option<StreamWriter<Vec<u8>>>,
}

impl Batches {
    fn bytes(self) -> impl Stream<Item = Result<Bytes, BoxError>> {
        stream::unfold(self, |mut batches| async {
            let part = batches.parts.next().await;
            let written = match part {
                Some(Ok(part)) => batches.write(&part),
                Some(Err(error)) => Err(error.into()),
                None => batches.end()?,
            };
            Some((written, batches))
        })
    }

    fn write(&mut self, part: &Value) -> Result<Bytes, BoxError> {
        let Some(writer) = &mut self.writer else {
            return Ok(Bytes::new());
        };
        let batch = self.layout.batch(part)?;
        writer.write(&batch.with_schema(Arc::clone(&self.schema))?)?;
        Ok(std::mem::take(writer.get_mut()).into())
    }

    /// What follows the last batch; `None` the second time.
    fn end(&mut self) -> Option<Result<Bytes, BoxError>> {
        let mut writer = self.writer.take()?;
        let finished = writer.finish().and_then(|()| writer.into_inner());
        Some(finished.map(Bytes::from).map_err(Into::into))
    }
}
