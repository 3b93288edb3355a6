//! The members that a condition names: a report shows them beside a gate that was not
//! met.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::Absent;
use super::tree::Node;

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
            Node::Select(operand, field) | Node::Has(operand, field) => Some(Path::of(operand)?.below(field)),
            Node::Index(operand, index) => match &**index {
                Node::Text(key) => Some(Path::of(operand)?.below(key)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is this one.
    pub(super) fn is(&self, variable: &str, members: &[&str]) -> bool {
        self.variable == variable && self.members == members
    }

    /// Returns the path as [`Absent`] if none of these contents has it.
    pub(super) fn absent(&self, contents: &[&Map<String, Value>]) -> Option<Absent> {
        if contents.iter().any(|content| self.look_up(content).is_some()) {
            return None;
        }
        // The longest start of it that is somewhere.
        for depth in (0..self.members.len()).rev() {
            let start = Path {
                variable: self.variable.clone(),
                members: self.members[..depth].to_vec(),
            };
            let names: BTreeSet<&String> = contents
                .iter()
                .filter_map(|content| start.look_up(content)?.as_object())
                .flat_map(Map::keys)
                .collect();
            if depth > 0 && names.is_empty() {
                continue;
            }
            let spelled = |name: &String| {
                let mut whole = self.clone();
                whole.members[depth].clone_from(name);
                whole.to_string()
            };
            return Some(Absent {
                path: self.to_string(),
                name: self.members[depth].clone(),
                there: names
                    .into_iter()
                    .map(|name| (name.clone(), spelled(name)))
                    .collect(),
            });
        }
        None
    }

    pub(super) fn below(mut self, member: &str) -> Path {
        self.members.push(member.to_owned());
        self
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
    for child in children(node) {
        collect(child, paths);
    }
}

/// The nodes right below one.
pub(super) fn children(node: &Node) -> Vec<&Node> {
    match node {
        Node::Null
        | Node::Bool(_)
        | Node::Number(_)
        | Node::Text(_)
        | Node::Variable(_)
        | Node::Bound(..) => Vec::new(),
        Node::List(items) => items.iter().collect(),
        Node::Select(a, _) | Node::Has(a, _) | Node::Not(a) | Node::Negate(a) | Node::Size(a) => vec![a],
        Node::Index(a, b)
        | Node::And(a, b)
        | Node::Or(a, b)
        | Node::Compare(_, a, b)
        | Node::Compute(_, a, b)
        | Node::In(a, b)
        | Node::Loop(_, a, b) => vec![a, b],
        Node::If(a, b, c) => vec![a, b, c],
    }
}

/// Whether a path starts at the name that a loop binds.
fn is_bound(node: &Node) -> bool {
    match node {
        Node::Select(a, _) | Node::Has(a, _) | Node::Index(a, _) => is_bound(a),
        other => matches!(other, Node::Bound(..)),
    }
}
