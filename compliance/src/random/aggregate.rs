//! Aggregations.

use quarrel_functions::table::{AggregatedLabels, Aggregator, AggregatorKind, ValueType};

use super::generator::Generator;
use super::part::{Part, without};

impl Generator {
    /// An aggregation of any vector.
    pub(super) fn aggregate(&mut self, depth: u32) -> Part {
        let aggregator = self.aggregator();
        if aggregator.kind == AggregatorKind::CountValues && self.dice.chance(70) {
            // Few values, so that some come more than once.
            let metric = self.metric();
            let inner = self.selector(&metric);
            let op = self
                .dice
                .pick(&["== bool", "> bool", "% 3 < bool", "- 1 != bool"]);
            let text = format!("{} {op} 1", inner.text);
            return self.aggregate_over(aggregator, inner.operated(text), depth);
        }
        let inner = self.vector(depth);
        self.aggregate_over(aggregator, inner, depth)
    }

    /// An aggregator: `sum` often, the others by turns.
    pub(super) fn aggregator(&mut self) -> &'static Aggregator {
        match self.dice.below(100) {
            0..55 => self.fold(),
            _ => {
                let all = &self.catalog.aggregators;
                all[self.dice.below(all.len())]
            }
        }
    }

    fn fold(&mut self) -> &'static Aggregator {
        let folds = &self.catalog.folds;
        let sum = folds.iter().find(|fold| fold.name == "sum");
        match sum.filter(|_| self.dice.chance(30)) {
            Some(sum) => sum,
            None => folds[self.dice.below(folds.len())],
        }
    }

    /// An aggregator with its parameter over a vector.
    pub(super) fn aggregate_over(
        &mut self,
        aggregator: &Aggregator,
        inner: Part,
        depth: u32,
    ) -> Part {
        let labels = inner.labels.clone();
        match aggregator.param {
            None => self.grouped(aggregator.name, "", inner),
            Some(ValueType::String) => {
                let name = self.dice.pick(&["v", "value", "le", "job", "with space"]);
                let param = self.quote(name);
                self.grouped(aggregator.name, &param, inner)
                    .with_label(name)
            }
            Some(_) => {
                let param = self.aggregator_parameter(aggregator, depth);
                let out = self.grouped(aggregator.name, &param, inner);
                match aggregator.labels {
                    AggregatedLabels::Input => out.labeled(labels),
                    AggregatedLabels::Group => out,
                }
            }
        }
    }

    fn aggregator_parameter(&mut self, aggregator: &Aggregator, depth: u32) -> String {
        match aggregator.name {
            "quantile" => self.phi(depth),
            "limit_ratio" => {
                let ratios = ["0.5", "-0.5", "1", "0", "0.1", "-0.9", "2", "NaN"];
                self.dice.pick(&ratios).into()
            }
            _ if self.dice.chance(88) => {
                let counts = ["1", "2", "3", "5", "100", "1", "2", "0", "-1", "2.9"];
                self.dice.pick(&counts).into()
            }
            _ if self.dice.chance(30) => self.dice.pick(&["NaN", "1e30", "-Inf", "Inf"]).into(),
            _ => self.scalar(depth.min(1)).text,
        }
    }

    /// An aggregation with any grouping.
    fn grouped(&mut self, op: &str, param: &str, inner: Part) -> Part {
        let mut args = inner.text.clone();
        if !param.is_empty() {
            args = format!("{param}, {args}");
        }
        let (grouping, labels) = self.grouping(&inner.labels);
        let text = match grouping.as_str() {
            "" => format!("{op}({args})"),
            grouping if self.dice.chance(50) => format!("{op} {grouping} ({args})"),
            grouping => format!("{op}({args}{}) {grouping}", self.comment()),
        };
        inner.call(text).labeled(labels)
    }

    /// `by` or `without` or neither, and the labels that remain.
    fn grouping(&mut self, labels: &[String]) -> (String, Vec<String>) {
        match self.dice.below(100) {
            0..30 => (String::new(), Vec::new()),
            30..70 => {
                let kept = self.subset(labels, 3);
                let by = self.dice.pick(&["by", "by ", "BY "]);
                (format!("{by}{}", self.label_list(&kept)), kept)
            }
            _ => {
                let dropped = self.subset(labels, 2);
                let text = format!("without {}", self.label_list(&dropped));
                (text, without(labels, &dropped))
            }
        }
    }

    /// An aggregation that keeps exactly the given labels.
    pub(super) fn summed(&mut self, inner: Part, by: &[String]) -> Part {
        let op = self.fold().name;
        let text = format!("{op} by {} ({})", self.label_list(by), inner.text);
        inner.call(text).labeled(by.to_vec())
    }
}
