//! Writes logs and head chunk files for tests.

use std::fs;
use std::path::Path;

const PAGE: usize = 32 * 1024;

pub(super) type TestLabels<'a> = &'a [(&'a str, &'a str)];

/// The bytes of one segment.
#[derive(Clone, Debug, Default)]
pub(super) struct SegmentWriter {
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Snappy,
    Zstd,
}

impl SegmentWriter {
    pub fn log(&mut self, record: &[u8], compression: Compression) {
        let (flag, data) = match compression {
            Compression::None => (0, record.to_vec()),
            Compression::Snappy => (
                0b1000,
                snap::raw::Encoder::new().compress_vec(record).unwrap(),
            ),
            Compression::Zstd => (0b1_0000, zstd::bulk::compress(record, 3).unwrap()),
        };
        let mut rest = data.as_slice();
        let mut first = true;
        loop {
            let left = PAGE - self.bytes.len() % PAGE;
            if left < 7 {
                self.bytes.resize(self.bytes.len() + left, 0);
                continue;
            }
            let now = rest.len().min(left - 7);
            let (fragment, after) = rest.split_at(now);
            let kind = match (first, after.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            self.bytes.push(kind | flag);
            self.bytes.extend((fragment.len() as u16).to_be_bytes());
            self.bytes.extend(crc32c::crc32c(fragment).to_be_bytes());
            self.bytes.extend(fragment);
            (rest, first) = (after, false);
            if rest.is_empty() {
                return;
            }
        }
    }
}

pub(super) fn uvarint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

pub(super) fn varint(out: &mut Vec<u8>, x: i64) {
    uvarint(out, ((x << 1) ^ (x >> 63)) as u64);
}

pub(super) fn series(all: &[(u64, TestLabels<'_>)]) -> Vec<u8> {
    let mut out = vec![1];
    for (reference, labels) in all {
        out.extend(reference.to_be_bytes());
        uvarint(&mut out, labels.len() as u64);
        for text in labels.iter().flat_map(|(n, v)| [n, v]) {
            uvarint(&mut out, text.len() as u64);
            out.extend(text.as_bytes());
        }
    }
    out
}

/// Reference, timestamp, value.
pub(super) fn samples(all: &[(u64, i64, f64)]) -> Vec<u8> {
    let mut out = vec![2];
    if let Some(first) = all.first() {
        out.extend(first.0.to_be_bytes());
        out.extend(first.1.to_be_bytes());
        for (reference, t, v) in all {
            varint(&mut out, reference.wrapping_sub(first.0) as i64);
            varint(&mut out, t.wrapping_sub(first.1));
            out.extend(v.to_bits().to_be_bytes());
        }
    }
    out
}

pub(super) fn tombstone(reference: u64, from: i64, to: i64) -> Vec<u8> {
    let mut out = vec![3];
    out.extend(reference.to_be_bytes());
    varint(&mut out, from);
    varint(&mut out, to);
    out
}

pub(super) fn marker(reference: u64, chunk: u64) -> Vec<u8> {
    let mut out = vec![5];
    out.extend(reference.to_be_bytes());
    out.extend(chunk.to_be_bytes());
    out
}

pub(super) fn min_valid_time(time: i64) -> Vec<u8> {
    let mut out = vec![14];
    out.extend(time.to_be_bytes());
    out
}

/// Series, first and last time, encoding byte, chunk.
pub(super) fn chunk_file(chunks: &[(u64, i64, i64, u8, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0x01, 0x30, 0xBC, 0x91, 1, 0, 0, 0];
    for (series, min, max, encoding, data) in chunks {
        let from = out.len();
        out.extend(series.to_be_bytes());
        out.extend(min.to_be_bytes());
        out.extend(max.to_be_bytes());
        out.push(*encoding);
        uvarint(&mut out, data.len() as u64);
        out.extend(data);
        let crc = crc32c::crc32c(&out[from..]);
        out.extend(crc.to_be_bytes());
    }
    out
}

/// Writes `dir/SUB/NUMBER`.
pub(super) fn put(dir: &Path, sub: &str, number: u64, bytes: &[u8]) {
    fs::create_dir_all(dir.join(sub)).unwrap();
    fs::write(dir.join(sub).join(format!("{number:08}")), bytes).unwrap();
}
