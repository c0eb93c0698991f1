//! Binary operators at one step.

use std::collections::BTreeMap;

use quarrel_planner::ast::{Binary, BinaryOp, Cardinality, VectorMatching};

use super::{Labels, Oracle, Result, Sample, Value, distinct, without_metadata};

impl Oracle {
    pub(super) fn binary(&self, binary: &Binary, at: i64) -> Result<Value> {
        let lhs = self.eval(&binary.lhs, at)?;
        let rhs = self.eval(&binary.rhs, at)?;
        let op = binary.op;
        Ok(match (lhs, rhs) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(match compute(op, a, b) {
                Computed::Number(value) => value,
                Computed::Holds(holds) => f64::from(u8::from(holds)),
            }),
            (Value::Vector(samples), Value::Scalar(b)) => with_scalar(binary, samples, |v| (v, b))?,
            (Value::Scalar(a), Value::Vector(samples)) => with_scalar(binary, samples, |v| (a, v))?,
            (Value::Vector(lhs), Value::Vector(rhs)) => {
                let matching = binary.matching.clone().unwrap_or_default();
                let joined = if op.is_set() {
                    set(op, &matching, lhs, rhs)
                } else {
                    join(binary, &matching, lhs, rhs)?
                };
                Value::Vector(distinct(joined)?)
            }
        })
    }
}

enum Computed {
    Number(f64),
    Holds(bool),
}

fn compute(op: BinaryOp, a: f64, b: f64) -> Computed {
    use BinaryOp as B;
    match op {
        B::Add => Computed::Number(a + b),
        B::Sub => Computed::Number(a - b),
        B::Mul => Computed::Number(a * b),
        B::Div => Computed::Number(a / b),
        B::Equal => Computed::Holds(a == b),
        B::NotEqual => Computed::Holds(a != b),
        B::Greater => Computed::Holds(a > b),
        B::Less => Computed::Holds(a < b),
        B::GreaterOrEqual => Computed::Holds(a >= b),
        B::LessOrEqual => Computed::Holds(a <= b),
        other => panic!("the oracle does not know {}", other.symbol()),
    }
}

fn drops_name(binary: &Binary) -> bool {
    binary.return_bool || !binary.op.is_comparison()
}

fn with_scalar(
    binary: &Binary,
    samples: Vec<Sample>,
    operands: impl Fn(f64) -> (f64, f64),
) -> Result<Value> {
    let mut out = Vec::new();
    for sample in samples {
        let (a, b) = operands(sample.value);
        let value = match compute(binary.op, a, b) {
            Computed::Number(value) => value,
            Computed::Holds(holds) if binary.return_bool => f64::from(u8::from(holds)),
            Computed::Holds(true) => sample.value,
            Computed::Holds(false) => continue,
        };
        let labels = if drops_name(binary) {
            without_metadata(sample.labels)
        } else {
            sample.labels
        };
        out.push(Sample { labels, value });
    }
    Ok(Value::Vector(distinct(out)?))
}

/// The labels by which samples find each other.
fn signature(matching: &VectorMatching, labels: &Labels) -> Labels {
    let named = |name: &String| matching.labels.contains(name);
    let labels = labels.clone();
    if matching.on {
        labels.into_iter().filter(|(n, _)| named(n)).collect()
    } else {
        without_metadata(labels)
            .into_iter()
            .filter(|(n, _)| !named(n))
            .collect()
    }
}

fn set(op: BinaryOp, matching: &VectorMatching, lhs: Vec<Sample>, rhs: Vec<Sample>) -> Vec<Sample> {
    let has = |side: &[Sample], sample: &Sample| {
        let wanted = signature(matching, &sample.labels);
        side.iter()
            .any(|s| signature(matching, &s.labels) == wanted)
    };
    match op {
        BinaryOp::And => lhs.into_iter().filter(|s| has(&rhs, s)).collect(),
        BinaryOp::Unless => lhs.into_iter().filter(|s| !has(&rhs, s)).collect(),
        _ => {
            let more: Vec<Sample> = rhs.into_iter().filter(|s| !has(&lhs, s)).collect();
            lhs.into_iter().chain(more).collect()
        }
    }
}

fn join(
    binary: &Binary,
    matching: &VectorMatching,
    lhs: Vec<Sample>,
    rhs: Vec<Sample>,
) -> Result<Vec<Sample>> {
    if lhs.is_empty() || rhs.is_empty() {
        return Ok(Vec::new());
    }
    let swapped = matching.card == Cardinality::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    let mut partners: BTreeMap<Labels, Sample> = BTreeMap::new();
    for sample in one {
        let key = signature(matching, &sample.labels);
        if let Some(other) = partners.get(&key) {
            let mut names = [braces(&sample.labels), braces(&other.labels)];
            names.sort();
            return Err(format!(
                "found duplicate series for the match group {} on the {} hand-side of the \
                 operation: [{}, {}];many-to-many matching not allowed: matching labels must be \
                 unique on one side",
                braces(&key),
                if swapped { "left" } else { "right" },
                names[0],
                names[1],
            ));
        }
        partners.insert(key, sample);
    }
    let mut met: Vec<(Labels, Labels)> = Vec::new();
    let mut out = Vec::new();
    for sample in many {
        let key = signature(matching, &sample.labels);
        let Some(partner) = partners.get(&key) else {
            continue;
        };
        let labels = result_labels(binary, matching, &sample.labels, &partner.labels);
        let one_to_one = matching.card == Cardinality::OneToOne;
        let class = (
            key,
            if one_to_one {
                Labels::new()
            } else {
                labels.clone()
            },
        );
        if met.contains(&class) {
            return Err(if one_to_one {
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            } else {
                "multiple matches for labels: grouping labels must ensure unique matches"
            }
            .into());
        }
        met.push(class);
        let (a, b) = if swapped {
            (partner.value, sample.value)
        } else {
            (sample.value, partner.value)
        };
        let value = match compute(binary.op, a, b) {
            Computed::Number(value) => value,
            Computed::Holds(holds) if binary.return_bool => f64::from(u8::from(holds)),
            Computed::Holds(true) => a,
            Computed::Holds(false) => continue,
        };
        out.push(Sample { labels, value });
    }
    Ok(out)
}

fn result_labels(
    binary: &Binary,
    matching: &VectorMatching,
    many: &Labels,
    one: &Labels,
) -> Labels {
    let mut labels = many.clone();
    if drops_name(binary) {
        labels = without_metadata(labels);
    }
    if matching.card == Cardinality::OneToOne {
        labels.retain(|name, _| matching.labels.contains(name) == matching.on);
    }
    for name in &matching.include {
        match one.get(name) {
            Some(value) => labels.insert(name.clone(), value.clone()),
            None => labels.remove(name),
        };
    }
    labels
}

/// A label set as error texts have it.
fn braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
