//! The syntax tree. Every node has its span in the query text.

use quarrel_functions::fmt::{quote, quote_bytes};
use quarrel_functions::table::{Aggregator, Function, ValueType};
use quarrel_matchers::Matcher;

/// A piece of the query text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One behind the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span over both.
    pub fn to(self, end: Span) -> Span {
        Span {
            start: self.start,
            end: end.end,
        }
    }
}

/// An expression. Cloning and dropping are safe however deep it is.
#[derive(Debug)]
pub enum Expr {
    /// `1.5`, `5m`, `Inf`
    Number(NumberLiteral),
    /// `"text"`
    String(StringLiteral),
    /// `up{job="x"}`
    VectorSelector(Box<VectorSelector>),
    /// `up[5m]`
    MatrixSelector(Box<MatrixSelector>),
    /// `rate(up[5m])[1h:1m]`
    Subquery(Box<Subquery>),
    /// `rate(x[5m])`
    Call(Box<Call>),
    /// `sum by (job) (x)`
    Aggregate(Box<Aggregate>),
    /// `a + b`
    Binary(Box<Binary>),
    /// `-a`
    Unary(Box<Unary>),
    /// `(a)`
    Paren(Box<Paren>),
}

/// A number.
#[derive(Clone, Debug)]
pub struct NumberLiteral {
    /// Its value; durations in seconds.
    pub value: f64,
    /// Whether it was written as a duration.
    pub is_duration: bool,
    /// Its span in the query text.
    pub span: Span,
}

/// A string.
#[derive(Clone, Debug)]
pub struct StringLiteral {
    /// Its value, unquoted. What is no UTF-8 is replaced.
    pub value: String,
    /// The bytes of a value that is no UTF-8. It can be no label's name.
    pub raw: Option<Vec<u8>>,
    /// Its span in the query text.
    pub span: Span,
}

impl StringLiteral {
    /// The value in double quotes with Go's escapes.
    pub fn quoted(&self) -> String {
        match &self.raw {
            Some(bytes) => quote_bytes(bytes),
            None => quote(&self.value),
        }
    }
}

/// The time that `@` fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtModifier {
    /// Milliseconds since the epoch.
    Timestamp(i64),
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
}

/// A duration: known, or to be computed from the query's times.
#[derive(Clone, Debug)]
pub enum DurationValue {
    /// Nanoseconds, as in Prometheus; all else counts milliseconds.
    Known(i64),
    /// An expression.
    Computed(DurationExpr),
}

impl DurationValue {
    /// No duration at all.
    pub const ZERO: DurationValue = DurationValue::Known(0);

    /// Whether it is [`DurationValue::ZERO`].
    pub fn is_zero(&self) -> bool {
        matches!(self, DurationValue::Known(0))
    }
}

/// A duration expression; values are seconds. Cloning and dropping are safe
/// however deep it is.
#[derive(Debug)]
pub enum DurationExpr {
    /// A number or a duration.
    Number(NumberLiteral),
    /// `step()`
    Step(Span),
    /// `range()`
    Range(Span),
    /// `-d`, and `+d` for a number in parentheses.
    Unary {
        /// `-` if true.
        minus: bool,
        /// Its operand.
        operand: Box<DurationExpr>,
        /// Whether it stands in parentheses.
        wrapped: bool,
        /// Its span in the query text.
        span: Span,
    },
    /// Two durations and an operator.
    Binary {
        /// The operator.
        op: DurationOp,
        /// Left operand.
        lhs: Box<DurationExpr>,
        /// Right operand.
        rhs: Box<DurationExpr>,
        /// Whether it stands in parentheses.
        wrapped: bool,
        /// Its span in the query text.
        span: Span,
    },
}

impl DurationExpr {
    /// Where it stands, without parentheses around.
    pub fn span(&self) -> Span {
        match self {
            DurationExpr::Number(literal) => literal.span,
            DurationExpr::Step(span)
            | DurationExpr::Range(span)
            | DurationExpr::Unary { span, .. }
            | DurationExpr::Binary { span, .. } => *span,
        }
    }
}

/// Operators of duration expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the operators
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Min,
    Max,
}

impl DurationOp {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            DurationOp::Add => "+",
            DurationOp::Sub => "-",
            DurationOp::Mul => "*",
            DurationOp::Div => "/",
            DurationOp::Mod => "%",
            DurationOp::Pow => "^",
            DurationOp::Min => "min_of",
            DurationOp::Max => "max_of",
        }
    }
}

/// A vector selector.
#[derive(Clone, Debug)]
pub struct VectorSelector {
    /// The metric's name in front of the braces.
    pub name: Option<String>,
    /// All matchers; that of the name in front of the braces comes last.
    pub matchers: Vec<Matcher>,
    /// `offset`
    pub offset: DurationValue,
    /// `@`
    pub at: Option<AtModifier>,
    /// `anchored`
    pub anchored: bool,
    /// `smoothed`
    pub smoothed: bool,
    /// Whether it may match everything: `info`'s second argument.
    pub may_match_empty: bool,
    /// Its span in the query text.
    pub span: Span,
    /// Whether names without quotes may have letters beyond ASCII and dots,
    /// for the printers.
    pub unquoted_utf8: bool,
}

/// A range selector.
#[derive(Clone, Debug)]
pub struct MatrixSelector {
    /// Which series.
    pub selector: VectorSelector,
    /// Its range.
    pub range: DurationValue,
    /// Its span in the query text.
    pub span: Span,
}

/// A subquery.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// The expression inside.
    pub expr: Expr,
    /// Its range.
    pub range: DurationValue,
    /// Its step; `None`: that of the engine's options.
    pub step: Option<DurationValue>,
    /// `offset`
    pub offset: DurationValue,
    /// `@`
    pub at: Option<AtModifier>,
    /// Its span in the query text.
    pub span: Span,
}

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: &'static Function,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Its span in the query text.
    pub span: Span,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// The aggregator.
    pub op: &'static Aggregator,
    /// `k`, `q` or the label's name.
    pub param: Option<Expr>,
    /// What is aggregated.
    pub expr: Expr,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether it is `without`.
    pub without: bool,
    /// Its span in the query text.
    pub span: Span,
    /// Whether names without quotes may have letters beyond ASCII and dots,
    /// for the printers.
    pub unquoted_utf8: bool,
}

/// A binary operation.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Left operand.
    pub lhs: Expr,
    /// Right operand.
    pub rhs: Expr,
    /// How rows are matched, if both operands are vectors.
    pub matching: Option<VectorMatching>,
    /// `bool`
    pub return_bool: bool,
    /// Its span in the query text.
    pub span: Span,
    /// Whether names without quotes may have letters beyond ASCII and dots,
    /// for the printers.
    pub unquoted_utf8: bool,
}

/// A sign in front of an expression.
#[derive(Clone, Debug)]
pub struct Unary {
    /// `-` if true, `+` if not.
    pub minus: bool,
    /// Its operand.
    pub expr: Expr,
    /// Its span in the query text.
    pub span: Span,
}

/// Parentheses.
#[derive(Clone, Debug)]
pub struct Paren {
    /// What is inside.
    pub expr: Expr,
    /// Its span in the query text.
    pub span: Span,
}

/// How rows of two vectors are matched.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    /// How many rows of each side may be in one match group.
    pub card: Cardinality,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// Whether it is `on`.
    pub on: bool,
    /// The labels that `group_left` or `group_right` brings along.
    pub include: Vec<String>,
    /// `fill`, `fill_left`
    pub fill_left: Option<f64>,
    /// `fill`, `fill_right`
    pub fill_right: Option<f64>,
}

impl Default for VectorMatching {
    /// One to one, on all labels.
    fn default() -> Self {
        VectorMatching {
            card: Cardinality::OneToOne,
            labels: Vec::new(),
            on: false,
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
        }
    }
}

/// How many rows of each side may be in one match group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Cardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

impl Cardinality {
    /// The name in the HTTP API.
    pub fn name(self) -> &'static str {
        match self {
            Cardinality::OneToOne => "one-to-one",
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
        }
    }
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are PromQL's operators
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    TrimUpper,
    TrimLower,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        use BinaryOp as B;
        match self {
            B::Add => "+",
            B::Sub => "-",
            B::Mul => "*",
            B::Div => "/",
            B::Mod => "%",
            B::Pow => "^",
            B::Atan2 => "atan2",
            B::Equal => "==",
            B::NotEqual => "!=",
            B::Greater => ">",
            B::Less => "<",
            B::GreaterOrEqual => ">=",
            B::LessOrEqual => "<=",
            B::TrimUpper => "</",
            B::TrimLower => ">/",
            B::And => "and",
            B::Or => "or",
            B::Unless => "unless",
        }
    }

    /// `==`, `!=`, `>`, `<`, `>=`, `<=`
    pub fn is_comparison(self) -> bool {
        use BinaryOp as B;
        matches!(
            self,
            B::Equal | B::NotEqual | B::Greater | B::Less | B::GreaterOrEqual | B::LessOrEqual
        )
    }

    /// All operators.
    pub const ALL: [BinaryOp; 18] = [
        BinaryOp::Add,
        BinaryOp::Sub,
        BinaryOp::Mul,
        BinaryOp::Div,
        BinaryOp::Mod,
        BinaryOp::Pow,
        BinaryOp::Atan2,
        BinaryOp::Equal,
        BinaryOp::NotEqual,
        BinaryOp::Greater,
        BinaryOp::Less,
        BinaryOp::GreaterOrEqual,
        BinaryOp::LessOrEqual,
        BinaryOp::TrimUpper,
        BinaryOp::TrimLower,
        BinaryOp::And,
        BinaryOp::Or,
        BinaryOp::Unless,
    ];

    /// `and`, `or`, `unless`
    pub fn is_set(self) -> bool {
        matches!(self, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless)
    }
}

impl Expr {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Expr::Number(e) => e.span,
            Expr::String(e) => e.span,
            Expr::VectorSelector(e) => e.span,
            Expr::MatrixSelector(e) => e.span,
            Expr::Subquery(e) => e.span,
            Expr::Call(e) => e.span,
            Expr::Aggregate(e) => e.span,
            Expr::Binary(e) => e.span,
            Expr::Unary(e) => e.span,
            Expr::Paren(e) => e.span,
        }
    }

    /// The expressions inside of it, in the order of the text.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Number(_)
            | Expr::String(_)
            | Expr::VectorSelector(_)
            | Expr::MatrixSelector(_) => Vec::new(),
            Expr::Subquery(subquery) => vec![&subquery.expr],
            Expr::Call(call) => call.args.iter().collect(),
            Expr::Aggregate(aggregate) => aggregate.param.iter().chain([&aggregate.expr]).collect(),
            Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
            Expr::Unary(unary) => vec![&unary.expr],
            Expr::Paren(paren) => vec![&paren.expr],
        }
    }

    /// The type of its value.
    pub fn value_type(&self) -> ValueType {
        let mut expr = self;
        loop {
            return match expr {
                Expr::Number(_) => ValueType::Scalar,
                Expr::String(_) => ValueType::String,
                Expr::VectorSelector(_) | Expr::Aggregate(_) => ValueType::Vector,
                Expr::MatrixSelector(_) | Expr::Subquery(_) => ValueType::Matrix,
                Expr::Call(call) => call.function.returns,
                Expr::Paren(paren) => {
                    expr = &paren.expr;
                    continue;
                }
                Expr::Unary(unary) => {
                    expr = &unary.expr;
                    continue;
                }
                Expr::Binary(binary) => {
                    // A chain of scalars leans left; its right sides are short.
                    if binary.rhs.value_type() != ValueType::Scalar {
                        return ValueType::Vector;
                    }
                    if binary.lhs.value_type_is_scalar() {
                        ValueType::Scalar
                    } else {
                        ValueType::Vector
                    }
                }
            };
        }
    }

    /// Whether the value is a scalar, along a left-leaning chain without recursion.
    fn value_type_is_scalar(&self) -> bool {
        let mut expr = self;
        while let Expr::Binary(binary) = expr {
            if binary.rhs.value_type() != ValueType::Scalar {
                return false;
            }
            expr = &binary.lhs;
        }
        expr.value_type() == ValueType::Scalar
    }

    /// The expression and all below it, in no particular order.
    pub fn nodes(&self) -> Vec<&Expr> {
        let mut nodes = vec![self];
        let mut next = 0;
        while let Some(expr) = nodes.get(next).copied() {
            match expr {
                Expr::Number(_)
                | Expr::String(_)
                | Expr::VectorSelector(_)
                | Expr::MatrixSelector(_) => {}
                Expr::Subquery(e) => nodes.push(&e.expr),
                Expr::Call(e) => nodes.extend(&e.args),
                Expr::Aggregate(e) => nodes.extend(e.param.iter().chain([&e.expr])),
                Expr::Binary(e) => nodes.extend([&e.lhs, &e.rhs]),
                Expr::Unary(e) => nodes.push(&e.expr),
                Expr::Paren(e) => nodes.push(&e.expr),
            }
            next += 1;
        }
        nodes
    }

    /// The expression without parentheses around.
    pub fn unparenthesized(&self) -> &Expr {
        let mut expr = self;
        while let Expr::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }
}
