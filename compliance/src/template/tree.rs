//! The tree of a template. Its printed form is that of Go's error messages.

use std::collections::BTreeMap;
use std::fmt;

use super::number::Number;

/// A template and those that it defines.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Vec<Node>,
    /// By name: `define` and `block`.
    pub(super) defined: BTreeMap<String, Vec<Node>>,
}

/// A piece of a template; places are bytes of the text.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Action {
        pos: usize,
        pipe: Pipe,
    },
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        pos: usize,
        name: String,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

/// The parts of `if`, `with` and `range`.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) list: Vec<Node>,
    pub(super) otherwise: Option<Vec<Node>>,
}

/// `$x := a | b`
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) pos: usize,
    /// Whether the variables exist already.
    pub(super) assigns: bool,
    pub(super) variables: Vec<String>,
    pub(super) commands: Vec<Command>,
}

/// An operand and its arguments.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) pos: usize,
    pub(super) operands: Vec<Operand>,
}

/// A value in a command.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) pos: usize,
    pub(super) kind: OperandKind,
}

/// What an operand is.
#[derive(Debug)]
pub(super) enum OperandKind {
    Bool(bool),
    Nil,
    Dot,
    Number(Number),
    /// As it is written, and its value.
    Text(String, String),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`: the variable and fields.
    Variable(String, Vec<String>),
    /// The name of a function.
    Function(String),
    /// `(...)`
    Pipe(Pipe),
    /// `(...).a.b`
    Chain(Box<Operand>, Vec<String>),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Text(text) => f.write_str(text),
            Node::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Node::If(branch) => write!(f, "{{{{if {}}}}}", branch.pipe),
            Node::With(branch) => write!(f, "{{{{with {}}}}}", branch.pipe),
            Node::Range(branch) => write!(f, "{{{{range {}}}}}", branch.pipe),
            Node::Template { name, pipe, .. } => {
                write!(f, "{{{{template {}", quarrel_functions::fmt::quote(name))?;
                match pipe {
                    Some(pipe) => write!(f, " {pipe}}}}}"),
                    None => f.write_str("}}"),
                }
            }
            Node::Break => f.write_str("{{break}}"),
            Node::Continue => f.write_str("{{continue}}"),
        }
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            let sign = if self.assigns { "=" } else { ":=" };
            write!(f, "{} {sign} ", self.variables.join(", "))?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            let bar = if i > 0 { " | " } else { "" };
            write!(f, "{bar}{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, operand) in self.operands.iter().enumerate() {
            let space = if i > 0 { " " } else { "" };
            match &operand.kind {
                OperandKind::Pipe(pipe) => write!(f, "{space}({pipe})")?,
                _ => write!(f, "{space}{operand}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Bool(value) => write!(f, "{value}"),
            OperandKind::Nil => f.write_str("nil"),
            OperandKind::Dot => f.write_str("."),
            OperandKind::Number(number) => f.write_str(&number.text),
            OperandKind::Text(written, _) => f.write_str(written),
            OperandKind::Field(names) => write!(f, ".{}", names.join(".")),
            OperandKind::Variable(name, fields) => {
                f.write_str(name)?;
                fields.iter().try_for_each(|field| write!(f, ".{field}"))
            }
            OperandKind::Function(name) => f.write_str(name),
            OperandKind::Pipe(pipe) => write!(f, "{pipe}"),
            OperandKind::Chain(inner, fields) => {
                match &inner.kind {
                    OperandKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{inner}")?,
                }
                fields.iter().try_for_each(|field| write!(f, ".{field}"))
            }
        }
    }
}
