//! A change of the policy, spelled out: first what it lets happen that could not
//! happen before, by effect; then each thing that it says otherwise.

mod approvals;
mod classes;
mod effect;
mod written;

use serde::Serialize;

use crate::record::kind::GroupName;
use crate::trust::Policy;

/// One thing that a policy says otherwise than the one before it, or that it lets
/// happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PolicyLine {
    /// The subject: `fraud-*: required approvals`; or the whole in a sentence.
    pub what: String,
    /// The value before; none where there was none.
    pub before: Option<String>,
    /// The value after; none where there is none.
    pub after: Option<String>,
    /// Whether less is asked, or more is allowed, than before.
    pub weakens: bool,
    /// Whether it only may be so: of two conditions it can't be told which asks
    /// for more.
    pub unsure: bool,
    /// Whether a condition certainly asks for more than before, and for nothing less.
    pub strengthens: bool,
}

impl PolicyLine {
    /// A sentence about what is asked less for, or allowed more.
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

/// Lists the differences of two policies, the weakening lines first. A line weakens
/// by its effect: on the groups that exist and on every group that a glob of
/// either policy could match.
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
