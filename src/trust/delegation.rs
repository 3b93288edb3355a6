//! Reviews that a machine reports for the person who gave them on a Git host.

use super::Policy;
use crate::record::kind::{Action, ActorId, ActorKind, Decision, GroupName, HostReview, Review, VersionId};

/// A reason for which a reported review does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationFault {
    /// Where in the record, as a JSON pointer.
    pub pointer: &'static str,
    /// The fault.
    pub message: String,
    /// The one thing to do.
    pub help: String,
}

/// Whether a review is a reported one, valid or not.
pub fn is_reported(review: &Review) -> bool {
    review.on_behalf_of.is_some() || review.host.is_some()
}

/// Returns why this reported review of a version does not count under this policy; `None`
/// when it is valid. A valid one is written by a machine that may decide here and says
/// where it was given. Its reviewer is a person who is not retired and lists the account
/// of that host.
pub fn delegation_fault(policy: &Policy, id: &VersionId, review: &Review) -> Option<DelegationFault> {
    let Some(person) = &review.on_behalf_of else {
        return fault(
            "/host",
            "this review says where on a host it was given, but not by whom".to_owned(),
            "remove `host`, as a review of one's own names no host, or add `onBehalfOf`".to_owned(),
        );
    };
    let Some(host) = &review.host else {
        return fault(
            "/onBehalfOf",
            format!("this review of `{person}` does not say where it was given"),
            sign(person, id, review.decision),
        );
    };
    machine_fault(policy, id, review, person).or_else(|| person_fault(policy, id, review, (person, host)))
}

fn fault(pointer: &'static str, message: String, help: String) -> Option<DelegationFault> {
    Some(DelegationFault {
        pointer,
        message,
        help,
    })
}

/// The remedy: the person signs the review.
fn sign(person: &ActorId, id: &VersionId, decision: Decision) -> String {
    let verb = decision.verb();
    format!("remove the file, and let `{person}` sign the review: `modelry {verb} {id} -m REASON`")
}

/// Returns why the reporter may not report this review.
fn machine_fault(
    policy: &Policy,
    id: &VersionId,
    review: &Review,
    person: &ActorId,
) -> Option<DelegationFault> {
    let by = &review.by;
    let kind = policy.actor(by.as_str()).map(|actor| actor.kind);
    if kind != Some(ActorKind::Machine) {
        return fault(
            "/by",
            format!("`{by}` is no machine, and only machines report for others"),
            sign(person, id, review.decision),
        );
    }
    let group = Some(id.group.as_str());
    let may = |action| policy.may(by, action, group, None);
    let granted = match review.decision {
        Decision::Approved => may(Action::Approve),
        Decision::Rejected => may(Action::Reject),
        Decision::Withdrawn => may(Action::Approve) || may(Action::Reject),
    };
    if !granted {
        return fault(
            "/by",
            format!(
                "`{by}` may not decide in `{}`, and so not for others either",
                id.group
            ),
            format!(
                "an administrator grants it: `modelry grant add {by} --allow {} --groups {}`",
                if review.decision == Decision::Rejected {
                    "reject"
                } else {
                    "approve"
                },
                id.group
            ),
        );
    }
    None
}

/// Returns why the person could not give this review on the host.
fn person_fault(
    policy: &Policy,
    id: &VersionId,
    review: &Review,
    (person, host): (&ActorId, &HostReview),
) -> Option<DelegationFault> {
    let who = policy.actor(person.as_str());
    if who.is_some_and(|who| who.kind != ActorKind::Person) {
        return fault(
            "/onBehalfOf",
            format!("`{person}` is no person, and only persons decide on a host's page"),
            sign(person, id, review.decision),
        );
    }
    // A retired actor's decisions do not count, whoever reports them.
    if who.is_some_and(|who| who.retired) {
        return fault(
            "/onBehalfOf",
            format!("`{person}` is retired, and decides nothing any more"),
            format!(
                "remove the file, and let somebody else sign a review: `modelry {} {id} -m REASON`",
                review.decision.verb()
            ),
        );
    }
    if who.is_none_or(|who| who.accounts_on(&host.name).next().is_none()) {
        let name = host.name.as_str();
        return fault(
            "/host/name",
            format!("`{person}` lists no account on `{name}`"),
            format!("an administrator adds it: `modelry actor add-account {person} {name}=ID`"),
        );
    }
    let is_listed = |account: &String| {
        let mut listed = who.iter().flat_map(|who| who.accounts_on(&host.name));
        listed.any(|(_, listed)| listed == account)
    };
    if !host.account.iter().all(is_listed) {
        return fault(
            "/host/account",
            format!(
                "the account that gave this review on `{}` is not `{person}`'s",
                host.name.as_str()
            ),
            sign(person, id, review.decision),
        );
    }
    None
}

/// Whether a machine may report an approval of this person's in this group: the same
/// conditions as in [`delegation_fault`], for a review that names one of the person's
/// accounts.
pub(super) fn may_report(policy: &Policy, group: &GroupName, machine: &ActorId, person: &ActorId) -> bool {
    let is = |actor: &ActorId, kind| policy.actor(actor.as_str()).is_some_and(|who| who.kind == kind);
    let who = policy.actor(person.as_str());
    is(machine, ActorKind::Machine)
        && policy.may(machine, Action::Approve, Some(group.as_str()), None)
        && is(person, ActorKind::Person)
        && who.is_some_and(|who| !who.retired && !who.accounts.is_empty())
}

/// Returns the actor who reports a review, if it is not the reviewer.
pub fn reporter(review: &Review) -> Option<&ActorId> {
    review.on_behalf_of.as_ref().map(|_| &review.by)
}
