//! A change of the policy, spelled out: first its effects that allow something new,
//! then each difference in the text.

mod approvals;
mod classes;
mod effect;
mod written;

use serde::Serialize;

use crate::record::kind::GroupName;
use crate::trust::Policy;

/// One difference between two policies, or one effect of the change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PolicyLine {
    /// The subject: `fraud-*: required approvals`; or the whole line as a sentence.
    pub what: String,
    /// The value before, or `None` if there was none.
    pub before: Option<String>,
    /// The value after, or `None` if there is none.
    pub after: Option<String>,
    /// Whether the change requires less, or allows more, than before.
    pub weakens: bool,
    /// Whether it is uncertain that the change weakens the policy, because two
    /// conditions can't be compared.
    pub unsure: bool,
    /// Whether the new condition certainly requires more, and nothing less.
    pub strengthens: bool,
}

impl PolicyLine {
    /// A sentence about a weaker requirement or a new right.
    fn warning(what: String) -> PolicyLine {
        PolicyLine {
            what,
            before: None,
            after: None,
            weakens: true,
            unsure: false,
            strengthens: false,
        }
    }
}

/// Lists the differences of two policies, the weakening ones first. A line is weakening
/// by its effect on the existing groups, and on every group that a glob of either
/// policy could match.
pub fn policy_lines(before: &Policy, after: &Policy, groups: &[GroupName]) -> Vec<PolicyLine> {
    let globs = effect::globs(before).chain(effect::globs(after));
    let classes = classes::Classes::of(globs, groups);
    let mut lines = effect::effects(before, after, &classes);
    for line in written::lines(before, after) {
        let is_same = |known: &PolicyLine| {
            (&known.what, &known.before, &known.after) == (&line.what, &line.before, &line.after)
        };
        if !lines.iter().any(is_same) {
            lines.push(line);
        }
    }
    lines.sort_by_key(|line| (!line.weakens, line.unsure));
    lines
}
