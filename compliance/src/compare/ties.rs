//! What PromQL leaves open.
//!
//! `topk` and `bottomk` must choose among equal values, and `limitk` among all;
//! the language does not say which to take. Two right engines may differ then.
//! Whether a query has met such a choice is found out by asking the reference
//! for the operand of each such aggregation, at the same times: there is a
//! choice where, in a group at a time, the last value that is taken equals the
//! first that is not, to the tolerance of the comparison.
//!
//! A parameter that is no number, and aggregations within subqueries, whose
//! times are others, are taken for determined.

use std::collections::HashMap;

use quarrel_engine::QueryTimes;
use quarrel_planner::ast::{Aggregate, Expr};
use quarrel_planner::to_promql;

use super::difference::{Difference, Kind};
use super::tolerance::Tolerance;
use super::tweaks::tweak_reference;
use crate::answer::{Answer, Labels, Row, Value};
use crate::cases::suite::Tweak;
use crate::endpoint::Endpoint;

/// An aggregation that chooses rows.
#[derive(Debug)]
pub(super) struct Choice {
    /// The operand, as a query.
    operand: String,
    /// How many rows of a group are taken.
    most: usize,
    order: Order,
    grouping: Vec<String>,
    without: bool,
    /// Whether the choice is the answer, and no other part of the query works
    /// on it.
    outermost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Largest,
    Smallest,
    None,
}

/// The choices that a query makes.
pub(super) fn choices(query: &Expr) -> Vec<Choice> {
    let mut found = Vec::new();
    let mut open = vec![(query, true)];
    while let Some((expr, outermost)) = open.pop() {
        match expr {
            Expr::Subquery(_) => continue,
            Expr::Paren(paren) => {
                open.push((&paren.expr, outermost));
                continue;
            }
            Expr::Aggregate(aggregate) => found.extend(choice(aggregate, outermost)),
            _ => {}
        }
        open.extend(expr.children().into_iter().map(|child| (child, false)));
    }
    found
}

fn choice(aggregate: &Aggregate, outermost: bool) -> Option<Choice> {
    let order = match aggregate.op.name {
        "topk" => Order::Largest,
        "bottomk" => Order::Smallest,
        "limitk" => Order::None,
        _ => return None,
    };
    let Some(Expr::Number(most)) = &aggregate.param else {
        return None;
    };
    Some(Choice {
        operand: to_promql(&aggregate.expr),
        most: most.value as usize,
        order,
        grouping: aggregate.grouping.clone(),
        without: aggregate.without,
        outermost,
    })
}

/// Whether the differences can come from a choice that the language leaves
/// open, as the reference's data say. What cannot be asked leaves nothing open.
pub(super) async fn explained(
    choices: &[Choice],
    answers: (&Answer, &Answer),
    differences: &[Difference],
    reference: &Endpoint,
    times: QueryTimes,
    tolerance: &Tolerance,
    tweaks: &[Tweak],
) -> bool {
    let of_rows = |difference: &Difference| (Kind::Labels..=Kind::Order).contains(&difference.kind);
    if choices.is_empty() || !differences.iter().all(of_rows) {
        return false;
    }
    for choice in choices {
        if choice.outermost && !same_values(choice, answers, tolerance) {
            continue;
        }
        let Ok(mut operand) = reference.query(&choice.operand, times).await else {
            continue;
        };
        tweak_reference(tweaks, times, &mut operand);
        let Answer::Data(operand) = operand else {
            continue;
        };
        let (operand, rows) = (operand.value, test_rows(answers.1));
        if choice.outermost && !is_part(rows, operand.rows(), tolerance) {
            continue;
        }
        if choice.is_open(&operand, tolerance) {
            return true;
        }
    }
    false
}

/// The rows of an answer.
fn test_rows(answer: &Answer) -> &[Row] {
    match answer {
        Answer::Data(data) => data.value.rows(),
        Answer::Failure(_) => &[],
    }
}

/// Whether rows are chosen from others, with labels and samples as they are there.
fn is_part(rows: &[Row], of: &[Row], tolerance: &Tolerance) -> bool {
    let of: HashMap<&Labels, &Row> = of.iter().map(|row| (&row.labels, row)).collect();
    rows.iter().all(|row| {
        of.get(&row.labels).is_some_and(|whole| {
            let floats: HashMap<i64, f64> = whole.floats.iter().copied().collect();
            let same = |(at, value): &(i64, f64)| {
                floats
                    .get(at)
                    .is_some_and(|other| tolerance.equal(*value, *other))
            };
            row.floats.iter().all(same) && row.histograms.len() <= whole.histograms.len()
        })
    })
}

/// Whether an answer that is a choice itself has the same values at each time,
/// which a choice among equal ones does not change.
fn same_values(choice: &Choice, answers: (&Answer, &Answer), tolerance: &Tolerance) -> bool {
    let (Answer::Data(a), Answer::Data(b)) = answers else {
        return false;
    };
    let times = |rows| by_time(rows, choice.order);
    let (a, b) = (times(a.value.rows()), times(b.value.rows()));
    let same = |x: &Vec<f64>, y: &Vec<f64>| {
        let equal = |(x, y): (&f64, &f64)| choice.order == Order::None || tolerance.equal(*x, *y);
        x.len() == y.len() && x.iter().zip(y).all(equal)
    };
    a.len() == b.len()
        && a.iter()
            .all(|(at, x)| b.get(at).is_some_and(|y| same(x, y)))
}

/// All values of each time, in order. Histograms count where values do not.
fn by_time<'a>(rows: impl IntoIterator<Item = &'a Row>, order: Order) -> HashMap<i64, Vec<f64>> {
    let mut times: HashMap<i64, Vec<f64>> = HashMap::new();
    for row in rows {
        for (at, value) in &row.floats {
            times.entry(*at).or_default().push(*value);
        }
        if order == Order::None {
            for (at, _) in &row.histograms {
                times.entry(*at).or_default().push(0.0);
            }
        }
    }
    for values in times.values_mut() {
        // NaN is the last to be taken, whichever end is asked for.
        values.sort_unstable_by(|a, b| match (a.is_nan(), b.is_nan()) {
            (false, false) => a.total_cmp(b),
            (a, b) => a.cmp(&b),
        });
    }
    times
}

impl Choice {
    /// Whether rows could be taken otherwise.
    fn is_open(&self, operand: &Value, tolerance: &Tolerance) -> bool {
        if self.most == 0 {
            return false;
        }
        let mut groups: HashMap<Labels, Vec<&Row>> = HashMap::new();
        for row in operand.rows() {
            groups.entry(self.group(&row.labels)).or_default().push(row);
        }
        let groups = groups.into_values();
        groups.map(|rows| by_time(rows, self.order)).any(|times| {
            let mut times = times.into_values();
            times.any(|values| self.tied(values, tolerance))
        })
    }

    /// Whether the last value that is taken equals the first that is not.
    fn tied(&self, mut values: Vec<f64>, tolerance: &Tolerance) -> bool {
        if values.len() <= self.most {
            return false;
        }
        if self.order == Order::Largest {
            let numbers = values.iter().take_while(|value| !value.is_nan()).count();
            values[..numbers].reverse();
        }
        self.order == Order::None || tolerance.equal(values[self.most - 1], values[self.most])
    }

    fn group(&self, labels: &Labels) -> Labels {
        let named = |name: &str| self.grouping.iter().any(|label| label == name);
        let kept = labels.iter().filter(|(name, _)| match self.without {
            true => !named(name) && *name != "__name__",
            false => named(name),
        });
        Labels::new(kept.collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tree;

    fn of(query: &str) -> Vec<Choice> {
        choices(tree(query).unwrap().expr())
    }

    fn row(job: &str, pod: &str, floats: &[(i64, f64)]) -> Row {
        Row {
            labels: Labels::new(vec![("job", job), ("pod", pod)]).unwrap(),
            floats: floats.to_vec(),
            histograms: Vec::new(),
        }
    }

    #[test]
    fn choices_are_found_where_they_stand() {
        let found = of("sum(topk by (job) (2, x)) / bottomk(1, limitk(3, y offset 5m))");
        let shown: Vec<_> = found
            .iter()
            .map(|c| (&*c.operand, c.most, c.outermost))
            .collect();
        assert_eq!(
            shown,
            [
                ("limitk(3, y offset 5m)", 1, false),
                ("y offset 5m", 3, false),
                ("x", 2, false)
            ]
        );
        assert!(of("(topk(1, x))")[0].outermost);
        assert!(of("max_over_time(topk(1, x)[1h:1m])").is_empty());
        assert!(of("topk(scalar(y), x)").is_empty());
    }

    #[test]
    fn a_choice_is_open_between_equal_values() {
        let open = |query: &str, rows: &[Row]| {
            of(query)[0].is_open(&Value::Matrix(rows.to_vec()), &Tolerance::default())
        };
        let nan = f64::NAN;
        let rows = [
            row("a", "1", &[(0, 1.0), (60, 5.0), (120, nan)]),
            row("a", "2", &[(0, 2.0), (60, 5.0), (120, 1.0)]),
            row("b", "3", &[(0, 2.0), (60, 7.0), (120, nan)]),
        ];
        // At 0: 2 2 1, at 60: 7 5 5, at 120: 1 NaN NaN.
        assert!(open("topk(1, x)", &rows));
        assert!(open("topk(2, x)", &rows));
        assert!(!open("topk(3, x)", &rows) && !open("topk(0, x)", &rows));
        assert!(open("bottomk(1, x)", &rows[..2]));
        assert!(!open("topk(1, x)", &rows[1..2]));
        // Within job b there is one row alone.
        assert!(!open("topk by (pod) (1, x)", &rows) && open("topk without (pod) (1, x)", &rows));
        let histogram = Row {
            floats: Vec::new(),
            histograms: vec![(0, crate::answer::Histogram::default())],
            ..row("c", "4", &[])
        };
        let two = [histogram.clone(), histogram];
        assert!(open("limitk(1, x)", &two) && !open("topk(1, x)", &two));
        assert!(open("limitk(2, x)", &rows) && !open("limitk by (job) (2, x)", &rows));
    }
}
