//! The progress of a long query on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use quarrel_engine::Progress;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Quicker queries show no progress.
const DELAY: Duration = Duration::from_secs(1);
/// The time between two updates of the line.
const PERIOD: Duration = Duration::from_millis(100);
/// Characters of the bar.
const BAR: usize = 24;

/// A line on stderr that shows the progress of a query.
pub(crate) struct Shown {
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Shown {
    /// Starts showing a query's progress if stderr is a terminal.
    pub(crate) fn start(progress: Progress) -> Self {
        if !std::io::stderr().is_terminal() {
            return Shown { running: None };
        }
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(draw(progress, stopped));
        Shown {
            running: Some((stop, task)),
        }
    }

    /// Removes the line.
    pub(crate) async fn stop(self) {
        if let Some((stop, task)) = self.running {
            let _ = stop.send(());
            let _ = task.await;
        }
    }
}

async fn draw(progress: Progress, mut stopped: oneshot::Receiver<()>) {
    let start = Instant::now();
    let mut wait = DELAY;
    let mut drawn = false;
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            () = tokio::time::sleep(wait) => {}
        }
        let line = line(
            progress.fraction(),
            progress.decoded_samples(),
            start.elapsed(),
        );
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "\r\x1b[K{line}").and_then(|()| out.flush());
        (wait, drawn) = (PERIOD, true);
    }
    if drawn {
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
    }
}

fn line(fraction: f64, samples: u64, elapsed: Duration) -> String {
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let full = (fraction * BAR as f64) as usize;
    let bar: String = (0..BAR).map(|i| if i < full { '█' } else { '░' }).collect();
    let samples = match samples {
        0..1_000 => format!("{samples}"),
        1_000..1_000_000 => format!("{:.1}k", samples as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}M", samples as f64 / 1e6),
        _ => format!("{:.2}G", samples as f64 / 1e9),
    };
    let percent = fraction * 100.0;
    format!(
        "{bar} {percent:3.0} %  {samples} samples  {:.1} s",
        elapsed.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_the_progress() {
        let shown = line(0.5, 12_345_678, Duration::from_millis(3100));
        assert_eq!(
            shown,
            "████████████░░░░░░░░░░░░  50 %  12.3M samples  3.1 s"
        );
        let shown = line(f64::NAN, 7, Duration::ZERO);
        assert_eq!(shown, "░░░░░░░░░░░░░░░░░░░░░░░░   0 %  7 samples  0.0 s");
        assert!(line(7.0, 2_000_000_000, Duration::ZERO).contains("100 %  2.00G"));
    }
}
