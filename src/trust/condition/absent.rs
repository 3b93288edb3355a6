//! Members that a condition names and no content has. Most are typing errors, which would
//! otherwise look like an honest "nothing matches".

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Expr;
use super::names::{self, Path};
use super::tree::{Comparison, Node};

/// A member that no content has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The member as the condition spells it: `metrics.acu`.
    pub path: String,
    /// The last absent name of the path: `acu`.
    pub name: String,
    /// The names that exist in its place, each with the path that it makes.
    pub there: Vec<(String, String)>,
}

impl Expr {
    /// Lists the members that the condition names and none of these contents has.
    pub fn absent(&self, contents: &[&Map<String, Value>]) -> Vec<Absent> {
        let mut asked = self.reads.clone();
        let mut ask = |container: &Node, name: &str| {
            if let Some(path) = Path::of(container)
                && holds_names(&path, contents)
            {
                asked.push(path.below(name));
            }
        };
        walk(&self.root, &mut Vec::new(), &mut |node, ranges| match node {
            Node::In(name, container) => {
                if let Node::Text(name) = &**name {
                    ask(container, name);
                }
            }
            // A loop over a mapping binds the names in it.
            Node::Compare(Comparison::Equal | Comparison::NotEqual, a, b) => {
                if let (Node::Text(name), Node::Bound(depth, _)) | (Node::Bound(depth, _), Node::Text(name)) =
                    (&**a, &**b)
                    && let Some(range @ (Node::Variable(_) | Node::Select(..) | Node::Index(..))) =
                        ranges.get(*depth)
                {
                    ask(range, name);
                }
            }
            _ => {}
        });
        let mut absent: Vec<Absent> = Vec::new();
        for path in &asked {
            let one = path.absent(contents);
            absent.extend(one.filter(|one| absent.iter().all(|other| other.path != one.path)));
        }
        absent
    }

    /// The texts that the condition compares with a variable or an item of it, or
    /// searches in it.
    pub fn compared(&self, variable: &str) -> BTreeSet<String> {
        let mut texts = BTreeSet::new();
        walk(&self.root, &mut Vec::new(), &mut |node, ranges| {
            let is_variable = |node: &Node| matches!(node, Node::Variable(name) if name == variable);
            let is_it = |node: &Node| match node {
                Node::Bound(depth, _) => ranges.get(*depth).is_some_and(|range| is_variable(range)),
                node => is_variable(node),
            };
            match node {
                Node::Compare(Comparison::Equal | Comparison::NotEqual, a, b) => match (&**a, &**b) {
                    (Node::Text(text), other) | (other, Node::Text(text)) if is_it(other) => {
                        texts.insert(text.clone());
                    }
                    _ => {}
                },
                Node::In(a, b) => match (&**a, &**b) {
                    (Node::Text(text), other) if is_it(other) => {
                        texts.insert(text.clone());
                    }
                    (other, Node::List(items)) if is_it(other) => {
                        texts.extend(items.iter().filter_map(|item| match item {
                            Node::Text(text) => Some(text.clone()),
                            _ => None,
                        }));
                    }
                    _ => {}
                },
                _ => {}
            }
        });
        texts
    }
}

/// Whether the value at the path has members by name, or is absent everywhere.
fn holds_names(path: &Path, contents: &[&Map<String, Value>]) -> bool {
    let mut there = contents.iter().filter_map(|content| path.look_up(content));
    there.all(Value::is_object)
}

/// Calls `seen` for each node of a tree, with the ranges of the loops around it,
/// outermost first.
fn walk<'n>(node: &'n Node, ranges: &mut Vec<&'n Node>, seen: &mut impl FnMut(&'n Node, &[&'n Node])) {
    seen(node, ranges);
    if let Node::Loop(_, range, condition) = node {
        walk(range, ranges, seen);
        ranges.push(range);
        walk(condition, ranges, seen);
        ranges.pop();
        return;
    }
    for child in names::children(node) {
        walk(child, ranges, seen);
    }
}
