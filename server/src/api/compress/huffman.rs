//! Huffman codes and bits of deflate (RFC 1951).

/// The longest code.
const MAX_BITS: u8 = 15;
/// The longest code of a code length.
const MAX_LENGTH_BITS: u8 = 7;

/// The order in which lengths of code length codes are sent (RFC 1951, 3.2.7).
const LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Bits, the first one lowest.
pub(super) struct Bits {
    out: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Bits {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Bits {
            out: Vec::with_capacity(bytes),
            bits: 0,
            count: 0,
        }
    }

    /// Appends up to 16 bits.
    #[inline]
    pub(super) fn push(&mut self, bits: u32, count: u8) {
        self.bits |= u64::from(bits) << self.count;
        self.count += u32::from(count);
        if self.count >= 48 {
            self.out.extend_from_slice(&self.bits.to_le_bytes()[..6]);
            self.bits >>= 48;
            self.count -= 48;
        }
    }

    /// Appends an empty stored block, which fills the last byte.
    pub(super) fn flush(&mut self) {
        self.push(0, 3);
        self.push(0, (8 - self.count % 8) as u8 % 8);
        let bytes = (self.count / 8) as usize;
        self.out
            .extend_from_slice(&self.bits.to_le_bytes()[..bytes]);
        (self.bits, self.count) = (0, 0);
        self.out.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}

/// A code: of each symbol the bits, the first one lowest, and how many.
pub(super) struct Code {
    codes: Vec<(u16, u8)>,
}

impl Code {
    /// The best code of symbols that come so often.
    pub(super) fn of(counts: &[u32]) -> Self {
        Code::of_lengths(&lengths(counts, MAX_BITS))
    }

    /// The code that lengths mean (RFC 1951, 3.2.2).
    fn of_lengths(lengths: &[u8]) -> Self {
        let mut next = [0u16; MAX_BITS as usize + 2];
        for &length in lengths.iter().filter(|&&length| length > 0) {
            next[length as usize + 1] += 1;
        }
        for bits in 1..next.len() {
            next[bits] = (next[bits] + next[bits - 1]) << 1;
        }
        let codes = lengths.iter().map(|&length| {
            if length == 0 {
                return (0, 0);
            }
            let code = next[length as usize];
            next[length as usize] += 1;
            (code.reverse_bits() >> (16 - length), length)
        });
        Code {
            codes: codes.collect(),
        }
    }

    #[inline]
    pub(super) fn write(&self, symbol: usize, out: &mut Bits) {
        let (bits, count) = self.codes[symbol];
        out.push(u32::from(bits), count);
    }

    /// The lengths up to the last symbol that has a code, `least` at least.
    fn lengths(&self, least: usize) -> Vec<u8> {
        let used = self.codes.iter().rposition(|&(_, length)| length > 0);
        let len = used.map_or(0, |last| last + 1).max(least);
        let lengths = self.codes.iter().map(|&(_, length)| length);
        lengths.take(len).collect()
    }
}

/// Appends the head of a block with codes of its own (RFC 1951, 3.2.7).
pub(super) fn write_head(literals: &Code, distances: &Code, out: &mut Bits) {
    let (literals, distances) = (literals.lengths(257), distances.lengths(1));
    let runs = runs(&[&literals[..], &distances[..]].concat());
    let mut counts = [0; LENGTH_ORDER.len()];
    for &(symbol, _) in &runs {
        counts[symbol as usize] += 1;
    }
    let own = lengths(&counts, MAX_LENGTH_BITS);
    let code = Code::of_lengths(&own);
    let used = LENGTH_ORDER.iter().rposition(|&symbol| own[symbol] > 0);
    let sent = used.map_or(4, |last| last + 1).max(4);
    out.push(0b100, 3);
    out.push((literals.len() - 257) as u32, 5);
    out.push((distances.len() - 1) as u32, 5);
    out.push((sent - 4) as u32, 4);
    for &symbol in &LENGTH_ORDER[..sent] {
        out.push(u32::from(own[symbol]), 3);
    }
    for (symbol, repeats) in runs {
        code.write(symbol as usize, out);
        match symbol {
            16 => out.push(repeats - 3, 2),
            17 => out.push(repeats - 3, 3),
            18 => out.push(repeats - 11, 7),
            _ => {}
        }
    }
}

/// Lengths as the symbols that stand for them: a length, or 16, the last length
/// 3 to 6 times, 17, zeros 3 to 10 times, 18, zeros 11 to 138 times.
fn runs(lengths: &[u8]) -> Vec<(u8, u32)> {
    let mut out = Vec::new();
    for run in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (run[0], run.len() as u32);
        if length != 0 {
            out.push((length, 1));
            left -= 1;
        }
        while left > 0 {
            let (symbol, repeats) = match (length, left) {
                (0, 11..) => (18, left.min(138)),
                (0, 3..) => (17, left),
                (1.., 3..) => (16, left.min(6)),
                _ => (length, 1),
            };
            out.push((symbol, repeats));
            left -= repeats;
        }
    }
    out
}

/// The lengths of a Huffman code with at most `most` bits. A symbol that comes
/// alone has one bit.
fn lengths(counts: &[u32], most: u8) -> Vec<u8> {
    let mut weights = counts.to_vec();
    loop {
        let lengths = unbounded(&weights);
        if lengths.iter().all(|&length| length <= most) {
            return lengths;
        }
        // Flatter weights give shorter codes, in the end equal ones.
        for weight in weights.iter_mut().filter(|weight| **weight > 0) {
            *weight = *weight / 2 + 1;
        }
    }
}

/// The lengths of a Huffman code, by the method of two queues: leaves by weight,
/// and the nodes above them, whose weights ascend as they are made.
fn unbounded(weights: &[u32]) -> Vec<u8> {
    let mut leaves: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0).collect();
    leaves.sort_by_key(|&i| weights[i]);
    let mut lengths = vec![0; weights.len()];
    if let [only] = leaves[..] {
        lengths[only] = 1;
        return lengths;
    }
    // Nodes: all leaves, then what is made of two nodes.
    let mut node_weights: Vec<u32> = leaves.iter().map(|&i| weights[i]).collect();
    let mut parents = vec![0; (2 * leaves.len()).saturating_sub(1)];
    let (mut leaf, mut node) = (0, leaves.len());
    for parent in leaves.len()..parents.len() {
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf =
                leaf < leaves.len() && (node == parent || node_weights[leaf] <= node_weights[node]);
            let next = if is_leaf { &mut leaf } else { &mut node };
            parents[*next] = parent;
            weight += node_weights[*next];
            *next += 1;
        }
        node_weights.push(weight);
    }
    let mut depths = vec![0u8; parents.len()];
    for node in (0..parents.len().saturating_sub(1)).rev() {
        depths[node] = depths[parents[node]].saturating_add(1);
        if let Some(&symbol) = leaves.get(node) {
            lengths[symbol] = depths[node];
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Kraft's sum is one: no bit is lost, no code stands before another.
        #[test]
        fn codes_are_complete(counts in prop::collection::vec(0u32..100_000, 2..286)) {
            for most in [MAX_BITS, 9] {
                let lengths = lengths(&counts, most);
                let used = counts.iter().filter(|&&count| count > 0).count();
                prop_assert_eq!(lengths.iter().filter(|&&length| length > 0).count(), used);
                let sum: u32 = lengths.iter().filter(|&&l| l > 0).map(|&l| 1 << (most - l)).sum();
                prop_assert!(used < 2 || sum == 1 << most);
            }
        }
    }

    #[test]
    fn steep_weights_stay_within_the_bits() {
        let mut fibonacci = vec![1u32, 1];
        while fibonacci.len() < 30 {
            fibonacci.push(fibonacci[fibonacci.len() - 1] + fibonacci[fibonacci.len() - 2]);
        }
        assert!(
            unbounded(&fibonacci)
                .iter()
                .any(|&length| length > MAX_BITS)
        );
        let bounded = lengths(&fibonacci, MAX_BITS);
        assert!(
            bounded
                .iter()
                .all(|&length| (1..=MAX_BITS).contains(&length))
        );
    }

    #[test]
    fn runs_are_the_lengths() {
        let lengths = [&[3; 9][..], &[0; 150], &[5], &[0; 4], &[7, 7]].concat();
        let mut back: Vec<u8> = Vec::new();
        for (symbol, repeats) in runs(&lengths) {
            let value = match symbol {
                16 => *back.last().unwrap(),
                17 | 18 => 0,
                length => length,
            };
            back.extend(std::iter::repeat_n(value, repeats as usize));
        }
        assert_eq!(back, lengths);
    }
}
