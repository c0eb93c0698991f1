//! Calls of functions, by what evaluates them and what they take.

use std::sync::Arc;

use quarrel_functions::table::{Function, Kind, LabelFunction, ValueType};

use super::generator::Generator;
use super::metric::{Metric, MetricKind};
use super::part::Part;

impl Generator {
    /// A call of any function that gives a vector or a scalar. All kinds of the
    /// table of functions are here.
    pub(super) fn call_of(&mut self, function: &'static Function, depth: u32) -> Part {
        match function.kind {
            Kind::Window(_) => {
                let counter = function.wants_counter || function.uses_start_timestamps;
                let metric = match counter && self.dice.chance(75) {
                    true => self.metric_like(Metric::rises),
                    false => self.metric(),
                };
                self.window_call(function, &metric, depth)
            }
            Kind::Elementwise(_) => self.elementwise_call(function, depth),
            Kind::Label(LabelFunction::Replace) => self.label_replace(depth),
            Kind::Label(LabelFunction::Join) => self.label_join(depth),
            Kind::Sort(_) => self.sorted(function, depth),
            Kind::Absent => self.absent(depth),
            Kind::AbsentOverTime => self.absent_over_time(depth),
            Kind::ScalarOf => self.scalar_of(depth),
            Kind::VectorOf => Part::atom(format!("vector({})", self.scalar(depth).text)),
            Kind::Histogram(_) => self.histogram_call(function, depth),
            Kind::Info => self.info(depth),
            Kind::StartTimestamp => self.of_selector(function.name, depth),
            Kind::Nullary(_) => Part::atom(format!("{}()", function.name)),
            Kind::Scalar(_) => {
                let args = [self.scalar(depth).text, self.scalar(depth).text];
                Part::atom(format!("{}({})", function.name, args.join(", ")))
            }
        }
    }

    /// A function of windows over a metric, chosen by what the metric is.
    pub(super) fn window_of(&mut self, metric: &Arc<Metric>, depth: u32) -> Part {
        let functions = match metric.rises() && self.dice.chance(65) || self.dice.chance(10) {
            true => &self.catalog.counters,
            false => &self.catalog.windows,
        };
        let function = functions[self.dice.below(functions.len())];
        self.window_call(function, metric, depth)
    }

    /// Any function of windows over any metric.
    pub(super) fn any_window(&mut self, depth: u32) -> Part {
        let mut metric = self.metric();
        if metric.kind() == MetricKind::Info {
            metric = self.metric();
        }
        self.window_of(&metric, depth)
    }

    fn window_call(&mut self, function: &Function, metric: &Arc<Metric>, depth: u32) -> Part {
        let extension = match (
            self.options.experimental,
            function.anchored,
            function.smoothed,
        ) {
            (true, true, true) => self.dice.pick(&["", "", " anchored", " smoothed"]),
            (true, true, false) => self.dice.pick(&["", "", " anchored"]),
            _ => "",
        };
        let matrix = match extension {
            "" => self.matrix(depth, metric),
            extension => self.range_selector(metric, extension),
        };
        self.window_over(function, matrix, depth)
    }

    /// A function of windows over a range vector.
    pub(super) fn window_over(&mut self, function: &Function, matrix: Part, depth: u32) -> Part {
        let count = self.arguments(function);
        let args: Vec<String> = (0..count)
            .filter_map(|index| function.arg(index))
            .map(|ty| match ty {
                ValueType::Matrix => format!("{}{}", matrix.text, self.comment()),
                _ => self.window_parameter(function.name, depth),
            })
            .collect();
        matrix.call(format!("{}({})", function.name, args.join(", ")))
    }

    /// How many arguments a call has: at least what it needs, and some more
    /// where it takes them.
    fn arguments(&mut self, function: &Function) -> usize {
        let least = function.min_args();
        let most = function.max_args().unwrap_or(least + 3).min(least + 3);
        least + self.dice.below(most - least + 1)
    }

    /// A scalar that makes sense for a function of windows.
    fn window_parameter(&mut self, function: &str, depth: u32) -> String {
        match function {
            "quantile_over_time" => self.phi(depth),
            "double_exponential_smoothing" if self.dice.chance(85) => self
                .dice
                .pick(&["0.5", "0.1", "0.3", "0.99", "1", "0"])
                .into(),
            "integral" if self.dice.chance(85) => self.dice.pick(&["0", "1", "2", "3"]).into(),
            "predict_linear" if self.dice.chance(50) => {
                self.dice.pick(&["60", "3600", "-300", "4h", "0"]).into()
            }
            _ => self.small_scalar(depth),
        }
    }

    /// A quantile, constant or changing, sometimes outside of [0, 1].
    pub(super) fn phi(&mut self, depth: u32) -> String {
        match self.dice.below(100) {
            0..75 => {
                let usual = ["0.5", "0.9", "0.99", "0", "1", "0.25", ".1", "0.333"];
                self.dice.pick(&usual).into()
            }
            75..85 => self
                .dice
                .pick(&["-1", "2", "NaN", "Inf", "-Inf", "1.0000001"])
                .into(),
            85..92 => "time() % 100 / 100".into(),
            _ => self.scalar(depth.min(1)).text,
        }
    }

    /// A small number, sometimes any scalar.
    pub(super) fn small_scalar(&mut self, depth: u32) -> String {
        if self.dice.chance(75) {
            return self.any_number().0;
        }
        self.scalar(depth).text
    }

    /// A function of single samples.
    pub(super) fn elementwise(&mut self, depth: u32) -> Part {
        let functions = &self.catalog.elementwise;
        let function = functions[self.dice.below(functions.len())];
        self.elementwise_call(function, depth)
    }

    /// A part of a date.
    pub(super) fn date(&mut self, depth: u32) -> Part {
        let functions = &self.catalog.dates;
        let function = functions[self.dice.below(functions.len())];
        self.elementwise_call(function, depth)
    }

    fn elementwise_call(&mut self, function: &Function, depth: u32) -> Part {
        if function.min_args() == 0 {
            if self.dice.chance(25) {
                return Part::atom(format!("{}()", function.name));
            }
            if self.dice.chance(40) {
                // Seconds since the epoch, which have all parts of dates.
                let metric = self.metric();
                let body = self.body(&metric);
                let scale = self
                    .dice
                    .pick(&["* 86400", "+ 951782400", "- time()", "* 1e6"]);
                return Part::of(&metric, format!("{}({body} {scale})", function.name));
            }
        } else if function.uses_eval_time && self.dice.chance(60) {
            return self.of_selector(function.name, depth);
        }
        let inner = self.vector(depth);
        self.elementwise_over(function, inner, depth)
    }

    /// A function of single samples over a vector.
    pub(super) fn elementwise_over(
        &mut self,
        function: &Function,
        inner: Part,
        depth: u32,
    ) -> Part {
        let count = self.arguments(function).max(1);
        let args: Vec<String> = (0..count)
            .filter_map(|index| function.arg(index))
            .map(|ty| match ty {
                ValueType::Vector => inner.text.clone(),
                _ => self.small_scalar(depth),
            })
            .collect();
        inner.call(format!("{}({})", function.name, args.join(", ")))
    }

    /// A function that sees whether its argument is a selector.
    fn of_selector(&mut self, function: &str, depth: u32) -> Part {
        let metric = self.metric();
        let mut inner = match self.dice.chance(85) {
            true => self.selector(&metric),
            false => self.vector(depth),
        };
        if self.dice.chance(20) {
            inner.text = format!("({})", inner.text);
        }
        let text = format!("{function}({})", inner.text);
        inner.call(text)
    }

    fn sorted(&mut self, function: &Function, depth: u32) -> Part {
        let inner = self.vector(depth);
        self.sorted_over(function, inner)
    }

    /// An order of a vector's rows, by value or by labels.
    pub(super) fn sorted_over(&mut self, function: &Function, inner: Part) -> Part {
        let mut args = inner.text.clone();
        if function.args.len() > 1 {
            let mut labels = self.subset(&inner.labels, 2);
            if labels.is_empty() && self.dice.chance(80) {
                labels.push("job".into());
            }
            for label in labels {
                args += &format!(", {}", self.quote(&label));
            }
        }
        inner.call(format!("{}({args})", function.name))
    }

    fn absent(&mut self, depth: u32) -> Part {
        if self.dice.chance(25) {
            let inner = self.vector(depth);
            return Part::atom(format!("absent({})", inner.text)).with_label("job");
        }
        let metric = self.metric();
        let mut what = self.body(&metric);
        if self.dice.chance(40) {
            let missing = [
                r#"nope{job="api", x=~"y", instance!="z"}"#,
                r#"nope{job="a", job="b"}"#,
                "nope",
                r#"{__name__="nope", job="x"}"#,
                r#"nope{a="b", c=~"d|e"}"#,
            ];
            what = self.dice.pick(&missing).into();
        }
        Part::of(&metric, format!("absent({what}{})", self.modifiers()))
    }

    fn absent_over_time(&mut self, depth: u32) -> Part {
        let metric = self.metric();
        if self.dice.chance(60) {
            let matrix = self.matrix(depth, &metric);
            return Part::of(&metric, format!("absent_over_time({})", matrix.text));
        }
        let missing = [
            r#"nope{job="api", job="web", a="b"}"#,
            r#"nope{a="b", c=~"d"}"#,
            "nope",
        ];
        let what = self.dice.pick(&missing);
        let window = self.window();
        let window = self.length(window);
        Part::atom(format!(
            "absent_over_time({what}[{window}]{})",
            self.modifiers()
        ))
        .with_label("a")
    }
}
