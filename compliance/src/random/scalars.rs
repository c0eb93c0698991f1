//! Scalars.

use super::binary::{ARITHMETIC, COMPARISONS};
use super::generator::Generator;
use super::part::Part;

#[derive(Clone, Copy)]
enum Form {
    Number,
    Call,
    Single,
    Signed,
    Operation,
}

const FORMS: &[(u32, Form)] = &[
    (20, Form::Number),
    (18, Form::Call),
    (18, Form::Single),
    (3, Form::Signed),
    (16, Form::Operation),
];

impl Generator {
    /// A scalar.
    pub(super) fn scalar(&mut self, depth: u32) -> Part {
        if depth == 0 || self.parts_left == 0 {
            if self.dice.chance(80) {
                return self.number_part();
            }
            return Part::atom(self.dice.pick(&["time()", "pi()"]));
        }
        let depth = depth - 1;
        match self.dice.weighted(FORMS) {
            Form::Number => self.number_part(),
            Form::Call => {
                let functions = &self.catalog.scalars;
                let function = functions[self.dice.below(functions.len())];
                self.call_of(function, depth)
            }
            Form::Single => {
                let inner = self.single(depth);
                Part::atom(format!("scalar({inner})"))
            }
            Form::Signed => {
                let inner = self.scalar(depth);
                self.signed(inner)
            }
            Form::Operation => {
                let (l, r) = (self.scalar(depth), self.scalar(depth));
                let op = match self.dice.chance(20) {
                    true => format!("{} bool", self.dice.pick(COMPARISONS)),
                    false => self.dice.pick(ARITHMETIC).into(),
                };
                Part::operation(self.operation(&l, &op, &r))
            }
        }
    }

    fn number_part(&mut self) -> Part {
        let (text, atom) = self.any_number();
        Part {
            text,
            atom,
            ..Part::default()
        }
    }

    /// `scalar` of any vector, usually one of a single row.
    pub(super) fn scalar_of(&mut self, depth: u32) -> Part {
        let inner = match self.dice.chance(75) {
            true => self.single(depth),
            false => self.vector(depth).text,
        };
        Part::atom(format!("scalar({inner})"))
    }

    /// Usually a vector of one row.
    fn single(&mut self, depth: u32) -> String {
        if self.dice.chance(50) {
            let metric = self.metric_like(|m| m.series == 1 && !m.name.is_empty());
            if metric.series == 1 {
                return self.selector(&metric).text;
            }
        }
        let op = self.dice.pick(&["sum", "max", "avg", "count"]);
        format!("{op}({})", self.vector(depth).text)
    }
}
