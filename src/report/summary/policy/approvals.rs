//! Finds approvals that are insufficient under one policy and sufficient under the
//! next. Tries the smallest sets that the new policy accepts against the old one.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::kind::{Action, ActorId, ActorKind, GroupName};
use crate::trust::{ApprovalNeed, Candidate, Policy, are_enough};

/// The most sets tried for one group. Interchangeable actors are tried once, so only
/// policies with many machines and a high quorum need more.
const MOST: usize = 20_000;

/// Approvals that are sufficient now and were not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Example {
    /// The approvers, each with the machine that reports the approval.
    pub approvals: Vec<(ActorId, Option<ActorId>)>,
    /// The authors of the content; empty if any author will do.
    pub authors: Vec<ActorId>,
    /// Whether two of these actors counted as one before and do not now.
    pub parted: bool,
}

/// The result for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No set of approvals became sufficient.
    Nothing,
    /// This set became sufficient.
    Example(Example),
    /// There are too many sets to try.
    Unknown,
}

/// Two policies, and the actors who count as one in each.
pub(super) struct Comparison<'p> {
    before: &'p Policy,
    after: &'p Policy,
    ids: Vec<&'p ActorId>,
    /// For each actor, by index: the actors who count as one with it, including itself.
    one_before: Vec<BTreeSet<usize>>,
    one_after: Vec<BTreeSet<usize>>,
}

/// An approval that would count under the new policy.
struct Approver<'p> {
    actor: usize,
    reporter: Option<usize>,
    candidate: Candidate<'p>,
}

/// The state of a search.
struct Search<'s, 'p> {
    comparison: &'s Comparison<'p>,
    group: &'s GroupName,
    need_before: ApprovalNeed,
    need_after: ApprovalNeed,
    /// The approvals, grouped with those interchangeable with them.
    classes: Vec<Vec<Approver<'p>>>,
    most: usize,
    tried: usize,
}

fn kin(policy: &Policy, ids: &[&ActorId]) -> Vec<BTreeSet<usize>> {
    let principals: Vec<BTreeSet<ActorId>> = ids.iter().map(|id| policy.principals(id)).collect();
    let one = |a: &BTreeSet<ActorId>| {
        let others = principals.iter().enumerate();
        let related = others.filter(|(_, b)| !a.is_disjoint(b));
        related.map(|(index, _)| index).collect()
    };
    principals.iter().map(one).collect()
}

impl<'p> Comparison<'p> {
    pub fn new(before: &'p Policy, after: &'p Policy) -> Comparison<'p> {
        let ids: Vec<&ActorId> = after.registry().actors.keys().collect();
        Comparison {
            one_before: kin(before, &ids),
            one_after: kin(after, &ids),
            before,
            after,
            ids,
        }
    }

    /// Searches for approvals in this group that became sufficient.
    pub fn newly_enough(&self, group: &GroupName) -> Found {
        let (need_before, need_after) = (self.before.need(group), self.after.need(group));
        let teams: u32 = need_after.from.values().sum();
        let most = usize::try_from(need_after.required.max(teams)).unwrap_or(usize::MAX);
        let classes = self.voices(group, &need_before, &need_after, most);
        let mut search = Search {
            comparison: self,
            group,
            need_before,
            need_after,
            classes,
            most,
            tried: 0,
        };
        match search.extend(&mut Vec::new(), (0, 0)) {
            Some(example) => Found::Example(example),
            None if search.tried >= MOST => Found::Unknown,
            None => Found::Nothing,
        }
    }

    /// Lists the approvals that could count under the new policy, grouped with those
    /// interchangeable with them. A group has no more of them than one set can use.
    fn voices(
        &self,
        group: &GroupName,
        need_before: &ApprovalNeed,
        need_after: &ApprovalNeed,
        most: usize,
    ) -> Vec<Vec<Approver<'p>>> {
        let may = |policy: &Policy, actor: usize| {
            policy.may(self.ids[actor], Action::Approve, Some(group.as_str()), None)
        };
        let kind = |policy: &Policy, actor: usize| policy.actor(self.ids[actor].as_str()).map(|who| who.kind);
        let all = 0..self.ids.len();
        let machines: Vec<usize> = match need_after.delegated {
            0 => Vec::new(),
            _ => all
                .clone()
                .filter(|actor| {
                    kind(self.after, *actor) == Some(ActorKind::Machine) && may(self.after, *actor)
                })
                .collect(),
        };
        let mut classes: BTreeMap<_, Vec<Approver<'p>>> = BTreeMap::new();
        for actor in all.filter(|actor| may(self.after, *actor)) {
            let reporters = machines.iter().copied().map(Some);
            for reporter in std::iter::once(None).chain(reporters) {
                let id = self.ids[actor];
                let candidate = Candidate {
                    actor: id,
                    reported_by: reporter.map(|machine| self.ids[machine]),
                };
                // The four-eyes rule is checked once the whole set is known.
                if !are_enough(
                    self.after,
                    &alone(need_after),
                    group,
                    &BTreeSet::new(),
                    &[candidate],
                ) {
                    continue;
                }
                let before = are_enough(
                    self.before,
                    &alone(need_before),
                    group,
                    &BTreeSet::new(),
                    &[candidate],
                );
                let others = |one: &BTreeSet<usize>| {
                    let others = one.iter().copied().filter(|other| *other != actor);
                    others.collect::<Vec<_>>()
                };
                let in_teams = |policy: &Policy, need: &ApprovalNeed| {
                    let teams = need.from.keys();
                    teams
                        .map(|team| policy.in_team(team.as_str(), id))
                        .collect::<Vec<_>>()
                };
                let alike = (
                    reporter,
                    before,
                    in_teams(self.before, need_before),
                    in_teams(self.after, need_after),
                    others(&self.one_before[actor]),
                    others(&self.one_after[actor]),
                );
                let class = classes.entry(alike).or_default();
                if class.len() < most {
                    class.push(Approver {
                        actor,
                        reporter,
                        candidate,
                    });
                }
            }
        }
        classes.into_values().collect()
    }
}

/// The requirements for one approval to count by itself.
fn alone(need: &ApprovalNeed) -> ApprovalNeed {
    ApprovalNeed {
        required: 1,
        from: BTreeMap::new(),
        four_eyes: false,
        ..need.clone()
    }
}

impl Search<'_, '_> {
    /// Adds approvals to the chosen ones, from this one on, until the new policy
    /// accepts them.
    fn extend(&mut self, chosen: &mut Vec<(usize, usize)>, from: (usize, usize)) -> Option<Example> {
        if self.tried >= MOST {
            return None;
        }
        self.tried += 1;
        if self.is_enough_after(chosen) {
            return self.example(chosen);
        }
        if chosen.len() >= self.most {
            return None;
        }
        for class in from.0..self.classes.len() {
            let first = if class == from.0 { from.1 } else { 0 };
            for at in first..self.classes[class].len() {
                let voice = &self.classes[class][at];
                let taken = chosen
                    .iter()
                    .any(|(class, at)| self.classes[*class][*at].actor == voice.actor);
                if taken {
                    continue;
                }
                if self.fits(chosen, voice) {
                    chosen.push((class, at));
                    let found = self.extend(chosen, (class, at + 1));
                    if found.is_some() {
                        return found;
                    }
                    chosen.pop();
                }
                // The others of the class are interchangeable with this one.
                break;
            }
        }
        None
    }

    fn voices<'a>(&'a self, chosen: &'a [(usize, usize)]) -> impl Iterator<Item = &'a Approver<'a>> {
        chosen.iter().map(|(class, at)| &self.classes[*class][*at])
    }

    /// Whether the approval counts together with the chosen ones.
    fn fits(&self, chosen: &[(usize, usize)], voice: &Approver<'_>) -> bool {
        let after = self.comparison.after;
        let reported = self
            .voices(chosen)
            .filter(|other| other.reporter.is_some())
            .count();
        let related = self
            .voices(chosen)
            .any(|other| voice.candidate.is_related(after, &other.candidate));
        let room = u32::try_from(reported).unwrap_or(u32::MAX) < self.need_after.delegated;
        !related && (voice.reporter.is_none() || room)
    }

    fn is_enough_after(&self, chosen: &[(usize, usize)]) -> bool {
        let after = self.comparison.after;
        let teams = |team: &str| {
            self.voices(chosen)
                .filter(|voice| after.in_team(team, voice.candidate.actor))
                .count()
        };
        let reaches = |have: usize, need: u32| u32::try_from(have).unwrap_or(u32::MAX) >= need;
        reaches(chosen.len(), self.need_after.required)
            && self
                .need_after
                .from
                .iter()
                .all(|(team, need)| reaches(teams(team.as_str()), *need))
    }

    /// Returns these approvals if they were insufficient before, for content by as many
    /// authors as the new policy accepts them for.
    fn example(&self, chosen: &[(usize, usize)]) -> Option<Example> {
        let Comparison {
            before,
            ids,
            one_before,
            one_after,
            ..
        } = self.comparison;
        let speaking: BTreeSet<usize> = self
            .voices(chosen)
            .flat_map(|voice| std::iter::once(voice.actor).chain(voice.reporter))
            .collect();
        let is_author = |index: &usize| {
            let actor = self.comparison.after.actor(ids[*index].as_str());
            let registers = actor.is_some_and(|actor| actor.kind != ActorKind::Forge);
            registers && (!self.need_after.four_eyes || one_after[*index].is_disjoint(&speaking))
        };
        let authors: Vec<usize> = (0..ids.len()).filter(is_author).collect();
        let candidates: Vec<Candidate<'_>> = self.voices(chosen).map(|voice| voice.candidate).collect();
        let was_enough = |authors: &[usize]| {
            let authors = authors.iter().map(|index| ids[*index].clone()).collect();
            are_enough(before, &self.need_before, self.group, &authors, &candidates)
        };
        // Content always has an author.
        if authors.is_empty() || was_enough(&authors) {
            return None;
        }
        let others: Vec<usize> = authors
            .iter()
            .copied()
            .filter(|author| one_before[*author].is_disjoint(&speaking))
            .collect();
        let named = match others.iter().any(|author| !was_enough(&[*author])) {
            true => Vec::new(),
            false => match authors.iter().find(|author| !was_enough(&[**author])) {
                Some(author) => vec![*author],
                None => authors.clone(),
            },
        };
        let parted = |a: &usize, b: &usize| one_before[*a].contains(b) && !one_after[*a].contains(b);
        Some(Example {
            approvals: self
                .voices(chosen)
                .map(|voice| {
                    let candidate = voice.candidate;
                    (candidate.actor.clone(), candidate.reported_by.cloned())
                })
                .collect(),
            authors: named.iter().map(|index| ids[*index].clone()).collect(),
            parted: speaking
                .iter()
                .any(|a| speaking.iter().chain(&named).any(|b| parted(a, b))),
        })
    }
}
