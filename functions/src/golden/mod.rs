//! What Go computes and prints, in `golden.txt`, for tests. `go run main.go`
//! beside it makes it anew. A line is a kind and its fields; floats are bits.

const TEXT: &str = include_str!("golden.txt");

/// The fields of each line of a kind.
pub fn lines(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let prefix = format!("{kind} ");
    TEXT.lines().filter_map(move |line| {
        let fields = line.strip_prefix(&prefix)?;
        // A quoted text may hold spaces.
        if let Some((text, rest)) = fields.strip_prefix('"').and_then(|f| f.split_once('"')) {
            return Some(
                std::iter::once(text)
                    .chain(rest.split_whitespace())
                    .collect(),
            );
        }
        Some(fields.split_whitespace().collect())
    })
}

/// A float from its bits.
pub fn float(bits: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(bits, 16).expect("bits of a float"))
}

/// Whether two floats are the same, zeros with their signs, all NaN alike.
pub fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Whether two floats are the same or both missing.
pub fn same_option(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}
