//! The answers of the server.

use std::sync::Arc;

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Chunk, MatchOp, Matcher, SelectHints, SelectRequest, Storage, TimeRange,
};
use quarrel_proto::labels::{Label, MatcherType};
use quarrel_proto::remote_read::{
    ChunkedReadResponse, ChunkedSeries, Query, ReadRequest, ResponseType, frames,
};
use quarrel_proto::samples::TimeSeries;

use super::encode;

/// An answer.
pub(super) enum Answer {
    /// Frames.
    Chunks(Vec<u8>),
    /// A message.
    Samples(Vec<u8>),
}

/// Labels of a series, and its chunks.
type Series = (Vec<Label>, Vec<Chunk>);

/// Answers a request as Prometheus does.
pub(super) async fn answer(
    storage: &Arc<dyn Storage>,
    request: &ReadRequest,
    samples_alone: bool,
) -> Answer {
    let chunks = ResponseType::StreamedXorChunks as i32;
    let first = request.accepted_response_types.first();
    if first == Some(&chunks) && !samples_alone {
        let mut out = Vec::new();
        for (number, query) in request.queries.iter().enumerate() {
            for (labels, chunks) in series(storage, query).await {
                let chunks: Vec<_> = chunks.iter().flat_map(encode::chunks).collect();
                // One chunk a frame: series come in parts.
                for chunk in chunks {
                    let message = ChunkedReadResponse {
                        chunked_series: vec![ChunkedSeries {
                            labels: labels.clone(),
                            chunks: vec![chunk],
                        }],
                        query_index: number as i64,
                    };
                    frames::write(&message.encode_to_vec(), &mut out);
                }
            }
        }
        return Answer::Chunks(out);
    }
    let mut message = Vec::new();
    for query in &request.queries {
        let labels_alone = query.hints.as_ref().is_some_and(|h| h.func == "series");
        let range = range(query);
        let mut result = Vec::new();
        for (labels, chunks) in series(storage, query).await {
            let series = match labels_alone {
                true => TimeSeries {
                    labels,
                    ..TimeSeries::default()
                },
                false => encode::samples(labels, &chunks, range),
            };
            field(1, &encode::written(series), &mut result);
        }
        field(1, &result, &mut message);
    }
    Answer::Samples(message)
}

/// Appends a field of bytes.
fn field(tag: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn range(query: &Query) -> TimeRange {
    TimeRange {
        start: query.start_timestamp_ms,
        end: query.end_timestamp_ms,
    }
}

/// The series of a query that have chunks in its range.
async fn series(storage: &Arc<dyn Storage>, query: &Query) -> Vec<Series> {
    let matcher = |message: &quarrel_proto::labels::LabelMatcher| {
        let op = match message.r#type() {
            MatcherType::Eq => MatchOp::Equal,
            MatcherType::Neq => MatchOp::NotEqual,
            MatcherType::Re => MatchOp::Regex,
            MatcherType::Nre => MatchOp::NotRegex,
        };
        Matcher::new(op, &message.name, &message.value).expect("a matcher")
    };
    let matchers: Vec<Matcher> = query.matchers.iter().map(matcher).collect();
    let range = range(query);
    let view = storage.snapshot(range).await.expect("a snapshot");
    let (hints, symbols) = (SelectHints::default(), SymbolTable::new());
    let request = SelectRequest::new(&matchers, range, &hints, &symbols);
    let selected = view.select(request).await.expect("series");
    let symbols = symbols.read();
    let mut all = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        let mut chunks = Vec::new();
        let read = selected.series.chunks(row as u32, &mut chunks);
        read.expect("chunks");
        chunks.retain(|chunk| range.overlaps(chunk.min_time, chunk.max_time));
        if chunks.is_empty() {
            continue;
        }
        let label = |label: &quarrel_engine::labels::Label| Label {
            name: symbols.get(label.name).to_string().into(),
            value: symbols.get(label.value).to_string().into(),
        };
        all.push((labels.iter().map(label).collect(), chunks));
    }
    all
}
