//! Random requests about a snapshot.

use futures::executor::block_on;
use quarrel_engine::storage::{LabelsRequest, Matcher, Snapshot, TimeRange};
use quarrel_matchers::MatchOp;

/// A request to quarrel and to Prometheus.
#[derive(Clone, Debug)]
pub enum Request {
    Series(Vec<Matcher>, TimeRange),
    Names(Vec<Matcher>, TimeRange),
    Values(String, Vec<Matcher>, TimeRange),
}

/// A request in the form of the Go program.
pub fn json(request: &Request) -> String {
    let (kind, name, matchers, range) = match request {
        Request::Series(m, r) => ("series", "", m, r),
        Request::Names(m, r) => ("names", "", m, r),
        Request::Values(n, m, r) => ("values", n.as_str(), m, r),
    };
    let matchers: Vec<[String; 3]> = matchers
        .iter()
        .map(|m| {
            [
                m.op().to_string(),
                m.name().to_owned(),
                m.value().to_owned(),
            ]
        })
        .collect();
    serde_json::json!({
        "kind": kind, "name": name, "mint": range.start, "maxt": range.end, "matchers": matchers,
    })
    .to_string()
}

/// Pseudorandom numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Generates requests about the labels and times of a snapshot.
pub struct Generator {
    random: Random,
    values: Vec<(String, Vec<String>)>,
    range: TimeRange,
}

impl Generator {
    pub fn new(snapshot: &dyn Snapshot, seed: u64) -> Generator {
        let names =
            block_on(snapshot.label_names(LabelsRequest::new(&[], TimeRange::ALL))).unwrap();
        let values = names.into_iter().map(|name| {
            let values =
                block_on(snapshot.label_values(&name, LabelsRequest::new(&[], TimeRange::ALL)))
                    .unwrap();
            (name, values)
        });
        let values = values.collect();
        Generator {
            random: Random(seed),
            values,
            range: snapshot.time_range().unwrap(),
        }
    }

    fn escaped(&mut self, text: &str) -> String {
        text.chars().fold(String::new(), |mut all, c| {
            if !c.is_alphanumeric() && c.is_ascii() && !c.is_ascii_control() {
                all.push('\\');
            }
            all.push(c);
            all
        })
    }

    fn pattern(&mut self, values: &[String]) -> String {
        let value = self.random.pick(values).clone();
        let other = self.random.pick(values).clone();
        let end = value
            .char_indices()
            .map(|(i, _)| i)
            .nth(self.random.below(4))
            .unwrap_or(0);
        let (head, tail) = value.split_at(end);
        let (head, tail, whole) = (self.escaped(head), self.escaped(tail), self.escaped(&value));
        let other = self.escaped(&other);
        match self.random.below(12) {
            0 => format!("{head}.*"),
            1 => format!("{head}.+"),
            2 => format!(".*{tail}"),
            3 => format!("{whole}|{other}"),
            4 => format!("{whole}||{other}"),
            5 => ".*".into(),
            6 => ".+".into(),
            7 => String::new(),
            8 => format!(".*{tail}.*"),
            9 => "(?i)[a-m].*".into(),
            10 => ".?[^5]*[02468]?".into(),
            _ => format!("({head}[a-z0-9]*|nothing.*)"),
        }
    }

    fn matcher(&mut self) -> Matcher {
        let (name, values) = match self.random.below(10) {
            0 => ("absent".to_owned(), vec!["x".to_owned()]),
            _ => self.random.pick(&self.values).clone(),
        };
        let plain = |r: &mut Random| match r.below(6) {
            0 => String::new(),
            1 => "none has this".into(),
            _ => r.pick(&values).clone(),
        };
        let (op, value) = match self.random.below(4) {
            0 => (MatchOp::Equal, plain(&mut self.random)),
            1 => (MatchOp::NotEqual, plain(&mut self.random)),
            2 => (MatchOp::Regex, self.pattern(&values)),
            _ => (MatchOp::NotRegex, self.pattern(&values)),
        };
        Matcher::new(op, &name, &value).unwrap()
    }

    fn range(&mut self) -> TimeRange {
        let length = (self.range.end - self.range.start) as usize;
        if self.random.below(4) == 0 {
            return TimeRange {
                start: self.range.start - 1,
                end: self.range.end + 1,
            };
        }
        let start = self.range.start + self.random.below(length) as i64;
        let share = *self.random.pick(&[1, 2, 10, 100]);
        TimeRange {
            start,
            end: start + self.random.below(length / share) as i64,
        }
    }

    pub fn request(&mut self) -> Request {
        let count = 1 + self.random.below(3);
        let matchers: Vec<Matcher> = (0..count).map(|_| self.matcher()).collect();
        let range = self.range();
        match self.random.below(4) {
            0 => Request::Names(matchers, range),
            1 => Request::Values(self.random.pick(&self.values).0.clone(), matchers, range),
            _ => Request::Series(matchers, range),
        }
    }
}
