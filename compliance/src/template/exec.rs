//! Runs a template: walks its tree and writes text.

use std::fmt;

use quarrel_functions::fmt::quote;

use super::budget::Budget;
use super::call::{CallError, Environment, Param};
use super::functions;
use super::methods::{Member, member};
use super::place::At;
use super::printf::plain;
use super::tree::{Branch, Command, Node, Operand, OperandKind, Pipe, Tree};
use super::value::Value;

/// Templates that call each other. Go allows 100,000, which no template that ends
/// needs.
const DEEPEST: usize = 1000;
/// What Go says of it.
const DEEPEST_IN_GO: usize = 100_000;

/// Why a template stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// As in Go, with the place.
    Failed(String),
    /// What is not supported.
    Unsupported(String),
}

/// What a piece of a template does to the loop around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Run<T> = Result<T, Stop>;

/// Runs a template.
///
/// # Errors
/// When it fails.
pub(super) fn execute(
    name: &str,
    text: &str,
    tree: &Tree,
    data: Value,
    environment: &dyn Environment,
) -> Run<String> {
    let mut state = State {
        main: name,
        name,
        text,
        tree,
        environment,
        out: String::new(),
        variables: vec![("$", data.clone())],
        at: At::Nowhere,
        depth: 0,
        budget: Budget::default(),
    };
    if !tree.root.is_empty() || tree.defined.is_empty() {
        state.list(&data, &tree.root)?;
    }
    Ok(state.out)
}

struct State<'a> {
    /// The name of the text.
    main: &'a str,
    /// The name of the template that runs.
    name: &'a str,
    text: &'a str,
    tree: &'a Tree,
    environment: &'a dyn Environment,
    out: String,
    variables: Vec<(&'a str, Value)>,
    at: At<'a>,
    depth: usize,
    budget: Budget,
}

impl<'a> State<'a> {
    /// The failure with its place, as Go words it.
    fn fail<T>(&self, message: impl fmt::Display) -> Run<T> {
        let Some(pos) = self.at.pos() else {
            return Err(Stop::Failed(format!("template: {}: {message}", self.name)));
        };
        let before = &self.text[..pos.min(self.text.len())];
        let line = 1 + before.matches('\n').count();
        let column = before.rfind('\n').map_or(pos, |newline| pos - newline - 1);
        let (main, name, at) = (self.main, quote(self.name), self.at);
        Err(Stop::Failed(format!(
            "template: {main}:{line}:{column}: executing {name} at <{at}>: {message}"
        )))
    }

    fn list(&mut self, dot: &Value, list: &'a [Node]) -> Run<Flow> {
        for node in list {
            let flow = self.node(dot, node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn spend(&mut self) -> Run<()> {
        self.budget.spend(self.out.len()).map_err(Stop::Unsupported)
    }

    fn node(&mut self, dot: &Value, node: &'a Node) -> Run<Flow> {
        self.spend()?;
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action { pos, pipe } => {
                let value = self.pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at = At::Node(*pos, node);
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.condition(dot, branch, false),
            Node::With(branch) => return self.condition(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { pos, name, pipe } => {
                self.at = At::Node(*pos, node);
                self.call_template(dot, name, pipe.as_ref())?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn print(&mut self, value: &Value) -> Run<()> {
        match value {
            Value::Nothing => self.out.push_str("<no value>"),
            Value::Samples(samples) if !samples.is_empty() => {
                let what = "printing a query's answer, which shows addresses in memory,";
                return Err(Stop::Unsupported(what.to_string()));
            }
            // What a pointer points to is printed.
            Value::Sample(_) => self.out.push_str(&plain(value)[1..]),
            value => self.out.push_str(&plain(value)),
        }
        Ok(())
    }

    fn condition(&mut self, dot: &Value, branch: &'a Branch, moves_dot: bool) -> Run<Flow> {
        let mark = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.truth() {
            self.list(if moves_dot { &value } else { dot }, &branch.list)?
        } else if let Some(otherwise) = &branch.otherwise {
            self.list(dot, otherwise)?
        } else {
            Flow::On
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &'a Branch) -> Run<Flow> {
        let outer = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let inner = self.variables.len();
        let items: Box<dyn Iterator<Item = (Value, Value)>> = match &value {
            Value::Int(n) | Value::Int64(n) | Value::Named(_, _, n) => {
                if branch.pipe.variables.len() > 1 {
                    let text = plain(&value);
                    return self.fail(format_args!(
                        "can't use {text} to iterate over more than one variable"
                    ));
                }
                let wide = matches!(value, Value::Int64(_));
                let item = move |i| if wide { Value::Int64(i) } else { Value::Int(i) };
                Box::new((0..*n).map(move |i| (Value::Nothing, item(i))))
            }
            Value::Labels(labels) => {
                let pairs = labels.iter();
                Box::new(
                    pairs.map(|(name, text)| {
                        (Value::text(name.as_str()), Value::text(text.as_str()))
                    }),
                )
            }
            Value::Map(map) => Box::new(
                map.iter()
                    .map(|(name, value)| (Value::text(name.as_str()), value.clone())),
            ),
            Value::Samples(samples) => {
                let items = samples.iter().zip(0..);
                Box::new(items.map(|(sample, i)| (Value::Int(i), Value::Sample(sample.clone()))))
            }
            Value::Nothing => Box::new(std::iter::empty()),
            other => {
                let text = plain(other);
                return self.fail(format_args!("range can't iterate over {text}"));
            }
        };
        let mut ran = false;
        for (index, item) in items {
            self.spend()?;
            ran = true;
            self.set_range_variables(&branch.pipe, inner, index, &item)?;
            let flow = self.list(&item, &branch.list)?;
            self.variables.truncate(inner);
            if flow == Flow::Break {
                break;
            }
        }
        let mut flow = Flow::On;
        if let (false, Some(otherwise)) = (ran, &branch.otherwise) {
            flow = self.list(dot, otherwise)?;
        }
        self.variables.truncate(outer);
        Ok(flow)
    }

    /// Gives the variables of a range their values: one is the item, of two the
    /// first is the index.
    fn set_range_variables(
        &mut self,
        pipe: &'a Pipe,
        top: usize,
        index: Value,
        item: &Value,
    ) -> Run<()> {
        let values = match pipe.variables.len() {
            0 => return Ok(()),
            1 => vec![item.clone()],
            _ => vec![index, item.clone()],
        };
        let count = values.len();
        for (i, value) in values.into_iter().enumerate() {
            if pipe.assigns {
                self.assign(&pipe.variables[i], value)?;
            } else if let Some(slot) = (top + i).checked_sub(count) {
                self.variables[slot].1 = value;
            }
        }
        Ok(())
    }

    fn assign(&mut self, name: &str, value: Value) -> Run<()> {
        match self.variables.iter_mut().rev().find(|v| v.0 == name) {
            Some(slot) => {
                slot.1 = value;
                Ok(())
            }
            None => self.fail(format_args!("undefined variable: {name}")),
        }
    }

    fn call_template(&mut self, dot: &Value, name: &'a str, pipe: Option<&'a Pipe>) -> Run<()> {
        let tree = self.tree;
        let list: &'a [Node] = match tree.defined.get(name) {
            Some(list) => list,
            None if name == self.main => &tree.root,
            None => return self.fail(format_args!("template {} not defined", quote(name))),
        };
        if self.depth == DEEPEST {
            return self.fail(format_args!(
                "exceeded maximum template depth ({DEEPEST_IN_GO})"
            ));
        }
        let dot = match pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Nothing,
        };
        let variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        let caller = std::mem::replace(&mut self.name, name);
        self.depth += 1;
        quarrel_planner::with_stack(|| self.list(&dot, list))?;
        self.depth -= 1;
        self.name = caller;
        self.variables = variables;
        Ok(())
    }

    fn pipe(&mut self, dot: &Value, pipe: &'a Pipe) -> Run<Value> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?);
        }
        let value = value.unwrap_or(Value::Nothing);
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// A command; `last` is the value that the one before pipes in.
    fn command(&mut self, dot: &Value, command: &'a Command, last: Option<Value>) -> Run<Value> {
        let Some((first, arguments)) = command.operands.split_first() else {
            return Ok(Value::Nothing);
        };
        let takes_none = arguments.is_empty() && last.is_none();
        match &first.kind {
            OperandKind::Field(names) => {
                self.at = At::Operand(first);
                return self.chain(dot, dot.clone(), first, names, arguments, last);
            }
            OperandKind::Chain(inner, names) => {
                self.at = At::Operand(first);
                let value = self.chain_value(dot, first, inner)?;
                return self.chain(dot, value, first, names, arguments, last);
            }
            OperandKind::Function(name) => {
                self.at = At::Operand(first);
                return self.call(dot, name, At::Command(command), arguments, last);
            }
            OperandKind::Variable(name, names) if !names.is_empty() => {
                self.at = At::Operand(first);
                let value = self.variable(name);
                return self.chain(dot, value, first, names, arguments, last);
            }
            _ => {}
        }
        if !matches!(first.kind, OperandKind::Pipe(_)) {
            self.at = At::Operand(first);
        }
        if !takes_none {
            let text = match &first.kind {
                OperandKind::Pipe(pipe) => pipe.to_string(),
                _ => first.to_string(),
            };
            return self.fail(format_args!("can't give argument to non-function {text}"));
        }
        match &first.kind {
            OperandKind::Nil => self.fail("nil is not a command"),
            OperandKind::Pipe(pipe) => self.pipe(dot, pipe),
            OperandKind::Variable(name, _) => Ok(self.variable(name)),
            _ => self.constant(dot, first),
        }
    }

    /// What a chain of fields hangs on.
    fn chain_value(&mut self, dot: &Value, chain: &'a Operand, inner: &'a Operand) -> Run<Value> {
        if matches!(inner.kind, OperandKind::Nil) {
            return self.fail(format_args!("indirection through explicit nil in {chain}"));
        }
        self.argument(dot, Param::Any, inner)
    }

    fn variable(&self, name: &str) -> Value {
        let found = self.variables.iter().rev().find(|v| v.0 == name);
        found.map_or(Value::Nothing, |v| v.1.clone())
    }

    /// A value that stands in the text, or dot.
    fn constant(&mut self, dot: &Value, operand: &'a Operand) -> Run<Value> {
        match &operand.kind {
            OperandKind::Bool(value) => Ok(Value::Bool(*value)),
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Text(_, text) => Ok(Value::text(text.as_str())),
            OperandKind::Number(number) if number.is_float() => Ok(Value::Float(number.float)),
            OperandKind::Number(number) => match number.int {
                Some(int) => Ok(Value::Int(int)),
                None => self.fail(format_args!("{} overflows int", number.text)),
            },
            _ => Ok(Value::Nothing),
        }
    }

    /// Fields one after the other; arguments are for the last one.
    fn chain(
        &mut self,
        dot: &Value,
        mut value: Value,
        node: &'a Operand,
        names: &'a [String],
        arguments: &'a [Operand],
        last: Option<Value>,
    ) -> Run<Value> {
        let Some((final_name, before)) = names.split_last() else {
            return Ok(value);
        };
        let mut is_interface = false;
        for name in before {
            (value, is_interface) = self.field(dot, &value, is_interface, node, name, &[], None)?;
        }
        let found = self.field(dot, &value, is_interface, node, final_name, arguments, last)?;
        Ok(found.0)
    }

    /// A field, an entry or a method; and whether the type of the field is an
    /// interface.
    #[expect(clippy::too_many_arguments, reason = "a field may be a call")]
    fn field(
        &mut self,
        dot: &Value,
        value: &Value,
        is_interface: bool,
        node: &'a Operand,
        name: &str,
        arguments: &'a [Operand],
        last: Option<Value>,
    ) -> Run<(Value, bool)> {
        if matches!(value, Value::Nothing) {
            if is_interface {
                return self.fail(format_args!("nil pointer evaluating interface {{}}.{name}"));
            }
            return Ok((Value::Nothing, false));
        }
        let has_arguments = !arguments.is_empty() || last.is_some();
        match member(value, name).map_err(|e| self.stop(At::Operand(node), name, e))? {
            Member::Field(_, _)
                if has_arguments && matches!(value, Value::Labels(_) | Value::Map(_)) =>
            {
                self.fail(format_args!("{name} is not a method but has arguments"))
            }
            Member::Field(_, _) if has_arguments => self.fail(format_args!(
                "{name} has arguments but cannot be invoked as function"
            )),
            Member::Field(value, is_interface) => Ok((value, is_interface)),
            Member::Method(count, method) => {
                let given = arguments.len() + usize::from(last.is_some());
                if given != count {
                    return self.fail(format_args!(
                        "wrong number of args for {name}: want {count} got {given}"
                    ));
                }
                let mut values = Vec::with_capacity(count);
                for argument in arguments {
                    values.push(self.argument(dot, Param::Text, argument)?);
                }
                if let Some(last) = last {
                    values.push(self.checked(last, Param::Text)?);
                }
                Ok((method(value, &values), false))
            }
            Member::Unknown => {
                let type_name = if is_interface {
                    "interface {}"
                } else {
                    value.type_name()
                };
                self.fail(format_args!(
                    "can't evaluate field {name} in type {type_name}"
                ))
            }
        }
    }

    fn stop(&mut self, at: At<'a>, name: &str, error: CallError) -> Stop {
        match error {
            CallError::Unsupported(what) => Stop::Unsupported(what),
            CallError::Failed(message) => {
                self.at = at;
                match self.fail::<()>(format_args!("error calling {name}: {message}")) {
                    Err(stop) => stop,
                    Ok(()) => Stop::Failed(message),
                }
            }
        }
    }

    fn call(
        &mut self,
        dot: &Value,
        name: &str,
        at: At<'a>,
        arguments: &'a [Operand],
        last: Option<Value>,
    ) -> Run<Value> {
        let given = arguments.len() + usize::from(last.is_some());
        if matches!(name, "and" | "or" | "call") {
            if given == 0 {
                return self.fail(format_args!(
                    "wrong number of args for {name}: want at least 1 got 0"
                ));
            }
            if name == "call" {
                // No value of a template is a function.
                let value = match arguments.first() {
                    Some(first) => self.argument(dot, Param::Any, first)?,
                    None => last.unwrap_or(Value::Nothing),
                };
                let message = match &value {
                    Value::Nothing => "call of nil".to_string(),
                    value => {
                        let called = arguments
                            .first()
                            .map_or_else(|| plain(value), |o| o.to_string());
                        format!("non-function {called} of type {}", value.type_name())
                    }
                };
                return Err(self.stop(at, name, CallError::Failed(message)));
            }
            let mut value = Value::Nothing;
            for argument in arguments {
                value = self.argument(dot, Param::Any, argument)?;
                if value.truth() == (name == "or") {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let Some(function) = functions::find(name) else {
            return self.fail(format_args!("{} is not a defined function", quote(name)));
        };
        let fixed = function.fixed.len();
        match function.more {
            Some(_) if given < fixed => {
                let got = arguments.len();
                return self.fail(format_args!(
                    "wrong number of args for {name}: want at least {fixed} got {got}"
                ));
            }
            None if given != fixed => {
                return self.fail(format_args!(
                    "wrong number of args for {name}: want {fixed} got {given}"
                ));
            }
            _ => {}
        }
        let param = |i: usize| {
            function
                .fixed
                .get(i)
                .copied()
                .or(function.more)
                .unwrap_or(Param::Any)
        };
        let mut values = Vec::with_capacity(given);
        for (i, argument) in arguments.iter().enumerate() {
            values.push(self.argument(dot, param(i), argument)?);
        }
        if let Some(last) = last {
            values.push(self.checked(last, param(given - 1))?);
        }
        (function.run)(&values, self.environment).map_err(|e| self.stop(at, name, e))
    }

    /// An argument of a type.
    fn argument(&mut self, dot: &Value, param: Param, operand: &'a Operand) -> Run<Value> {
        self.at = At::Operand(operand);
        let value = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil if param == Param::Text => {
                return self.fail("cannot assign nil to string");
            }
            OperandKind::Nil => return Ok(Value::Nothing),
            OperandKind::Field(names) => self.chain(dot, dot.clone(), operand, names, &[], None)?,
            OperandKind::Variable(name, names) => {
                let value = self.variable(name);
                self.chain(dot, value, operand, names, &[], None)?
            }
            OperandKind::Pipe(pipe) => self.pipe(dot, pipe)?,
            OperandKind::Function(name) => self.call(dot, name, At::Operand(operand), &[], None)?,
            OperandKind::Chain(inner, names) => {
                let value = self.chain_value(dot, operand, inner)?;
                self.chain(dot, value, operand, names, &[], None)?
            }
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Text(..) => {
                return match (param, &operand.kind) {
                    (Param::Any, _) | (Param::Text, OperandKind::Text(..)) => {
                        self.constant(dot, operand)
                    }
                    (Param::Text, _) => self.fail(format_args!("expected string; found {operand}")),
                    (param, _) => {
                        let name = param.type_name();
                        self.fail(format_args!(
                            "can't handle {operand} for arg of type {name}"
                        ))
                    }
                };
            }
        };
        self.checked(value, param)
    }

    /// A value, if it is of a type.
    fn checked(&self, value: Value, param: Param) -> Run<Value> {
        let want = param.type_name();
        match (param, &value) {
            (Param::Text, Value::Nothing) => {
                self.fail(format_args!("invalid value; expected {want}"))
            }
            (Param::Any, _)
            | (_, Value::Nothing)
            | (Param::Text, Value::Text(_))
            | (Param::Samples, Value::Samples(_))
            | (Param::Sample, Value::Sample(_)) => Ok(value),
            (_, other) => {
                let got = other.type_name();
                self.fail(format_args!(
                    "wrong type for value; expected {want}; got {got}"
                ))
            }
        }
    }
}
