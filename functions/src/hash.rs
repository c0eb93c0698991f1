//! The hash of a label set, by which `limit_ratio` picks: XXH64 of the set's
//! bytes as Prometheus keeps them.

const PRIMES: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// XXH64 with seed 0, as its specification has it.
pub fn xxh64(bytes: &[u8]) -> u64 {
    let mut stripes = bytes.chunks_exact(32);
    let mut hash = PRIMES[4];
    if bytes.len() >= 32 {
        let mut lanes = [
            PRIMES[0].wrapping_add(PRIMES[1]),
            PRIMES[1],
            0,
            PRIMES[0].wrapping_neg(),
        ];
        for stripe in &mut stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round(*lane, little_endian(word));
            }
        }
        hash = [1, 7, 12, 18]
            .iter()
            .zip(lanes)
            .fold(0, |sum: u64, (&by, lane)| {
                sum.wrapping_add(lane.rotate_left(by))
            });
        for lane in lanes {
            hash = (hash ^ round(0, lane))
                .wrapping_mul(PRIMES[0])
                .wrapping_add(PRIMES[3]);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    avalanche(tail(hash, stripes.remainder()))
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIMES[1]))
        .rotate_left(31)
        .wrapping_mul(PRIMES[0])
}

/// Up to eight bytes as a number.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn tail(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        hash = (hash ^ round(0, little_endian(word)))
            .rotate_left(27)
            .wrapping_mul(PRIMES[0])
            .wrapping_add(PRIMES[3]);
    }
    let mut rest = words.remainder();
    if let Some((half, more)) = rest.split_at_checked(4) {
        hash = (hash ^ little_endian(half).wrapping_mul(PRIMES[0]))
            .rotate_left(23)
            .wrapping_mul(PRIMES[1])
            .wrapping_add(PRIMES[2]);
        rest = more;
    }
    for &byte in rest {
        hash = (hash ^ u64::from(byte).wrapping_mul(PRIMES[4]))
            .rotate_left(11)
            .wrapping_mul(PRIMES[0]);
    }
    hash
}

fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(PRIMES[1]);
    hash = (hash ^ hash >> 29).wrapping_mul(PRIMES[2]);
    hash ^ hash >> 32
}

/// Collects a label set's bytes for its hash.
#[derive(Debug, Default)]
pub struct LabelHasher {
    bytes: Vec<u8>,
}

impl LabelHasher {
    /// The hash of labels that come in the order of their names.
    pub fn hash<'a>(&mut self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> u64 {
        self.bytes.clear();
        for (name, value) in labels {
            self.push(name);
            self.push(value);
        }
        xxh64(&self.bytes)
    }

    /// A length, in one byte or in three behind a mark, and the text.
    fn push(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length) if length < u8::MAX => self.bytes.push(length),
            _ => {
                let length = text.len().to_le_bytes();
                self.bytes.push(u8::MAX);
                self.bytes.extend_from_slice(&length[..3]);
            }
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        for (text, hash) in [
            ("", 0xef46_db37_51d8_e999),
            ("a", 0xd24e_c4f1_a98c_6e5b),
            ("abc", 0x44bc_2cf5_ad77_0999),
            (
                "Nobody inspects the spammish repetition",
                0xfbce_a83c_8a37_8bf1,
            ),
        ] {
            assert_eq!(xxh64(text.as_bytes()), hash, "{text}");
        }
    }

    /// What Go's `labels.Labels.Hash` gives.
    #[test]
    fn label_sets() {
        let mut hasher = LabelHasher::default();
        assert_eq!(hasher.hash([]), 0xef46_db37_51d8_e999);
        assert_eq!(hasher.hash([("__name__", "up")]), 0xecd7_5f13_400a_bdf5);
        let labels = [
            ("__name__", "http_requests"),
            ("group", "production"),
            ("instance", "1"),
            ("job", "api-server"),
        ];
        assert_eq!(hasher.hash(labels), 0x1984_51ea_70e5_db8e);
        for (length, hash) in [
            (254, 0xbf61_6875_aaa1_cbcc),
            (255, 0x1bbe_85a1_f5af_b9cf),
            (70_000, 0x036e_ec34_c4ac_4ab8),
        ] {
            let long = "x".repeat(length);
            assert_eq!(hasher.hash([("a", &long[..]), ("b", "é")]), hash);
        }
    }
}
