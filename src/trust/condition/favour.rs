//! The direction of a number that a condition favours: `metrics.auc >= 0.85` says that
//! more is better. If the text does not decide it, there is no answer.

use super::names::Path;
use super::tree::{Arithmetic, Comparison, Node};

/// The better way of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More of it.
    Higher,
    /// Less of it.
    Lower,
}

impl Better {
    fn turned(self, turn: bool) -> Better {
        match (self, turn) {
            (better, false) => better,
            (Better::Higher, true) => Better::Lower,
            (Better::Lower, true) => Better::Higher,
        }
    }
}

/// Lists every path whose number the condition favours, with the direction.
pub(super) fn favours(root: &Node) -> Vec<(Path, Better)> {
    let mut out = Vec::new();
    walk(root, false, &mut out);
    out
}

/// Walks the parts that must be true (or false, if `turned`) for the whole to be.
fn walk(node: &Node, turned: bool, out: &mut Vec<(Path, Better)>) {
    match node {
        Node::And(a, b) | Node::Or(a, b) => {
            walk(a, turned, out);
            walk(b, turned, out);
        }
        Node::Not(a) => walk(a, !turned, out),
        // Only the condition decides which of the two branches is evaluated.
        Node::If(_, a, b) => {
            walk(a, turned, out);
            walk(b, turned, out);
        }
        Node::Compare(comparison, a, b) => {
            let left = match comparison {
                Comparison::Greater | Comparison::GreaterOrEqual => Better::Higher,
                Comparison::Less | Comparison::LessOrEqual => Better::Lower,
                Comparison::Equal | Comparison::NotEqual => return,
            };
            number(a, left.turned(turned), out);
            number(b, left.turned(!turned), out);
        }
        _ => {}
    }
}

/// Notes the numbers that grow with this one, and those that shrink.
fn number(node: &Node, better: Better, out: &mut Vec<(Path, Better)>) {
    if let Some(path) = Path::of(node) {
        out.push((path, better));
        return;
    }
    match node {
        Node::Negate(a) => number(a, better.turned(true), out),
        Node::Compute(Arithmetic::Add, a, b) => {
            number(a, better, out);
            number(b, better, out);
        }
        Node::Compute(Arithmetic::Subtract, a, b) => {
            number(a, better, out);
            number(b, better.turned(true), out);
        }
        Node::Compute(Arithmetic::Multiply, a, b) => match (&**a, &**b) {
            (Node::Number(factor), other) | (other, Node::Number(factor)) if *factor != 0.0 => {
                number(other, better.turned(*factor < 0.0), out);
            }
            _ => {}
        },
        Node::Compute(Arithmetic::Divide, a, b) => {
            if let Node::Number(divisor) = &**b
                && *divisor != 0.0
            {
                number(a, better.turned(*divisor < 0.0), out);
            }
        }
        _ => {}
    }
}
