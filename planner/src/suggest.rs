//! The name that was probably meant.

use quarrel_functions::table;

/// The function or aggregator whose name is closest to `name`, if one is close.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let functions = table::all().iter().map(|function| function.name);
    let aggregators = table::aggregators()
        .iter()
        .map(|aggregator| aggregator.name);
    // A third of the letters may be wrong, and two at most.
    let length = name.chars().count();
    let most = (length / 3).clamp(1, 2);
    // Of those that are equally close, one that begins with the name: letters
    // are missing more often than wrong.
    let all = functions.chain(aggregators);
    let distances = all.filter(|known| known.len().abs_diff(length) <= most);
    let distances = distances.map(|known| {
        let is_other = !known.starts_with(&name);
        (distance(&name, known), is_other, known)
    });
    let (.., closest) = distances.filter(|(d, ..)| *d <= most).min()?;
    Some(closest)
}

/// Letters to insert, delete, replace or swap with their neighbour (optimal
/// string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_found() {
        for (name, meant) in [
            ("rat", Some("rate")),
            ("RATE", Some("rate")),
            ("raet", Some("rate")),
            ("summ", Some("sum")),
            ("histogram_quantil", Some("histogram_quantile")),
            ("sum_overtime", Some("sum_over_time")),
            ("label_relpace", Some("label_replace")),
            ("foo", None),
            ("percentile", None),
            ("", None),
        ] {
            assert_eq!(function(name), meant, "{name}");
        }
    }

    #[test]
    fn distances_count_edits() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("abc", "acb", 1),
            ("abcd", "bcd", 1),
            ("ab", "ab", 0),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }
}
