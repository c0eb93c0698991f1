//! Deflate (RFC 1951) for the JSON of matrices, series and lists of strings, where
//! it makes less of them than zlib does and takes a quarter to a half of its time.
//!
//! What repeats there begins at quotes. Samples are `[time,"value"],` again and
//! again, and all rows have the same times: behind a value comes what came there in
//! the row before, up to the next value. Its digits repeat nothing, or a whole value:
//! there are few rates of counters that count seldom. So only quotes are looked up, by
//! the sixteen bytes from there on, which hold the time, and where these are not found,
//! by the four that are the same at each sample; and values from quote to quote.
//!
//! What it is bad at: all other texts, and such as repeat from their middle on, the
//! values of vectors and the buckets of native histograms.

use std::ops::RangeInclusive;

use super::huffman::{Bits, Code, write_head};

/// What a block may look back at, bytes.
const WINDOW: usize = 32 << 10;
/// The longest match of deflate.
const MAX_MATCH: usize = 258;
/// A shorter match costs more than its bytes.
const MIN_MATCH: usize = 4;
/// Digits of a value that are left and cost more than a match.
const MIN_REST: usize = 7;
/// The bytes of values that are looked up.
const VALUES: RangeInclusive<usize> = 8..=32;
/// The bits of a hash.
const HASH_BITS: u32 = 13;
const END_OF_BLOCK: usize = 256;

/// Texts beside which a text is better left to zlib.
const UNSUITED: [&[u8]; 2] = [b"\"value\":[", b"\"buckets\":["];

/// Whether a text has many quotes and is not of a kind that zlib knows better.
pub(super) fn suits(text: &[u8]) -> bool {
    let quotes = memchr::memchr_iter(b'"', text).count();
    let unsuited = || {
        UNSUITED
            .iter()
            .any(|part| memchr::memmem::find(text, part).is_some())
    };
    quotes * 32 >= text.len() && !unsuited()
}

/// Bytes as they are, and a copy of earlier ones behind them.
struct Token {
    literals: u32,
    length: u16,
    distance: u16,
}

/// One block of `text`, which may look back at `before`, and an empty one behind
/// it that fills the last byte.
pub(super) fn deflate(before: &[u8], text: &[u8]) -> Vec<u8> {
    let all = [before, text].concat();
    let tokens = tokens(&all, before.len());
    let (literals, distances) = codes(text, &tokens);
    let mut out = Bits::with_capacity(text.len() / 3 + 512);
    write_head(&literals, &distances, &mut out);
    let mut at = 0;
    for token in &tokens {
        let next = at + token.literals as usize;
        for &byte in &text[at..next] {
            literals.write(usize::from(byte), &mut out);
        }
        at = next + usize::from(token.length);
        if token.length > 0 {
            let (symbol, extra, bits) = length_symbol(token.length);
            literals.write(symbol, &mut out);
            out.push(extra, bits);
            let (symbol, extra, bits) = distance_symbol(token.distance);
            distances.write(symbol, &mut out);
            out.push(extra, bits);
        }
    }
    literals.write(END_OF_BLOCK, &mut out);
    out.flush();
    out.into_bytes()
}

fn codes(text: &[u8], tokens: &[Token]) -> (Code, Code) {
    let (mut literals, mut distances) = ([0; 286], [0; 30]);
    literals[END_OF_BLOCK] = 1;
    let mut at = 0;
    for token in tokens {
        let next = at + token.literals as usize;
        for &byte in &text[at..next] {
            literals[usize::from(byte)] += 1;
        }
        at = next + usize::from(token.length);
        if token.length > 0 {
            literals[length_symbol(token.length).0] += 1;
            distances[distance_symbol(token.distance).0] += 1;
        }
    }
    (Code::of(&literals), Code::of(&distances))
}

/// Where a hash of some bytes was seen last, one behind it.
type Seen = [u32; 1 << HASH_BITS];

/// The tokens of what follows `start`.
fn tokens(all: &[u8], start: usize) -> Vec<Token> {
    let mut search = Search {
        all,
        times: Box::new([0; 1 << HASH_BITS]),
        brackets: Box::new([0; 1 << HASH_BITS]),
        values: Box::new([0; 1 << HASH_BITS]),
    };
    for quote in memchr::memchr_iter(b'"', &all[..start]) {
        search.value(quote);
        search.find(quote);
    }
    let mut tokens = Tokens {
        list: Vec::with_capacity((all.len() - start) / 16),
        at: start,
    };
    let mut from = start;
    while let Some(quote) = memchr::memchr(b'"', &all[from..]) {
        let quote = from + quote;
        from = quote + 1;
        if let Some((value, distance)) = search.value(quote) {
            let rest = value.max(tokens.at);
            if quote - rest >= MIN_REST {
                tokens.copy(rest, quote - rest, distance);
            }
        }
        if let Some((source, length)) = search.find(quote) {
            search.copy(source, quote, length, &mut tokens);
            // The last byte of a match may be the quote before the next value.
            from = from.max(tokens.at);
        }
    }
    tokens.copy(all.len(), 0, 0);
    tokens.list
}

/// The tokens up to some place.
struct Tokens {
    list: Vec<Token>,
    at: usize,
}

impl Tokens {
    /// What is before `to` as it is, and `length` bytes from there on that are
    /// `distance` before, too.
    fn copy(&mut self, to: usize, length: usize, distance: usize) {
        self.list.push(Token {
            literals: (to - self.at) as u32,
            length: length as u16,
            distance: distance as u16,
        });
        self.at = to + length;
    }
}

struct Search<'a> {
    all: &'a [u8],
    times: Box<Seen>,
    brackets: Box<Seen>,
    values: Box<Seen>,
}

impl Search<'_> {
    /// Where the value that ends at `quote` begins, and how far before the same one is,
    /// within reach; it is remembered.
    fn value(&mut self, quote: usize) -> Option<(usize, usize)> {
        let near = quote.saturating_sub(*VALUES.end() + 1);
        let start = near + memchr::memrchr(b'"', &self.all[near..quote])? + 1;
        let value = &self.all[start..quote];
        let (first, last) = (value.first_chunk()?, value.last_chunk()?);
        let [first, last] = [first, last].map(|bytes| u64::from_le_bytes(*bytes));
        let seen = &mut self.values[hash(first.rotate_left(29) ^ last)];
        let source = (std::mem::replace(seen, start as u32 + 1) as usize).checked_sub(1)?;
        let is_same = start - source < WINDOW && self.all[source..].starts_with(value);
        is_same.then_some((start, start - source))
    }

    /// Copies what `find` has found, and what is the same before and behind it.
    fn copy(&self, mut source: usize, mut to: usize, mut length: usize, tokens: &mut Tokens) {
        let is_same = |source: usize, to: usize| self.all[source - 1] == self.all[to - 1];
        while length < MAX_MATCH && source > 0 && to > tokens.at && is_same(source, to) {
            (source, to, length) = (source - 1, to - 1, length + 1);
        }
        let distance = to - source;
        tokens.copy(to, length, distance);
        while length == MAX_MATCH {
            length = self.common(tokens.at - distance, tokens.at).unwrap_or(0);
            if length < MIN_MATCH {
                break;
            }
            tokens.copy(tokens.at, length, distance);
        }
    }

    /// An earlier place whose bytes are those at `at`, and how many are; both are
    /// remembered.
    fn find(&mut self, at: usize) -> Option<(usize, usize)> {
        let sixteen: &[u8; 16] = self.all[at..].first_chunk()?;
        let bytes = u128::from_le_bytes(*sixteen);
        let (low, high) = (bytes as u64, (bytes >> 64) as u64);
        let time = hash(low.rotate_left(29) ^ high);
        let bracket = hash(low & 0xffff_ffff);
        let (far, near) = (self.times[time], self.brackets[bracket]);
        self.times[time] = at as u32 + 1;
        self.brackets[bracket] = at as u32 + 1;
        [far, near].into_iter().find_map(|seen| {
            let source = (seen as usize).checked_sub(1)?;
            let length = self.common(source, at)?;
            (length >= MIN_MATCH).then_some((source, length))
        })
    }

    /// How many bytes from `source` on are those from `at` on, if it is within
    /// reach.
    fn common(&self, source: usize, at: usize) -> Option<usize> {
        // Deflate reaches WINDOW back, of which u16 holds all but the last byte.
        if at - source >= WINDOW {
            return None;
        }
        let (a, b) = (&self.all[source..], &self.all[at..]);
        let most = b.len().min(MAX_MATCH);
        let mut length = 0;
        let words = a[..most].as_chunks().0.iter().zip(b[..most].as_chunks().0);
        for (a, b) in words {
            let differs = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            if differs != 0 {
                return Some(length + differs.trailing_zeros() as usize / 8);
            }
            length += 8;
        }
        let rest = a[length..most].iter().zip(&b[length..most]);
        Some(length + rest.take_while(|(a, b)| a == b).count())
    }
}

fn hash(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HASH_BITS)) as usize
}

/// The symbol of a length, and its extra bits (RFC 1951, 3.2.5).
#[inline]
fn length_symbol(length: u16) -> (usize, u32, u8) {
    let offset = u32::from(length) - 3;
    match offset {
        0..8 => (257 + offset as usize, 0, 0),
        255 => (285, 0, 0),
        _ => {
            let bits = offset.ilog2() - 2;
            let symbol = 257 + 4 * bits + (offset >> bits);
            (symbol as usize, offset & ((1 << bits) - 1), bits as u8)
        }
    }
}

/// The symbol of a distance, and its extra bits (RFC 1951, 3.2.5).
#[inline]
fn distance_symbol(distance: u16) -> (usize, u32, u8) {
    let offset = u32::from(distance) - 1;
    if offset < 4 {
        return (offset as usize, 0, 0);
    }
    let bits = offset.ilog2() - 1;
    let symbol = 2 * bits + (offset >> bits);
    (symbol as usize, offset & ((1 << bits) - 1), bits as u8)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    /// What a reader that knows `before` makes of the block.
    fn read_back(before: &[u8], block: &[u8]) -> Vec<u8> {
        // `before` as stored blocks, so that any reader knows it.
        let mut stream = Vec::new();
        for part in before.chunks(60_000) {
            let len = part.len() as u16;
            stream.push(0);
            stream.extend_from_slice(&len.to_le_bytes());
            stream.extend_from_slice(&(!len).to_le_bytes());
            stream.extend_from_slice(part);
        }
        stream.extend_from_slice(block);
        stream.extend_from_slice(&[3, 0]);
        let mut out = Vec::new();
        flate2::read::DeflateDecoder::new(&stream[..])
            .read_to_end(&mut out)
            .unwrap();
        out.split_off(before.len())
    }

    fn matrix(rows: usize, steps: usize, seed: u64) -> Vec<u8> {
        matrix_of(rows, steps, |row, step| {
            ((row * 7919 + step * 104_729) * (seed + 13) % 1_000_003).to_string()
        })
    }

    fn matrix_of(rows: usize, steps: usize, value: impl Fn(u64, u64) -> String) -> Vec<u8> {
        let mut out = String::new();
        for row in 0..rows as u64 {
            out.push_str(&format!(
                "{{\"metric\":{{\"pod\":\"app-{row}\"}},\"values\":["
            ));
            for step in 0..steps as u64 {
                let time = 1_700_000_000 + step * 30;
                out.push_str(&format!("[{time},\"{}\"],", value(row, step)));
            }
            out.push_str("]},");
        }
        out.into_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_are_read_back(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'[')], 0..5000),
            at in 0usize..5000,
        ) {
            let (before, text) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(read_back(before, &deflate(before, text)), text);
        }

        #[test]
        fn values_that_repeat_are_read_back(rows in 1usize..9, steps in 1usize..400, kinds in 1u64..40) {
            let value = |row: u64, step: u64| 1.0 / (1 + (row * 31 + step * 7) % kinds) as f64;
            let text = matrix_of(rows, steps, |row, step| value(row, step).to_string());
            let block = deflate(&[], &text);
            prop_assert_eq!(read_back(&[], &block), text);
        }

        #[test]
        fn samples_are_read_back(rows in 1usize..40, steps in 1usize..2000, seed: u16, at: u16) {
            let text = matrix(rows, steps, u64::from(seed));
            let (before, text) = text.split_at(usize::from(at).min(text.len()).min(WINDOW));
            prop_assert_eq!(read_back(before, &deflate(before, text)), text);
        }
    }

    /// The size beside zlib's at a level, percent.
    fn beside(text: &[u8], level: u32) -> usize {
        let mut zlib = Vec::new();
        flate2::read::DeflateEncoder::new(text, flate2::Compression::new(level))
            .read_to_end(&mut zlib)
            .unwrap();
        deflate(&[], text).len() * 100 / zlib.len()
    }

    #[test]
    fn samples_become_small() {
        // Rows beyond the window find the sample before alone.
        for (rows, steps, most) in [(100, 241, 85), (10, 5000, 105)] {
            let text = matrix(rows, steps, 1);
            assert!(suits(&text));
            let percent = beside(&text, 4);
            assert!(percent < most, "{percent} %");
        }
        // Rates of a counter that counts seldom, and a gauge that stays.
        let rates = |row, step| ((row * step * step) % 23) as f64 / 299.9;
        let percent = beside(
            &matrix_of(60, 361, |row, step| rates(row, step).to_string()),
            6,
        );
        assert!(percent < 110, "{percent} %");
        let percent = beside(&matrix_of(60, 361, |_, _| "1".to_string()), 6);
        assert!(percent < 130, "{percent} %");
    }

    #[test]
    fn texts_are_told_apart() {
        let vector =
            br#"{"metric":{"__name__":"up","instance":"10.0.0.1:9100"},"value":[17,"1"]},"#;
        assert!(!suits(vector));
        assert!(suits(
            br#"["team-1-service-1-0c0b4a8e","team-1-service-2-18c6e0f2"]"#
        ));
        assert!(!suits(b"ARROW1 and what follows it, without a quote"));
    }

    #[test]
    fn every_length_and_distance_has_its_symbol() {
        let mut last = (256, 0, 0);
        for length in 3..=258 {
            let (symbol, extra, bits) = length_symbol(length);
            let first = extra == 0 || length == 258;
            assert!(if first {
                symbol == last.0 + 1
            } else {
                extra == last.1 + 1
            });
            assert!(extra < 1 << bits);
            last = (symbol, extra, bits);
        }
        assert_eq!(last.0, 285);
        assert_eq!(distance_symbol(1), (0, 0, 0));
        assert_eq!(distance_symbol(5), (4, 0, 1));
        assert_eq!(distance_symbol(32_767), (29, 8190, 13));
    }
}
