//! Messages become an answer, whatever is in them.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::executor::block_on;
use proptest::prelude::*;
use prost::Message as _;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{Aggregates, Chunk, ChunkData, SeriesSource, TimeRange, Unlimited};
use quarrel_proto::labels::Label;
use quarrel_proto::store::{
    AggrChunk, Chunk as ChunkMessage, Series, SeriesBatch, SeriesResponse, SeriesResult,
};

use super::super::chunk;
use super::super::message;
use super::super::testing::xor_chunk;
use crate::sent::chunk::SentChunk;
use crate::sent::collect::{Collector, SentSeries, Taken};
use crate::sent::merge::merge;

const RANGE: TimeRange = TimeRange {
    start: 100,
    end: 900,
};

/// Labels, some of them empty, and chunks: first time and number of samples.
type Sent = (BTreeMap<String, String>, Vec<(i64, usize)>);

fn sent() -> impl Strategy<Value = Sent> {
    let labels = prop::collection::btree_map("[abc]", "[12]?", 0..4);
    (
        labels,
        prop::collection::vec((0i64..1_200, 1usize..4), 0..4),
    )
}

fn series_message((labels, chunks): &Sent, turned: bool) -> Series {
    let label = |(name, value): (&String, &String)| Label {
        name: name.clone().into(),
        value: value.clone().into(),
    };
    let mut labels: Vec<Label> = labels.iter().map(label).collect();
    if turned {
        labels.reverse();
    }
    let chunk = |&(start, len): &(i64, usize)| {
        let times: Vec<i64> = (0..len as i64).map(|at| start + at).collect();
        xor_chunk(&times, &vec![1.0; len])
    };
    Series {
        labels,
        chunks: chunks.iter().map(chunk).collect(),
    }
}

/// A message with a batch of series.
fn batch(series: Vec<Series>) -> Bytes {
    let result = Some(SeriesResult::Batch(SeriesBatch { series }));
    SeriesResponse { result }.encode_to_vec().into()
}

fn collected(messages: &[Vec<(Sent, bool)>]) -> (SentSeries, Taken) {
    let mut collector = Collector::new(RANGE, None);
    let mut all = Taken::default();
    for series in messages {
        let series = series.iter();
        let series = series.map(|(sent, turned)| series_message(sent, *turned));
        let message = batch(series.collect());
        let taken = collector.take(message::read(&message).unwrap().series);
        let taken = taken.unwrap();
        all.series += taken.series;
        all.chunks += taken.chunks;
        all.samples += taken.samples;
        all.held += taken.held;
    }
    (collector.finish(), all)
}

/// Labels, and the times of chunks.
type Texts = Vec<(String, String)>;
type Times = Vec<(i64, i64)>;

/// An answer as text.
type Rows = Vec<(Texts, Times)>;

fn rows(stores: Vec<SentSeries>) -> Rows {
    let symbols = SymbolTable::new();
    let named = stores.into_iter().enumerate();
    let named = named.map(|(number, store)| (number.to_string().into(), store));
    let (labels, source) = block_on(merge(named.collect(), &symbols, &Unlimited)).unwrap();
    let symbols = symbols.read();
    let row = |(row, labels): (usize, &[quarrel_engine::labels::Label])| {
        let labels = labels.iter();
        let labels = labels.map(|l| (symbols.get(l.name).into(), symbols.get(l.value).into()));
        let mut chunks: Vec<Chunk> = Vec::new();
        source.chunks(row as u32, &mut chunks).unwrap();
        let times = chunks.iter().map(|chunk| (chunk.min_time, chunk.max_time));
        (labels.collect(), times.collect())
    };
    labels.iter().enumerate().map(row).collect()
}

proptest! {
    #[test]
    fn each_series_is_one_row_and_each_chunk_is_there_once(
        stores in prop::collection::vec(
            prop::collection::vec(prop::collection::vec((sent(), any::<bool>()), 0..6), 0..4),
            0..4,
        ),
    ) {
        let mut expected: BTreeMap<Texts, Times> = BTreeMap::new();
        let (mut series, mut samples) = (0, 0);
        for ((labels, chunks), _) in stores.iter().flatten().flatten() {
            let labels = labels.iter().filter(|(_, value)| !value.is_empty());
            let labels = labels.map(|(n, v)| (n.clone(), v.clone())).collect();
            let of_row = expected.entry(labels).or_default();
            let times = chunks.iter().map(|&(start, len)| (start, start + len as i64 - 1));
            of_row.extend(times.filter(|&(start, end)| RANGE.overlaps(start, end)));
            series += 1;
            samples += chunks.iter().map(|&(_, len)| len as u64).sum::<u64>();
        }
        for chunks in expected.values_mut() {
            chunks.sort_unstable();
            chunks.dedup();
        }
        let (collected, taken): (Vec<_>, Vec<_>) =
            stores.iter().map(|messages| collected(messages)).unzip();
        prop_assert_eq!(taken.iter().map(|t| t.series).sum::<u64>(), series);
        prop_assert_eq!(taken.iter().map(|t| t.samples).sum::<u64>(), samples);
        prop_assert_eq!(rows(collected), expected.into_iter().collect::<Rows>());
    }

    /// Whatever a message is, it is taken in or refused.
    #[test]
    fn any_bytes_are_an_answer_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        flips in prop::collection::vec((0usize..500, any::<u8>()), 0..8),
        sent in prop::collection::vec(sent(), 1..4),
    ) {
        let series = sent.iter().map(|sent| series_message(sent, false));
        let mut near = batch(series.collect()).to_vec();
        for (at, byte) in flips {
            if let Some(at) = at.checked_rem(near.len()) {
                near[at] = byte;
            }
        }
        for bytes in [bytes, near] {
            let bytes = bytes.into();
            let Ok(message) = message::read(&bytes) else {
                continue;
            };
            let mut collector = Collector::new(RANGE, None);
            let taken = collector.take(message.series);
            if taken.is_ok() {
                rows(vec![collector.finish()]);
            }
        }
    }
}

#[test]
fn labels_and_chunks_of_a_store_are_counted() {
    let labels = |job: &str| BTreeMap::from([("job".to_string(), job.to_string())]);
    let first = vec![((labels("a"), vec![(200, 3)]), false)];
    let (series, taken) = collected(std::slice::from_ref(&first));
    assert_eq!((taken.series, taken.chunks, taken.samples), (1, 1, 3));
    // Text, the chunk's bytes, and its place in the list.
    assert!(taken.held > 4 + 10 + size_of::<SentChunk>(), "{taken:?}");
    assert_eq!(series.labels.len(), 1);
    // The second message of the same series adds a chunk alone.
    let (series, more) = collected(&[first.clone(), first]);
    assert_eq!((series.labels.len(), series.chunks.len()), (1, 2));
    assert!(more.held < 2 * taken.held);
}

/// A chunk, as it is read of a message.
fn read(chunk: &AggrChunk) -> SentChunk {
    let message = Bytes::from(chunk.encode_to_vec());
    chunk::read(&message, &message).unwrap().unwrap()
}

#[test]
fn aggregates_stay_together() {
    let whole = xor_chunk(&[1, 2], &[1.0, 2.0]);
    let part = |raw: &Option<ChunkMessage>| raw.clone();
    let message = AggrChunk {
        min_time: 1,
        max_time: 2,
        raw: None,
        count: part(&whole.raw),
        sum: part(&whole.raw),
        counter: part(&xor_chunk(&[1, 2, 2], &[1.0, 2.0, 2.0]).raw),
        ..AggrChunk::default()
    };
    let chunk = read(&message);
    assert_eq!((chunk.samples(), chunk.times()), (3, (1, 2)));
    assert!(chunk.bytes() > size_of::<Aggregates>());
    let ChunkData::Aggregates(aggregates) = chunk.to_chunk().data else {
        panic!("aggregates");
    };
    assert!(aggregates.count.is_some() && aggregates.sum.is_some() && aggregates.min.is_none());
    assert!(aggregates.max.is_none() && aggregates.counter.is_some());
    let other = AggrChunk {
        sum: None,
        ..message.clone()
    };
    let (other, raw) = (read(&other), read(&whole));
    assert!(chunk.is_same(&chunk.clone()) && !chunk.is_same(&other) && !chunk.is_same(&raw));
}
