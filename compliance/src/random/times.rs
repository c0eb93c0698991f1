//! When a query is evaluated.

use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::generator::Generator;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// What a server looks back for a sample by default.
const LOOKBACK: i64 = 5 * MINUTE;

/// Steps: multiples of the distance of two samples and odd ones.
const STEPS: &[i64] = &[
    15_000,
    15_000,
    30_000,
    30_000,
    MINUTE,
    MINUTE,
    7_000,
    1_000,
    17_321,
    2 * MINUTE,
    LOOKBACK,
    LOOKBACK,
    10 * MINUTE,
    HOUR,
    500,
    301_000,
    2 * HOUR,
    1,
    999,
    61_001,
];

impl Generator {
    /// The times of the next query: mostly inside the data, also at its borders
    /// and a bit outside.
    pub(super) fn pick_times(&mut self) -> QueryTimes {
        let at = self.pick_time();
        if self.dice.chance(50) {
            return QueryTimes::Instant(Timestamp::from_millis(at));
        }
        let step = self.pick_step();
        let steps = match self.dice.below(100) {
            0..4 => 0,
            4..12 => self.dice.millis(300),
            _ => self.dice.millis(40),
        };
        let rest = if self.dice.chance(30) {
            self.dice.millis(step)
        } else {
            0
        };
        let mut start = at;
        let mut end = at.saturating_add(steps * step).saturating_add(rest);
        let over = end.saturating_sub(self.schema.last_millis());
        // Most of the grid lies over data.
        if over > 15 * MINUTE || (over > 0 && self.options.past) {
            start = start.saturating_sub(over);
            end = end.saturating_sub(over);
        }
        match QueryRange::from_millis(start..=end, step) {
            Ok(range) => QueryTimes::Range(range),
            Err(_) => QueryTimes::Instant(Timestamp::from_millis(at)),
        }
    }

    fn pick_time(&mut self) -> i64 {
        let (first, last) = (self.schema.first_millis(), self.schema.last_millis());
        let length = last.saturating_sub(first);
        let inside = first.saturating_add(self.dice.millis(length));
        let at = match self.dice.below(100) {
            0..45 => inside - inside.rem_euclid(self.schema.interval_millis()),
            45..65 => inside - inside.rem_euclid(MINUTE),
            65..91 => inside,
            91 => first,
            92 => last,
            93 => first.saturating_sub(1),
            94 => first.saturating_sub(self.dice.millis(10 * MINUTE)),
            _ if self.options.past => inside,
            95 => last.saturating_add(1),
            96 => last.saturating_add(LOOKBACK),
            _ => last.saturating_add(self.dice.millis(10 * MINUTE)),
        };
        // Rounding went beyond data that is shorter than what it was rounded to.
        if at < first && at > first.saturating_sub(MINUTE) && length < 10 * MINUTE {
            return last.saturating_sub(self.dice.millis(length / 2 + 1));
        }
        at
    }

    fn pick_step(&mut self) -> i64 {
        let step = self.dice.any(STEPS);
        if step % 15_000 == 0 {
            self.scaled(step)
        } else {
            step
        }
    }

    /// A length for data of 15 s, for that of the schema.
    pub(super) fn scaled(&self, millis: i64) -> i64 {
        let scaled = millis.saturating_mul(self.schema.interval_millis()) / 15_000;
        scaled.clamp(1, millis.max(24 * HOUR))
    }

    /// The length of a window in milliseconds.
    pub(super) fn window(&mut self) -> i64 {
        #[rustfmt::skip]
        const LENGTHS: &[(u32, i64)] = &[
            (1, 1), (2, 15_000), (2, 30_000), (2, 45_000), (5, MINUTE), (2, 61_000), (2, 90_000),
            (4, 2 * MINUTE), (2, 299_999), (14, LOOKBACK), (6, 10 * MINUTE), (3, 15 * MINUTE),
            (3, 30 * MINUTE), (3, HOUR), (1, 2 * HOUR),
        ];
        let length = self.dice.weighted(LENGTHS);
        if length % 15_000 == 0 {
            self.scaled(length)
        } else {
            length
        }
    }

    /// A time for `@`, in milliseconds.
    pub(super) fn moment(&mut self) -> i64 {
        let (first, last) = (self.schema.first_millis(), self.schema.last_millis());
        let at = first.saturating_add(self.dice.millis(last.saturating_sub(first)));
        if self.dice.chance(70) {
            return at - at.rem_euclid(self.schema.interval_millis());
        }
        at
    }
}
