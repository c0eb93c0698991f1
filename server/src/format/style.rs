//! The terminal's size and colors.

use std::io::IsTerminal as _;

/// Columns if the output is not a terminal.
const DEFAULT_WIDTH: usize = 120;
/// Lines if the output is not a terminal.
const DEFAULT_HEIGHT: usize = 30;

/// The size and the colors of the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) color: bool,
}

impl Style {
    /// The style of the standard output. Without a choice, there are colors if
    /// it is a terminal and `NO_COLOR` is not set.
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
