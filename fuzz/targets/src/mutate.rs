//! Mutations of inputs: what libFuzzer does, in small.

use fastrand::Rng;

/// Texts that the parsers know.
const WORDS: &[&str] = &[
    "sum",
    " by (",
    "rate(",
    "[5m]",
    "[1h:1m]",
    "{",
    "}",
    "(",
    ")",
    "=~\"",
    "!~",
    "\"",
    "\\",
    "'",
    "`",
    "offset ",
    "@ ",
    "1e308",
    "0x",
    "NaN",
    "Inf",
    "-",
    "99999999999999999999",
    "$1",
    "${x}",
    "\u{e9}",
    "\u{1F600}",
    "(?i)",
    "\\pL",
    "[[:word:]]",
    "{1000}",
    "|",
    "*",
    "+?",
    "^",
    "eval instant at 5m ",
    "load 5m\n  ",
    "clear\n",
    "x10+3",
    "{{schema:1 buckets:[1 2]}}",
    "_x5",
    "stale",
    "expect fail\n",
    "1w2d3h4m5s6ms",
    "2023-11-14T22:13:20.5Z",
    "--b\r\n",
    "Content-Disposition: form-data; name=\"query\"\r\n\r\n",
    "&match[]=",
    "%ff",
    "query=",
    "\n",
    ",",
];

/// A mutation of `input`, with parts of `other`, at most `most` bytes long.
pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8], most: usize) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 << rng.u32(0..5) {
        once(rng, &mut bytes, other);
    }
    bytes.truncate(most);
    bytes
}

fn once(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = rng.usize(0..=bytes.len());
    let end = (at + rng.usize(1..=16)).min(bytes.len());
    match rng.u32(0..10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.u32(0..8),
        1 if at < bytes.len() => bytes[at] = rng.u8(..),
        2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(0..5)],
        3 => drop(bytes.drain(at..end)),
        4 => bytes.truncate(at),
        5 => {
            let part = bytes[at..end].to_vec();
            for _ in 0..1 << rng.u32(0..6) {
                bytes.splice(at..at, part.iter().copied());
            }
        }
        6 if !other.is_empty() => {
            let from = rng.usize(0..other.len());
            let to = (from + rng.usize(1..=64)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        7 | 8 => {
            let word = WORDS[rng.usize(0..WORDS.len())].as_bytes();
            bytes.splice(at..at, word.iter().copied());
        }
        _ => {
            let number = [u64::MAX, 1 << 63, 1 << 31, rng.u64(..)][rng.usize(0..4)].to_be_bytes();
            bytes.splice(at..end, number[rng.usize(0..8)..].iter().copied());
        }
    }
}
