//! Makes the tree of a template's tokens.

use std::collections::BTreeMap;

use quarrel_functions::fmt::quote;

use super::error::TemplateError;
use super::functions;
use super::lexer::{Kind, Token, tokens};
use super::number::Number;
use super::tree::{Branch, Command, Node, Operand, OperandKind, Pipe, Tree};

/// Blocks and parentheses inside each other. Go has no limit on blocks, but
/// nobody writes as many.
const MOST_NESTED: usize = 200;

/// Parses a template.
///
/// # Errors
/// When it is no template.
pub(super) fn parse(name: &str, text: &str) -> Result<Tree, TemplateError> {
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
        variables: vec!["$".to_string()],
        ranges: 0,
        depth: 0,
        defined: BTreeMap::new(),
    };
    parser.template().map_err(|fault| {
        let token = &parser.tokens[parser.at.min(parser.tokens.len() - 1)];
        let before = &text.as_bytes()[..token.pos.min(text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let name = name.to_string();
        match fault {
            Fault::Syntax(message) => TemplateError::Syntax {
                name,
                line,
                message,
            },
            Fault::Unsupported(what) => TemplateError::Unsupported { name, what },
        }
    })
}

/// What is wrong at the current token.
enum Fault {
    Syntax(String),
    Unsupported(String),
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Fault::Syntax(message)
    }
}

type Parsed<T> = Result<T, Fault>;

/// What ends a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    End,
    Else,
}

/// A node, or the end of a list.
enum Item {
    Node(Node),
    /// Nothing: a definition.
    Nothing,
    End(End),
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// The variables that are known here.
    variables: Vec<String>,
    /// How many `range` are open in this template.
    ranges: usize,
    depth: usize,
    defined: BTreeMap<String, Vec<Node>>,
}

fn syntax<T>(message: impl Into<String>) -> Parsed<T> {
    Err(Fault::Syntax(message.into()))
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn skip_space(&mut self) -> &Token {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
        self.peek()
    }

    fn next_word(&mut self) -> Token {
        self.skip_space();
        self.next()
    }

    fn unexpected<T>(&mut self, token: &Token, context: &str) -> Parsed<T> {
        self.at = self.at.saturating_sub(1);
        let text = match token.kind {
            Kind::Error => return syntax(token.text.clone()),
            Kind::Eof => "EOF".to_string(),
            Kind::Keyword | Kind::Dot => format!("<{}>", token.text),
            _ if token.text.len() > 10 => {
                let short: String = token.text.chars().take(10).collect();
                format!("{}...", quote(&short))
            }
            _ => quote(&token.text),
        };
        syntax(format!("unexpected {text} in {context}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_word();
        if token.kind == kind {
            return Ok(token);
        }
        self.unexpected(&token, context)
    }

    /// Runs a step one level deeper.
    fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MOST_NESTED {
            let what = format!("a template that nests deeper than {MOST_NESTED}");
            return Err(Fault::Unsupported(what));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    fn template(&mut self) -> Parsed<Tree> {
        let mut root = Vec::new();
        while self.peek().kind != Kind::Eof {
            match self.item(true)? {
                Item::Node(node) => root.push(node),
                Item::Nothing => {}
                Item::End(End::End) => return syntax("unexpected {{end}}"),
                Item::End(End::Else) => return syntax("unexpected {{else}}"),
            }
        }
        let defined = std::mem::take(&mut self.defined);
        Ok(Tree { root, defined })
    }

    /// A list up to `end` or `else`.
    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        let mut list = Vec::new();
        loop {
            if self.skip_space().kind == Kind::Eof {
                return syntax("unexpected EOF");
            }
            match self.deeper(|p| p.item(false))? {
                Item::Node(node) => list.push(node),
                Item::Nothing => {}
                Item::End(end) => return Ok((list, end)),
            }
        }
    }

    fn item(&mut self, outermost: bool) -> Parsed<Item> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => return Ok(Item::Node(Node::Text(token.text))),
            Kind::LeftDelim => {}
            _ => return self.unexpected(&token, "input"),
        }
        let first = self.skip_space().clone();
        if first.kind != Kind::Keyword || first.text == "nil" {
            let pipe = self.pipe("command", Kind::RightDelim)?;
            return Ok(Item::Node(Node::Action {
                pos: first.pos,
                pipe,
            }));
        }
        self.at += 1;
        let node = match first.text.as_str() {
            "if" => Node::If(self.branch("if")?),
            "with" => Node::With(self.branch("with")?),
            "range" => Node::Range(self.branch("range")?),
            "end" => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End(End::End));
            }
            "else" => {
                let next = self.skip_space();
                // `else if` and `else with` go on with the word.
                let goes_on =
                    next.kind == Kind::Keyword && matches!(next.text.as_str(), "if" | "with");
                if !goes_on {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::End(End::Else));
            }
            "break" | "continue" => {
                let breaks = first.text == "break";
                let word = format!("{{{{{}}}}}", first.text);
                self.expect(Kind::RightDelim, &word)?;
                if self.ranges == 0 {
                    return syntax(format!("{word} outside {{{{range}}}}"));
                }
                if breaks { Node::Break } else { Node::Continue }
            }
            "define" if outermost => {
                self.define()?;
                return Ok(Item::Nothing);
            }
            "template" => self.call()?,
            "block" => self.block()?,
            _ => return self.unexpected(&first, "command"),
        };
        Ok(Item::Node(node))
    }

    fn branch(&mut self, context: &str) -> Parsed<Branch> {
        let variables = self.variables.len();
        let pipe = self.pipe(context, Kind::RightDelim)?;
        let is_range = usize::from(context == "range");
        self.ranges += is_range;
        let (list, end) = self.list()?;
        self.ranges -= is_range;
        let mut otherwise = None;
        if end == End::Else {
            let next = self.peek().clone();
            let chained = context != "range" && next.kind == Kind::Keyword && next.text == context;
            otherwise = Some(if chained {
                self.at += 1;
                let branch = self.deeper(|p| p.branch(context))?;
                vec![match context {
                    "if" => Node::If(branch),
                    _ => Node::With(branch),
                }]
            } else {
                let (list, end) = self.list()?;
                if end != End::End {
                    return syntax("expected end; found {{else}}");
                }
                list
            });
        }
        self.variables.truncate(variables);
        Ok(Branch {
            pipe,
            list,
            otherwise,
        })
    }

    fn template_name(&mut self, context: &str) -> Parsed<(usize, String)> {
        let token = self.next_word();
        match token.kind {
            Kind::Quoted | Kind::Raw => Ok((token.pos, unquoted(&token)?)),
            _ => self.unexpected(&token, context),
        }
    }

    fn define(&mut self) -> Parsed<()> {
        let (_, name) = self.template_name("define clause")?;
        self.expect(Kind::RightDelim, "define clause")?;
        self.body(name, "define clause")
    }

    /// The list of a template of its own, with variables of its own.
    fn body(&mut self, name: String, context: &str) -> Parsed<()> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_string()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (list, end) = self.list()?;
        if end != End::End {
            return syntax(format!("unexpected {{{{else}}}} in {context}"));
        }
        (self.variables, self.ranges) = (outer, ranges);
        let is_blank = |nodes: &[Node]| {
            let blank = |node: &Node| matches!(node, Node::Text(text) if text.trim().is_empty());
            nodes.iter().all(blank)
        };
        match self.defined.get(&name) {
            Some(known) if !is_blank(known) => {
                if !is_blank(&list) {
                    let name = quote(&name);
                    return syntax(format!("template: multiple definition of template {name}"));
                }
            }
            _ => {
                self.defined.insert(name, list);
            }
        }
        Ok(())
    }

    fn call(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let (pos, name) = self.template_name(context)?;
        let mut pipe = None;
        if self.skip_space().kind == Kind::RightDelim {
            self.at += 1;
        } else {
            pipe = Some(self.pipe(context, Kind::RightDelim)?);
        }
        Ok(Node::Template { pos, name, pipe })
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let (pos, name) = self.template_name(context)?;
        let pipe = Some(self.pipe(context, Kind::RightDelim)?);
        self.body(name.clone(), context)?;
        Ok(Node::Template { pos, name, pipe })
    }

    fn pipe(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let mut pipe = Pipe {
            pos: self.skip_space().pos,
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_word();
            if token.kind == end {
                break;
            }
            let starts = matches!(
                token.kind,
                Kind::Bool
                    | Kind::Char
                    | Kind::Dot
                    | Kind::Field
                    | Kind::Identifier
                    | Kind::Number
                    | Kind::Raw
                    | Kind::Quoted
                    | Kind::Variable
                    | Kind::LeftParen
            ) || token.kind == Kind::Keyword && token.text == "nil";
            if !starts {
                return self.unexpected(&token, context);
            }
            self.at -= 1;
            pipe.commands.push(self.command()?);
        }
        if pipe.commands.is_empty() {
            return syntax(format!("missing value for {context}"));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|o| &o.kind);
            if matches!(
                first,
                Some(
                    OperandKind::Bool(_)
                        | OperandKind::Dot
                        | OperandKind::Nil
                        | OperandKind::Number(_)
                        | OperandKind::Text(..)
                )
            ) {
                let stage = i + 1;
                return syntax(format!("non executable command in pipeline stage {stage}"));
            }
        }
        Ok(pipe)
    }

    /// The variables in front of `:=` or `=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let variable = self.skip_space().clone();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            let before = self.at;
            self.at += 1;
            let next = self.skip_space().clone();
            let comma = next.kind == Kind::Other && next.text == ",";
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assigns = next.kind == Kind::Assign;
                    self.at += 1;
                }
                _ if comma => self.at += 1,
                _ => {
                    self.at = before;
                    return Ok(());
                }
            }
            pipe.variables.push(variable.text.clone());
            self.variables.push(variable.text);
            if !comma {
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return syntax(format!("too many declarations in {context}"));
            }
            if !matches!(
                self.skip_space().kind,
                Kind::Variable | Kind::RightDelim | Kind::RightParen
            ) {
                return syntax("range can only initialize variables");
            }
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut command = Command {
            pos: self.skip_space().pos,
            operands: Vec::new(),
        };
        loop {
            self.skip_space();
            command.operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.at -= 1,
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if command.operands.is_empty() {
            return syntax("empty command");
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        // As in Go the place is that of the first field behind the term.
        let pos = self.peek().pos;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.next().text[1..].to_string());
        }
        let kind = match term.kind {
            OperandKind::Field(mut names) => {
                names.extend(fields);
                OperandKind::Field(names)
            }
            OperandKind::Variable(name, mut names) => {
                names.extend(fields);
                OperandKind::Variable(name, names)
            }
            OperandKind::Bool(_)
            | OperandKind::Text(..)
            | OperandKind::Number(_)
            | OperandKind::Nil
            | OperandKind::Dot => {
                let term = quote(&term.to_string());
                return syntax(format!("unexpected . after term {term}"));
            }
            _ => OperandKind::Chain(Box::new(term), fields),
        };
        Ok(Some(Operand { pos, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.next_word();
        let kind = match token.kind {
            Kind::Identifier => {
                if !functions::exists(&token.text) {
                    self.at -= 1;
                    return syntax(format!("function {} not defined", quote(&token.text)));
                }
                OperandKind::Function(token.text)
            }
            Kind::Dot => OperandKind::Dot,
            Kind::Keyword if token.text == "nil" => OperandKind::Nil,
            Kind::Variable => {
                if !self.variables.contains(&token.text) {
                    self.at -= 1;
                    return syntax(format!("undefined variable {}", quote(&token.text)));
                }
                OperandKind::Variable(token.text, Vec::new())
            }
            Kind::Field => OperandKind::Field(vec![token.text[1..].to_string()]),
            Kind::Bool => OperandKind::Bool(token.text == "true"),
            Kind::Char => OperandKind::Number(Number::parse_char(&token.text)?),
            Kind::Number if token.text.ends_with('i') => {
                return Err(Fault::Unsupported(format!(
                    "the complex number {}",
                    token.text
                )));
            }
            Kind::Number => OperandKind::Number(Number::parse(&token.text)?),
            Kind::LeftParen => OperandKind::Pipe(
                self.deeper(|p| p.pipe("parenthesized pipeline", Kind::RightParen))?,
            ),
            Kind::Quoted | Kind::Raw => {
                let value = unquoted(&token)?;
                OperandKind::Text(token.text, value)
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            pos: token.pos,
            kind,
        }))
    }
}

/// The value of a string.
fn unquoted(token: &Token) -> Parsed<String> {
    if token.kind == Kind::Raw {
        return Ok(token.text[1..token.text.len() - 1].replace('\r', ""));
    }
    let bytes = quarrel_planner::literal::unquote(&token.text);
    let bytes = bytes.map_err(|_| Fault::Syntax("invalid syntax".to_string()))?;
    String::from_utf8(bytes)
        .map_err(|_| Fault::Unsupported(format!("the string {}, which is not UTF-8,", token.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        let tree = parse("t", text).unwrap();
        let nodes = tree.root.iter().map(|node| node.to_string());
        nodes.collect()
    }

    fn fault(text: &str) -> String {
        parse("t", text).unwrap_err().to_string()
    }

    #[test]
    fn trees_print_as_they_were_written() {
        for text in [
            "a{{.b.c}}d",
            "{{$x := 1}}{{$x}}",
            "{{range $i, $e := .x}}",
            "{{template \"a\" .}}",
            "{{(query \"x\" | first).Value | printf \"%.2f\" 1.0 'a' nil true}}",
        ] {
            let whole = match text.contains("range") {
                true => format!("{text}{{{{end}}}}"),
                false => text.to_string(),
            };
            assert_eq!(printed(&whole), text);
        }
    }

    #[test]
    fn faults_have_gos_words() {
        for (text, message) in [
            ("{{ nope }}", "function \"nope\" not defined"),
            ("\n{{ $y }}", "undefined variable \"$y\""),
            ("{{ if }}x{{ end }}", "missing value for if"),
            ("{{ if 1 }}x", "unexpected EOF"),
            ("{{ end }}", "unexpected {{end}}"),
            ("{{ break }}", "{{break}} outside {{range}}"),
            ("{{ 1 | 2 }}", "non executable command in pipeline stage 2"),
            ("{{ \"a\".b }}", "unexpected . after term \"\\\"a\\\"\""),
            ("{{", "unclosed action"),
            ("{{ $a, $b := 1 }}", "too many declarations in command"),
        ] {
            let line = if text.starts_with('\n') { 2 } else { 1 };
            let got = fault(text);
            assert_eq!(got, format!("template: t:{line}: {message}"), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "{{if 1}}".repeat(300);
        assert!(fault(&text).contains("nests deeper than 200"));
        let text = format!("{{{{ {} }}}}", "(".repeat(5000));
        assert!(fault(&text).contains("nests deeper than 200"));
    }
}
