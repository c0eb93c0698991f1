//! Counters of downsampled chunks, joined with each other and with raw samples.
//!
//! A chunk has the first sample as it was, the counter at the end of each window
//! with the resets before it in the chunk applied, and at last the true last
//! sample, at the time of the last window: Thanos,
//! `pkg/compact/downsample/downsample.go`. So at a chunk's border it is known
//! whether the counter was reset there: raw values are compared. If it was not,
//! what follows goes on from the growth so far; if it was, it begins anew, as
//! raw samples do, which functions of counters see as the reset that it is. So
//! raw samples alone stay as they are. How far values stand above the counter is
//! known of each, since `rate` extrapolates no counter below its zero, and must not
//! depend on the chunk that a query happens to begin with.
//!
//! Where raw samples take the place of some windows, the raw value of the window
//! before is known only if the chunk has no reset. Else the growth between the
//! two is not known, and taken for none.

/// The relative difference up to which a counter with its resets applied is taken
/// for the raw one: the sum of growths is rounded at each of some 30,000 samples.
const ROUNDING: f64 = 1e-9;

/// A counter's value at the end of a window, or at a chunk's first sample.
#[derive(Clone, Copy, Debug)]
struct Point {
    time: i64,
    /// With the resets before it in its chunk applied.
    value: f64,
    /// As it was, if that is known; NaN else.
    raw: f64,
    /// Whether the point before it is the one before it in its chunk.
    follows: bool,
}

/// The points of one series, in order of time.
#[derive(Debug, Default)]
pub(super) struct Counters {
    points: Vec<Point>,
    timestamps: Vec<i64>,
    values: Vec<f64>,
    starts: Vec<i64>,
}

/// The columns of raw samples that points are joined with.
pub(super) struct Joined<'a> {
    pub(super) timestamps: &'a mut Vec<i64>,
    pub(super) values: &'a mut Vec<f64>,
    pub(super) start_timestamps: Option<&'a mut Vec<i64>>,
    /// How far each value stands above the counter; empty if none does.
    pub(super) raised_by: &'a mut Vec<f64>,
}

/// The last sample so far.
struct Last {
    /// As it is in the joined counter.
    value: f64,
    /// As it was; NaN if that is not known.
    raw: f64,
}

impl Counters {
    /// Bytes that the points hold.
    pub(super) fn bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
            + (self.timestamps.capacity() + self.values.capacity() + self.starts.capacity()) * 8
    }

    /// Appends the points of a chunk, of which `keeps` says by number whether
    /// they stay.
    pub(super) fn push(&mut self, times: &[i64], values: &[f64], keeps: impl Fn(usize) -> bool) {
        let from = self.points.len();
        // The last two of a time are a window and the true last sample.
        let is_true_last = |i: usize| i > 0 && times[i] == times[i - 1];
        let (mut last, mut true_last) = (f64::NAN, f64::NAN);
        let mut follows = false;
        for (i, (&time, &value)) in times.iter().zip(values).enumerate() {
            if value.is_nan() {
                continue;
            }
            if is_true_last(i) {
                true_last = value;
                if let Some(point) = self.points[from..].last_mut().filter(|p| p.time == time) {
                    point.raw = value;
                }
                continue;
            }
            (last, true_last) = (value, f64::NAN);
            let stays = keeps(i);
            if stays {
                let raw = if i == 0 { value } else { f64::NAN };
                self.points.push(Point {
                    time,
                    value,
                    raw,
                    follows,
                });
            }
            follows = stays;
        }
        // Without a reset all values are those of the counter.
        if (last - true_last).abs() <= ROUNDING * last.abs() {
            let unknown = (self.points[from..].iter_mut()).filter(|p| p.raw.is_nan());
            unknown.for_each(|point| point.raw = point.value);
        }
    }

    /// Joins the points with raw samples, and takes them out. They have no start
    /// timestamps.
    pub(super) fn join(&mut self, samples: Joined<'_>) {
        let Joined {
            timestamps,
            values,
            start_timestamps,
            raised_by,
        } = samples;
        self.timestamps.clear();
        self.values.clear();
        self.starts.clear();
        raised_by.clear();
        let known = start_timestamps.as_deref().map_or(&[][..], Vec::as_slice);
        let mut starts = known.iter().copied();
        let mut last: Option<Last> = None;
        // What raw values, and those of the chunk at hand, are less than joined ones.
        let (mut raw_offset, mut chunk_offset) = (0.0, 0.0);
        let mut chunk_goes_on = false;
        let mut raw = timestamps.iter().zip(values.iter()).peekable();
        let mut points = self.points.drain(..).peekable();
        loop {
            let next_point = points.peek().map_or(i64::MAX, |point| point.time);
            if let Some((&time, &value)) = raw.next_if(|(time, _)| **time <= next_point) {
                self.starts.push(starts.next().unwrap_or(0));
                self.timestamps.push(time);
                // Stale markers, and what is no number, are of no counter.
                if value.is_nan() {
                    self.values.push(value);
                    raised_by.push(0.0);
                    continue;
                }
                raw_offset = match &last {
                    None => 0.0,
                    Some(last) if last.raw.is_nan() => last.value - value,
                    Some(last) if value < last.raw => 0.0,
                    Some(last) if chunk_goes_on => last.value - last.raw,
                    Some(_) => raw_offset,
                };
                chunk_goes_on = false;
                let joined = value + raw_offset;
                self.values.push(joined);
                raised_by.push(raw_offset);
                last = Some(Last {
                    value: joined,
                    raw: value,
                });
                continue;
            }
            let Some(point) = points.next() else { break };
            if !(point.follows && chunk_goes_on) {
                let joined = match &last {
                    None => point.value,
                    Some(last) if point.raw.is_nan() || last.raw.is_nan() => last.value,
                    Some(last) if point.raw < last.raw => point.raw,
                    Some(last) => point.raw + (last.value - last.raw),
                };
                chunk_offset = joined - point.value;
            }
            chunk_goes_on = true;
            self.starts.push(0);
            let joined = point.value + chunk_offset;
            self.timestamps.push(point.time);
            self.values.push(joined);
            raised_by.push(chunk_offset);
            last = Some(Last {
                value: joined,
                raw: point.raw,
            });
        }
        drop(raw);
        drop(points);
        if raised_by.iter().all(|by| *by == 0.0) {
            raised_by.clear();
        }
        std::mem::swap(&mut self.timestamps, timestamps);
        std::mem::swap(&mut self.values, values);
        if let Some(start_timestamps) = start_timestamps {
            std::mem::swap(&mut self.starts, start_timestamps);
        }
    }
}
