//! The answer of `Series`: frames of some series each, which are made beside each other
//! while the client reads.

use std::ops::Range;
use std::sync::Arc;

use axum::BoxError;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use prost::encoding::message;
use quarrel_engine::{Found, QueryError, SeriesLabels, SeriesReader};
use quarrel_proto::encoded::Encoded;
use quarrel_proto::store::{AggrChunk, SeriesResponse, SeriesResult};
use tonic::Status;

use super::chunks::{self, ReframeError, Wanted};
use super::rows::Rows;
use crate::api::side_by_side;
use crate::grpc::batches::{Batches, FRAME};
use crate::grpc::frames::as_status;
use crate::grpc::status;

/// Series that are made at a time.
const GROUP: usize = 64;

/// The field of a series in `SeriesResponse`.
const SERIES: u32 = 1;
/// That of a chunk in `Series`.
const CHUNKS: u32 = 2;

/// What the store has found.
pub(super) enum Selected {
    /// Labels alone.
    Labels(Found<SeriesLabels>),
    /// With samples.
    Samples(SeriesReader),
}

impl Selected {
    pub(super) fn series(&self) -> &SeriesLabels {
        match self {
            Selected::Labels(found) => &found.found,
            Selected::Samples(reader) => &reader.series,
        }
    }

    /// What the user should know of it and was not told yet.
    fn take_warnings(&self) -> Vec<String> {
        match self {
            Selected::Labels(found) => found.warnings.clone(),
            Selected::Samples(reader) => reader.take_warnings(),
        }
    }
}

/// What is to be sent.
pub(super) struct Answer {
    pub(super) selected: Selected,
    pub(super) rows: Rows,
    pub(super) wanted: Wanted,
    /// Series a frame.
    pub(super) batch: usize,
}

/// The frames of an answer; warnings come last.
pub(super) fn frames(answer: Answer) -> BoxStream<'static, Result<Encoded, Status>> {
    let answer = Arc::new(answer);
    let at_last = Arc::clone(&answer);
    let of_groups = Arc::clone(&answer);
    let groups = stream::unfold(0, move |from| {
        let answer = Arc::clone(&of_groups);
        async move {
            let end = answer.rows.len().min(from + GROUP);
            if from == end {
                return None;
            }
            let fetched = answer.fetch(from..end).await;
            let group = fetched.map(|()| from..end).map_err(BoxError::from);
            Some((group, end))
        }
    });
    let made = side_by_side::map(groups, move |group| {
        let frames = answer.frames(group.clone());
        answer.release(group);
        Ok(frames?)
    });
    let made = made.map_ok(|frames| stream::iter(frames.into_iter().map(Ok)));
    let last = stream::once(async move { at_last.selected.take_warnings() });
    let last = last.flat_map(|texts| stream::iter(texts).map(|text| Ok(warning(&text))));
    made.try_flatten().map_err(as_status).chain(last).boxed()
}

fn warning(text: &str) -> Encoded {
    Encoded::of(&SeriesResponse {
        result: Some(SeriesResult::Warning(text.to_string())),
    })
}

impl Answer {
    /// Fetches the samples of some series, where the store has to.
    async fn fetch(&self, group: Range<usize>) -> Result<(), Status> {
        let Selected::Samples(reader) = &self.selected else {
            return Ok(());
        };
        for run in self.runs(group) {
            let fetched = reader.prefetch(run).await;
            fetched.map_err(|error| status::of_query(&error))?;
        }
        Ok(())
    }

    /// Lets go of the samples of some series.
    fn release(&self, group: Range<usize>) {
        if let Selected::Samples(reader) = &self.selected {
            for run in self.runs(group) {
                reader.release(run);
            }
        }
    }

    /// The rows of some series, as ranges of rows that follow each other.
    fn runs(&self, group: Range<usize>) -> Vec<Range<u32>> {
        let mut rows: Vec<u32> = group.map(|at| self.rows.row(at)).collect();
        rows.sort_unstable();
        let runs = rows.chunk_by(|a, b| a + 1 == *b);
        runs.filter_map(|run| Some(*run.first()?..*run.last()? + 1))
            .collect()
    }

    /// The frames of some series.
    fn frames(&self, group: Range<usize>) -> Result<Vec<Encoded>, Status> {
        let mut frames = Batches::new(SERIES, self.batch);
        let (mut labels, mut one) = (Vec::new(), Vec::new());
        let (mut found, mut framed) = (Vec::new(), Vec::new());
        for at in group {
            labels.clear();
            self.rows.write(at, &self.rows.symbols(), &mut labels);
            let Selected::Samples(reader) = &self.selected else {
                frames.push(&labels);
                continue;
            };
            found.clear();
            framed.clear();
            let read = reader.chunks(self.rows.row(at), &mut found);
            read.map_err(|error| status::of_query(&error))?;
            let samples = chunks::reframe(&found, &self.wanted, &mut framed);
            let samples = samples.map_err(|error| self.corrupt(at, error))?;
            let counted = reader.count_samples(samples);
            counted.map_err(|error| status::of_query(&error))?;
            push_chunks(&mut frames, &labels, &framed, &mut one);
        }
        Ok(frames.finish())
    }

    fn corrupt(&self, at: usize, error: ReframeError) -> Status {
        let series = self.rows.display(at);
        tracing::error!(%series, %error, "Unable to pass on a series");
        match error {
            ReframeError::Chunk(error) => status::of_query(&QueryError::Chunk { series, error }),
            error => Status::aborted(format!("series {series}: {error}")),
        }
    }
}

/// Adds a series with its chunks, in parts if they are large. One without a chunk
/// is left out: it has no samples in the range. `one` is scratch.
fn push_chunks(frames: &mut Batches, labels: &[u8], chunks: &[AggrChunk], one: &mut Vec<u8>) {
    let mut begun = false;
    for chunk in chunks {
        if !std::mem::replace(&mut begun, true) {
            one.clear();
            one.extend_from_slice(labels);
        }
        message::encode(CHUNKS, chunk, one);
        if one.len() >= FRAME {
            frames.push(one);
            begun = false;
        }
    }
    if begun {
        frames.push(one);
    }
}
