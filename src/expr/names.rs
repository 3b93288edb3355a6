//! The members that a condition names: what a report shows beside a gate that
//! was not met.

use std::fmt;

use serde_json::{Map, Value};

use super::read::Node;

/// A variable and the members below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    variable: String,
    members: Vec<String>,
}

impl Path {
    /// The path that a node spells, if it is one.
    pub(super) fn of(node: &Node) -> Option<Path> {
        match node {
            Node::Variable(name) | Node::Bound(_, name) => Some(Path {
                variable: name.clone(),
                members: Vec::new(),
            }),
            Node::Select(operand, field) | Node::Has(operand, field) => Path::of(operand)?.below(field),
            Node::Index(operand, index) => match &**index {
                Node::Text(key) => Path::of(operand)?.below(key),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is this one.
    pub(super) fn is(&self, variable: &str, members: &[&str]) -> bool {
        self.variable == variable && self.members == members
    }

    fn below(mut self, member: &str) -> Option<Path> {
        self.members.push(member.to_owned());
        Some(self)
    }

    /// The value there.
    pub(super) fn look_up<'v>(&self, variables: &'v Map<String, Value>) -> Option<&'v Value> {
        let start = variables.get(&self.variable)?;
        self.members
            .iter()
            .try_fold(start, |value, member| value.as_object()?.get(member))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.variable)?;
        for member in &self.members {
            let mut bytes = member.bytes();
            let plain = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
                && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if plain {
                write!(f, ".{member}")?;
            } else {
                write!(f, "[{member:?}]")?;
            }
        }
        Ok(())
    }
}

/// The paths from variables in a tree, each once, in order.
pub(super) fn reads(root: &Node) -> Vec<Path> {
    let mut paths = Vec::new();
    collect(root, &mut paths);
    paths
}

fn collect(node: &Node, paths: &mut Vec<Path>) {
    if let Some(path) = Path::of(node) {
        if !is_bound(node) && !paths.contains(&path) {
            paths.push(path);
        }
        return;
    }
    match node {
        Node::Null
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Text(_)
        | Node::Variable(_)
        | Node::Bound(..) => {}
        Node::List(items) => items.iter().for_each(|item| collect(item, paths)),
        Node::Select(a, _) | Node::Has(a, _) | Node::Not(a) | Node::Negate(a) | Node::Size(a) => {
            collect(a, paths);
        }
        Node::Index(a, b)
        | Node::And(a, b)
        | Node::Or(a, b)
        | Node::Compare(_, a, b)
        | Node::Compute(_, a, b)
        | Node::In(a, b)
        | Node::Loop(_, a, b) => {
            collect(a, paths);
            collect(b, paths);
        }
        Node::If(a, b, c) => {
            collect(a, paths);
            collect(b, paths);
            collect(c, paths);
        }
    }
}

/// Whether a path starts at the name that a loop binds.
fn is_bound(node: &Node) -> bool {
    match node {
        Node::Select(a, _) | Node::Has(a, _) | Node::Index(a, _) => is_bound(a),
        other => matches!(other, Node::Bound(..)),
    }
}
