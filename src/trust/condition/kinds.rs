//! Conditions that can hold for no content: they name a member that a schema does not
//! have, or compare kinds that are never equal.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::judge::name;
use super::names::Path;
use super::tree::{Comparison, Node};
use super::{Absent, Expr};

/// The kind of a value, as far as a schema determines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list of such values.
    List(Box<Shape>),
    /// A mapping: its named members, and the kind of all others, or `None` if it has no
    /// others.
    Map(BTreeMap<String, Shape>, Option<Box<Shape>>),
}

/// Why a condition can hold for no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The schema has no such member.
    Unknown(Absent),
    /// Values of these kinds can't be used so.
    Kinds(String),
}

/// The depth of nested references that are followed.
const MAX_DEPTH: usize = 16;

impl Shape {
    /// The kind of the values that fit `schema`, which is a part of `whole`.
    pub fn of(whole: &Value, schema: &Value) -> Shape {
        of_schema(whole, schema, 0)
    }

    /// Returns the member of this name, or [`Shape::Any`] if nothing is known about it.
    #[must_use]
    pub fn member(&self, name: &str) -> Shape {
        match self {
            Shape::Map(members, _) => members.get(name).cloned().unwrap_or(Shape::Any),
            _ => Shape::Any,
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Shape::Any => "anything",
            Shape::Bool => "true or false",
            Shape::Number => "a number",
            Shape::Text => "text",
            Shape::List(_) => "a list",
            Shape::Map(..) => "a mapping",
        }
    }

    /// Whether a value can be of both kinds, from outside.
    fn meets(&self, other: &Shape) -> bool {
        self == &Shape::Any
            || other == &Shape::Any
            || std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn or(self, other: Shape) -> Shape {
        match (self, other) {
            (Shape::Map(mut members, others), Shape::Map(more, rest)) => {
                for (name, shape) in more {
                    let both = match members.remove(&name) {
                        Some(here) => here.or(shape),
                        None => shape,
                    };
                    members.insert(name, both);
                }
                let others = match (others, rest) {
                    (Some(a), Some(b)) => Some(Box::new(a.or(*b))),
                    (a, b) => a.or(b),
                };
                Shape::Map(members, others)
            }
            (Shape::List(a), Shape::List(b)) => Shape::List(Box::new(a.or(*b))),
            (a, b) if a == b => a,
            _ => Shape::Any,
        }
    }
}

fn of_schema(whole: &Value, schema: &Value, depth: usize) -> Shape {
    if depth > MAX_DEPTH {
        return Shape::Any;
    }
    let below = |part: &Value| of_schema(whole, part, depth + 1);
    if let Some(referred) = schema.get("$ref").and_then(Value::as_str) {
        let there = whole.pointer(referred.trim_start_matches('#'));
        return there.map_or(Shape::Any, below);
    }
    for choices in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(choices).and_then(Value::as_array) {
            let shapes = choices.iter().map(below);
            return shapes.reduce(Shape::or).unwrap_or(Shape::Any);
        }
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => Shape::Bool,
        Some("integer" | "number") => Shape::Number,
        Some("string") => Shape::Text,
        Some("array") => Shape::List(Box::new(schema.get("items").map_or(Shape::Any, below))),
        Some("object") => {
            let named = schema.get("properties").and_then(Value::as_object);
            let named = named.into_iter().flatten();
            let members = named.map(|(name, part)| (name.clone(), below(part))).collect();
            let patterns = schema.get("patternProperties").and_then(Value::as_object);
            let patterns = patterns.into_iter().flat_map(Map::values).map(below);
            let others = match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => patterns.reduce(Shape::or),
                Some(part @ Value::Object(_)) => patterns.chain([below(part)]).reduce(Shape::or),
                _ => Some(Shape::Any),
            };
            Shape::Map(members, others.map(Box::new))
        }
        _ => match schema.get("enum").and_then(Value::as_array) {
            Some(all) if all.iter().all(Value::is_string) => Shape::Text,
            _ => Shape::Any,
        },
    }
}

impl Expr {
    /// Returns the first reason for which the condition can hold for no content, given
    /// these kinds of its variables.
    pub fn misfit(&self, variables: &BTreeMap<&str, Shape>) -> Option<Misfit> {
        let mut walk = Walk {
            variables,
            bound: Vec::new(),
        };
        let whole = walk.needs(&self.root, &Shape::Bool, "a condition is true or false");
        whole.err()
    }
}

struct Walk<'a> {
    variables: &'a BTreeMap<&'a str, Shape>,
    /// The variables that the loops around a node bind, outermost first.
    bound: Vec<Shape>,
}

impl Walk<'_> {
    /// Finds the kind of a node, which must be this one.
    fn needs(&mut self, node: &Node, wanted: &Shape, why: &str) -> Result<Shape, Misfit> {
        let shape = self.shape(node)?;
        match shape.meets(wanted) {
            true => Ok(shape),
            false => Err(Misfit::Kinds(format!(
                "{} is {}, and {why}",
                name(node),
                shape.words()
            ))),
        }
    }

    fn shape(&mut self, node: &Node) -> Result<Shape, Misfit> {
        const OF_LOGIC: &str = "`&&`, `||`, `!` and `? :` need true or false";
        const OF_NUMBERS: &str = "arithmetic needs numbers";
        Ok(match node {
            Node::Null => Shape::Any,
            Node::Bool(_) => Shape::Bool,
            Node::Number(_) => Shape::Number,
            Node::Text(_) => Shape::Text,
            Node::List(items) => {
                let shapes: Vec<Shape> = items
                    .iter()
                    .map(|item| self.shape(item))
                    .collect::<Result<_, _>>()?;
                Shape::List(Box::new(
                    shapes.into_iter().reduce(Shape::or).unwrap_or(Shape::Any),
                ))
            }
            Node::Variable(name) => self.variables.get(name.as_str()).cloned().unwrap_or(Shape::Any),
            Node::Bound(depth, _) => self.bound.get(*depth).cloned().unwrap_or(Shape::Any),
            Node::Select(operand, field) => self.member(node, operand, field)?,
            Node::Has(operand, field) => {
                let _ = self.member(node, operand, field)?;
                Shape::Bool
            }
            Node::Index(operand, index) => match &**index {
                Node::Text(field) => self.member(node, operand, field)?,
                index => {
                    let _ = self.shape(index)?;
                    match self.shape(operand)? {
                        Shape::List(of) => *of,
                        _ => Shape::Any,
                    }
                }
            },
            Node::Not(a) => self.needs(a, &Shape::Bool, OF_LOGIC)?,
            Node::Negate(a) => self.needs(a, &Shape::Number, OF_NUMBERS)?,
            Node::Size(a) => {
                let shape = self.shape(a)?;
                if matches!(shape, Shape::Bool | Shape::Number) {
                    return Err(Misfit::Kinds(format!(
                        "{} is {}, and has no size",
                        name(a),
                        shape.words()
                    )));
                }
                Shape::Number
            }
            Node::And(a, b) | Node::Or(a, b) => {
                let _ = self.needs(a, &Shape::Bool, OF_LOGIC)?;
                let _ = self.needs(b, &Shape::Bool, OF_LOGIC)?;
                Shape::Bool
            }
            Node::Compare(comparison, a, b) => self.compare(*comparison, a, b)?,
            Node::Compute(_, a, b) => {
                let _ = self.needs(a, &Shape::Number, OF_NUMBERS)?;
                self.needs(b, &Shape::Number, OF_NUMBERS)?
            }
            Node::In(a, b) => self.within(a, b)?,
            Node::If(condition, a, b) => {
                let _ = self.needs(condition, &Shape::Bool, OF_LOGIC)?;
                self.shape(a)?.or(self.shape(b)?)
            }
            Node::Loop(_, range, condition) => {
                let of = match self.shape(range)? {
                    Shape::List(of) => *of,
                    Shape::Any => Shape::Any,
                    Shape::Map(..) => Shape::Text,
                    other => {
                        let words = format!("{} is {}, and no list", name(range), other.words());
                        return Err(Misfit::Kinds(words));
                    }
                };
                self.bound.push(of);
                let inner = self.needs(condition, &Shape::Bool, "`exists` and `all` need a condition");
                self.bound.pop();
                let _ = inner?;
                Shape::Bool
            }
        })
    }

    fn member(&mut self, node: &Node, operand: &Node, field: &str) -> Result<Shape, Misfit> {
        let (members, others) = match self.shape(operand)? {
            Shape::Any => return Ok(Shape::Any),
            Shape::Map(members, others) => (members, others),
            other => {
                let words = format!("{} is {}, and has no `{field}`", name(operand), other.words());
                return Err(Misfit::Kinds(words));
            }
        };
        if let Some(shape) = members.get(field) {
            return Ok(shape.clone());
        }
        if let Some(others) = others {
            return Ok(*others);
        }
        let spelled = |name: &String| {
            let path = Path::of(operand).map(|path| path.below(name).to_string());
            (name.clone(), path.unwrap_or_else(|| name.clone()))
        };
        Err(Misfit::Unknown(Absent {
            path: Path::of(node).map_or_else(|| field.to_owned(), |path| path.to_string()),
            name: field.to_owned(),
            there: members.keys().map(spelled).collect(),
        }))
    }

    fn compare(&mut self, comparison: Comparison, a: &Node, b: &Node) -> Result<Shape, Misfit> {
        let (left, right) = (self.shape(a)?, self.shape(b)?);
        let both = || {
            format!(
                "{} is {}, and {} is {}",
                name(a),
                left.words(),
                name(b),
                right.words()
            )
        };
        if !left.meets(&right) {
            let never = match comparison {
                Comparison::Equal | Comparison::NotEqual => "they are never equal",
                _ => "they can't be ordered",
            };
            let instead = match (a, b, &left, &right) {
                (list, Node::Text(text), Shape::List(_), _) | (Node::Text(text), list, _, Shape::List(_)) => {
                    Path::of(list).map_or_else(String::new, |path| format!("; write `{text:?} in {path}`"))
                }
                _ => String::new(),
            };
            return Err(Misfit::Kinds(format!("{}: {never}{instead}", both())));
        }
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let has_order = |shape: &Shape| !matches!(shape, Shape::List(_) | Shape::Map(..));
        match is_equality || (has_order(&left) && has_order(&right)) {
            true => Ok(Shape::Bool),
            false => Err(Misfit::Kinds(format!("{}: they can't be ordered", both()))),
        }
    }

    fn within(&mut self, a: &Node, b: &Node) -> Result<Shape, Misfit> {
        let (item, container) = (self.shape(a)?, self.shape(b)?);
        let words = match &container {
            Shape::Any => return Ok(Shape::Bool),
            Shape::List(of) if item.meets(of) => return Ok(Shape::Bool),
            Shape::List(of) => format!("{} holds {}", name(b), of.words()),
            Shape::Map(..) if item.meets(&Shape::Text) => return Ok(Shape::Bool),
            Shape::Map(..) => format!("the names in {} are text", name(b)),
            other => format!("{} is {}", name(b), other.words()),
        };
        Err(Misfit::Kinds(format!(
            "{words}, and {} is {}: it is never in there",
            name(a),
            item.words()
        )))
    }
}
