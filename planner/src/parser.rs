//! From text to syntax tree: the pest grammar, then precedence climbing.

use pest::Parser as _;
use pest::iterators::{Pair, Pairs};
use quarrel_functions::table::{self, Aggregator};
use quarrel_matchers::{MatchOp, Matcher, RegexBudget};

use crate::ast::*;
use crate::error::ParseError;
use crate::literal::{MAX_DURATION_MS, parse_duration, parse_number, unquote};
use crate::nesting;
use crate::options::ParserOptions;
use crate::{check, suggest, with_stack};

mod duration;
mod modifiers;
mod selector;

#[derive(pest_derive::Parser)]
#[grammar = "promql.pest"]
#[allow(missing_docs)]
struct Grammar;

type Result<T> = std::result::Result<T, ParseError>;

/// Stack that the grammar needs for one level of brackets, bytes (measured in
/// a debug build: about 16 KiB).
const STACK_A_LEVEL: usize = 48 * 1024;

/// The longest query text, bytes. Spans are 32 bits.
const MAX_LENGTH: usize = 16 * 1024 * 1024;

/// The most operators and signs in one chain.
const MAX_CHAIN: usize = 10_000;

/// A parsed query.
#[derive(Clone, Debug)]
pub struct Tree {
    expr: Expr,
    /// What the regular expressions of all matchers build from.
    regexes: RegexBudget,
}

impl Tree {
    /// The root of the tree.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Bytes that the automata of its matchers hold now; they are built when
    /// matching pays for them, and stay as long as the tree does.
    pub fn automata_bytes(&self) -> usize {
        self.regexes.used()
    }
}

/// Parses and checks a query.
///
/// # Errors
/// When the text is not PromQL or not well typed: where, and what was expected.
pub fn parse(query: &str, options: &ParserOptions) -> Result<Tree> {
    let utf8 = options.enable_unquoted_utf8_names;
    let rule = if utf8 { Rule::query_utf8 } else { Rule::query };
    let mut pairs = run_grammar(rule, query)?;
    let builder = Builder::new(query, options);
    let whole = pairs.next().map(Pair::into_inner);
    let Some(expr) = whole.and_then(|mut inner| inner.next()) else {
        return Err(ParseError::new(
            query,
            Span::default(),
            "no expression found in input",
        ));
    };
    let mut expr = builder.expr(expr)?;
    check::check(&mut expr, query)?;
    let regexes = builder.regexes;
    Ok(Tree { expr, regexes })
}

/// Parses a selector alone, such as `match[]` takes it.
///
/// # Errors
/// As [`parse`]; offsets, ranges and other modifiers are refused.
pub fn parse_metric_selector(text: &str, options: &ParserOptions) -> Result<Vec<Matcher>> {
    let utf8 = options.enable_unquoted_utf8_names;
    let rule = if utf8 {
        Rule::selector_utf8
    } else {
        Rule::selector
    };
    let mut pairs = run_grammar(rule, text)?;
    let builder = Builder::new(text, options);
    let whole = pairs.next().map(Pair::into_inner);
    let Some(selector) = whole.and_then(|mut inner| inner.next()) else {
        return Err(ParseError::new(
            text,
            Span::default(),
            "no selector found in input",
        ));
    };
    Ok(builder.vector_selector(selector)?.matchers)
}

fn run_grammar(rule: Rule, query: &str) -> Result<Pairs<'_, Rule>> {
    if query.len() > MAX_LENGTH {
        let message = format!("query is longer than {MAX_LENGTH} bytes");
        return Err(ParseError::new(query, Span::default(), message));
    }
    let depth = nesting::depth(query).map_err(|span| {
        let message = format!("brackets nest deeper than {}", nesting::MAX_NESTING);
        ParseError::new(query, span, message)
    })?;
    if matches!(rule, Rule::query | Rule::query_utf8) && query.trim().is_empty() {
        return Err(ParseError::new(
            query,
            Span::default(),
            "no expression found in input",
        ));
    }
    let needed = (depth + 8) * STACK_A_LEVEL;
    let parsed = stacker::maybe_grow(needed, needed + STACK_A_LEVEL, || {
        Grammar::parse(rule, query)
    });
    parsed.map_err(|error| syntax_error(query, &error))
}

/// The message of a grammar error: what was found, and what was expected.
fn syntax_error(query: &str, error: &pest::error::Error<Rule>) -> ParseError {
    let at = match error.location {
        pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
    };
    let rest = query.get(at..).unwrap_or_default();
    let is_blank = |line: &str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
    if rest.lines().all(is_blank)
        && let Some(message) = nesting::unclosed(query)
    {
        let end = query.len() as u32;
        return ParseError::new(query, Span { start: end, end }, message);
    }
    let token: String = match rest.chars().next() {
        None => "end of input".into(),
        Some(c) if c.is_alphanumeric() || c == '_' => {
            let word: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .take(40)
                .collect();
            quarrel_functions::fmt::quote(&word)
        }
        Some(c) => quarrel_functions::fmt::quote(&c.to_string()),
    };
    let mut expected: Vec<&str> = match &error.variant {
        pest::error::ErrorVariant::ParsingError { positives, .. } => positives
            .iter()
            .filter_map(|rule| expectation(*rule))
            .collect(),
        pest::error::ErrorVariant::CustomError { .. } => Vec::new(),
    };
    expected.sort_unstable();
    expected.dedup();
    let mut message = format!("unexpected {token}");
    if !expected.is_empty() {
        message.push_str(", expected ");
        message.push_str(&expected.join(" or "));
    }
    let end = (at + 1).min(query.len()) as u32;
    ParseError::new(
        query,
        Span {
            start: at as u32,
            end,
        },
        message,
    )
}

/// The name of a rule in an error.
fn expectation(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::EOI => "end of input",
        Rule::expr
        | Rule::operand
        | Rule::sign
        | Rule::paren
        | Rule::call
        | Rule::vector_selector => "expression",
        Rule::number | Rule::duration => "number or duration",
        Rule::string => "string",
        Rule::binary | Rule::operator | Rule::word_operator => "operator",
        Rule::range => "range",
        Rule::offset | Rule::at | Rule::anchored | Rule::smoothed => "modifier",
        Rule::label_list => "labels in parentheses",
        Rule::label_name | Rule::identifier => "label",
        Rule::match_op => "label matching operator",
        Rule::matcher => "label matcher",
        Rule::arguments => "arguments",
        Rule::duration_expr | Rule::duration_operand => "duration",
        _ => return None,
    })
}

fn span_of(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span {
        start: span.start() as u32,
        end: span.end() as u32,
    }
}

struct Builder<'a> {
    query: &'a str,
    options: &'a ParserOptions,
    /// What the regular expressions of all matchers may build.
    regexes: RegexBudget,
}

/// A binary operator with its modifiers, before its right side is known.
struct Operator {
    op: BinaryOp,
    return_bool: bool,
    matching: VectorMatching,
    span: Span,
}

/// How tightly operators bind, and a sign.
fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp as B;
    match op {
        B::Or => 1,
        B::And | B::Unless => 2,
        B::Add | B::Sub => 4,
        B::Mul | B::Div | B::Mod | B::Atan2 => 5,
        B::Pow => 6,
        _ => 3,
    }
}

/// A sign binds like a multiplication.
const SIGN: u8 = 5;

/// What waits for its right side.
enum Waiting {
    Binary(Box<Operator>, Expr),
    Sign { minus: bool, start: u32 },
}

impl<'a> Builder<'a> {
    fn new(query: &'a str, options: &'a ParserOptions) -> Self {
        Builder {
            query,
            options,
            regexes: RegexBudget::default(),
        }
    }
}

impl Builder<'_> {
    fn error(&self, span: Span, message: impl Into<String>) -> ParseError {
        ParseError::new(self.query, span, message)
    }

    /// An expression: a flat list of operands and operators, climbed with a
    /// stack of its own, so that chains may be long.
    fn expr(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        with_stack(|| self.climb(pair))
    }

    fn climb(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let mut stack: Vec<Waiting> = Vec::new();
        let mut chain = 0;
        let mut last = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::operand {
                last = Some(self.operand(part, &mut stack)?);
                continue;
            }
            chain += 1;
            if chain > MAX_CHAIN || stack.len() > MAX_CHAIN {
                let message = format!("more than {MAX_CHAIN} operators in one expression");
                return Err(self.error(span_of(&part), message));
            }
            let operator = self.operator(part)?;
            let Some(mut left) = last.take() else {
                continue;
            };
            let binds = precedence(operator.op);
            while let Some(top) = stack.last() {
                let reduces = match top {
                    Waiting::Sign { .. } => SIGN >= binds,
                    Waiting::Binary(waiting, _) => {
                        let other = precedence(waiting.op);
                        other > binds || (other == binds && operator.op != BinaryOp::Pow)
                    }
                };
                if !reduces {
                    break;
                }
                if let Some(top) = stack.pop() {
                    left = self.reduce(top, left)?;
                }
            }
            stack.push(Waiting::Binary(Box::new(operator), left));
        }
        let Some(mut expr) = last else {
            return Err(self.error(Span::default(), "no expression found in input"));
        };
        while let Some(top) = stack.pop() {
            expr = self.reduce(top, expr)?;
        }
        Ok(expr)
    }

    fn reduce(&self, waiting: Waiting, right: Expr) -> Result<Expr> {
        Ok(match waiting {
            Waiting::Sign { minus, start } => sign(minus, start, right),
            Waiting::Binary(operator, lhs) => {
                let span = lhs.span().to(right.span());
                let m = &operator.matching;
                let fills = m.fill_left.is_some() || m.fill_right.is_some();
                if fills && !self.options.enable_binop_fill_modifiers {
                    let message = "binop fill modifiers are experimental and not enabled";
                    return Err(self.error(span, message));
                }
                Expr::Binary(Box::new(Binary {
                    op: operator.op,
                    lhs,
                    rhs: right,
                    matching: Some(operator.matching),
                    return_bool: operator.return_bool,
                    span,
                    unquoted_utf8: self.options.enable_unquoted_utf8_names,
                }))
            }
        })
    }

    /// Signs go to the stack; the rest is a primary with its modifiers.
    fn operand(&self, pair: Pair<'_, Rule>, stack: &mut Vec<Waiting>) -> Result<Expr> {
        let mut expr = None;
        for part in pair.into_inner() {
            let span = span_of(&part);
            match part.as_rule() {
                Rule::sign => {
                    if stack.len() > MAX_CHAIN {
                        let message = format!("more than {MAX_CHAIN} signs in one expression");
                        return Err(self.error(span, message));
                    }
                    stack.push(Waiting::Sign {
                        minus: part.as_str() == "-",
                        start: span.start,
                    });
                }
                Rule::range => {
                    let operand = expr.take().unwrap_or_else(|| number(0.0, false, span));
                    expr = Some(self.range(part, operand)?);
                }
                Rule::offset | Rule::at | Rule::anchored | Rule::smoothed => {
                    if let Some(expr) = &mut expr {
                        self.modify(part, expr)?;
                    }
                }
                _ => expr = Some(self.primary(part)?),
            }
        }
        expr.ok_or_else(|| self.error(Span::default(), "no expression found in input"))
    }

    fn primary(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = span_of(&pair);
        Ok(match pair.as_rule() {
            Rule::number | Rule::duration => Expr::Number(self.number_literal(&pair)?),
            Rule::string => {
                let bytes = self.bytes(&pair)?;
                let value = String::from_utf8_lossy(&bytes).into_owned();
                let raw = (value.as_bytes() != bytes).then_some(bytes);
                Expr::String(StringLiteral { value, raw, span })
            }
            Rule::paren => {
                let inner = pair.into_inner().next();
                let expr = inner.map(|inner| self.expr(inner)).transpose()?;
                let expr = expr.ok_or_else(|| self.error(span, "no expression found in input"))?;
                Expr::Paren(Box::new(Paren { expr, span }))
            }
            Rule::call => self.call(pair)?,
            _ => Expr::VectorSelector(Box::new(self.vector_selector(pair)?)),
        })
    }

    fn number_literal(&self, pair: &Pair<'_, Rule>) -> Result<NumberLiteral> {
        let span = span_of(pair);
        let is_duration = pair.as_rule() == Rule::duration;
        let value = if is_duration {
            let ms = parse_duration(pair.as_str()).map_err(|m| self.error(span, m))?;
            ms as f64 / 1000.0
        } else {
            parse_number(pair.as_str()).map_err(|m| self.error(span, m))?
        };
        Ok(NumberLiteral {
            value,
            is_duration,
            span,
        })
    }

    /// The value of a quoted string.
    fn bytes(&self, pair: &Pair<'_, Rule>) -> Result<Vec<u8>> {
        unquote(pair.as_str()).map_err(|message| self.error(span_of(pair), message))
    }

    /// A call of a function or of an aggregator, which match in any case.
    fn call(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let Some(name) = parts.next() else {
            return Err(self.error(span, "incomplete call"));
        };
        match table::aggregator(&name.as_str().to_ascii_lowercase()) {
            Some(op) => self.aggregate(op, span_of(&name), parts),
            None => self.function_call(&name, parts),
        }
    }

    fn aggregate(
        &self,
        op: &'static Aggregator,
        mut span: Span,
        parts: Pairs<'_, Rule>,
    ) -> Result<Expr> {
        let (mut grouping, mut without, mut args) = (Vec::new(), false, Vec::new());
        let mut grouped = false;
        for part in parts {
            // The whole pair may include white space behind its last part.
            span.end = span_of(&part).end;
            if part.as_rule() != Rule::grouping {
                args = self.arguments(part)?;
                continue;
            }
            grouped = true;
            for inner in part.into_inner() {
                match inner.as_rule() {
                    Rule::without => without = true,
                    Rule::label_list => grouping = self.label_list(inner)?,
                    _ => {}
                }
            }
        }
        if !grouped {
            span.end = self.end_read_ahead(span.end);
        }
        let (param, expr) = self.aggregate_arguments(op, args, span)?;
        Ok(Expr::Aggregate(Box::new(Aggregate {
            op,
            param,
            expr,
            grouping,
            without,
            span,
            unquoted_utf8: self.options.enable_unquoted_utf8_names,
        })))
    }

    /// The parameter, if the aggregator takes one, and what is aggregated.
    fn aggregate_arguments(
        &self,
        op: &Aggregator,
        mut args: Vec<Expr>,
        span: Span,
    ) -> Result<(Option<Expr>, Expr)> {
        if args.is_empty() {
            return Err(self.error(span, "no arguments for aggregate expression provided"));
        }
        if op.experimental && !self.options.enable_experimental_functions {
            let message = format!(
                "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                op.name
            );
            return Err(self.error(span, message));
        }
        let wanted = if op.param.is_some() { 2 } else { 1 };
        if args.len() != wanted {
            let got = args.len();
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {got}"
            );
            return Err(self.error(span, message));
        }
        let expr = args.pop().ok_or_else(|| self.error(span, "no arguments"))?;
        Ok((args.pop(), expr))
    }

    /// Where Prometheus thinks that an aggregation without `by` ends: it
    /// has to read on to know that, and looks back past blanks alone.
    fn end_read_ahead(&self, end: u32) -> u32 {
        let next = duration::next_token(self.query, end);
        let between = &self.query[end as usize..next as usize];
        match self.query.as_bytes().get(next as usize) {
            Some(b')') if between.contains('#') => next + 1,
            _ => end,
        }
    }

    fn arguments(&self, pair: Pair<'_, Rule>) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::trailing_comma {
                let message = "trailing commas not allowed in function call args";
                return Err(self.error(span_of(&part), message));
            }
            args.push(self.expr(part)?);
        }
        Ok(args)
    }

    fn function_call(&self, name: &Pair<'_, Rule>, parts: Pairs<'_, Rule>) -> Result<Expr> {
        let name_span = span_of(name);
        let function = table::lookup(name.as_str()).ok_or_else(|| {
            let quoted = quarrel_functions::fmt::quote(name.as_str());
            self.error(name_span, format!("unknown function with name {quoted}"))
                .with_meant(suggest::function(name.as_str()))
        })?;
        if function.experimental && !self.options.enable_experimental_functions {
            let name = quarrel_functions::fmt::quote(function.name);
            return Err(self.error(name_span, format!("function {name} is not enabled")));
        }
        let (mut span, mut args) = (name_span, Vec::new());
        for part in parts {
            if part.as_rule() == Rule::grouping {
                let word = part.as_str().split(|c: char| !c.is_alphabetic()).next();
                let word = quarrel_functions::fmt::quote(word.unwrap_or_default());
                let message = format!("unexpected {word}: only aggregations are grouped");
                return Err(self.error(span_of(&part), message));
            }
            span.end = span_of(&part).end;
            args = self.arguments(part)?;
        }
        Ok(Expr::Call(Box::new(Call {
            function,
            args,
            span,
        })))
    }
}

fn number(value: f64, is_duration: bool, span: Span) -> Expr {
    Expr::Number(NumberLiteral {
        value,
        is_duration,
        span,
    })
}

/// A sign in front of a number is part of the number.
fn sign(minus: bool, start: u32, expr: Expr) -> Expr {
    match expr {
        Expr::Number(mut literal) => {
            if minus {
                literal.value = -literal.value;
            }
            literal.span.start = start;
            Expr::Number(literal)
        }
        expr => {
            let span = Span {
                start,
                end: expr.span().end,
            };
            Expr::Unary(Box::new(Unary { minus, expr, span }))
        }
    }
}

/// Seconds as nanoseconds, in the way that Prometheus rounds them.
fn to_nanos(seconds: f64) -> i64 {
    let nanos = (seconds * 1e9).round();
    // What is too much for Go's integer, or no number, becomes the least one.
    if nanos.is_nan() || nanos >= i64::MAX as f64 {
        i64::MIN
    } else {
        nanos as i64
    }
}
