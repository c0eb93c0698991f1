//! Places in templates.

use std::fmt;

use super::tree::{Command, Node, Operand, Pipe};

/// What is evaluated, for messages.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Nowhere,
    Node(usize, &'a Node),
    Pipe(&'a Pipe),
    Command(&'a Command),
    Operand(&'a Operand),
}

impl At<'_> {
    /// Its first byte.
    pub(super) fn pos(self) -> Option<usize> {
        Some(match self {
            At::Nowhere => return None,
            At::Node(pos, _) => pos,
            At::Pipe(pipe) => pipe.pos,
            At::Command(command) => command.pos,
            At::Operand(operand) => operand.pos,
        })
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Nowhere => Ok(()),
            At::Node(_, node) => write!(f, "{node}"),
            At::Pipe(pipe) => write!(f, "{pipe}"),
            At::Command(command) => write!(f, "{command}"),
            At::Operand(operand) => write!(f, "{operand}"),
        }
    }
}
