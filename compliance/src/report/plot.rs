//! Two plots of one difference, as SVG: the series as the reference has it, and
//! as the test has it, over the same axes.

use std::fmt::Write as _;

use quarrel_functions::fmt::{format_g, rfc3339_seconds};

use crate::answer::Row;
use crate::compare::Difference;

/// The size of a plot, and the room around its axes, in pixels.
const WIDE: f64 = 460.0;
const HIGH: f64 = 160.0;
const LEFT: f64 = 70.0;
const BELOW: f64 = 22.0;
const EDGE: f64 = 8.0;

/// The plots of a difference, if it has series.
pub(super) fn plots(difference: &Difference) -> Option<String> {
    let rows = difference.rows.as_ref()?;
    let sides = [("reference", &rows.reference), ("test", &rows.test)];
    let points = sides.map(|(_, row)| row.as_ref().map(points).unwrap_or_default());
    let axes = Axes::over(points.iter().flatten())?;
    let mut out = String::new();
    for ((name, _), points) in sides.iter().zip(&points) {
        plot(name, points, &axes, difference.at, &mut out);
    }
    Some(out)
}

/// The samples of a row by time; of histograms the count.
fn points(row: &Row) -> Vec<(i64, f64)> {
    let counts = row
        .histograms
        .iter()
        .map(|(at, histogram)| (*at, histogram.count));
    let mut all: Vec<(i64, f64)> = row.floats.iter().copied().chain(counts).collect();
    all.sort_by_key(|point| point.0);
    all
}

struct Axes {
    first: i64,
    last: i64,
    low: f64,
    high: f64,
    /// The usual time between two samples, ms.
    step: i64,
}

impl Axes {
    fn over<'a>(points: impl Iterator<Item = &'a (i64, f64)>) -> Option<Self> {
        let mut times: Vec<i64> = Vec::new();
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (at, value) in points {
            times.push(*at);
            if value.is_finite() {
                (low, high) = (low.min(*value), high.max(*value));
            }
        }
        times.sort_unstable();
        times.dedup();
        let (first, last) = (*times.first()?, *times.last()?);
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
        Some(Axes {
            first,
            last,
            low,
            high,
            step: steps.min().unwrap_or(0),
        })
    }

    fn x(&self, at: i64) -> f64 {
        let width = WIDE - LEFT - EDGE;
        match self.last == self.first {
            true => LEFT + width / 2.0,
            false => {
                let part = (at - self.first) as f64 / (self.last - self.first) as f64;
                LEFT + part * width
            }
        }
    }

    fn y(&self, value: f64) -> f64 {
        let height = HIGH - BELOW - EDGE;
        // Halves: the difference may be more than a float holds.
        let half = self.high / 2.0 - self.low / 2.0;
        let part = match half > 0.0 {
            true => (value / 2.0 - self.low / 2.0) / half,
            false => 0.5,
        };
        HIGH - BELOW - part * height
    }
}

fn plot(name: &str, points: &[(i64, f64)], axes: &Axes, mark: Option<i64>, out: &mut String) {
    let (right, bottom) = (WIDE - EDGE, HIGH - BELOW);
    let _ = write!(
        out,
        "<figure><figcaption>{name}</figcaption>\
         <svg viewBox=\"0 0 {WIDE} {HIGH}\" role=\"img\" aria-label=\"{name}\">\
         <rect x=\"{LEFT}\" y=\"{EDGE}\" width=\"{:.1}\" height=\"{:.1}\" class=\"frame\"/>",
        right - LEFT,
        bottom - EDGE
    );
    for value in [axes.low, axes.high] {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"value\">{}</text>",
            LEFT - 4.0,
            axes.y(value) + 4.0,
            short(value)
        );
        if axes.low == axes.high {
            break;
        }
    }
    for (at, class) in [(axes.first, "first"), (axes.last, "last")] {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"{class}\">{}</text>",
            if class == "first" { LEFT } else { right },
            HIGH - 6.0,
            rfc3339_seconds(at.div_euclid(1000))
        );
        if axes.first == axes.last {
            break;
        }
    }
    if let Some(at) = mark.filter(|at| (axes.first..=axes.last).contains(at)) {
        let x = axes.x(at);
        let _ = write!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{EDGE}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" class=\"mark\"/>"
        );
    }
    curve(points, axes, out);
    if let Some((at, value)) = points.iter().find(|point| Some(point.0) == mark) {
        let y = if value.is_finite() {
            axes.y(*value)
        } else {
            bottom
        };
        let _ = write!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" class=\"mark\"><title>{}</title></circle>",
            axes.x(*at),
            format_g(*value)
        );
    }
    out.push_str("</svg></figure>");
}

/// Lines between samples that follow each other, and dots where none does.
fn curve(points: &[(i64, f64)], axes: &Axes, out: &mut String) {
    let mut pieces: Vec<Vec<(i64, f64)>> = Vec::new();
    let mut before: Option<i64> = None;
    for (at, value) in points {
        let follows = before.is_some_and(|time| at - time <= axes.step * 3 / 2);
        before = value.is_finite().then_some(*at);
        match (value.is_finite(), follows, pieces.last_mut()) {
            (true, true, Some(piece)) => piece.push((*at, *value)),
            (true, ..) => pieces.push(vec![(*at, *value)]),
            (false, ..) => {}
        }
    }
    for piece in pieces {
        let place = |(at, value): &(i64, f64)| format!("{:.1},{:.1}", axes.x(*at), axes.y(*value));
        if let [(at, value)] = piece[..] {
            let (x, y) = (axes.x(at), axes.y(value));
            let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>");
        } else {
            let places: Vec<String> = piece.iter().map(place).collect();
            let _ = write!(out, "<polyline points=\"{}\"/>", places.join(" "));
        }
    }
}

/// A value for an axis, with at most six digits.
fn short(value: f64) -> String {
    let exact = format_g(value);
    match exact.len() <= 9 {
        true => exact,
        false => format!("{value:.4e}"),
    }
}
