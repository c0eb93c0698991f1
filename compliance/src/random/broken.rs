//! Queries that are wrong on purpose: refused by the parser, by the type check,
//! or where their data meet.

use quarrel_functions::table::{self, ValueType};

use super::generator::Generator;
use super::literals::is_plain_metric;
use super::wrong::{ON_DATA, TEXTS, WORDS};

impl Generator {
    /// A query that is wrong on purpose. A few are right by chance.
    pub(super) fn broken(&mut self) -> String {
        match self.dice.below(100) {
            0..25 => self.dice.pick(TEXTS).replace("up", &self.plain_name()),
            25..45 => {
                let text = self.dice.pick(ON_DATA).replace("up", &self.plain_name());
                text.replace("down", &self.plain_name())
            }
            45..65 => self.wrong_call(),
            65..90 => self.damaged(),
            _ => self.soup(),
        }
    }

    /// The name of a metric that needs no quotes.
    fn plain_name(&mut self) -> String {
        let metric = self.metric_like(|metric| is_plain_metric(&metric.name));
        match is_plain_metric(&metric.name) {
            true => metric.name.clone(),
            false => "up".into(),
        }
    }

    /// A call of any function with an argument of a wrong type, or too many or
    /// too few of them.
    fn wrong_call(&mut self) -> String {
        let functions = table::all();
        let function = &functions[self.dice.below(functions.len())];
        let count =
            function.args.len() + self.dice.below(3) - usize::from(!function.args.is_empty());
        let wrong = self.dice.below(count);
        let args: Vec<String> = (0..count)
            .map(|index| {
                let right = function.arg(index).unwrap_or(ValueType::Scalar);
                let types = [
                    ValueType::Scalar,
                    ValueType::Vector,
                    ValueType::Matrix,
                    ValueType::String,
                ];
                let ty = if index == wrong {
                    self.dice.any(&types)
                } else {
                    right
                };
                self.argument(ty)
            })
            .collect();
        format!("{}({})", function.name, args.join(", "))
    }

    /// An expression of a type.
    fn argument(&mut self, ty: ValueType) -> String {
        match ty {
            ValueType::Scalar | ValueType::None => self.scalar(1).text,
            ValueType::Vector => self.vector(1).text,
            ValueType::Matrix => {
                let metric = self.metric();
                self.matrix(0, &metric).text
            }
            ValueType::String => self.quote("job"),
        }
    }

    /// A query that is wrong in one place.
    fn damaged(&mut self) -> String {
        let query = self.query();
        let mut tokens: Vec<&str> = tokens(&query);
        let (at, other) = (self.dice.below(tokens.len()), self.dice.below(tokens.len()));
        if tokens.is_empty() {
            return query;
        }
        match self.dice.below(6) {
            0 => {
                tokens.remove(at);
            }
            1 => tokens.swap(at, other),
            2 => tokens.insert(at, tokens[other]),
            3 => tokens[at] = self.dice.pick(WORDS),
            4 => tokens.insert(at, self.dice.pick(WORDS)),
            _ => tokens.truncate(at),
        }
        tokens.concat()
    }

    /// Random words, which seldom are a query.
    pub(super) fn soup(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..1 + self.dice.below(9) {
            out.push_str(self.dice.pick(WORDS));
            if self.dice.chance(60) {
                out.push(' ');
            }
        }
        out
    }
}

/// A text cut into words, and single signs between them.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c == '_' || c == '.' || c.is_alphanumeric();
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(word.max(first.len_utf8()));
        out.push(token);
        rest = behind;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_text() {
        for text in ["", "a b", "sum(up{x=\"ü\"})[5m:]", "日本 🦀+1.5"] {
            assert_eq!(tokens(text).concat(), text);
        }
        assert_eq!(
            tokens("rate(x_1[5m])"),
            ["rate", "(", "x_1", "[", "5m", "]", ")"]
        );
    }
}
