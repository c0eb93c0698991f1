//! Compares the parser with Prometheus's, whose results for many texts are
//! stored as JSON lines; of errors, text and positions. They are every fifth or
//! eighth line of `compliance/go/cmd/parsetest`:
//!
//! ```sh
//! parsetest -print -n 1000 -damaged 4000 -seed 11 -prometheus PROMETHEUS -features \
//!     promql-experimental-functions,promql-binop-fill-modifiers,promql-unquoted-utf8-names \
//!     | awk 'NR % 5 == 1' > prometheus-experimental.jsonl
//! parsetest -print -n 1000 -damaged 4000 -seed 12 -prometheus PROMETHEUS \
//!     | awk 'NR % 8 == 1' > prometheus-stable.jsonl
//! ```
//!
//! `QUARREL_PARSER_LINES` may name more files of such lines, separated by
//! colons.

use std::fmt::Write;

use quarrel_planner::ast::Expr;
use quarrel_planner::{ParserOptions, parse, to_json, to_pretty, to_promql};
use serde_json::Value;

/// Prometheus's result for a text.
struct Line {
    text: String,
    options: ParserOptions,
    fields: Value,
}

impl Line {
    fn read(line: &str) -> Line {
        let fields: Value = serde_json::from_str(line).unwrap();
        let bits = fields["options"].as_u64().unwrap();
        Line {
            text: fields["text"].as_str().unwrap().to_string(),
            options: ParserOptions {
                enable_experimental_functions: bits & 1 != 0,
                enable_binop_fill_modifiers: bits & 2 != 0,
                enable_unquoted_utf8_names: bits & 4 != 0,
            },
            fields,
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// The difference, or nothing.
    fn compare(&self) -> String {
        let mut out = String::new();
        let parsed = parse(&self.text, &self.options);
        match (self.field("error"), &parsed) {
            (Some(want), Err(got)) => {
                self.differ(&mut out, "error", &got.to_string());
                let (span, range) = (got.span(), &self.fields["range"]);
                if *range != Value::from(vec![span.start, span.end]) {
                    let _ = write!(out, "error {want}\n  range {range}, got {span:?}");
                }
            }
            (Some(error), Ok(tree)) => {
                let _ = write!(
                    out,
                    "refused ({error}), not here: {}",
                    to_promql(tree.expr())
                );
            }
            (None, Err(error)) => {
                let _ = write!(out, "accepted, but here: {error}");
            }
            (None, Ok(tree)) => {
                self.differ(&mut out, "type", tree.expr().value_type().name());
                self.differ(&mut out, "canonical", &to_promql(tree.expr()));
                self.differ(&mut out, "pretty", &to_pretty(tree.expr()));
                if let Some(want) = self.fields.get("tree") {
                    let got = to_json(tree.expr());
                    if &*got != want {
                        let _ = write!(out, "tree\n  want {want}\n  got  {}", *got);
                    }
                }
                if let Some(want) = self.fields.get("spans") {
                    let mut got = Vec::new();
                    spans(tree.expr(), &mut got);
                    let got = Value::from(
                        got.iter()
                            .map(|&s| Value::from(s.to_vec()))
                            .collect::<Vec<_>>(),
                    );
                    if &got != want {
                        let _ = write!(out, "spans\n  want {want}\n  got  {got}");
                    }
                }
            }
        }
        out
    }

    fn differ(&self, out: &mut String, name: &str, got: &str) {
        let want = self.field(name).unwrap();
        if got != want {
            let _ = write!(out, "{name}\n  want {want}\n  got  {got}");
        }
    }
}

fn spans(expr: &Expr, out: &mut Vec<[u32; 2]>) {
    let span = expr.span();
    out.push([span.start, span.end]);
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::VectorSelector(_) => {}
        Expr::MatrixSelector(matrix) => {
            let span = matrix.selector.span;
            out.push([span.start, span.end]);
        }
        Expr::Subquery(subquery) => spans(&subquery.expr, out),
        Expr::Call(call) => call.args.iter().for_each(|arg| spans(arg, out)),
        Expr::Aggregate(aggregate) => {
            spans(&aggregate.expr, out);
            aggregate.param.iter().for_each(|param| spans(param, out));
        }
        Expr::Binary(binary) => {
            spans(&binary.lhs, out);
            spans(&binary.rhs, out);
        }
        Expr::Unary(unary) => spans(&unary.expr, out),
        Expr::Paren(paren) => spans(&paren.expr, out),
    }
}

/// Compares all lines; how many are the same and how many differ.
fn compare_all<'a>(lines: impl Iterator<Item = &'a str>) -> (usize, usize) {
    let (mut passed, mut failed) = (0, 0);
    for line in lines {
        let line = Line::read(line);
        let difference = line.compare();
        if difference.is_empty() {
            passed += 1;
            continue;
        }
        failed += 1;
        println!("{:?}\n  {difference}", line.text);
    }
    println!("{passed} passed, {failed} failed");
    (passed, failed)
}

#[test]
fn texts_are_parsed_as_prometheus_parses_them() {
    let experimental = include_str!("prometheus-experimental.jsonl").lines();
    let stable = include_str!("prometheus-stable.jsonl").lines();
    let (passed, failed) = compare_all(experimental.chain(stable));
    assert_eq!(failed, 0);
    assert!(passed > 2000);
}

#[test]
fn more_texts_are_parsed_as_prometheus_parses_them() {
    let files = std::env::var("QUARREL_PARSER_LINES").unwrap_or_default();
    for file in files.split(':').filter(|f| !f.is_empty()) {
        let lines = std::fs::read_to_string(file).unwrap();
        assert_eq!(compare_all(lines.lines()).1, 0, "{file}");
    }
}
