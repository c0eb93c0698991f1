//! Queries, and the forms of vectors.

use quarrel_functions::table::Kind;

use super::generator::Generator;
use super::part::Part;

#[derive(Clone, Copy)]
enum Form {
    Leaf,
    Window,
    Aggregate,
    WithScalar,
    Join,
    Set,
    Elementwise,
    LabelReplace,
    LabelJoin,
    Date,
    AnyFunction,
    Classic,
    Signed,
    Parentheses,
    Native,
    Extended,
}

const FORMS: &[(u32, Form)] = &[
    (8, Form::Leaf),
    (18, Form::Window),
    (22, Form::Aggregate),
    (10, Form::WithScalar),
    (16, Form::Join),
    (6, Form::Set),
    (8, Form::Elementwise),
    (4, Form::LabelReplace),
    (2, Form::LabelJoin),
    (2, Form::Date),
    (14, Form::AnyFunction),
    (5, Form::Classic),
    (2, Form::Signed),
    (2, Form::Parentheses),
    (8, Form::Native),
    (4, Form::Extended),
];

/// What is put around a vector.
#[derive(Clone, Copy)]
enum Wrap {
    Aggregate,
    WithScalar,
    Elementwise,
    LabelReplace,
    LabelJoin,
    Signed,
    Parentheses,
    Subquery,
    Sort,
}

const WRAPS: &[(u32, Wrap)] = &[
    (20, Wrap::Aggregate),
    (15, Wrap::WithScalar),
    (20, Wrap::Elementwise),
    (8, Wrap::LabelReplace),
    (4, Wrap::LabelJoin),
    (5, Wrap::Signed),
    (8, Wrap::Parentheses),
    (6, Wrap::Subquery),
    (4, Wrap::Sort),
];

impl Generator {
    /// A query that is right.
    pub(super) fn query(&mut self) -> String {
        let depth = self.dice.any(&[0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4]);
        match self.dice.below(100) {
            0..4 => self.scalar(depth).text,
            4..7 if self.is_instant() => {
                let metric = self.metric();
                self.matrix(depth, &metric).text
            }
            7 if self.is_instant() => {
                let text = self
                    .dice
                    .pick(&["", "text", "a\nb", "ünï", r#"q"q"#, "`", "\\"]);
                self.quote(text)
            }
            8..11 => {
                let op = self.dice.pick(&["sort", "sort_desc"]);
                format!("{op}({})", self.vector(depth).text)
            }
            11..14 => self.deep().text,
            _ => self.vector(depth).text,
        }
    }

    /// A vector, nested to about the given depth.
    pub(super) fn vector(&mut self, depth: u32) -> Part {
        if depth == 0 || self.parts_left == 0 {
            return self.leaf();
        }
        self.parts_left -= 1;
        let depth = depth - 1;
        match self.dice.weighted(FORMS) {
            Form::Leaf => self.leaf(),
            Form::Window => self.any_window(depth),
            Form::Aggregate => self.aggregate(depth),
            Form::WithScalar => self.vector_and_scalar(depth),
            Form::Join => self.join(depth),
            Form::Set => self.set_operation(depth),
            Form::Elementwise => self.elementwise(depth),
            Form::LabelReplace => self.label_replace(depth),
            Form::LabelJoin => self.label_join(depth),
            Form::Date => self.date(depth),
            Form::AnyFunction => {
                let functions = &self.catalog.vectors;
                let function = functions[self.dice.below(functions.len())];
                self.call_of(function, depth)
            }
            Form::Classic => {
                let functions = match self.dice.chance(70) {
                    true => &self.catalog.classic,
                    false => &self.catalog.histograms,
                };
                let function = functions[self.dice.below(functions.len())];
                self.histogram_call(function, depth)
            }
            Form::Signed => {
                let inner = self.vector(depth);
                self.signed(inner)
            }
            Form::Parentheses => {
                let inner = self.vector(depth);
                let text = format!("({})", inner.text);
                inner.call(text)
            }
            Form::Native if self.has_native() => self.native_form(depth),
            Form::Extended if self.options.experimental => {
                let functions = &self.catalog.extended;
                let function = functions[self.dice.below(functions.len())];
                self.call_of(function, 0)
            }
            Form::Native | Form::Extended => self.any_window(depth),
        }
    }

    /// A selector, or a function over one.
    fn leaf(&mut self) -> Part {
        let metric = self.metric();
        if metric.rises() && self.dice.chance(60) {
            return self.window_of(&metric, 0);
        }
        self.selector(&metric)
    }

    /// A vector with 5 to 40 things around it, one inside the other.
    fn deep(&mut self) -> Part {
        let mut part = self.vector(1);
        let mut subqueries = 2;
        for _ in 0..5 + self.dice.below(36) {
            let wrap = self.dice.weighted(WRAPS);
            if matches!(wrap, Wrap::Subquery) {
                if subqueries == 0 {
                    continue;
                }
                subqueries -= 1;
            }
            part = self.wrap(wrap, part);
        }
        part
    }

    fn wrap(&mut self, wrap: Wrap, inner: Part) -> Part {
        match wrap {
            Wrap::Aggregate => {
                let aggregator = self.aggregator();
                self.aggregate_over(aggregator, inner, 0)
            }
            Wrap::WithScalar => self.with_scalar(inner, 0),
            Wrap::Elementwise => {
                let functions = &self.catalog.elementwise;
                let function = functions[self.dice.below(functions.len())];
                self.elementwise_over(function, inner, 0)
            }
            Wrap::LabelReplace => self.label_replace_over(inner),
            Wrap::LabelJoin => self.label_join_over(inner),
            Wrap::Signed => self.signed(inner),
            Wrap::Parentheses => {
                let text = format!("({})", inner.text);
                inner.call(text)
            }
            Wrap::Subquery => {
                let matrix = self.subquery_over(inner);
                let functions = &self.catalog.windows;
                let function = functions[self.dice.below(functions.len())];
                self.window_over(function, matrix, 0)
            }
            Wrap::Sort => {
                let functions = &self.catalog.vectors;
                let sorts: Vec<_> = functions
                    .iter()
                    .copied()
                    .filter(|function| matches!(function.kind, Kind::Sort(_)))
                    .collect();
                match self.dice.maybe(&sorts).copied() {
                    Some(function) => self.sorted_over(function, inner),
                    None => inner,
                }
            }
        }
    }
}
