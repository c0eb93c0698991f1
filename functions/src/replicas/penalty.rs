//! Thanos's algorithm: which samples of which replica count.
//!
//! Two replicas are read side by side. Of their next samples the earlier one counts;
//! the other replica then leaves out what lies within twice the interval between
//! the last two samples that counted. More replicas are folded: the first two, then
//! their outcome and the next one. As in Thanos, what counts depends on where the
//! samples begin.
//!
//! Source of the algorithm: Thanos 0.42, `pkg/dedup/iter.go`.

/// What a replica leaves out behind the first sample of all, ms.
const INITIAL_PENALTY_MS: i64 = 5_000;

/// The floats of replicas, for counters.
pub trait FloatValues {
    /// The value of a sample of a replica, by their numbers; `None` for a histogram.
    fn float(&self, replica: usize, index: usize) -> Option<f64>;
}

/// A sample that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PenaltySample {
    /// The replica, by its number.
    pub replica: usize,
    /// The sample, by its number in the replica.
    pub index: usize,
    /// What is added to a float. Not 0 for counters alone: where another replica's
    /// sample, which counted last, was higher.
    pub added: f64,
}

/// Finds the samples that count, in order of time. `times` are those of the replicas'
/// samples, stale markers included, ms, ascending; `counter` has their values if
/// they are a counter's.
pub fn penalty(times: &[&[i64]], counter: Option<&dyn FloatValues>) -> Vec<PenaltySample> {
    let mut leaves = times.iter().enumerate().map(|(replica, &times)| {
        Reader::Leaf(Leaf {
            times,
            replica,
            at: None,
            added: 0.0,
        })
    });
    let mut out = Vec::new();
    let Some(first) = leaves.next() else {
        return out;
    };
    let mut reader = leaves.fold(first, |folded, leaf| {
        Reader::Pair(Box::new(Pair::new([folded, leaf], counter)))
    });
    while reader.next(counter) {
        out.push(reader.sample());
    }
    out
}

/// Something that is read sample by sample. Before the first call of
/// [`Reader::next`], its sample means nothing.
enum Reader<'a> {
    Leaf(Leaf<'a>),
    Pair(Box<Pair<'a>>),
}

/// One replica.
struct Leaf<'a> {
    times: &'a [i64],
    replica: usize,
    /// The sample that was read last.
    at: Option<usize>,
    added: f64,
}

/// Two readers side by side.
struct Pair<'a> {
    readers: [Reader<'a>; 2],
    /// Whether they have a sample.
    has: [bool; 2],
    penalties: [i64; 2],
    /// Which one gave the last sample.
    last: usize,
    last_time: Option<i64>,
}

impl Reader<'_> {
    /// Moves on to the next sample; tells whether there is one.
    fn next(&mut self, counter: Option<&dyn FloatValues>) -> bool {
        match self {
            Reader::Leaf(leaf) => {
                let next = leaf.at.map_or(0, |at| at + 1);
                leaf.move_to(next)
            }
            Reader::Pair(pair) => pair.next(counter),
        }
    }

    /// Moves on to the first sample at `time` or later, unless it is there already.
    fn seek(&mut self, time: i64, counter: Option<&dyn FloatValues>) -> bool {
        match self {
            Reader::Leaf(leaf) => {
                let from = leaf.at.unwrap_or(0);
                let later = leaf.times[from..].partition_point(|&t| t < time);
                leaf.move_to(from + later)
            }
            Reader::Pair(pair) => {
                while pair.readers[pair.last].sample_time() < time {
                    if !pair.next(counter) {
                        return false;
                    }
                }
                true
            }
        }
    }

    fn sample(&self) -> PenaltySample {
        match self {
            Reader::Leaf(leaf) => PenaltySample {
                replica: leaf.replica,
                index: leaf.at.unwrap_or(0),
                added: leaf.added,
            },
            Reader::Pair(pair) => pair.readers[pair.last].sample(),
        }
    }

    fn sample_time(&self) -> i64 {
        match self {
            Reader::Leaf(leaf) => leaf.times[leaf.at.unwrap_or(0)],
            Reader::Pair(pair) => pair.readers[pair.last].sample_time(),
        }
    }

    /// The value of its sample if that is a float.
    fn value(&self, counter: &dyn FloatValues) -> Option<f64> {
        let PenaltySample {
            replica,
            index,
            added,
        } = self.sample();
        Some(counter.float(replica, index)? + added)
    }

    /// Lifts its sample, and all that follow, so that it has at least a value.
    fn lift(&mut self, to: f64, counter: &dyn FloatValues) {
        let Some(own) = self.value(counter) else {
            return;
        };
        match self {
            Reader::Leaf(leaf) if to > own => leaf.added += to - own,
            Reader::Leaf(_) => {}
            Reader::Pair(pair) => pair.lift(to, counter),
        }
    }
}

impl Leaf<'_> {
    /// Moves to a sample; if there is none, the last one stays its sample.
    fn move_to(&mut self, at: usize) -> bool {
        let there = at < self.times.len();
        if there {
            self.at = Some(at);
        }
        there
    }
}

impl<'a> Pair<'a> {
    fn new(mut readers: [Reader<'a>; 2], counter: Option<&dyn FloatValues>) -> Self {
        Pair {
            has: [readers[0].next(counter), readers[1].next(counter)],
            readers,
            penalties: [0; 2],
            last: 0,
            last_time: None,
        }
    }

    fn next(&mut self, counter: Option<&dyn FloatValues>) -> bool {
        let (before, last) = (self.value(counter), self.last);
        let there = self.advance(counter);
        if let (Some(before), Some(counter)) = (before, counter)
            && self.last != last
        {
            self.lift(before, counter);
        }
        there
    }

    fn advance(&mut self, counter: Option<&dyn FloatValues>) -> bool {
        let after = |last: i64| last.saturating_add(1);
        let from = self.last_time.map_or(i64::MIN, after);
        for side in 0..2 {
            let from = from.saturating_add(self.penalties[side]);
            self.has[side] = self.has[side] && self.readers[side].seek(from, counter);
        }
        let [a, b] = [0, 1].map(|side| self.readers[side].sample_time_if(self.has[side]));
        let (side, time) = match (a, b) {
            (None, None) => {
                self.last = 1;
                return false;
            }
            (Some(a), None) => (0, a),
            (None, Some(b)) => (1, b),
            (Some(a), Some(b)) => {
                let (side, time) = if a <= b { (0, a) } else { (1, b) };
                let penalty = match self.last_time {
                    Some(last) => time.saturating_sub(last).saturating_mul(2),
                    None => INITIAL_PENALTY_MS,
                };
                self.penalties[1 - side] = penalty;
                (side, time)
            }
        };
        self.penalties[side] = 0;
        (self.last, self.last_time) = (side, Some(time));
        true
    }

    /// The value of its sample if that is a float.
    fn value(&self, counter: Option<&dyn FloatValues>) -> Option<f64> {
        let counter = counter.filter(|_| self.has[self.last])?;
        self.readers[self.last].value(counter)
    }

    fn lift(&mut self, to: f64, counter: &dyn FloatValues) {
        for (reader, has) in self.readers.iter_mut().zip(self.has) {
            if has {
                reader.lift(to, counter);
            }
        }
    }
}

impl Reader<'_> {
    fn sample_time_if(&self, has: bool) -> Option<i64> {
        has.then(|| self.sample_time())
    }
}
