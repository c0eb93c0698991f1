//! Selectors, range selectors and subqueries.

use std::sync::Arc;

use super::generator::Generator;
use super::literals::{is_plain_metric, quote, seconds};
use super::metric::Metric;
use super::part::Part;
use super::regex::escape;

/// A metric with so many series is seldom selected whole.
const MANY_SERIES: u32 = 500;

const MINUTE: i64 = 60_000;

/// How subqueries may nest.
const MOST_SUBQUERIES: u32 = 2;

impl Generator {
    /// The name and the matchers of a selector.
    pub(super) fn body(&mut self, metric: &Metric) -> String {
        let mut matchers = Vec::new();
        if let Some(series) = self.dice.maybe(&metric.sets) {
            let series = series.clone();
            let mut count = self.dice.any(&[0, 0, 1, 1, 1, 2, 3]);
            if metric.series > MANY_SERIES {
                count = count.max(1);
                if let Some((label, value)) = series.iter().nth(self.dice.below(series.len())) {
                    let (label, value) = (self.label_name(label), self.quote(value));
                    matchers.push(format!("{label}={value}"));
                }
            }
            for _ in 0..count {
                if let Some(label) = self.dice.maybe(&metric.labels) {
                    matchers.push(self.matcher(metric, label, &series));
                }
            }
        }
        if self.dice.chance(5) {
            let odd = [
                r#"nope="""#,
                r#"nope!="x""#,
                r#"nope=~".*""#,
                r#"nope!~".+""#,
                r#"nope=~"""#,
                r#"nope=~"|.+""#,
                r#"nope!="""#,
            ];
            matchers.push(self.dice.pick(&odd).into());
        }
        if metric.name.is_empty() {
            return self.nameless(metric, matchers);
        }
        let name = metric.name.as_str();
        let plain = is_plain_metric(name);
        match self.dice.below(100) {
            0..80 if plain && matchers.is_empty() => {
                return format!("{name}{}", self.dice.pick(&["", "", "", "{}"]));
            }
            0..80 if plain => return format!("{name}{}", self.braces(&matchers)),
            0..90 => matchers.insert(0, quote(name)),
            90..96 => matchers.push(format!("__name__={}", self.quote(name))),
            _ => {
                let end = self.dice.pick(&["", "|nope", ".*"]);
                let regex = format!("{}{end}", escape(name));
                matchers.push(format!("__name__=~{}", self.quote(&regex)));
            }
        }
        self.braces(&matchers)
    }

    /// A selector of series without a name.
    fn nameless(&mut self, metric: &Metric, mut matchers: Vec<String>) -> String {
        for label in &metric.labels {
            matchers.push(format!("{}!=\"\"", self.label_name(label)));
        }
        if metric.labels.is_empty() {
            matchers.push("__name__!~\".+x\"".into());
            matchers.push("nope!=\"x\",__name__=~\".+\"".into());
        } else {
            matchers.push("__name__=\"\"".into());
        }
        self.braces(&matchers)
    }

    fn braces(&mut self, matchers: &[String]) -> String {
        let mut inside = matchers.join(self.dice.pick(&[",", ", "]));
        if !matchers.is_empty() && self.dice.chance(3) {
            inside.push(',');
        }
        format!("{{{inside}{}}}", self.comment())
    }

    /// An instant selector.
    pub(super) fn selector(&mut self, metric: &Arc<Metric>) -> Part {
        if self.dice.chance(3) {
            return self.many_metrics();
        }
        let body = self.body(metric);
        let smoothed = self.options.experimental && self.dice.chance(3);
        let smoothed = if smoothed { " smoothed" } else { "" };
        let modifiers = self.modifiers();
        Part::of(metric, closed(body + smoothed, &modifiers))
    }

    /// A selector over several metrics.
    fn many_metrics(&mut self) -> Part {
        let metric = self.metric_like(|m| !m.name.is_empty() && m.series <= MANY_SERIES);
        let name: Vec<char> = metric.name.chars().collect();
        let begin = escape(&name[..name.len().div_ceil(2)].iter().collect::<String>());
        let series = self.dice.maybe(&metric.sets).cloned().unwrap_or_default();
        let mut pairs: Vec<String> = Vec::new();
        for (label, value) in &series {
            if !value.is_empty() && self.dice.chance(60) {
                let (label, value) = (self.label_name(label), self.quote(value));
                pairs.push(format!("{label}={value}"));
            }
        }
        let other = self.metric();
        match self.dice.below(4) {
            0 => pairs.push(format!("__name__=~{}", self.quote(&format!("{begin}.+")))),
            1 => pairs.push(format!("__name__!~{}", self.quote(&format!("{begin}.*")))),
            2 => {
                let both = format!("{}|{}", escape(&metric.name), escape(&other.name));
                pairs.push(format!("__name__=~{}", self.quote(&both)));
            }
            _ => {}
        }
        // Without equal pairs it would be nearly all that there is.
        let begin = if begin.is_empty() {
            ".+".into()
        } else {
            begin + ".*"
        };
        pairs.push(format!("__name__=~{}", self.quote(&format!("{begin}|up"))));
        let text = self.braces(&pairs);
        Part::atom(closed(text, &self.modifiers())).labeled(metric.labels.clone())
    }

    /// `@` and `offset`, usually neither.
    pub(super) fn modifiers(&mut self) -> String {
        let mut at = String::new();
        let mut offset = String::new();
        if self.dice.chance(14) {
            const LENGTHS: &[i64] = &[
                1_000,
                15_000,
                30_000,
                MINUTE,
                5 * MINUTE,
                10 * MINUTE,
                60 * MINUTE,
                7_001,
                0,
            ];
            let millis = self.dice.any(LENGTHS);
            let sign = match self.options.past {
                true => "",
                false => self.dice.pick(&["", "", "", "-", "-", "- "]),
            };
            offset = format!(" offset {sign}{}", self.duration(millis));
        }
        if self.dice.chance(10) {
            at = match self.dice.below(100) {
                0..30 => " @ start()".into(),
                30..60 => " @ end()".into(),
                60..63 => format!(" @ {}", self.dice.pick(&["0", "-1", "1e10", "1.5e9"])),
                _ => {
                    let moment = self.moment();
                    format!(" @ {}", seconds(moment))
                }
            };
        }
        if self.dice.chance(50) {
            at + &offset
        } else {
            offset + &at
        }
    }

    /// A range vector of a metric. At depth 0 it is a selector, above maybe a
    /// subquery.
    pub(super) fn matrix(&mut self, depth: u32, metric: &Arc<Metric>) -> Part {
        if depth > 0 && self.subqueries < MOST_SUBQUERIES && self.dice.chance(22) {
            return self.subquery(depth - 1, metric);
        }
        let extension = match self.options.experimental && self.dice.chance(4) {
            true => self.dice.pick(&[" anchored", " smoothed"]),
            false => "",
        };
        self.range_selector(metric, extension)
    }

    /// A range selector with `anchored`, `smoothed`, or neither.
    pub(super) fn range_selector(&mut self, metric: &Arc<Metric>, extension: &str) -> Part {
        let window = self.window();
        let text = [
            self.body(metric),
            self.comment().into(),
            format!("[{}]", self.length(window)),
            extension.into(),
            self.modifiers(),
        ];
        Part::of(metric, text.concat())
    }

    /// A range vector out of an instant vector.
    pub(super) fn subquery(&mut self, depth: u32, metric: &Arc<Metric>) -> Part {
        self.subqueries += 1;
        let inner = if metric.rises() && self.dice.chance(40) || depth == 0 && self.dice.chance(30)
        {
            self.window_of(metric, 0)
        } else if self.dice.chance(60) {
            self.selector(metric)
        } else if self.dice.chance(8) {
            let odd = [
                "vector(time())",
                "vector(time() % 100)",
                "hour()",
                "vector(1)",
            ];
            Part::atom(self.dice.pick(&odd))
        } else {
            self.vector(depth.min(2))
        };
        let out = self.subquery_over(inner);
        self.subqueries -= 1;
        out
    }

    /// A subquery over any vector.
    pub(super) fn subquery_over(&mut self, inner: Part) -> Part {
        const WINDOWS: &[i64] = &[
            MINUTE,
            2 * MINUTE,
            5 * MINUTE,
            5 * MINUTE,
            10 * MINUTE,
            15 * MINUTE,
            30 * MINUTE,
            61_000,
        ];
        const STEPS: &[i64] = &[15_000, 30_000, MINUTE, MINUTE, 7_000, 5 * MINUTE, 13_337];
        let mut window = self.dice.any(WINDOWS);
        let mut step = self.dice.any(STEPS);
        if self.subqueries > 1 {
            window = window.min(5 * MINUTE);
            step = step.max(30_000);
        }
        let (window, step) = (self.scaled(window), self.scaled(step));
        let mut text = self.subquery_operand(&inner);
        let written = if self.dice.chance(75) {
            self.duration(step)
        } else {
            String::new()
        };
        text += &format!("[{}:{written}]{}", self.length(window), self.modifiers());
        inner.call(text)
    }

    /// What is no atom stands in parentheses: without, the subquery would take
    /// its last operand.
    fn subquery_operand(&mut self, inner: &Part) -> String {
        if inner.atom && !self.dice.chance(10) {
            return inner.text.clone();
        }
        format!("({})", inner.text)
    }
}

/// A selector with its modifiers. An operator behind an offset that is an
/// expression would be a part of it, so that such a selector is in parentheses.
pub(super) fn closed(selector: String, modifiers: &str) -> String {
    let offset = modifiers
        .split_once(" offset")
        .map_or("", |(_, offset)| offset);
    match offset.contains('(') {
        true => format!("({selector}{modifiers})"),
        false => selector + modifiers,
    }
}
