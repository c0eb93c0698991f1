//! From text to syntax tree: the pest grammar, then precedence climbing.

use pest::Parser as _;
use pest::error::InputLocation;
use pest::iterators::{Pair, Pairs};
use quarrel_functions::table::{self, Aggregator};
use quarrel_matchers::{MatchOp, Matcher, RegexBudget};

use crate::ast::*;
use crate::diagnose::{self, Goal};
use crate::error::ParseError;
use crate::literal::{is_duration, is_space, parse_literal, to_nanos, unquote};
use crate::nesting;
use crate::options::ParserOptions;
use crate::precedence::{SIGN, binds_before, precedence};
use crate::{check, with_stack};

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

/// The text of errors whose words are found afterwards, see [`diagnose`].
const REFUSED: &str = "not PromQL";

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
    let goal = Goal::Expression;
    let (mut expr, regexes) = read(query, options, goal, |builder, pair| builder.expr(pair))?;
    check::check(&mut expr, query)?;
    Ok(Tree { expr, regexes })
}

/// Parses a selector alone, such as `match[]` takes it.
///
/// # Errors
/// As [`parse`]; offsets, ranges and other modifiers are refused.
pub fn parse_metric_selector(text: &str, options: &ParserOptions) -> Result<Vec<Matcher>> {
    let (selector, _) = read(text, options, Goal::Selector, |builder, pair| {
        builder.vector_selector(pair)
    })?;
    Ok(selector.matchers)
}

/// Runs `build` on what the grammar makes of a text. When a text is refused, it
/// is read once more for the words of the error.
fn read<T>(
    text: &str,
    options: &ParserOptions,
    goal: Goal,
    build: impl FnOnce(&Builder<'_>, Pair<'_, Rule>) -> Result<T>,
) -> Result<(T, RegexBudget)> {
    if text.len() > MAX_LENGTH {
        let message = format!("query is longer than {MAX_LENGTH} bytes");
        return Err(ParseError::new(text, Span::default(), message));
    }
    let rule = match (goal, options.enable_unquoted_utf8_names) {
        (Goal::Expression, false) => Rule::query,
        (Goal::Expression, true) => Rule::query_utf8,
        (Goal::Selector, false) => Rule::selector,
        (Goal::Selector, true) => Rule::selector_utf8,
    };
    let builder = Builder::new(text, options);
    let built = run_grammar(rule, text).and_then(|mut pairs| {
        let whole = pairs.next().map(Pair::into_inner);
        let inner = whole.and_then(|mut inner| inner.next());
        build(
            &builder,
            inner.ok_or_else(|| builder.refused(Span::default()))?,
        )
    });
    match built {
        Ok(built) => Ok((built, builder.regexes)),
        Err(error) => Err(diagnose::first_fault(text, options, goal).unwrap_or(error)),
    }
}

fn run_grammar(rule: Rule, text: &str) -> Result<Pairs<'_, Rule>> {
    let depth = nesting::depth(text).map_err(|span| {
        let message = format!("brackets nest deeper than {}", nesting::MAX_NESTING);
        ParseError::new(text, span, message)
    })?;
    let needed = (depth + 8) * STACK_A_LEVEL;
    let parsed = stacker::maybe_grow(needed, needed + STACK_A_LEVEL, || {
        Grammar::parse(rule, text)
    });
    parsed.map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at as u32,
        };
        ParseError::new(text, Span { start: at, end: at }, REFUSED)
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

    /// A part that Prometheus refuses; its words are found afterwards.
    fn refused(&self, span: Span) -> ParseError {
        self.error(span, REFUSED)
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
            while let Some(top) = stack.last() {
                let reduces = match top {
                    Waiting::Sign { .. } => binds_before(SIGN, operator.op),
                    Waiting::Binary(waiting, _) => {
                        binds_before(precedence(waiting.op), operator.op)
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
            return Err(self.refused(Span::default()));
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
                    return Err(self.refused(span));
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
        expr.ok_or_else(|| self.refused(Span::default()))
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
                let expr = expr.ok_or_else(|| self.refused(span))?;
                Expr::Paren(Box::new(Paren { expr, span }))
            }
            Rule::call => self.call(pair)?,
            _ => Expr::VectorSelector(Box::new(self.vector_selector(pair)?)),
        })
    }

    fn number_literal(&self, pair: &Pair<'_, Rule>) -> Result<NumberLiteral> {
        let span = span_of(pair);
        let is_duration = pair.as_rule() == Rule::duration;
        let value = parse_literal(pair.as_str(), is_duration).map_err(|_| self.refused(span))?;
        Ok(NumberLiteral {
            value,
            is_duration,
            span,
        })
    }

    /// The value of a quoted string.
    fn bytes(&self, pair: &Pair<'_, Rule>) -> Result<Vec<u8>> {
        unquote(pair.as_str()).map_err(|_| self.refused(span_of(pair)))
    }

    /// A call of a function or of an aggregator, which match in any case.
    fn call(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let Some(name) = parts.next() else {
            return Err(self.refused(span));
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
        let wanted = if op.param.is_some() { 2 } else { 1 };
        let is_enabled = !op.experimental || self.options.enable_experimental_functions;
        if args.len() != wanted || !is_enabled {
            return Err(self.refused(span));
        }
        let expr = args.pop().ok_or_else(|| self.refused(span))?;
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
                return Err(self.refused(span_of(&part)));
            }
            args.push(self.expr(part)?);
        }
        Ok(args)
    }

    fn function_call(&self, name: &Pair<'_, Rule>, parts: Pairs<'_, Rule>) -> Result<Expr> {
        let name_span = span_of(name);
        let enabled = self.options.enable_experimental_functions;
        let function = table::lookup(name.as_str())
            .filter(|function| enabled || !function.experimental)
            .ok_or_else(|| self.refused(name_span))?;
        let (mut span, mut args) = (name_span, Vec::new());
        for part in parts {
            if part.as_rule() == Rule::grouping {
                return Err(self.refused(span_of(&part)));
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
