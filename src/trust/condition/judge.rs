//! Judging a condition: CEL's meaning over JSON values, within a budget.
//!
//! As in CEL, `&&`, `||`, `all` and `exists` absorb an error if the other side decides:
//! `false && error` is false, `true || error` is true. Source: the CEL specification,
//! logical operators. Exceeding the budget is an error that they do not absorb.

use serde_json::{Map, Value};

use super::Outcome;
use super::names::Path;
use super::tree::{Arithmetic, Comparison, Node, Quantifier};

/// Steps of one judgement: a node, a compared item, 32 bytes of text.
const BUDGET: u32 = 250_000;
/// The cost of an error, because its words are put together.
const ERROR_COST: usize = 20;
/// Depth of compared content; documents have a far lower bound.
const MAX_DATA_DEPTH: usize = 128;

/// Judges a tree over some content.
pub(super) fn judge(root: &Node, variables: &Map<String, Value>) -> Outcome {
    let mut judge = Judge {
        variables,
        bound: Vec::new(),
        left: BUDGET,
    };
    match judge.value(root) {
        Ok(Val::Bool(true)) => Outcome::True,
        Ok(Val::Bool(false)) => Outcome::False,
        Ok(other) => Outcome::NotMet(format!("the result is {}, not true or false", other.kind())),
        Err(Trouble::Spent) => Outcome::NotMet(format!("it takes more than {BUDGET} steps")),
        Err(Trouble::Said(reason)) => Outcome::NotMet(reason),
    }
}

enum Trouble {
    Said(String),
    Spent,
}

/// An intermediate value; the content is never copied.
#[derive(Clone)]
enum Val<'v> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'v str),
    List(&'v [Value]),
    /// A list literal.
    Items(std::rc::Rc<[Val<'v>]>),
    Map(&'v Map<String, Value>),
}

impl<'v> Val<'v> {
    fn of(value: &'v Value) -> Val<'v> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => number
                .as_f64()
                .filter(|n| n.is_finite())
                .map_or(Val::Null, Val::Number),
            Value::String(text) => Val::Text(text),
            Value::Array(items) => Val::List(items),
            Value::Object(members) => Val::Map(members),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "a boolean",
            Val::Number(_) => "a number",
            Val::Text(_) => "a text",
            Val::List(_) | Val::Items(_) => "a list",
            Val::Map(_) => "a map",
        }
    }

    /// Returns the number of items in a list, or `None` for other values.
    fn length(&self) -> Option<usize> {
        match self {
            Val::List(items) => Some(items.len()),
            Val::Items(items) => Some(items.len()),
            _ => None,
        }
    }

    /// The item there.
    fn item(&self, index: usize) -> Option<Val<'v>> {
        match self {
            Val::List(items) => items.get(index).map(Val::of),
            Val::Items(items) => items.get(index).cloned(),
            _ => None,
        }
    }
}

struct Judge<'v> {
    variables: &'v Map<String, Value>,
    bound: Vec<Val<'v>>,
    left: u32,
}

/// Names a node: the path that it spells, or its kind.
pub(super) fn name(node: &Node) -> String {
    Path::of(node).map_or_else(|| "a value".to_owned(), |path| format!("`{path}`"))
}

impl<'v> Judge<'v> {
    fn spend(&mut self, steps: usize) -> Result<(), Trouble> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Trouble::Spent)
            }
        }
    }

    fn trouble<T>(&mut self, words: impl FnOnce() -> String) -> Result<T, Trouble> {
        self.spend(ERROR_COST)?;
        Err(Trouble::Said(words()))
    }

    fn value(&mut self, node: &'v Node) -> Result<Val<'v>, Trouble> {
        self.spend(1)?;
        match node {
            Node::Null => Ok(Val::Null),
            Node::Bool(value) => Ok(Val::Bool(*value)),
            Node::Number(value) => Ok(Val::Number(*value)),
            Node::Text(text) => Ok(Val::Text(text)),
            Node::List(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                Ok(Val::Items(items?.into()))
            }
            Node::Variable(name) => match self.variables.get(name) {
                Some(value) => Ok(Val::of(value)),
                None => self.trouble(|| format!("`{name}` is missing")),
            },
            Node::Bound(depth, name) => match self.bound.get(*depth) {
                Some(value) => Ok(value.clone()),
                None => self.trouble(|| format!("`{name}` is missing")),
            },
            Node::Select(operand, field) => {
                let members = self.map(operand, field)?;
                match members.get(field) {
                    Some(value) => Ok(Val::of(value)),
                    None => self.trouble(|| format!("{} is missing", name(node))),
                }
            }
            Node::Has(operand, field) => Ok(Val::Bool(self.map(operand, field)?.contains_key(field))),
            Node::Index(operand, index) => self.index(node, operand, index),
            Node::Not(operand) => Ok(Val::Bool(!self.truth(operand, "!")?)),
            Node::Negate(operand) => match self.value(operand)? {
                Val::Number(number) => Ok(Val::Number(-number)),
                other => {
                    self.trouble(|| format!("{} is {}, and `-` needs a number", name(operand), other.kind()))
                }
            },
            Node::Size(operand) => self.size(operand),
            Node::And(a, b) => self.decide(false, "&&", a, b),
            Node::Or(a, b) => self.decide(true, "||", a, b),
            Node::Compare(comparison, a, b) => self.compare(*comparison, a, b),
            Node::Compute(operator, a, b) => self.compute(*operator, a, b),
            Node::In(a, b) => self.contains(a, b),
            Node::If(condition, then, otherwise) => {
                if self.truth(condition, "? :")? {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            Node::Loop(quantifier, range, condition) => self.quantify(*quantifier, range, condition),
        }
    }

    fn truth(&mut self, node: &'v Node, operator: &str) -> Result<bool, Trouble> {
        match self.value(node)? {
            Val::Bool(value) => Ok(value),
            other => self.trouble(|| {
                format!(
                    "{} is {}, and `{operator}` needs true or false",
                    name(node),
                    other.kind()
                )
            }),
        }
    }

    /// The map that a member is asked of.
    fn map(&mut self, operand: &'v Node, field: &str) -> Result<&'v Map<String, Value>, Trouble> {
        match self.value(operand)? {
            Val::Map(members) => Ok(members),
            other => self.trouble(|| format!("{} is {}, and has no `{field}`", name(operand), other.kind())),
        }
    }

    /// `&&` (decided by false) and `||` (decided by true).
    fn decide(
        &mut self,
        by: bool,
        operator: &str,
        first: &'v Node,
        second: &'v Node,
    ) -> Result<Val<'v>, Trouble> {
        let first = self.truth(first, operator);
        match first {
            Ok(value) if value == by => return Ok(Val::Bool(by)),
            Err(Trouble::Spent) => return Err(Trouble::Spent),
            _ => {}
        }
        match (first, self.truth(second, operator)) {
            (_, Ok(value)) if value == by => Ok(Val::Bool(by)),
            (_, Err(Trouble::Spent)) => Err(Trouble::Spent),
            (Err(trouble), _) => Err(trouble),
            (Ok(_), second) => second.map(Val::Bool),
        }
    }

    /// `exists` (decided by true) and `all` (decided by false), over the items
    /// of a list or the keys of a map.
    fn quantify(
        &mut self,
        quantifier: Quantifier,
        range: &'v Node,
        condition: &'v Node,
    ) -> Result<Val<'v>, Trouble> {
        let (by, operator) = match quantifier {
            Quantifier::Exists => (true, "exists"),
            Quantifier::All => (false, "all"),
        };
        let over = self.value(range)?;
        let mut first_trouble = None;
        let mut one = |judge: &mut Self, item: Val<'v>| {
            judge.bound.push(item);
            let result = judge.truth(condition, operator);
            judge.bound.pop();
            match result {
                Ok(value) => Ok(value == by),
                Err(Trouble::Spent) => Err(Trouble::Spent),
                Err(trouble) => {
                    first_trouble.get_or_insert(trouble);
                    Ok(false)
                }
            }
        };
        if let Val::Map(members) = over {
            for key in members.keys() {
                if one(self, Val::Text(key))? {
                    return Ok(Val::Bool(by));
                }
            }
        } else if over.length().is_some() {
            for item in (0..).map_while(|index| over.item(index)) {
                if one(self, item)? {
                    return Ok(Val::Bool(by));
                }
            }
        } else {
            return self.trouble(|| {
                format!(
                    "{} is {}, and `{operator}` needs a list or a map",
                    name(range),
                    over.kind()
                )
            });
        }
        match first_trouble {
            Some(trouble) => Err(trouble),
            None => Ok(Val::Bool(!by)),
        }
    }

    fn index(&mut self, node: &'v Node, operand: &'v Node, index: &'v Node) -> Result<Val<'v>, Trouble> {
        let whole = self.value(operand)?;
        let at = self.value(index)?;
        if let (Val::Map(members), Val::Text(key)) = (&whole, &at) {
            self.spend(key.len() / 32)?;
            return match members.get(*key) {
                Some(value) => Ok(Val::of(value)),
                None if Path::of(node).is_some() => self.trouble(|| format!("{} is missing", name(node))),
                None => self.trouble(|| format!("a member of {} is missing", name(operand))),
            };
        }
        if let (Some(_), &Val::Number(number)) = (whole.length(), &at) {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and not negative; beyond the range it saturates, where no item is"
            )]
            let position = (number.fract() == 0.0 && number >= 0.0).then_some(number as usize);
            return match position.and_then(|position| whole.item(position)) {
                Some(item) => Ok(item),
                None => self.trouble(|| format!("{} has no item {number}", name(operand))),
            };
        }
        self.trouble(|| {
            format!(
                "{} is {}, and has no item that {} names",
                name(operand),
                whole.kind(),
                at.kind()
            )
        })
    }

    fn size(&mut self, operand: &'v Node) -> Result<Val<'v>, Trouble> {
        let value = self.value(operand)?;
        let size = match &value {
            Val::Text(text) => {
                self.spend(text.len() / 32)?;
                text.chars().count()
            }
            Val::Map(members) => members.len(),
            other => match other.length() {
                Some(length) => length,
                None => {
                    return self.trouble(|| {
                        format!(
                            "{} is {}, and has no size: `size` is for texts, lists and maps",
                            name(operand),
                            other.kind()
                        )
                    });
                }
            },
        };
        #[allow(clippy::cast_precision_loss, reason = "content is far smaller than 2^53")]
        Ok(Val::Number(size as f64))
    }

    fn contains(&mut self, a: &'v Node, b: &'v Node) -> Result<Val<'v>, Trouble> {
        let wanted = self.value(a)?;
        let whole = self.value(b)?;
        if let Val::Map(members) = &whole {
            let Val::Text(key) = &wanted else {
                return Ok(Val::Bool(false));
            };
            self.spend(key.len() / 32)?;
            return Ok(Val::Bool(members.contains_key(*key)));
        }
        if whole.length().is_none() {
            return self
                .trouble(|| format!("{} is {}, and `in` needs a list or a map", name(b), whole.kind()));
        }
        for item in (0..).map_while(|index| whole.item(index)) {
            if self.equal(&wanted, &item, 0)? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        left: &'v Node,
        right: &'v Node,
    ) -> Result<Val<'v>, Trouble> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let (a, b) = (self.value(left)?, self.value(right)?);
        if let Comparison::Equal | Comparison::NotEqual = comparison {
            let equal = self.equal(&a, &b, 0)?;
            return Ok(Val::Bool(equal == (comparison == Comparison::Equal)));
        }
        let order = match (&a, &b) {
            (Val::Number(a), Val::Number(b)) => a.partial_cmp(b),
            (Val::Text(a), Val::Text(b)) => {
                self.spend(a.len().min(b.len()) / 32)?;
                Some(a.cmp(b))
            }
            (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        };
        let Some(order) = order else {
            return self.trouble(|| {
                format!(
                    "{} is {}, {} is {}: they can't be ordered",
                    name(left),
                    a.kind(),
                    name(right),
                    b.kind()
                )
            });
        };
        Ok(Val::Bool(match comparison {
            Comparison::Less => order == Less,
            Comparison::LessOrEqual => order != Greater,
            Comparison::Greater => order == Greater,
            Comparison::GreaterOrEqual => order != Less,
            Comparison::Equal => order == Equal,
            Comparison::NotEqual => order != Equal,
        }))
    }

    fn compute(&mut self, operator: Arithmetic, left: &'v Node, right: &'v Node) -> Result<Val<'v>, Trouble> {
        let sign = match operator {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Remainder => "%",
        };
        let (a, b) = match (self.value(left)?, self.value(right)?) {
            (Val::Number(a), Val::Number(b)) => (a, b),
            (Val::Number(_), other) => {
                return self
                    .trouble(|| format!("{} is {}, and `{sign}` needs numbers", name(right), other.kind()));
            }
            (other, _) => {
                return self
                    .trouble(|| format!("{} is {}, and `{sign}` needs numbers", name(left), other.kind()));
            }
        };
        let result = match operator {
            Arithmetic::Add => a + b,
            Arithmetic::Subtract => a - b,
            Arithmetic::Multiply => a * b,
            Arithmetic::Divide => a / b,
            Arithmetic::Remainder => a % b,
        };
        if result.is_finite() {
            Ok(Val::Number(result))
        } else if b == 0.0 {
            self.trouble(|| format!("{} is zero, and nothing is divided by zero", name(right)))
        } else {
            self.trouble(|| format!("the result of `{sign}` is too large"))
        }
    }

    /// Equality across types is false, not an error. Source: the CEL
    /// specification, heterogeneous equality.
    fn equal(&mut self, a: &Val<'v>, b: &Val<'v>, depth: usize) -> Result<bool, Trouble> {
        self.spend(1)?;
        if depth > MAX_DATA_DEPTH {
            self.left = 0;
            return Err(Trouble::Spent);
        }
        Ok(match (a, b) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            #[allow(clippy::float_cmp, reason = "that is what `==` asks")]
            (Val::Number(a), Val::Number(b)) => a == b,
            (Val::Text(a), Val::Text(b)) => {
                self.spend(a.len().min(b.len()) / 32)?;
                a == b
            }
            (Val::Map(a), Val::Map(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (key, value) in *a {
                    self.spend(key.len() / 32)?;
                    let Some(other) = b.get(key) else {
                        return Ok(false);
                    };
                    if !self.equal(&Val::of(value), &Val::of(other), depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ if a.length().is_some() && a.length() == b.length() => {
                for (a, b) in (0..).map_while(|index| a.item(index).zip(b.item(index))) {
                    if !self.equal(&a, &b, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        })
    }
}
