//! The picture: a bar for the geometric mean of each class.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const BAR: f64 = 24.0;
const GAP: f64 = 12.0;
const TOP: f64 = 48.0;
/// Where bars begin, and how far they reach.
const LEFT: f64 = 120.0;
const LONGEST: f64 = 520.0;

/// Bars of classes: how many times as fast as the better peer. The line at 1 is
/// the better peer.
pub fn bars(title: &str, means: &[(&str, f64)]) -> String {
    let highest = means
        .iter()
        .fold(1.0_f64, |high, (_, mean)| high.max(*mean));
    let scale = LONGEST / highest;
    let height = TOP + means.len() as f64 * (BAR + GAP) + GAP;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"14\">\n<title>{0}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{GAP}\" y=\"28\" font-size=\"16\" fill=\"#222222\">{0}</text>\n",
        escaped(title)
    );
    for (nth, (name, mean)) in means.iter().enumerate() {
        let y = TOP + nth as f64 * (BAR + GAP);
        let (length, text) = ((mean * scale).max(1.0), y + BAR * 0.7);
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{text:.1}\" text-anchor=\"end\" fill=\"#222222\">{}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"#2f6f9f\"/>\n\
             <text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#222222\">{}</text>",
            LEFT - 8.0,
            escaped(name),
            LEFT + length + 8.0,
            super::times(*mean),
        );
    }
    let one = LEFT + scale;
    let _ = writeln!(
        out,
        "<line x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"{:.0}\" y2=\"{:.0}\" stroke=\"#b03030\" stroke-dasharray=\"4 3\"/>\n</svg>",
        TOP - 6.0,
        height - GAP / 2.0,
    );
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn a_bar_a_class() {
        let svg = bars("a & b", &[("one", 4.0), ("two", 2.0)]);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &amp; b"));
        assert!(svg.contains("width=\"520.0\"") && svg.contains("width=\"260.0\""));
        assert_eq!(svg.matches("<rect ").count(), 3);
    }

    #[test]
    fn no_bars_are_a_picture_too() {
        assert!(bars("", &[]).contains("</svg>"));
    }
}
