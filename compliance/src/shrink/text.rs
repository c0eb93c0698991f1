//! Pieces of a text.

/// How many bytes all candidates together have at most, about.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Candidates, whose bytes are limited.
#[derive(Default)]
pub(super) struct Texts {
    texts: Vec<String>,
    bytes: usize,
}

impl Texts {
    pub(super) fn push(&mut self, text: String) {
        self.bytes += text.len();
        self.texts.push(text);
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.texts
    }
}

/// The text without a piece of it: halves, quarters, down to single letters; the
/// shortest first.
pub(super) fn cuts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Texts::default();
    let mut size = chars.len().div_ceil(2);
    while size > 0 && !out.is_full() {
        for from in (0..chars.len()).step_by(size) {
            let behind = chars.iter().skip(from + size);
            out.push(chars[..from].iter().chain(behind).collect());
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    out.into_vec()
}

/// Shorter forms of a value.
pub(super) fn shorter_values(value: &str) -> Vec<String> {
    let chars: Vec<char> = value.chars().collect();
    let half = chars.len() / 2;
    let mut out: Vec<String> = Vec::new();
    for piece in [
        &chars[..0],
        &chars[..half],
        &chars[half..],
        &chars[chars.len().min(1)..],
        &chars[..chars.len().saturating_sub(1)],
    ] {
        let piece: String = piece.iter().collect();
        if piece.len() < value.len() && !out.contains(&piece) {
            out.push(piece);
        }
    }
    out
}
