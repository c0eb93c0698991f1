//! Functions of histograms, and `info`.

use quarrel_functions::table::{Function, HistogramFunction, Kind, ValueType};

use super::generator::Generator;
use super::literals::quote;
use super::metric::MetricKind;
use super::part::{Part, without};

impl Generator {
    /// A function of histograms over what suits it.
    pub(super) fn histogram_call(&mut self, function: &Function, depth: u32) -> Part {
        let inner = match function.kind {
            Kind::Histogram(kind) if kind.is_native_only() => self.native(depth),
            _ if self.has_native() && self.dice.chance(40) => self.native(depth),
            _ => self.classic(depth),
        };
        self.histogram_over(function, inner, depth)
    }

    /// A function of histograms over a vector.
    pub(super) fn histogram_over(&mut self, function: &Function, inner: Part, depth: u32) -> Part {
        let most = function.max_args().unwrap_or(function.args.len());
        let count = function.min_args() + self.dice.below(most - function.min_args() + 1);
        let bounds = matches!(function.kind, Kind::Histogram(HistogramFunction::Fraction));
        let args: Vec<String> = (0..count)
            .filter_map(|index| function.arg(index))
            .map(|ty| match ty {
                ValueType::Vector => inner.text.clone(),
                ValueType::String => {
                    let name = self.dice.pick(&["q", "q", "quantile", "job"]);
                    self.quote(name)
                }
                _ if bounds => self.bound(depth),
                _ => self.phi(depth),
            })
            .collect();
        let labels = without(&inner.labels, &["le".into()]);
        let text = format!("{}({})", function.name, args.join(", "));
        inner.call(text).labeled(labels)
    }

    fn bound(&mut self, depth: u32) -> String {
        if self.dice.chance(10) {
            return self.scalar(depth.min(1)).text;
        }
        let bounds = [
            "0", "0.5", "0.05", "1", "-Inf", "0.1", "+Inf", "NaN", "0.3", "0.4", "-1", "10",
        ];
        self.dice.pick(&bounds).into()
    }

    /// The buckets of a classic histogram.
    fn classic(&mut self, depth: u32) -> Part {
        let Some(metric) = self.metric_of(MetricKind::ClassicBucket) else {
            return self.vector(depth);
        };
        match self.dice.below(100) {
            0..15 => self.selector(&metric),
            15..50 => self.window_of(&metric, 0),
            50..90 => {
                let mut by = self.subset(&without(&metric.labels, &["le".into()]), 2);
                by.push("le".into());
                let window = self.window();
                let rate = format!("rate({}[{}])", self.body(&metric), self.length(window));
                let text = format!("sum by {} ({rate})", self.label_list(&by));
                Part::of(&metric, text).labeled(by)
            }
            _ => self.vector(depth),
        }
    }

    /// Native histograms.
    fn native(&mut self, depth: u32) -> Part {
        let Some(metric) = self.metric_of(MetricKind::NativeHistogram) else {
            return self.vector(depth);
        };
        let rows = match self.dice.below(100) {
            0..40 => {
                let window = self.window();
                let function = self
                    .dice
                    .pick(&["rate", "increase", "delta", "sum_over_time"]);
                let body = self.body(&metric);
                let text = format!("{function}({body}[{}])", self.length(window));
                Part::of(&metric, text)
            }
            _ => self.rows(&metric, depth),
        };
        if self.dice.chance(60) {
            return rows;
        }
        let by = self.subset(&metric.labels, 2);
        let op = self.dice.pick(&["sum", "sum", "avg"]);
        let text = format!("{op} by {} ({})", self.label_list(&by), rows.text);
        rows.call(text).labeled(by)
    }

    /// An operation or a function of native histograms.
    pub(super) fn native_form(&mut self, depth: u32) -> Part {
        let left = self.native(depth);
        match self.dice.below(8) {
            0 | 1 => {
                let op = self
                    .dice
                    .pick(&["</", ">/", "*", "/", "==", "!=", "+", "</", ">/"]);
                let bound = Part::operation(self.bound(0));
                let text = self.operation(&left, op, &bound);
                left.operated(text)
            }
            2 => {
                let right = self.native(depth);
                let op = self.dice.pick(&["+", "-", "==", "!=", "*", "/", "</"]);
                let text = self.operation(&left, op, &right);
                left.operated(text)
            }
            _ => {
                let functions = &self.catalog.histograms;
                let function = functions[self.dice.below(functions.len())];
                self.histogram_over(function, left, depth)
            }
        }
    }

    /// `info`: labels of info metrics beside any rows.
    pub(super) fn info(&mut self, depth: u32) -> Part {
        let target = |label: &String| label == "instance" || label == "job";
        let metric = self.metric_like(|m| m.labels.iter().filter(|l| target(l)).count() == 2);
        let rows = self.rows(&metric, depth);
        let mut selector = String::new();
        let info = self.metric_of(MetricKind::Info);
        if let Some(info) = info.filter(|_| self.dice.chance(75)) {
            let mut matchers = Vec::new();
            if self.dice.chance(50) {
                matchers.push(match self.dice.chance(60) {
                    true => format!("__name__={}", quote(info.name())),
                    false => "__name__=~\".*_info\"".into(),
                });
            }
            let series = self.dice.maybe(&info.sets).cloned().unwrap_or_default();
            let own = without(&info.labels, &metric.labels);
            if let Some(label) = self.dice.maybe(&own) {
                matchers.push(self.matcher(&info, label, &series));
            }
            // Prometheus prints no braces without matchers, which is no query.
            if !matchers.is_empty() {
                selector = format!(", {{{}}}", matchers.join(","));
            }
        }
        let text = format!("info({}{selector})", rows.text);
        rows.call(text)
    }
}
