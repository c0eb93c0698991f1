//! Dots in braille characters.

/// Dots, two across and four down a character, and the series that was drawn
/// last in each.
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    dots: Vec<u8>,
    series: Vec<usize>,
}

/// The bits of a braille character, by row and column of the dot.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// The braille character without any dot.
const BRAILLE: u32 = 0x2800;

impl Canvas {
    /// Size in characters.
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        let cells = columns * rows;
        Canvas {
            columns,
            rows,
            dots: vec![0; cells],
            series: vec![0; cells],
        }
    }

    fn dot(&mut self, x: i64, y: i64, series: usize) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= self.columns * 2 || y >= self.rows * 4 {
            return;
        }
        let cell = y / 4 * self.columns + x / 2;
        self.dots[cell] |= BITS[y % 4][x % 2];
        self.series[cell] = series;
    }

    /// A straight line, both ends included (Bresenham).
    pub(super) fn line(&mut self, from: (i64, i64), to: (i64, i64), series: usize) {
        let (dx, dy) = ((to.0 - from.0).abs(), -(to.1 - from.1).abs());
        let (step_x, step_y) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
        let ((mut x, mut y), mut error) = (from, dx + dy);
        loop {
            self.dot(x, y, series);
            if (x, y) == to {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += step_x;
            }
            if twice <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    /// A line of characters; with colors by series if there are any.
    pub(super) fn row(&self, row: usize, colors: Option<&[&str]>) -> String {
        let cells = row * self.columns..(row + 1) * self.columns;
        let mut out = String::new();
        let mut current = None;
        for (&dots, &series) in self.dots[cells.clone()].iter().zip(&self.series[cells]) {
            let color = colors
                .filter(|_| dots != 0)
                .map(|colors| colors[series % colors.len()]);
            if color.is_some() && color != current {
                out.push_str(&format!("\x1b[{}m", color.unwrap_or("0")));
                current = color;
            }
            let shown = char::from_u32(BRAILLE + u32::from(dots)).filter(|_| dots != 0);
            out.push(shown.unwrap_or(' '));
        }
        if current.is_some() {
            out.push_str("\x1b[0m");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_in_all_directions() {
        for to in [(9, 3), (0, 3), (9, 0), (4, 7), (0, 0)] {
            let mut canvas = Canvas::new(5, 2);
            canvas.line((4, 3), to, 0);
            let dots: u32 = canvas.dots.iter().map(|dots| dots.count_ones()).sum();
            let want = (to.0 - 4i64).abs().max((to.1 - 3i64).abs()) + 1;
            assert_eq!(i64::from(dots), want);
        }
        let mut canvas = Canvas::new(2, 1);
        canvas.line((-3, -3), (20, 20), 0);
        assert_eq!(canvas.row(0, None), "⠑⢄");
    }

    #[test]
    fn colors_change_with_the_series() {
        let mut canvas = Canvas::new(3, 1);
        canvas.line((0, 0), (0, 0), 0);
        canvas.line((5, 0), (5, 0), 3);
        let shown = canvas.row(0, Some(&["1", "2"]));
        assert_eq!(shown, "\x1b[1m⠁ \x1b[2m⠈\x1b[0m");
        assert_eq!(canvas.row(0, None), "⠁ ⠈");
    }
}
