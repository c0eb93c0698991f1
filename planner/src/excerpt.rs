//! A place in a query, shown under its line.

use unicode_width::UnicodeWidthChar;

use crate::ast::Span;

/// Characters that are shown on both sides of a place.
const AROUND: usize = 50;

/// What stands for text that is left out.
const CUT: &str = "...";

impl Span {
    /// Where this span begins in the query: the line from 1, and the column
    /// from 1 in bytes, as Prometheus counts them.
    pub fn position(self, text: &str) -> (usize, usize) {
        let before = &text.as_bytes()[..(self.start as usize).min(text.len())];
        let breaks = before.iter().filter(|&&b| b == b'\n').count();
        let column = before.iter().rev().take_while(|&&b| b != b'\n').count();
        (breaks + 1, column + 1)
    }

    /// The line of the query on which this span begins, with marks under the
    /// place. Long lines are cut around it. Tabs and other control characters
    /// are shown as blanks; marks are as wide as what they stand under.
    ///
    /// # Examples
    /// ```
    /// use quarrel_planner::ast::Span;
    ///
    /// let place = Span { start: 14, end: 17 };
    /// assert_eq!(place.excerpt("sum(\n\trate(x)+foo\n)"), "   rate(x)+foo\n           ^^^");
    /// ```
    pub fn excerpt(self, text: &str) -> String {
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let start = (self.start as usize).min(text.len());
        let at = chars.partition_point(|(i, _)| *i < start);
        let is_break = |(_, c): &(usize, char)| *c == '\n';
        let line_start = chars[..at].iter().rposition(is_break).map_or(0, |i| i + 1);
        let line_end = chars[at..].iter().position(is_break);
        let line_end = line_end.map_or(chars.len(), |i| at + i);
        let end = chars.partition_point(|(i, _)| *i < self.end as usize);
        let end = end.clamp(at, line_end);
        let from = line_start.max(at.saturating_sub(AROUND));
        let to = line_end.min(end + AROUND);
        let mark_end = end.min(at + 2 * AROUND);
        let (before, after) = (
            if from > line_start { CUT } else { "" },
            if to < line_end { CUT } else { "" },
        );
        let shown: String = chars[from..to].iter().map(|c| printable(c.1)).collect();
        let indent = " ".repeat(before.len() + width(&chars[from..at]));
        let marks = "^".repeat(width(&chars[at..mark_end]).max(1));
        format!("  {before}{shown}{after}\n  {indent}{marks}")
    }
}

fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Columns of a terminal.
fn width(chars: &[(usize, char)]) -> usize {
    let of = |&(_, c): &(usize, char)| printable(c).width().unwrap_or(0);
    chars.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, start: u32, end: u32) -> String {
        format!("\n{}", Span { start, end }.excerpt(text))
    }

    #[test]
    fn the_place_is_marked() {
        assert_eq!(shown("rate(up)", 5, 7), "\n  rate(up)\n       ^^");
        assert_eq!(shown("a +\nü +\tb\n", 10, 10), "\n  ü + b\n       ^");
        assert_eq!(shown("up{", 3, 3), "\n  up{\n     ^");
        assert_eq!(shown("", 0, 0), "\n  \n  ^");
        assert_eq!(shown("up", 700, 900), "\n  up\n    ^");
        let long = shown(&"x".repeat(500), 250, 252);
        assert!(long.lines().all(|line| line.len() < 120), "{long}");
        assert!(long.contains("..."));
    }

    #[test]
    fn marks_are_as_wide_as_what_they_stand_under() {
        assert_eq!(
            shown("{\"温度\"} + x", 13, 14),
            "\n  {\"温度\"} + x\n             ^"
        );
        assert_eq!(shown("{\"温度\"}", 2, 8), "\n  {\"温度\"}\n    ^^^^");
        // A combining accent takes no column.
        assert_eq!(
            shown("{\"e\u{301}\"} + x", 10, 11),
            "\n  {\"e\u{301}\"} + x\n          ^"
        );
        // A span over several lines is marked on its first.
        assert_eq!(shown("a(\n b,\n c)", 4, 9), "\n   b,\n   ^^");
    }

    #[test]
    fn positions_count_bytes_from_one() {
        let at = |start| Span { start, end: start }.position("ab\nü+c");
        assert_eq!(
            [at(0), at(2), at(3), at(5), at(99)],
            [(1, 1), (1, 3), (2, 1), (2, 3), (2, 5)]
        );
    }

    #[test]
    fn no_span_panics() {
        let text = "sü🦀(\n\"a\"\t)";
        for start in 0..20 {
            for end in 0..20 {
                Span { start, end }.excerpt(text);
            }
        }
    }
}
