//! The selection of approvals that count together: distinct people, no two of them one
//! person.

use super::approval::Counted;
use super::{ApprovalNeed, Policy};
use crate::record::kind::{ActorId, ActorKind, RecordName};

/// The most machines and reported reviews of which every set is tried. Beyond it, the
/// first ones are taken as they come.
const TRIED: usize = 12;

/// One approval that would count by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'t> {
    /// The approver.
    pub actor: &'t ActorId,
    /// The machine that reports it.
    pub reported_by: Option<&'t ActorId>,
}

impl<'t> Candidate<'t> {
    /// The approval in this review.
    pub fn of(review: &'t Counted) -> Candidate<'t> {
        Candidate {
            actor: &review.actor,
            reported_by: review.reported_by.as_ref(),
        }
    }

    /// Whether two approvals may be one person's work. A reported one may have been
    /// invented by the holder of the machine's key, so it is related to the machine and
    /// its owners too. The policy limits how many a machine may report, so two reports
    /// are not related only because one machine made them.
    pub fn is_related(&self, policy: &Policy, other: &Candidate<'_>) -> bool {
        let through = |machine: Option<&ActorId>, own: &Candidate<'_>| {
            own.reported_by.is_none() && machine.is_some_and(|machine| policy.related(machine, own.actor))
        };
        policy.related(self.actor, other.actor)
            || through(self.reported_by, other)
            || through(other.reported_by, self)
    }

    fn is_plain(&self, policy: &Policy) -> bool {
        let person = policy
            .actor(self.actor.as_str())
            .is_some_and(|who| who.kind == ActorKind::Person);
        person && self.reported_by.is_none()
    }
}

/// Returns the largest set of approvals of which no two are related, preferring sets that
/// satisfy the teams, with no more reported ones than the policy counts.
///
/// Persons who sign for themselves are never related to one another. Only machines and
/// their reports make this a choice, and there are few of them.
pub fn best_selection<'t>(
    policy: &Policy,
    need: &ApprovalNeed,
    candidates: &[Candidate<'t>],
) -> Vec<Candidate<'t>> {
    let (persons, others): (Vec<Candidate<'t>>, Vec<Candidate<'t>>) = candidates
        .iter()
        .copied()
        .partition(|candidate| candidate.is_plain(policy));
    // Members of a required team come first.
    let mut others = others;
    others.sort_by_key(|other| {
        !need
            .from
            .keys()
            .any(|team| policy.in_team(team.as_str(), other.actor))
    });
    let others = &others[..others.len().min(TRIED)];
    let mut best: (bool, Vec<Candidate<'t>>) = (false, Vec::new());
    for mask in 0..1u32 << others.len() {
        let mut chosen: Vec<Candidate<'t>> = Vec::new();
        let picked = others
            .iter()
            .enumerate()
            .filter(|(index, _)| mask & (1 << index) != 0);
        let mut fits = true;
        for (_, candidate) in picked {
            fits &= !chosen.iter().any(|other| candidate.is_related(policy, other));
            chosen.push(*candidate);
        }
        let reported = chosen
            .iter()
            .filter(|candidate| candidate.reported_by.is_some())
            .count();
        if !fits || u32::try_from(reported).unwrap_or(u32::MAX) > need.delegated {
            continue;
        }
        for person in &persons {
            if !chosen.iter().any(|other| person.is_related(policy, other)) {
                chosen.push(*person);
            }
        }
        let teams = need
            .from
            .iter()
            .all(|(team, count)| team_count(policy, team, &chosen) >= *count);
        if best.1.is_empty() || (teams, chosen.len()) > (best.0, best.1.len()) {
            best = (teams, chosen);
        }
    }
    best.1
}

/// How many of these approvals are those of members of the team.
pub fn team_count(policy: &Policy, team: &RecordName, approvals: &[Candidate<'_>]) -> u32 {
    let members = approvals
        .iter()
        .filter(|approval| policy.in_team(team.as_str(), approval.actor))
        .count();
    u32::try_from(members).unwrap_or(u32::MAX)
}
