//! Conditions over the content of a version: gates, and `list --where`.
//!
//! The language is a part of CEL, the Common Expression Language: comparison, arithmetic,
//! logic, `? :`, `in`, `has`, `size`, `exists` and `all`. A policy is written by
//! administrators and read by every clone and every CI job, so a condition must be
//! harmless by construction: a text is split (`scan`) and parsed (`parse`) within limits,
//! and judged (`judge`) with a budget of steps that no content can exceed. A test compares
//! the trees with those of the crate `cel`.
//!
//! This departs from CEL in three points:
//!
//! - Every number is a double, so `metrics.n + 1` is valid although `n` came as an
//!   integer.
//! - A division by zero, or any other result that is not a finite number, is an error and
//!   never an infinity that passes.
//! - `+` adds numbers only.

mod absent;
mod demand;
mod favour;
mod judge;
mod kinds;
mod literal;
mod names;
mod parse;
mod scan;
mod tree;

use std::ops::Range;

pub use absent::Absent;
pub use demand::Demand;
pub use favour::Better;
pub use kinds::{Misfit, Shape};

use serde_json::{Map, Value};

/// A condition, compiled once and judged for each version.
#[derive(Clone, Debug)]
pub struct Expr {
    source: String,
    root: tree::Node,
    reads: Vec<names::Path>,
}

/// A fault in the text of a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprFault {
    /// One sentence.
    pub message: String,
    /// The faulty bytes of the source, if not the whole.
    pub span: Option<Range<usize>>,
}

impl ExprFault {
    fn at(span: Option<Range<usize>>, message: impl Into<String>) -> ExprFault {
        ExprFault {
            message: message.into(),
            span,
        }
    }
}

/// The result of a condition on some content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    True,
    /// It does not.
    False,
    /// The condition can't be evaluated: a member is missing, a value has another type,
    /// the result is not a boolean. A gate is not met then; the text says why.
    NotMet(String),
}

impl Expr {
    /// Reads a condition that may name these variables.
    ///
    /// Refuses text that is not CEL, CEL that is not allowed here, and text that is too
    /// large. Never panics, and takes a bounded time and stack.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Expr, ExprFault> {
        let tokens = scan::scan(source)?;
        let root = parse::parse(source, &tokens, variables)?;
        let reads = names::reads(&root);
        Ok(Expr {
            source: source.to_owned(),
            root,
            reads,
        })
    }

    /// The condition as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Judges some content. Needs little stack and no thread, and ends after a bounded
    /// number of steps.
    pub fn evaluate(&self, variables: &Map<String, Value>) -> Outcome {
        judge::judge(&self.root, variables)
    }

    /// The members that the condition names, in the order of their first
    /// mention: `metrics.auc`, `evidence["hold-out"].metrics.auc`.
    pub fn reads(&self) -> Vec<String> {
        self.reads.iter().map(ToString::to_string).collect()
    }

    /// Compares the strictness of this condition with that of the one before it.
    pub fn demand(&self, before: &Expr) -> Demand {
        demand::demand(&before.root, &self.root)
    }

    /// Whether it names this variable.
    pub fn names(&self, variable: &str) -> bool {
        demand::names(&self.root, variable)
    }

    /// Whether two texts differ only in blanks between their elements.
    pub fn is_same_text(a: &str, b: &str) -> bool {
        let words = |text: &str| -> Option<Vec<String>> {
            let tokens = scan::scan(text).ok()?;
            Some(
                tokens
                    .into_iter()
                    .map(|token| text[token.span].to_owned())
                    .collect(),
            )
        };
        a == b || words(a).is_some_and(|a| Some(a) == words(b))
    }

    /// Returns the direction that the condition favours for the number at this path, or
    /// `None` if it does not mention the number, or favours both.
    pub fn better(&self, variable: &str, members: &[&str]) -> Option<Better> {
        let all = favour::favours(&self.root);
        let mut here = all
            .iter()
            .filter(|(path, _)| path.is(variable, members))
            .map(|(_, better)| *better);
        let first = here.next()?;
        here.all(|better| better == first).then_some(first)
    }

    /// Returns the members that the condition names, with their values here, or `None` where
    /// a member is absent.
    pub fn values<'v>(&self, variables: &'v Map<String, Value>) -> Vec<(String, Option<&'v Value>)> {
        self.reads
            .iter()
            .map(|path| (path.to_string(), path.look_up(variables)))
            .collect()
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
