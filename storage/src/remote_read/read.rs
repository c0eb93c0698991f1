//! The bytes of an answer become series.

use bytes::Bytes;
use prost::Message as _;
use quarrel_engine::storage::TimeRange;
use quarrel_proto::remote_read::ChunkedReadResponse;
use quarrel_proto::remote_read::frames::Frames;
use quarrel_proto::remote_read::response::SeriesOf;

use super::convert;
use super::error::ReadError;
use crate::sent::collect::{Collector, Taken, sent_labels};

/// Series of an answer with samples that are taken in at a time.
const GROUP: usize = 64;

/// Reads an answer with chunks while it arrives.
#[derive(Debug)]
pub(super) struct ChunkReader(Frames);

impl ChunkReader {
    /// Of frames of at most `limit` bytes.
    pub(super) fn new(limit: u64) -> Self {
        ChunkReader(Frames::new(limit))
    }

    /// Takes in the series of the frames that a piece of the answer makes whole, and says
    /// of each frame what it has brought.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        collector: &mut Collector,
        mut taken: impl FnMut(&Taken),
    ) -> Result<(), ReadError> {
        self.0.push(piece);
        while let Some(frame) = self.0.next_frame()? {
            let message = ChunkedReadResponse::decode(frame)?;
            if message.query_index != 0 {
                return Err(ReadError::QueryIndex(message.query_index));
            }
            let series = message.chunked_series.iter().map(|one| {
                let chunks = one.chunks.iter().cloned();
                (sent_labels(&one.labels), chunks.map(convert::chunk))
            });
            taken(&collector.take(series).map_err(ReadError::Series)?);
        }
        Ok(())
    }

    /// The answer has ended.
    pub(super) fn finish(&self) -> Result<(), ReadError> {
        Ok(self.0.finish()?)
    }
}

/// Reads an answer with samples, some series at a time.
#[derive(Debug)]
pub(super) struct SampleReader {
    series: SeriesOf,
    range: TimeRange,
}

impl SampleReader {
    /// Of a message, of whose samples those in the range are wanted.
    pub(super) fn new(message: Bytes, range: TimeRange) -> Self {
        let series = SeriesOf::new(message);
        SampleReader { series, range }
    }

    /// Takes in the next series; `None` at the end.
    pub(super) fn next(&mut self, collector: &mut Collector) -> Result<Option<Taken>, ReadError> {
        let (mut labels, mut chunks) = (Vec::new(), Vec::new());
        for one in self.series.by_ref().take(GROUP) {
            let (result, one) = one?;
            if result > 0 {
                return Err(ReadError::Results(result + 1));
            }
            let sent = convert::samples(&one, self.range);
            chunks.push(sent.map_err(ReadError::Series)?);
            labels.push(one.labels);
        }
        if !labels.is_empty() {
            let series = labels.iter().zip(chunks).map(|(labels, chunks)| {
                let chunks = chunks.into_iter().map(|chunk| Ok(Some(chunk)));
                (sent_labels(labels), chunks)
            });
            return Ok(Some(collector.take(series).map_err(ReadError::Series)?));
        }
        match self.series.results() {
            1 => Ok(None),
            results => Err(ReadError::Results(results)),
        }
    }
}
