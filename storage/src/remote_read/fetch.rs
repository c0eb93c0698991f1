//! One request, read in a task of its own.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use quarrel_proto::remote_read::{PROTOBUF, STREAMED};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::{mpsc, oneshot};

use super::client::Client;
use super::error::ReadError;
use super::metrics::AnswerKind;
use super::read::{ChunkReader, SampleReader};
use super::request::Question;
use crate::http_client::cause;
use crate::sent::collect::{Collector, SentSeries};

/// How often what is compressed may be larger than its compressed bytes: a copy of at most
/// 64 bytes takes three.
const SNAPPY_RATIO: usize = 22;
/// What is decompressed at once on the threads of the runtime, bytes.
const SMALL: usize = 256 << 10;

/// What the reader of an answer tells the select.
#[derive(Debug)]
pub(super) enum Event {
    /// So many bytes are to be held; it goes on when they may.
    Hold(usize, oneshot::Sender<()>),
    /// It is over.
    Done(Box<Result<SentSeries, ReadError>>),
}

/// A request that is to be made.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) client: Arc<Client>,
    pub(super) question: Question,
}

/// Asks before memory is taken.
struct Holder(mpsc::Sender<Event>);

impl Holder {
    async fn hold(&self, bytes: usize) -> Result<(), ReadError> {
        if bytes == 0 {
            return Ok(());
        }
        let (go, gone) = oneshot::channel();
        let sent = self.0.send(Event::Hold(bytes, go)).await;
        sent.map_err(|_| ReadError::Ended)?;
        gone.await.map_err(|_| ReadError::Ended)
    }
}

impl Fetch {
    /// Makes the request and reads the answer to its end. If nobody listens any more, it
    /// ends.
    pub(super) async fn run(self, events: mpsc::Sender<Event>) {
        let holder = Holder(events.clone());
        let limit = self.client.config.remote_timeout;
        let mut collector = Collector::new(self.question.range, None);
        collector = collector.without(self.question.without.clone());
        let reading = self.read(&mut collector, &holder);
        let read = tokio::time::timeout(limit, reading).await;
        let read = read.unwrap_or(Err(ReadError::Timeout(limit)));
        let done = read.map(|()| collector.finish());
        // Where nobody listens, the query has ended.
        let _ = events.send(Event::Done(Box::new(done))).await;
    }

    async fn read(&self, collector: &mut Collector, holder: &Holder) -> Result<(), ReadError> {
        let counters = &self.client.counters;
        let running = counters.begin();
        let began = Instant::now();
        let response = match self.client.send(&self.question).await {
            Ok(response) => response,
            Err(error) => {
                running.end(AnswerKind::None, false, began.elapsed());
                return Err(error);
            }
        };
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let kind = kind.unwrap_or_default();
        // The longer one first: neither is the beginning of the other.
        let (kind, read) = if kind.starts_with(STREAMED) {
            let read = match self.question.accepts_chunks() {
                true => self.chunks(response, collector, holder).await,
                false => Err(ReadError::Unasked),
            };
            (AnswerKind::Chunks, read)
        } else if kind.starts_with(PROTOBUF) {
            let read = self.samples(response, collector, holder).await;
            (AnswerKind::Samples, read)
        } else {
            (AnswerKind::None, Err(ReadError::ContentType(kind)))
        };
        running.end(kind, read.is_ok(), began.elapsed());
        read
    }

    /// Reads frames of chunks.
    async fn chunks(
        &self,
        response: Response,
        collector: &mut Collector,
        holder: &Holder,
    ) -> Result<(), ReadError> {
        let mut reader = ChunkReader::new(self.client.config.chunked_read_limit);
        let mut body = Body::new(response);
        // What the tables of labels and chunks have taken.
        let mut tables = 0;
        while let Some(piece) = body.next().await? {
            // All of it stays: chunks are views of their frame.
            holder.hold(piece.len() + tables).await?;
            tables = 0;
            reader.push(&piece, collector, |taken| {
                self.client.counters.take(taken);
                tables += taken.held.saturating_sub(taken.sent);
            })?;
        }
        holder.hold(tables).await?;
        reader.finish()
    }

    /// Reads an answer with samples.
    async fn samples(
        &self,
        response: Response,
        collector: &mut Collector,
        holder: &Holder,
    ) -> Result<(), ReadError> {
        let mut body = Body::new(response);
        let mut compressed = BytesMut::new();
        while let Some(piece) = body.next().await? {
            holder.hold(piece.len()).await?;
            compressed.extend_from_slice(&piece);
        }
        let message = decompress(compressed.freeze(), holder).await?;
        let mut reader = SampleReader::new(message, self.question.range);
        while let Some(taken) = reader.next(collector)? {
            self.client.counters.take(&taken);
            holder.hold(taken.held).await?;
        }
        Ok(())
    }
}

/// The body of an answer, in pieces.
struct Body {
    response: Response,
    received: u64,
}

impl Body {
    fn new(response: Response) -> Self {
        Body {
            response,
            received: 0,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let piece = self.response.chunk().await;
        let piece = piece.map_err(|error| ReadError::Broken {
            received: self.received,
            reason: cause(&error),
        })?;
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }
}

/// Decompresses a body, once there is memory for it.
async fn decompress(body: Bytes, holder: &Holder) -> Result<Bytes, ReadError> {
    let corrupt = |error: &dyn std::fmt::Display| ReadError::Snappy(error.to_string());
    let length = snap::raw::decompress_len(&body).map_err(|error| corrupt(&error))?;
    if length / SNAPPY_RATIO > body.len() {
        let what = format!("snappy: {} bytes cannot be {length}", body.len());
        return Err(ReadError::Snappy(what));
    }
    holder.hold(length).await?;
    let work = move || snap::raw::Decoder::new().decompress_vec(&body);
    let plain = match length {
        ..=SMALL => work(),
        _ => {
            let working = tokio::task::spawn_blocking(work).await;
            working.map_err(|error| corrupt(&error))?
        }
    };
    Ok(plain.map_err(|error| corrupt(&error))?.into())
}
