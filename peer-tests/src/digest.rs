//! Digests and texts in the form of the Go programs.

use std::fmt::Write;

/// FNV-1a over words of 64 bits, most significant byte first.
#[derive(Clone, Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// The digest of all words.
    pub fn digest(&self) -> u64 {
        self.0
    }

    /// Adds a word.
    pub fn word(&mut self, word: u64) {
        for byte in word.to_be_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// The bytes of a text in hexadecimal.
pub fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, b| {
        let _ = write!(all, "{b:02x}");
        all
    })
}

/// Labels on one line without spaces: `name=hex of value;` for each.
pub fn label_line<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    labels
        .map(|(name, value)| format!("{name}={};", hex(value)))
        .collect()
}
