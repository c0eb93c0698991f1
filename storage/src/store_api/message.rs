//! The messages of a stream of series, read where they lie: most of their bytes are
//! chunks, and those stay what they are.

use bytes::Bytes;
use quarrel_proto::wire::{Fields, Value, WireError};

use super::chunk;
use crate::sent::chunk::SentChunk;
use crate::sent::collect::SentLabel;

/// A message that was read. Hints say how the store has found its answer; these are
/// left out, as is what a newer store may add.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    /// Labels and chunks of each series.
    pub(super) series: Vec<(Vec<SentLabel<'a>>, Chunks<'a>)>,
    /// What the store wants the user to know.
    pub(super) warnings: Vec<String>,
}

/// The chunks of a series; each is read when it is its turn.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    series: Fields<'a>,
    message: &'a Bytes,
}

/// Reads a `thanos.SeriesResponse`.
///
/// # Errors
/// When it is not one.
pub(super) fn read(message: &Bytes) -> Result<Message<'_>, WireError> {
    let mut out = Message::default();
    for field in Fields::of(message) {
        match field? {
            (1, Value::Bytes(series)) => out.push(series, message)?,
            (2, Value::Bytes(text)) if !text.is_empty() => {
                out.warnings.push(String::from_utf8_lossy(text).into());
            }
            (4, Value::Bytes(batch)) => {
                for field in Fields::of(batch) {
                    if let (1, Value::Bytes(series)) = field? {
                        out.push(series, message)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(out)
}

impl<'a> Message<'a> {
    fn push(&mut self, series: &'a [u8], message: &'a Bytes) -> Result<(), WireError> {
        let before = self.series.last().map_or(0, |(labels, _)| labels.len());
        let mut labels = Vec::with_capacity(before);
        for field in Fields::of(series) {
            if let (1, Value::Bytes(label)) = field? {
                labels.push(read_label(label)?);
            }
        }
        let series = Fields::of(series);
        self.series.push((labels, Chunks { series, message }));
        Ok(())
    }
}

fn read_label(label: &[u8]) -> Result<SentLabel<'_>, WireError> {
    let mut out = SentLabel::default();
    for field in Fields::of(label) {
        match field? {
            (1, Value::Bytes(text)) => out.name = text,
            (2, Value::Bytes(text)) => out.value = text,
            _ => {}
        }
    }
    Ok(out)
}

impl Iterator for Chunks<'_> {
    type Item = Result<Option<SentChunk>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.series.next()? {
                Ok((2, Value::Bytes(chunk))) => return Some(chunk::read(chunk, self.message)),
                Ok(_) => {}
                Err(error) => return Some(Err(error.to_string())),
            }
        }
    }
}
