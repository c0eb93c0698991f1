//! Operations: of vectors with scalars, joins, and set operators.

use std::sync::Arc;

use super::generator::{Generator, is_query};
use super::metric::{Metric, MetricKind};
use super::part::{Part, common, without};
use super::selector::closed;

/// Operators of numbers; the usual ones come more often.
pub(super) const ARITHMETIC: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "atan2", "+", "-", "*", "/", "ATAN2",
];
/// Operators that compare.
pub(super) const COMPARISONS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];

/// Joins of metrics with fewer series are quick.
const FEW_SERIES: u32 = 200;

impl Generator {
    fn operator(&mut self) -> String {
        if self.dice.chance(65) {
            return self.dice.pick(ARITHMETIC).into();
        }
        let op = self.dice.pick(COMPARISONS);
        let bool = if self.dice.chance(40) { " bool" } else { "" };
        format!("{op}{bool}")
    }

    /// The text of an operation. Operands that are no atoms have parentheses; a
    /// few have none where that is a query, too, maybe another one.
    pub(super) fn operation(&mut self, left: &Part, op: &str, right: &Part) -> String {
        if !(left.atom && right.atom) && self.dice.chance(20) {
            let bare = format!("{} {op} {}", left.text, right.text);
            if is_query(&bare) {
                return bare;
            }
        }
        let left = self.wrapped(left);
        let right = self.wrapped(right);
        // Parentheses behind it would be its labels.
        let side = op.ends_with("group_left") || op.ends_with("group_right");
        let labels = if side && right.starts_with('(') {
            " ()"
        } else {
            ""
        };
        let space = self.dice.pick(&[" ", " ", " ", "\n", " \t"]);
        format!("{left} {op}{labels}{space}{right}")
    }

    fn wrapped(&mut self, part: &Part) -> String {
        if part.atom && !self.dice.chance(4) {
            return part.text.clone();
        }
        format!("({})", part.text)
    }

    /// An expression with signs before it.
    pub(super) fn signed(&mut self, inner: Part) -> Part {
        let sign = self.dice.pick(&["-", "+", "-", "- -", "-+"]);
        let bare = !inner.atom && self.dice.chance(20);
        let operand = if bare {
            inner.text.clone()
        } else {
            self.wrapped(&inner)
        };
        inner.operated(format!("{sign}{operand}"))
    }

    /// An operation of a vector with a scalar, either way round.
    pub(super) fn vector_and_scalar(&mut self, depth: u32) -> Part {
        let inner = self.vector(depth);
        self.with_scalar(inner, depth)
    }

    /// A vector, and a scalar at one of its sides.
    pub(super) fn with_scalar(&mut self, inner: Part, depth: u32) -> Part {
        let depth = if self.dice.chance(50) { depth } else { 0 };
        let (scalar, op) = (self.scalar(depth), self.operator());
        let text = match self.dice.chance(65) {
            true => self.operation(&inner, &op, &scalar),
            false => self.operation(&scalar, &op, &inner),
        };
        inner.operated(text)
    }

    /// A vector of one metric that keeps all its labels.
    pub(super) fn rows(&mut self, metric: &Arc<Metric>, depth: u32) -> Part {
        match self.dice.below(100) {
            0..35 => {
                let modifiers = if self.dice.chance(30) {
                    self.modifiers()
                } else {
                    String::new()
                };
                Part::of(metric, closed(self.body(metric), &modifiers))
            }
            35..75 => self.window_of(metric, depth.min(1)),
            75..85 => {
                let function = self.dice.pick(&["abs", "floor", "sgn", "timestamp"]);
                Part::of(metric, format!("{function}({})", self.body(metric)))
            }
            _ => {
                let op = self.dice.pick(COMPARISONS);
                let text = format!("{} {op} {}", self.body(metric), self.any_number().0);
                Part::of(metric, "").operated(text)
            }
        }
    }

    /// A metric that shares labels with another one.
    fn related(&mut self, metric: &Arc<Metric>) -> Arc<Metric> {
        if self.dice.chance(40) {
            return metric.clone();
        }
        let labels = metric.labels.clone();
        self.metric_like(|other| {
            other.series < FEW_SERIES && !common(&labels, &other.labels).is_empty()
        })
    }

    /// An operation between two vectors.
    pub(super) fn join(&mut self, depth: u32) -> Part {
        let metric = self.metric_like(|m| m.series < FEW_SERIES);
        match self.dice.below(97) {
            0..20 => self.same_labels(&metric, depth),
            20..45 => self.aggregates_joined(&metric, depth),
            45..75 => self.many_to_one(&metric, depth),
            75..85 => self.info_joined(&metric, depth),
            _ => self.any_join(depth),
        }
    }

    /// An operation between vectors with its modifiers.
    fn joined(&mut self, left: Part, matching: &str, right: Part, labels: Vec<String>) -> Part {
        let op = self.operator();
        self.joined_by(&op, left, matching, right, labels)
    }

    fn joined_by(
        &mut self,
        op: &str,
        left: Part,
        matching: &str,
        right: Part,
        labels: Vec<String>,
    ) -> Part {
        let mut op = op.to_string();
        if !matching.is_empty() {
            op += &format!(" {matching}");
        }
        op += &self.fill();
        let text = self.operation(&left, &op, &right);
        left.operated(text).labeled(labels)
    }

    fn fill(&mut self) -> String {
        if !self.options.experimental || !self.dice.chance(12) {
            return String::new();
        }
        let mut value = || {
            self.dice
                .pick(&["0", "1", "NaN", "-Inf", "5m", "2.5", "+1"])
        };
        let (a, b) = (value(), value());
        match self.dice.below(4) {
            0 => format!(" fill({a})"),
            1 => format!(" fill_left({a})"),
            2 => format!(" fill_right ({a})"),
            _ => format!(" fill_left({a}) fill_right({b})"),
        }
    }

    /// A metric with itself at another time, or through another function.
    fn same_labels(&mut self, metric: &Arc<Metric>, depth: u32) -> Part {
        let matching = match self.dice.below(5) {
            0 => format!("on{}", self.label_list(&metric.labels)),
            1 => "ignoring()".into(),
            2 => "ignoring(nope)".into(),
            _ => String::new(),
        };
        let (left, right) = (self.rows(metric, depth), self.rows(metric, depth));
        self.joined(left, &matching, right, metric.labels.clone())
    }

    fn aggregates_joined(&mut self, metric: &Arc<Metric>, depth: u32) -> Part {
        let other = self.related(metric);
        let by = self.subset(&common(&metric.labels, &other.labels), 2);
        let matching = match self.dice.below(4) {
            0 => format!("on{}", self.label_list(&by)),
            1 => "ignoring ()".into(),
            _ => String::new(),
        };
        let (left, right) = (self.rows(metric, depth), self.rows(&other, depth));
        let (left, right) = (self.summed(left, &by), self.summed(right, &by));
        self.joined(left, &matching, right, by)
    }

    /// Rows with an aggregation over some of their labels.
    fn many_to_one(&mut self, metric: &Arc<Metric>, depth: u32) -> Part {
        let other = self.related(metric);
        let by = self.subset(&common(&metric.labels, &other.labels), 2);
        let many = self.rows(metric, depth);
        let one = self.rows(&other, depth);
        let one = self.summed(one, &by);
        let on = !self.dice.chance(35);
        let matching = match on {
            true => format!("on{}", self.label_list(&by)),
            false => format!("ignoring{}", self.label_list(&without(&metric.labels, &by))),
        };
        // A label of `on` cannot be brought along.
        let mut brought = if on { Vec::new() } else { by.clone() };
        brought.push("brought".into());
        let list = match self.dice.below(4) {
            0 => "()".into(),
            1 => {
                let some = self.dice.some(&brought, 2);
                self.label_list(&some)
            }
            _ => String::new(),
        };
        let labels = metric.labels.clone();
        match self.dice.below(100) {
            0..25 => self.joined(one, &format!("{matching} group_right{list}"), many, labels),
            // Many to many, an error where both have rows.
            25..29 => self.joined(many, &matching, one, labels),
            _ => self.joined(many, &format!("{matching} group_left{list}"), one, labels),
        }
    }

    /// Labels of an info metric beside the rows of another metric.
    fn info_joined(&mut self, metric: &Arc<Metric>, depth: u32) -> Part {
        let Some(info) = self.metric_of(MetricKind::Info) else {
            return self.many_to_one(metric, depth);
        };
        let on = common(&metric.labels, &info.labels);
        if on.is_empty() {
            return self.many_to_one(metric, depth);
        }
        let taken = self.dice.some(&without(&info.labels, &on), 2);
        let mut one = Part::of(&info, self.body(&info));
        if self.dice.chance(30) {
            let kept: Vec<String> = on.iter().chain(&taken).cloned().collect();
            let text = format!("max by {} ({})", self.label_list(&kept), one.text);
            one = one.call(text);
        }
        let labels: Vec<String> = metric.labels.iter().chain(&taken).cloned().collect();
        let matching = format!(
            "on{} group_left{}",
            self.label_list(&on),
            self.label_list(&taken)
        );
        let many = self.rows(metric, depth);
        self.joined_by("*", many, &matching, one, labels)
    }

    /// Any two vectors.
    fn any_join(&mut self, depth: u32) -> Part {
        let (mut left, mut right) = (self.vector(depth), self.vector(depth));
        let matching = match self.dice.below(6) {
            0 => {
                (left, right) = (self.summed(left, &[]), self.summed(right, &[]));
                "on()".into()
            }
            1 => format!(
                "on{}",
                self.label_list(&common(&left.labels, &right.labels))
            ),
            2 => {
                let ignored = without(&left.labels, &right.labels);
                format!("ignoring{} group_left", self.label_list(&ignored))
            }
            _ => String::new(),
        };
        let labels = common(&left.labels, &right.labels);
        self.joined(left, &matching, right, labels)
    }

    /// `and`, `or`, `unless`.
    pub(super) fn set_operation(&mut self, depth: u32) -> Part {
        let (left, right) = match self.dice.chance(65) {
            true => {
                let metric = self.metric();
                let other = self.related(&metric);
                (self.rows(&metric, depth), self.rows(&other, depth))
            }
            false => (self.vector(depth), self.vector(depth)),
        };
        let op = self
            .dice
            .pick(&["and", "or", "unless", "and", "or", "unless", "OR"]);
        let matching = match self.dice.below(4) {
            0 => {
                let both = common(&left.labels, &right.labels);
                let on = self.subset(&both, 2);
                format!(" on{}", self.label_list(&on))
            }
            1 => {
                let ignored = self.subset(&left.labels, 2);
                format!(" ignoring{}", self.label_list(&ignored))
            }
            _ => String::new(),
        };
        let mut labels = left.labels.clone();
        if op.eq_ignore_ascii_case("or") {
            labels.extend(without(&right.labels, &left.labels));
        }
        let text = self.operation(&left, &format!("{op}{matching}"), &right);
        left.operated(text).labeled(labels)
    }
}
