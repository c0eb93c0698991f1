//! Writes blocks for tests without Prometheus: any series, in any number of
//! overlapping blocks.
//!
//! Prometheus describes the formats in `tsdb/docs/format/{index,chunks}.md`; the
//! index has version 2.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use quarrel_chunks::{FloatEncoder, Xor2Encoder, XorEncoder};

/// Number of samples in a chunk, as in Prometheus.
const CHUNK_SAMPLES: usize = 120;

/// A series of a block: labels sorted by name, samples (ms, value) by time.
pub(crate) type BlockSeries = (Vec<(String, String)>, Vec<(i64, f64)>);

/// Writes a block into a data directory and returns its folder. Each block needs
/// another `number`. Series without samples are left out. Every other series has
/// XOR2 chunks. The folder is renamed when it is complete, as in Prometheus.
pub(crate) fn write_block(dir: &Path, number: u32, series: &[BlockSeries]) -> io::Result<PathBuf> {
    let ulid = format!("01TESTB10CK{number:015}");
    let (folder, making) = (
        dir.join(&ulid),
        dir.join(format!("{ulid}.tmp-for-creation")),
    );
    let mut series: Vec<&BlockSeries> = series.iter().filter(|s| !s.1.is_empty()).collect();
    series.sort_by(|a, b| a.0.cmp(&b.0));
    let mut segment = Segment::new();
    let chunks: Vec<Vec<ChunkMeta>> = series
        .iter()
        .enumerate()
        .map(|(i, s)| segment.add(&s.1, i % 2 == 1))
        .collect();
    fs::create_dir_all(making.join("chunks"))?;
    fs::write(making.join("chunks/000001"), segment.0)?;
    fs::write(making.join("index"), index(&series, &chunks))?;
    let times = || {
        series
            .iter()
            .flat_map(|s| s.1.iter().map(|sample| sample.0))
    };
    let (min, max) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    let (num_samples, num_series) = (times().count(), series.len());
    let num_chunks: usize = chunks.iter().map(Vec::len).sum();
    let meta = serde_json::json!({
        "ulid": ulid,
        "minTime": min,
        "maxTime": max + 1,
        "stats": { "numSamples": num_samples, "numSeries": num_series, "numChunks": num_chunks },
        "compaction": { "level": 1, "sources": [ulid] },
        "version": 1,
    });
    fs::write(making.join("meta.json"), meta.to_string())?;
    fs::rename(making, &folder)?;
    Ok(folder)
}

/// Flips a bit in each chunk of a series, so that its checksum is wrong.
pub(crate) fn damage(
    block: &Path,
    series: &[BlockSeries],
    labels: &[(String, String)],
) -> io::Result<()> {
    let mut sorted: Vec<&BlockSeries> = series.iter().filter(|s| !s.1.is_empty()).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut segment = Segment::new();
    let path = block.join("chunks/000001");
    let mut bytes = fs::read(&path)?;
    for (i, (own, samples)) in sorted.into_iter().enumerate() {
        for chunk in segment.add(samples, i % 2 == 1) {
            if own == labels {
                // After length, encoding and count.
                bytes[chunk.reference as usize + 6] ^= 0x10;
            }
        }
    }
    fs::write(path, bytes)
}

struct ChunkMeta {
    min_time: i64,
    max_time: i64,
    reference: u64,
}

/// The bytes of a chunk segment file.
struct Segment(Vec<u8>);

impl Segment {
    fn new() -> Self {
        Segment(vec![0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0])
    }

    fn add(&mut self, samples: &[(i64, f64)], xor2: bool) -> Vec<ChunkMeta> {
        let write = |samples: &[(i64, f64)]| {
            let mut encoder: Box<dyn FloatEncoder> = if xor2 {
                Box::new(Xor2Encoder::new())
            } else {
                Box::new(XorEncoder::new())
            };
            samples
                .iter()
                .for_each(|&(t, v)| assert!(encoder.append(t, v)));
            let reference = self.0.len() as u64;
            uvarint(&mut self.0, encoder.bytes().len() as u64);
            let from = self.0.len();
            self.0.push(encoder.encoding() as u8);
            self.0.extend_from_slice(encoder.bytes());
            checksum(&mut self.0, from);
            ChunkMeta {
                min_time: samples[0].0,
                max_time: samples[samples.len() - 1].0,
                reference,
            }
        };
        samples.chunks(CHUNK_SAMPLES).map(write).collect()
    }
}

fn uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint(out: &mut Vec<u8>, value: i64) {
    uvarint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends the CRC-32C of the bytes from `from` on.
fn checksum(out: &mut Vec<u8>, from: usize) {
    let sum = crc32c::crc32c(&out[from..]);
    out.extend_from_slice(&sum.to_be_bytes());
}

/// Appends a section: length, content, checksum. Returns its offset.
fn section(out: &mut Vec<u8>, content: &[u8]) -> u64 {
    let at = out.len() as u64;
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend_from_slice(content);
    checksum(out, from);
    at
}

fn pad(out: &mut Vec<u8>, align: usize) {
    out.resize(out.len().next_multiple_of(align), 0);
}

fn index(series: &[&BlockSeries], chunks: &[Vec<ChunkMeta>]) -> Vec<u8> {
    let mut out = vec![0xba, 0xaa, 0xd7, 0x00, 2];
    let texts = series
        .iter()
        .flat_map(|s| s.0.iter().flat_map(|(n, v)| [n.as_str(), v.as_str()]));
    let symbols: Vec<&str> = texts
        .chain([""])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let number = |text: &str| symbols.binary_search(&text).unwrap() as u64;

    let mut content = (symbols.len() as u32).to_be_bytes().to_vec();
    for symbol in &symbols {
        uvarint(&mut content, symbol.len() as u64);
        content.extend_from_slice(symbol.as_bytes());
    }
    let symbols_at = section(&mut out, &content);

    pad(&mut out, 16);
    let series_at = out.len() as u64;
    let mut postings: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
    postings.insert(("", ""), Vec::new());
    for (one, chunks) in series.iter().zip(chunks) {
        pad(&mut out, 16);
        let reference = (out.len() / 16) as u32;
        let labels = one.0.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        for key in labels.chain([("", "")]) {
            postings.entry(key).or_default().push(reference);
        }
        let entry = series_entry(&one.0, chunks, number);
        uvarint(&mut out, entry.len() as u64);
        let from = out.len();
        out.extend_from_slice(&entry);
        checksum(&mut out, from);
    }

    // Label indices are not used any more; their table is empty.
    let label_indices_at = out.len() as u64;
    let label_table_at = section(&mut out, &0u32.to_be_bytes());
    pad(&mut out, 4);
    let postings_at = out.len() as u64;
    let mut table = (postings.len() as u32).to_be_bytes().to_vec();
    for ((name, value), references) in &postings {
        pad(&mut out, 4);
        let mut content = (references.len() as u32).to_be_bytes().to_vec();
        content.extend(references.iter().flat_map(|r| r.to_be_bytes()));
        let at = section(&mut out, &content);
        table.push(2);
        for text in [name, value] {
            uvarint(&mut table, text.len() as u64);
            table.extend_from_slice(text.as_bytes());
        }
        uvarint(&mut table, at);
    }
    let table_at = section(&mut out, &table);
    let from = out.len();
    for at in [
        symbols_at,
        series_at,
        label_indices_at,
        label_table_at,
        postings_at,
        table_at,
    ] {
        out.extend_from_slice(&at.to_be_bytes());
    }
    checksum(&mut out, from);
    out
}

fn series_entry(
    labels: &[(String, String)],
    chunks: &[ChunkMeta],
    number: impl Fn(&str) -> u64,
) -> Vec<u8> {
    let mut out = Vec::new();
    uvarint(&mut out, labels.len() as u64);
    for (name, value) in labels {
        uvarint(&mut out, number(name));
        uvarint(&mut out, number(value));
    }
    uvarint(&mut out, chunks.len() as u64);
    let mut last: Option<&ChunkMeta> = None;
    for chunk in chunks {
        match last {
            None => {
                varint(&mut out, chunk.min_time);
                uvarint(&mut out, (chunk.max_time - chunk.min_time) as u64);
                uvarint(&mut out, chunk.reference);
            }
            Some(last) => {
                uvarint(&mut out, (chunk.min_time - last.max_time) as u64);
                uvarint(&mut out, (chunk.max_time - chunk.min_time) as u64);
                varint(&mut out, chunk.reference as i64 - last.reference as i64);
            }
        }
        last = Some(chunk);
    }
    out
}
