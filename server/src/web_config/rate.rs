//! Limits the rate of requests by a token bucket.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::WebConfigError;
use super::file::{Interval, RateLimit};
use crate::duration::parse_go_duration;

/// A rate: a request each `interval`, and up to `burst` of them at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    interval: Duration,
    burst: f64,
}

impl Rate {
    /// The rate of the settings; without an interval there is no limit.
    ///
    /// # Errors
    /// If a setting makes no sense.
    pub(super) fn new(settings: &RateLimit) -> Result<Option<Self>, WebConfigError> {
        let wrong = |name, why: String| Err(WebConfigError::setting(name, why));
        let interval = match &settings.interval {
            None => return Ok(None),
            Some(Interval::Nanos(nanos)) => u64::try_from(*nanos).ok().map(Duration::from_nanos),
            Some(Interval::Text(text)) => parse_go_duration(text),
        };
        let Some(interval) = interval else {
            return wrong("interval", "not a valid duration".to_string());
        };
        if interval.is_zero() {
            return Ok(None);
        }
        match settings.burst.unwrap_or(0) {
            burst @ 1.. => Ok(Some(Rate {
                interval,
                burst: burst as f64,
            })),
            burst => wrong(
                "burst",
                format!("{burst} lets no request through, it must be at least 1"),
            ),
        }
    }
}

/// The tokens of a rate, full at first.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<Option<Bucket>>);

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    last: Instant,
}

impl Limiter {
    /// Whether a request may pass at the time `now`. A changed rate begins anew.
    pub(super) fn allow(&self, rate: Rate, now: Instant) -> bool {
        let mut bucket = self.0.lock();
        let full = || Bucket {
            rate,
            tokens: rate.burst,
            last: now,
        };
        let bucket = bucket.get_or_insert_with(full);
        if bucket.rate != rate {
            *bucket = full();
        }
        let passed = now.saturating_duration_since(bucket.last).as_secs_f64();
        let gained = passed / rate.interval.as_secs_f64();
        bucket.tokens = (bucket.tokens + gained).min(rate.burst);
        bucket.last = now;
        let passes = bucket.tokens >= 1.0;
        bucket.tokens -= f64::from(u8::from(passes));
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(interval: Interval, burst: Option<i64>) -> Result<Option<Rate>, WebConfigError> {
        Rate::new(&RateLimit {
            burst,
            interval: Some(interval),
        })
    }

    #[test]
    fn durations_are_those_of_go() {
        for (text, want) in [
            ("0", Some(0)),
            ("1s", Some(1_000)),
            ("1m30.5s", Some(90_500)),
            ("+1h2ms", Some(3_600_002)),
            (".5s", Some(500)),
            ("1", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1d", None),
            ("1..5s", None),
        ] {
            let want = want.map(Duration::from_millis);
            assert_eq!(parse_go_duration(text), want, "{text}");
        }
        assert_eq!(
            parse_go_duration("3µs1ns"),
            Some(Duration::from_nanos(3001))
        );
    }

    #[test]
    fn settings_are_checked() {
        assert_eq!(rate(Interval::Nanos(0), None).unwrap(), None);
        let error = rate(Interval::Text("1s".into()), None).unwrap_err();
        assert!(error.to_string().contains("burst"));
        let error = rate(Interval::Text("1x".into()), Some(1)).unwrap_err();
        assert!(error.to_string().contains("interval"));
        assert!(rate(Interval::Nanos(-1), Some(1)).is_err());
        assert!(rate(Interval::Nanos(5), Some(1)).unwrap().is_some());
    }

    #[test]
    fn the_bucket_empties_and_fills() {
        let second = |burst| rate(Interval::Text("1s".into()), Some(burst));
        let (limiter, begin) = (Limiter::default(), Instant::now());
        let two = second(2).unwrap().unwrap();
        let at = |seconds: f64| begin + Duration::from_secs_f64(seconds);
        let times = [0.0, 0.0, 0.0, 0.9, 1.1, 1.2, 60.0, 60.0, 60.0];
        let passed = times.map(|seconds| limiter.allow(two, at(seconds)));
        let want = [true, true, false, false, true, false, true, true, false];
        assert_eq!(passed, want);
        let other = second(1).unwrap().unwrap();
        assert!(limiter.allow(other, at(60.0)));
        assert!(!limiter.allow(other, at(60.0)));
    }
}
