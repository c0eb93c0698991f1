//! Answers as text on a terminal, or for other programs.

mod arrow;
mod csv;
mod plot;
mod series;
mod table;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

pub(crate) use arrow::write as arrow;
pub(crate) use csv::write as csv;
pub(crate) use plot::write as plot;
pub(crate) use table::write as table;

/// Columns where the output is no terminal.
const DEFAULT_WIDTH: usize = 120;
/// Lines where the output is no terminal.
const DEFAULT_HEIGHT: usize = 30;

/// What the output can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) color: bool,
}

impl Style {
    /// That of the standard output; colors by choice, or where there is a
    /// terminal and `NO_COLOR` is not set.
    pub(crate) fn of_terminal(color: Option<bool>) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let size = terminal_size::terminal_size().filter(|_| terminal);
        let (width, height) = size.map_or((DEFAULT_WIDTH, DEFAULT_HEIGHT), |(width, height)| {
            (usize::from(width.0).max(40), usize::from(height.0).max(12))
        });
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style {
            width,
            height,
            color: color.unwrap_or(terminal && !plain),
        }
    }
}

/// A number for eyes: whole ones in full, others with six digits.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return quarrel_functions::fmt::format_f(value);
    }
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        // Adding zero makes a negative zero positive.
        return format!("{:.0}", value + 0.0);
    }
    if !(1e-4..1e15).contains(&size) {
        let text = format!("{value:.5e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trim(digits));
    }
    let decimals = (5 - size.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    trim(&text).to_string()
}

/// Without zeros at the end of a fraction.
fn trim(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

#[cfg(test)]
mod number_tests {
    use super::*;

    #[test]
    fn numbers_are_for_eyes() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "0"),
            (42.0, "42"),
            (123456789012.0, "123456789012"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (-12345.678901, "-12345.7"),
            (1234567.89, "1234568"),
            (0.00012345678, "0.000123457"),
            (0.000012345678, "1.23457e-5"),
            (1e15, "1e15"),
            (1.5e300, "1.5e300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(number(value), want);
        }
    }
}
