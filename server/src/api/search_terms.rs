//! How well names match what a search asks for: Prometheus's measures, from 0 for
//! no match to 1 for a perfect one.

/// The measure for what does not contain a term as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// The term's characters stand in the text in their order.
    Subsequence,
    /// Jaro's similarity with Winkler's bonus for a common beginning.
    JaroWinkler,
}

/// Terms of which one has to match.
#[derive(Debug)]
pub(super) struct Terms {
    terms: Vec<String>,
    measure: Measure,
    /// The least measure that is a match.
    threshold: f64,
    case_sensitive: bool,
}

impl Terms {
    /// Empty terms are left out.
    pub(super) fn new<'a>(
        terms: impl Iterator<Item = &'a str>,
        measure: Measure,
        threshold: f64,
        case_sensitive: bool,
    ) -> Self {
        let folded = |term: &str| match case_sensitive {
            true => term.to_string(),
            false => term.to_lowercase(),
        };
        Terms {
            terms: terms.filter(|term| !term.is_empty()).map(folded).collect(),
            measure,
            threshold,
            case_sensitive,
        }
    }

    /// The best measure of any term that matches. Without terms all matches.
    pub(super) fn score(&self, text: &str) -> Option<f64> {
        if self.terms.is_empty() {
            return Some(1.0);
        }
        let lower = (!self.case_sensitive).then(|| text.to_lowercase());
        let text = lower.as_deref().unwrap_or(text);
        let scores = self
            .terms
            .iter()
            .filter_map(|term| self.of_term(term, text));
        scores.reduce(f64::max)
    }

    fn of_term(&self, term: &str, text: &str) -> Option<f64> {
        match self.measure {
            Measure::Subsequence if text.starts_with(term) => Some(1.0),
            Measure::Subsequence => {
                let score = subsequence(term, text);
                (score > 0.0 && score >= self.threshold).then_some(score)
            }
            Measure::JaroWinkler => substring(term, text).or_else(|| {
                let score = jaro_winkler(term, text);
                (self.threshold > 0.0 && score >= self.threshold).then_some(score)
            }),
        }
    }
}

/// 1 for a beginning; less, down to 0.1, the later the term stands.
fn substring(term: &str, text: &str) -> Option<f64> {
    let at = text.find(term)?;
    let before = text[..at].chars().count();
    let latest = text.chars().count() - term.chars().count();
    match before {
        0 => Some(1.0),
        _ => Some(1.0 - 0.9 * before as f64 / latest as f64),
    }
}

/// What scores of a subsequence are scaled by, so that none is 1.
const NOT_EXACT: f64 = 0.999;

/// The best way to find the term's characters in the text, each as soon as it comes,
/// from any place where the first one stands: the squares of the lengths of runs,
/// less the gaps. 0 if they do not stand there.
fn subsequence(term: &str, text: &str) -> f64 {
    if term == text {
        return 1.0;
    }
    let (term, text): (Vec<char>, Vec<char>) = (term.chars().collect(), text.chars().collect());
    if term.is_empty() || term.len() > text.len() {
        return 0.0;
    }
    let starts = (0..=text.len() - term.len()).filter(|&at| text[at] == term[0]);
    // If the term does not end from one start, it does not from a later one.
    let best = starts
        .map_while(|start| runs(&term, &text, start))
        .fold(-1.0, f64::max);
    if best < 0.0 {
        return 0.0;
    }
    best / (term.len() * term.len()) as f64 * NOT_EXACT
}

/// The score of the way that begins at `start`; `None` if it does not end.
fn runs(term: &[char], text: &[char], start: usize) -> Option<f64> {
    let gap = 1.0 / text.len() as f64;
    let (mut score, mut at, mut found, mut behind) = (0.0, start, 0, 0);
    while found < term.len() {
        at += text[at..].iter().position(|c| *c == term[found])?;
        let run = term[found..]
            .iter()
            .zip(&text[at..])
            .take_while(|(a, b)| a == b)
            .count();
        score += (run * run) as f64 - (at - behind) as f64 * gap;
        at += run;
        found += run;
        behind = at;
    }
    Some(score - (text.len() - behind) as f64 * gap * 0.5)
}

fn jaro_winkler(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() > b.len() { (b, a) } else { (a, b) };
    if short.is_empty() {
        return 0.0;
    }
    let reach = (long.len() / 2).saturating_sub(1);
    let mut taken = vec![false; long.len()];
    let mut matched = Vec::new();
    for (i, c) in short.iter().enumerate() {
        let end = (i + reach + 1).min(long.len());
        let free = (i.saturating_sub(reach)..end).find(|&j| !taken[j] && long[j] == *c);
        if let Some(j) = free {
            taken[j] = true;
            matched.push(*c);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let in_order = long.iter().zip(&taken).filter(|(_, taken)| **taken);
    let transposed = in_order.zip(&matched).filter(|((b, _), a)| b != a).count();
    let count = matched.len() as f64;
    // By reciprocals, as in Prometheus: a bit may decide about a threshold.
    let share = |of: usize| count * (1.0 / of as f64);
    let jaro =
        (share(short.len()) + share(long.len()) + (count - transposed as f64 * 0.5) / count) / 3.0;
    let common = short
        .iter()
        .zip(&long)
        .take(4)
        .take_while(|(a, b)| a == b)
        .count();
    jaro + common as f64 * 0.1 * (1.0 - jaro)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_matches_are_the_best_and_others_are_none() {
        for measure in [Measure::Subsequence, Measure::JaroWinkler] {
            let score = |terms: &[&str], text: &str, case| {
                Terms::new(terms.iter().copied(), measure, 0.0, case).score(text)
            };
            assert_eq!(score(&["up"], "up", true), Some(1.0));
            assert_eq!(score(&["UP"], "up", false), Some(1.0));
            assert_eq!(score(&["UP"], "up", true), None);
            assert_eq!(score(&["zz"], "up", true), None);
            assert_eq!(score(&["zz", "", "up"], "upper", true), Some(1.0));
            assert_eq!(score(&[], "up", true), Some(1.0));
            let inside = score(&["total"], "requests_total", true).unwrap();
            assert!(0.0 < inside && inside < 1.0, "{inside}");
        }
        assert_eq!(subsequence("abc", "ab"), 0.0);
        assert!((jaro_winkler("martha", "marhta") - 0.961_111_111).abs() < 1e-6);
    }
}
