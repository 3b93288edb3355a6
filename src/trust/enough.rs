//! Whether approvals would be enough, before any is given: a change of the policy raises
//! this question.

use std::collections::BTreeSet;

use super::approval::{Standing, approval_worth};
use super::delegation::may_report;
use super::selection::{Candidate, best_selection, team_count};
use super::{ApprovalNeed, Policy};
use crate::record::kind::{ActorId, GroupName};

/// Whether these approvals would be enough in a group for content by these authors. Only
/// reviews are considered, not the gates and the card.
pub fn are_enough(
    policy: &Policy,
    need: &ApprovalNeed,
    group: &GroupName,
    authors: &BTreeSet<ActorId>,
    approvals: &[Candidate<'_>],
) -> bool {
    let counting = approvals.iter().copied();
    let counting: Vec<Candidate<'_>> = counting
        .filter(|approval| would_count(policy, need, group, authors, approval))
        .collect();
    let chosen = best_selection(policy, need, &counting);
    u32::try_from(chosen.len()).unwrap_or(u32::MAX) >= need.required
        && need
            .from
            .iter()
            .all(|(team, count)| team_count(policy, team, &chosen) >= *count)
}

/// Whether this approval would count by itself.
fn would_count(
    policy: &Policy,
    need: &ApprovalNeed,
    group: &GroupName,
    authors: &BTreeSet<ActorId>,
    approval: &Candidate<'_>,
) -> bool {
    let reports = |machine: &ActorId| {
        let by_an_author = || authors.iter().any(|author| policy.related(machine, author));
        need.delegated > 0
            && may_report(policy, group, machine, approval.actor)
            && !(need.four_eyes && by_an_author())
    };
    approval.reported_by.is_none_or(reports)
        && approval_worth(policy, need, group, approval.actor, authors) == Standing::Counts
}
