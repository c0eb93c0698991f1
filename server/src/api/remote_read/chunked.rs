//! Answers with chunks, a frame after the other.
//!
//! A frame is made when the one before has been taken; nothing else is held of an answer
//! but the labels of its series. What goes wrong before the first frames is a refusal,
//! and breaks the answer off behind them.

use std::collections::VecDeque;
use std::vec;

use axum::BoxError;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, message};
use quarrel_chunks::Encoding;
use quarrel_engine::SeriesReader;
use quarrel_engine::storage::Chunk;
use quarrel_proto::remote_read::{self, ChunkEncoding, Query, frames};

use super::super::read_gate::Place;
use super::lookup::{self, Lookups, Selected};
use super::refusal::Refusal;
use crate::reframe::{Encodings, Framing, Group, RawChunk, ReframeError, each_group, reframe};
use crate::wire;

/// Series whose samples are fetched at a time.
const GROUP: u32 = 64;
/// How much of an answer is made at a time, bytes.
const PIECE: usize = 256 << 10;

/// Fields of `ChunkedReadResponse`.
const SERIES: u32 = 1;
const QUERY_INDEX: u32 = 2;
/// Those of `ChunkedSeries`.
const LABELS: u32 = 1;
const CHUNKS: u32 = 2;

/// Answers queries with chunks in these encodings, in frames of about `most` bytes.
///
/// # Errors
/// What goes wrong before the first frames.
pub(super) async fn respond(
    lookups: Lookups,
    queries: Vec<Query>,
    encodings: Encodings,
    most: usize,
    place: Place,
) -> Result<Response, Refusal> {
    let mut answer = Frames {
        lookups,
        queries: queries.into_iter(),
        index: 0,
        open: None,
        encodings,
        most,
        _place: place,
    };
    let body = match answer.piece().await? {
        None => Body::empty(),
        Some(first) => {
            let rest = stream::unfold(Some(answer), |answer| async {
                let mut answer = answer?;
                match answer.piece().await {
                    Ok(piece) => Some((Ok(piece?), Some(answer))),
                    Err(error) => {
                        tracing::error!(%error, "Error streaming remote read response");
                        Some((Err(BoxError::from(error)), None))
                    }
                }
            });
            let first = stream::once(std::future::ready(Ok(first)));
            Body::from_stream(first.chain(rest))
        }
    };
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(remote_read::STREAMED);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// The frames of an answer that are to be made.
struct Frames {
    lookups: Lookups,
    queries: vec::IntoIter<Query>,
    /// How many queries have begun.
    index: i64,
    open: Option<Open>,
    encodings: Encodings,
    most: usize,
    _place: Place,
}

/// A query whose series are being sent.
struct Open {
    reader: SeriesReader,
    framing: Framing,
    /// The next series, and those whose samples are fetched.
    next: u32,
    fetched: u32,
    series: OpenSeries,
}

/// A series that is being sent.
#[derive(Default)]
struct OpenSeries {
    /// Its labels, as fields.
    labels: Vec<u8>,
    /// How many bytes of chunks a frame may have.
    room: i64,
    chunks: VecDeque<remote_read::Chunk>,
}

impl Frames {
    /// The next frames; `None` when there are no more.
    async fn piece(&mut self) -> Result<Option<Bytes>, Refusal> {
        let mut out = Vec::new();
        let mut message = Vec::new();
        while out.len() < PIECE {
            let Some(open) = &mut self.open else {
                let Some(query) = self.queries.next() else {
                    break;
                };
                self.open = self.begin(&query).await?;
                self.index += 1;
                continue;
            };
            if open.series.chunks.is_empty() && !open.advance(self.most).await? {
                self.open = None;
                continue;
            }
            if !open.series.chunks.is_empty() {
                message.clear();
                open.series.write(self.index - 1, &mut message);
                frames::write(&message, &mut out);
            }
        }
        Ok((!out.is_empty()).then(|| out.into()))
    }

    async fn begin(&self, query: &Query) -> Result<Option<Open>, Refusal> {
        let Selected::Samples(reader, range) = self.lookups.find(query).await? else {
            // A series without chunks has no frame.
            return Ok(None);
        };
        let framing = Framing {
            range,
            encodings: self.encodings,
            trims: true,
        };
        Ok(Some(Open {
            reader,
            framing,
            next: 0,
            fetched: 0,
            series: OpenSeries::default(),
        }))
    }
}

impl Open {
    /// Goes on to the next series, which may have no chunk; false if there is none.
    async fn advance(&mut self, most: usize) -> Result<bool, Refusal> {
        let row = self.next;
        let rows = self.reader.series.labels.len() as u32;
        if row == rows {
            return Ok(false);
        }
        if row == self.fetched {
            let end = rows.min(row + GROUP);
            let fetched = self.reader.prefetch(row..end).await;
            fetched.map_err(|error| Refusal::of_query(&error))?;
            lookup::log(&self.reader.take_warnings());
            self.fetched = end;
            // Others of the thread may come in between.
            tokio::task::yield_now().await;
        }
        self.next += 1;
        let mut chunks = Vec::new();
        let read = self.reader.chunks(row, &mut chunks);
        read.map_err(|error| Refusal::of_query(&error))?;
        let mut framed = Vec::new();
        let samples = reframed(&chunks, &self.framing, &mut framed);
        let samples = samples.map_err(|error| corrupt(&self.reader, row, &error))?;
        let counted = self.reader.count_samples(samples);
        counted.map_err(|error| Refusal::of_query(&error))?;
        self.series.begin(&self.reader, row, most, framed);
        Ok(true)
    }
}

/// The failure of a series.
pub(super) fn corrupt(reader: &SeriesReader, row: u32, error: &ReadError) -> Refusal {
    let series = &reader.series;
    let labels = series.labels.get(row as usize);
    let series = series.symbols.read().display_braces(labels);
    tracing::error!(%series, %error, "Unable to pass on a series");
    Refusal::internal(format!("series {series}: {error}"))
}

/// Why the samples of a series cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Reframe(#[from] ReframeError),
    /// A store has given what was not asked for.
    #[error("has downsampled chunks, which remote read does not know")]
    Downsampled,
}

/// The chunks of a series for the client, and how many samples they have.
fn reframed(
    chunks: &[Chunk],
    framing: &Framing,
    out: &mut Vec<RawChunk>,
) -> Result<u64, ReadError> {
    let mut samples = 0;
    each_group(chunks, framing.range, |group| match group {
        Group::Samples(group) => {
            samples += reframe(group, framing, out)?;
            Ok(())
        }
        Group::Aggregates(..) => Err(ReadError::Downsampled),
    })?;
    Ok(samples)
}

fn encoding(encoding: Encoding) -> ChunkEncoding {
    match encoding {
        Encoding::Xor => ChunkEncoding::Xor,
        Encoding::Xor2 => ChunkEncoding::Xor2,
        Encoding::Histogram => ChunkEncoding::Histogram,
        Encoding::HistogramSt => ChunkEncoding::HistogramSt,
        Encoding::FloatHistogram => ChunkEncoding::FloatHistogram,
        Encoding::FloatHistogramSt => ChunkEncoding::FloatHistogramSt,
    }
}

/// Appends the labels of a series as fields, and says how many bytes the messages of
/// labels have.
pub(super) fn write_labels(reader: &SeriesReader, row: u32, out: &mut Vec<u8>) -> usize {
    let symbols = reader.series.symbols.read();
    let mut bytes = 0;
    for label in reader.series.labels.get(row as usize) {
        let (name, value) = (symbols.get(label.name), symbols.get(label.value));
        wire::label(out, LABELS, name, value);
        bytes += wire::bytes_len(name.len()) + wire::bytes_len(value.len());
    }
    bytes
}

impl OpenSeries {
    fn begin(&mut self, reader: &SeriesReader, row: u32, most: usize, chunks: Vec<RawChunk>) {
        self.labels.clear();
        let labels = write_labels(reader, row, &mut self.labels);
        let size = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.room = size(most).saturating_sub(size(labels));
        self.chunks
            .extend(chunks.into_iter().map(|chunk| remote_read::Chunk {
                min_time_ms: chunk.min_time,
                max_time_ms: chunk.max_time,
                r#type: encoding(chunk.encoding) as i32,
                data: chunk.bytes,
            }));
    }

    /// Appends the message of a frame: chunks until it is full, at least one.
    fn write(&mut self, index: i64, out: &mut Vec<u8>) {
        let (mut left, mut count, mut bytes) = (self.room, 0, self.labels.len());
        for chunk in &self.chunks {
            let size = chunk.encoded_len();
            bytes += 1 + encoded_len_varint(size as u64) + size;
            left = left.saturating_sub(i64::try_from(size).unwrap_or(i64::MAX));
            count += 1;
            if left <= 0 {
                break;
            }
        }
        encode_key(SERIES, WireType::LengthDelimited, out);
        encode_varint(bytes as u64, out);
        out.extend_from_slice(&self.labels);
        for chunk in self.chunks.drain(..count) {
            message::encode(CHUNKS, &chunk, out);
        }
        if index != 0 {
            encode_key(QUERY_INDEX, WireType::Varint, out);
            encode_varint(index as u64, out);
        }
    }
}
