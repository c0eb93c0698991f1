//! Answers with samples.
//!
//! Such an answer is one message, compressed as a whole. It is made in parts that are
//! compressed alone, since Snappy's blocks know nothing of each other, so that the
//! server holds an answer compressed, and counts it against the memory of all queries.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use prost::encoding::{encode_varint, message};
use quarrel_engine::labels::{LabelList, SymbolTable};
use quarrel_engine::{Reservation, SeriesReader};
use quarrel_proto::remote_read::{self, Query};
use quarrel_storage::remote_read::histograms;

use super::super::read_gate::Place;
use super::chunked::{ReadError, corrupt, write_labels};
use super::lookup::{self, Lookups, Selected};
use super::refusal::Refusal;
use crate::reframe::{Sample, Value, samples_in};
use crate::wire;

/// Series whose samples are fetched at a time.
const GROUP: u32 = 64;
/// How much is compressed at a time, bytes: some of Snappy's blocks.
const PART: usize = 1 << 20;

/// The field of a result in `ReadResponse`, and of a series in `QueryResult`.
const RESULT: u32 = 1;
const SERIES: u32 = 1;
/// Fields of `TimeSeries`.
const SAMPLES: u32 = 2;
const HISTOGRAMS: u32 = 4;

/// Answers queries with at most `limit` samples each (0: any number).
///
/// # Errors
/// Whatever goes wrong: the answer is sent when it is complete.
pub(super) async fn respond(
    lookups: Lookups,
    queries: Vec<Query>,
    limit: u64,
    place: Place,
) -> Result<Response, Refusal> {
    let pool = &lookups.engine.options().memory_pool;
    let memory = pool.reserve(0).ok_or_else(no_memory)?;
    let mut writer = Writer {
        encoder: snap::raw::Encoder::new(),
        plain: Vec::new(),
        parts: Vec::new(),
        length: 0,
        result: 0,
        memory,
    };
    for query in &queries {
        let begin = writer.begin_result()?;
        match lookups.find(query).await? {
            Selected::Nothing => {}
            Selected::Labels(found) => {
                let series = &found.found;
                writer.labels(&series.labels, &series.symbols)?;
            }
            Selected::Samples(reader, range) => {
                let limit = Limit { limit, samples: 0 };
                writer.samples(&reader, range, limit).await?;
            }
        }
        writer.end_result(begin)?;
    }
    let (parts, memory) = writer.finish()?;
    let rest = stream::unfold((parts.into_iter(), memory, place), |mut state| async {
        Some((Ok::<_, axum::Error>(state.0.next()?), state))
    });
    let mut response = Response::new(Body::from_stream(rest));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static(remote_read::PROTOBUF);
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    Ok(response)
}

fn no_memory() -> Refusal {
    Refusal::unavailable("there is no memory for the answer")
}

/// Counts the samples of a query.
struct Limit {
    limit: u64,
    samples: u64,
}

impl Limit {
    fn count(&mut self, samples: u64) -> Result<(), Refusal> {
        self.samples += samples;
        match self.limit {
            limit @ 1.. if self.samples > limit => Err(Refusal::bad_request(format!(
                "exceeded sample limit ({limit})"
            ))),
            _ => Ok(()),
        }
    }
}

/// Writes an answer.
struct Writer {
    encoder: snap::raw::Encoder,
    /// What is not compressed yet.
    plain: Vec<u8>,
    parts: Vec<Bytes>,
    /// Bytes of the message, and of the result that is being written.
    length: u64,
    result: u64,
    memory: Reservation,
}

impl Writer {
    /// Begins a result, and says at which part.
    fn begin_result(&mut self) -> Result<usize, Refusal> {
        self.flush()?;
        self.result = 0;
        Ok(self.parts.len())
    }

    /// Ends a result, whose length is known now, and stands before it.
    fn end_result(&mut self, begin: usize) -> Result<(), Refusal> {
        self.flush()?;
        let result = self.result;
        prost::encoding::encode_key(
            RESULT,
            prost::encoding::WireType::LengthDelimited,
            &mut self.plain,
        );
        encode_varint(result, &mut self.plain);
        self.flush()?;
        self.parts[begin..].rotate_right(1);
        Ok(())
    }

    /// Writes series without samples.
    fn labels(&mut self, labels: &LabelList, symbols: &SymbolTable) -> Result<(), Refusal> {
        let mut series = Vec::new();
        for row in labels.iter() {
            series.clear();
            {
                let symbols = symbols.read();
                for label in row {
                    wire::label(
                        &mut series,
                        1,
                        symbols.get(label.name),
                        symbols.get(label.value),
                    );
                }
            }
            self.push(&series)?;
        }
        Ok(())
    }

    /// Writes series with their samples in a range.
    async fn samples(
        &mut self,
        reader: &SeriesReader,
        range: quarrel_engine::storage::TimeRange,
        mut limit: Limit,
    ) -> Result<(), Refusal> {
        let rows = reader.series.labels.len() as u32;
        let (mut chunks, mut series) = (Vec::new(), Vec::new());
        for row in 0..rows {
            if row.is_multiple_of(GROUP) {
                let fetched = reader.prefetch(row..rows.min(row + GROUP)).await;
                fetched.map_err(|error| Refusal::of_query(&error))?;
                lookup::log(&reader.take_warnings());
                // Others of the thread may come in between.
                tokio::task::yield_now().await;
            }
            chunks.clear();
            let read = reader.chunks(row, &mut chunks);
            read.map_err(|error| Refusal::of_query(&error))?;
            let is_there = |chunk: &quarrel_engine::storage::Chunk| {
                range.overlaps(chunk.min_time, chunk.max_time)
            };
            if !chunks.iter().any(is_there) {
                continue;
            }
            let samples = samples_in(&chunks, range).map_err(ReadError::from);
            let samples = samples.map_err(|error| corrupt(reader, row, &error))?;
            limit.count(samples.len() as u64)?;
            let counted = reader.count_samples(samples.len() as u64);
            counted.map_err(|error| Refusal::of_query(&error))?;
            series.clear();
            write_labels(reader, row, &mut series);
            write_samples(&samples, &mut series);
            self.push(&series)?;
        }
        Ok(())
    }

    /// Writes a series.
    fn push(&mut self, series: &[u8]) -> Result<(), Refusal> {
        wire::bytes(&mut self.plain, SERIES, series);
        match self.plain.len() >= PART {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Compresses what has been written.
    fn flush(&mut self) -> Result<(), Refusal> {
        if self.plain.is_empty() {
            return Ok(());
        }
        let too_large = |_| Refusal::internal("snappy: decoded block is too large");
        let compressed = self.encoder.compress_vec(&self.plain).map_err(too_large)?;
        let blocks = Bytes::from(compressed).slice(length_of(self.plain.len())..);
        if !self.memory.grow(blocks.len() as u64) {
            return Err(no_memory());
        }
        self.length += self.plain.len() as u64;
        self.result += self.plain.len() as u64;
        self.parts.push(blocks);
        self.plain.clear();
        Ok(())
    }

    /// The parts of the body, and what they hold.
    fn finish(self) -> Result<(Vec<Bytes>, Reservation), Refusal> {
        if u32::try_from(self.length).is_err() {
            return Err(Refusal::internal("snappy: decoded block is too large"));
        }
        let mut head = Vec::new();
        encode_varint(self.length, &mut head);
        let mut parts = vec![Bytes::from(head)];
        parts.extend(self.parts);
        Ok((parts, self.memory))
    }
}

/// Bytes of the length that stands before blocks of Snappy.
fn length_of(plain: usize) -> usize {
    prost::encoding::encoded_len_varint(plain as u64)
}

fn write_samples(samples: &[Sample], out: &mut Vec<u8>) {
    for sample in samples {
        if let Value::Float(value) = sample.value {
            wire::sample(out, SAMPLES, sample.timestamp, value);
        }
    }
    for sample in samples {
        if let Value::Histogram(floats, histogram) = &sample.value {
            let own = match floats {
                true => None,
                false => crate::reframe::as_integers(histogram),
            };
            let own = match &own {
                Some(integers) => histograms::of_integers(sample.timestamp, integers),
                None => histograms::of_floats(sample.timestamp, histogram),
            };
            message::encode(HISTOGRAMS, &own, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use quarrel_engine::{Engine, EngineOptions};
    use quarrel_proto::remote_read::ReadResponse;

    use super::*;

    /// Parts that are compressed alone are one block.
    #[test]
    fn parts_are_one_message() {
        let engine = Engine::new(EngineOptions::default()).unwrap();
        let mut writer = Writer {
            encoder: snap::raw::Encoder::new(),
            plain: Vec::new(),
            parts: Vec::new(),
            length: 0,
            result: 0,
            memory: engine.options().memory_pool.reserve(0).unwrap(),
        };
        // More than a part each, then nothing.
        let counts = [60_000usize, 90_000, 0];
        for count in counts {
            let begin = writer.begin_result().unwrap();
            for number in 0..count {
                let mut series = Vec::new();
                wire::label(&mut series, 1, "number", &number.to_string());
                wire::sample(&mut series, SAMPLES, number as i64, 0.5);
                writer.push(&series).unwrap();
            }
            writer.end_result(begin).unwrap();
        }
        assert!(writer.memory.bytes() > 0);
        let (parts, _memory) = writer.finish().unwrap();
        assert!(parts.len() > 6, "{}", parts.len());
        let bytes = snap::raw::Decoder::new()
            .decompress_vec(&parts.concat())
            .unwrap();
        let response = ReadResponse::decode(&bytes[..]).unwrap();
        let found: Vec<usize> = response
            .results
            .iter()
            .map(|r| r.timeseries.len())
            .collect();
        assert_eq!(found, counts);
        let last = response.results[1].timeseries.last().unwrap();
        assert_eq!(last.labels[0].value, "89999".as_bytes());
        assert_eq!(last.samples[0].timestamp, 89_999);
    }
}
