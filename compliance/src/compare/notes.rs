//! Comparing warnings and infos.

use super::difference::{Difference, Kind};

/// How many texts of a kind Prometheus shows; of more it shows some, in no
/// order, and how many it left out.
const SHOWN: usize = 10;

/// Compares the texts of one kind, in any order.
pub(super) fn compare_notes(kind: Kind, a: &[String], b: &[String]) -> Option<Difference> {
    if same(a, b) {
        return None;
    }
    let text = format!("reference {a:?}; test {b:?}");
    Some(Difference::one(kind, text))
}

fn same(a: &[String], b: &[String]) -> bool {
    let cut = |texts: &[String]| texts.len() > SHOWN && texts[SHOWN].contains("omitted");
    if cut(a) && cut(b) {
        // Which ones are shown is left to chance; their number is not.
        return a[SHOWN] == b[SHOWN];
    }
    let sorted = |texts: &[String]| {
        let mut texts: Vec<String> = texts.iter().map(|text| without_count(text)).collect();
        texts.sort_unstable();
        texts
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// A text without its number of samples that were forced to be monotonic:
/// Prometheus merges this info with itself at each step of a range, so that the
/// number doubles from step to step and overflows.
fn without_count(text: &str) -> String {
    const BEFORE: &str = ", over ";
    const AFTER: &str = " samples from ";
    if let Some(start) = text.find(BEFORE) {
        let rest = &text[start + BEFORE.len()..];
        let digits = rest
            .trim_start_matches('-')
            .trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() < rest.len() && digits.starts_with(AFTER) {
            return format!("{}{BEFORE}some{digits}", &text[..start]);
        }
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| text.to_string()).collect()
    }

    #[test]
    fn texts_are_compared_in_any_order() {
        assert!(same(&texts(&["a", "b"]), &texts(&["b", "a"])));
        assert!(!same(&texts(&["a", "a"]), &texts(&["a", "b"])));
        assert!(!same(&texts(&["a"]), &[]));
        let found = compare_notes(Kind::Infos, &texts(&["a"]), &[]).unwrap();
        assert_eq!(found.to_string(), r#"infos: reference ["a"]; test []"#);
    }

    #[test]
    fn what_is_left_to_chance_is_not_compared() {
        let many = |from: usize, end: &str| {
            let mut texts: Vec<String> = (from..from + 10).map(|i| i.to_string()).collect();
            texts.push(end.to_string());
            texts
        };
        let end = "5 more warning annotations omitted";
        assert!(same(&many(0, end), &many(3, end)));
        assert!(!same(
            &many(0, end),
            &many(3, "6 more warning annotations omitted")
        ));
        let a = "forced, over 12 samples from 1 to 2";
        assert!(same(
            &texts(&[a]),
            &texts(&["forced, over -7 samples from 1 to 2"])
        ));
        assert!(!same(
            &texts(&[a]),
            &texts(&["forced, over -7 samples from 1 to 3"])
        ));
    }
}
