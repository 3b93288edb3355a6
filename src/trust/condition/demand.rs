//! The stricter of two conditions, where their texts show it: in their conjuncts and in
//! thresholds of the same number.

use super::names::children;
use super::tree::{Comparison, Node};

/// The relation of a condition to the one that it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Both hold for the same content.
    Same,
    /// It holds only where the other held.
    More,
    /// It holds for all that the other held for.
    Less,
    /// The texts do not show which.
    Unknown,
}

/// Compares the condition `after` with `before`.
pub(super) fn demand(before: &Node, after: &Node) -> Demand {
    let (before, after) = (conjuncts(before), conjuncts(after));
    let all_from = |wanted: &[&Node], given: &[&Node]| {
        given.iter().any(|given| matches!(given, Node::Bool(false)))
            || wanted
                .iter()
                .all(|wanted| given.iter().any(|given| implies(given, wanted)))
    };
    match (all_from(&before, &after), all_from(&after, &before)) {
        (true, true) => Demand::Same,
        (true, false) => Demand::More,
        (false, true) => Demand::Less,
        (false, false) => Demand::Unknown,
    }
}

/// Whether a condition names this variable.
pub(super) fn names(node: &Node, variable: &str) -> bool {
    matches!(node, Node::Variable(name) if name == variable)
        || children(node).into_iter().any(|child| names(child, variable))
}

/// The conditions that `&&` joins. All of them must be true, in any order.
fn conjuncts(node: &Node) -> Vec<&Node> {
    match node {
        Node::And(a, b) => {
            let mut all = conjuncts(a);
            all.extend(conjuncts(b));
            all
        }
        other => vec![other],
    }
}

/// Whether `wanted` is true wherever `given` is, as far as the texts show it.
fn implies(given: &Node, wanted: &Node) -> bool {
    if given == wanted || matches!(wanted, Node::Bool(true)) {
        return true;
    }
    let (Some(given), Some(wanted)) = (Threshold::of(given), Threshold::of(wanted)) else {
        return false;
    };
    let is_further = match given.is_least {
        true => given.number > wanted.number,
        false => given.number < wanted.number,
    };
    let is_alike = given.is_least == wanted.is_least && given.value == wanted.value;
    let is_equal = given.number == wanted.number && (given.is_strict || !wanted.is_strict);
    is_alike && (is_further || is_equal)
}

/// A number that a value must reach, or stay below.
struct Threshold<'n> {
    value: &'n Node,
    number: f64,
    /// Whether the value must be at least the number.
    is_least: bool,
    /// Whether the number itself is refused.
    is_strict: bool,
}

impl Threshold<'_> {
    fn of(node: &Node) -> Option<Threshold<'_>> {
        let Node::Compare(comparison, a, b) = node else {
            return None;
        };
        let (is_greater, is_strict) = match comparison {
            Comparison::Greater => (true, true),
            Comparison::GreaterOrEqual => (true, false),
            Comparison::Less => (false, true),
            Comparison::LessOrEqual => (false, false),
            Comparison::Equal | Comparison::NotEqual => return None,
        };
        let (value, number, is_least) = match (number(a), number(b)) {
            (None, Some(number)) => (&**a, number, is_greater),
            (Some(number), None) => (&**b, number, !is_greater),
            _ => return None,
        };
        Some(Threshold {
            value,
            number,
            is_least,
            is_strict,
        })
    }
}

/// A number as it is written, with its sign.
fn number(node: &Node) -> Option<f64> {
    match node {
        Node::Number(number) => Some(*number),
        Node::Negate(inner) => match &**inner {
            Node::Number(number) => Some(-number),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::Demand;

    #[test]
    fn texts_show_which_condition_asks_for_more() {
        for (before, after, wanted) in [
            ("metrics.a >= 0.80", "metrics.a  >= 0.8", Demand::Same),
            ("metrics.a >= 0.80", "0.8 <= metrics.a", Demand::Same),
            ("metrics.a >= 0.80", "metrics.a >= 0.90", Demand::More),
            ("metrics.a >= 0.80", "metrics.a > 0.80", Demand::More),
            ("metrics.a >= -0.80", "metrics.a > -0.10", Demand::More),
            ("metrics.a <= 5", "metrics.a <= 4", Demand::More),
            ("5 > metrics.a", "4 > metrics.a", Demand::More),
            ("metrics.a <= 5", "false", Demand::More),
            ("metrics.a <= 5", "metrics.a <= 5 && metrics.b > 1", Demand::More),
            ("metrics.a <= 5", "metrics.b > 1 && metrics.a < 5", Demand::More),
            ("metrics.a >= 0.80", "metrics.a >= 0.10", Demand::Less),
            ("metrics.a > 1 && metrics.b > 1", "metrics.b > 1", Demand::Less),
            ("metrics.a > 1", "true", Demand::Less),
            ("metrics.a > 1", "metrics.a < 1", Demand::Unknown),
            ("metrics.a > 1", "metrics.b > 2", Demand::Unknown),
            ("metrics.a > 1", "metrics.a > 1 || metrics.b > 1", Demand::Unknown),
            ("!(metrics.a > 1)", "!(metrics.a > 2)", Demand::Unknown),
            (
                "metrics.a > 1 && metrics.b > 1",
                "metrics.a > 2 && metrics.b > 0",
                Demand::Unknown,
            ),
        ] {
            let compile = |text: &str| Expr::compile(text, &["metrics"]).expect("a condition");
            assert_eq!(
                compile(after).demand(&compile(before)),
                wanted,
                "{before} -> {after}"
            );
        }
    }
}
