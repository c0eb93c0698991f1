//! What the command writes into pages: the lines between two markers.

/// The text with other lines between `<!-- NAME... -->` and `<!-- /NAME -->`.
/// `None` if the markers are not there, each on a line of its own.
pub(crate) fn replace(text: &str, name: &str, new: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}"), format!("<!-- /{name} -->"));
    let is_begin = |line: &str| {
        let rest = line.strip_prefix(begin.as_str());
        rest.is_some_and(|rest| rest.starts_with([' ', ':']) && rest.trim_end().ends_with("-->"))
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let from = lines.iter().position(|line| is_begin(line))?;
    let to = lines.iter().position(|line| line.trim_end() == end)?;
    let (before, after) = (lines.get(..=from)?, lines.get(to..)?);
    if to < from {
        return None;
    }
    Some(format!(
        "{}{}\n{}",
        before.concat(),
        new.trim_end(),
        after.concat()
    ))
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn replaces_what_is_between() {
        let text = "a\n<!-- t: here -->\nold\nold\n<!-- /t -->\nb\n";
        let expected = "a\n<!-- t: here -->\nnew\n<!-- /t -->\nb\n";
        assert_eq!(replace(text, "t", "new\n\n").as_deref(), Some(expected));
        // Once more, and nothing changes.
        assert_eq!(replace(expected, "t", "new").as_deref(), Some(expected));
    }

    #[test]
    fn wants_both_markers_in_order() {
        for text in [
            "",
            "<!-- t -->\n",
            "<!-- /t -->\n<!-- t -->\n",
            "<!-- tt -->\n<!-- /t -->\n",
        ] {
            assert_eq!(replace(text, "t", "new"), None, "{text}");
        }
    }
}
