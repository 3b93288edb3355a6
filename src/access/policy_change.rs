//! Who authorises a change of the policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::delegation::is_reported;
use super::{Carrier, Outside, Policy, Verdict, unproven};
use crate::error::Error;
use crate::model::{Action, ActorId, Decision, RecordPath, Registry};
use crate::snapshot::{Loaded, Snapshot};
use crate::subject;

/// The administrators behind a change of the policy.
#[derive(Clone, Debug)]
pub struct PolicyTally {
    /// How many are needed.
    pub required: u32,
    /// Who counts.
    pub counted: BTreeSet<ActorId>,
    /// Who reviewed and does not count, and why.
    pub not_counted: BTreeMap<ActorId, String>,
    /// The digest that a review must name.
    pub subject: crate::model::Digest,
    /// Whether one administrator, or the actor concerned, is enough: the change
    /// only revokes or retires.
    pub fast_path: bool,
}

impl PolicyTally {
    /// Whether the change is authorised.
    pub fn is_enough(&self) -> bool {
        u32::try_from(self.counted.len()).unwrap_or(u32::MAX) >= self.required
    }
}

/// Counts who stands behind the policy in `new`, by the policy in force before:
/// on the reviews at `next`, of which those at `prior` stood before. It takes the
/// place of `replaced`: of that policy, or behind a merge of the one before it
/// on its side.
///
/// # Errors
/// When an object can't be read.
pub fn tally_policy(
    policy: &Policy,
    replaced: &Policy,
    prior: &Snapshot<'_>,
    next: &Snapshot<'_>,
    new: &Loaded,
    carrier: &Carrier,
    outside: &dyn Outside,
) -> Result<PolicyTally, Error> {
    let subject = subject::policy_subject(policy.id(), new.value());
    let mut counted = BTreeSet::new();
    let mut not_counted = BTreeMap::new();
    let serial = new.registry().map_or(0, |registry| registry.serial);
    for actor in next.policy_reviewers(serial)? {
        let path = RecordPath::PolicyReview(serial, actor.clone());
        let Some(loaded) = next.read(&path)? else { continue };
        let Some(review) = loaded
            .review()
            .filter(|review| review.decision == Decision::Approved)
        else {
            continue;
        };
        let by = &review.by;
        let why = if *by != actor {
            Some(format!("it is a review by `{by}`, and lies at another's place"))
        } else if is_reported(review) {
            Some("nobody reports a review of a policy for another".into())
        } else if review.subject != subject {
            Some("it was given for another policy".into())
        } else if !policy.may(by, Action::Administer, None, None) {
            Some(format!("`{by}` is no administrator"))
        } else {
            unproven(policy, prior, &path, &loaded, by, outside)?
        };
        match why {
            None => counted.insert(actor),
            Some(why) => not_counted.insert(actor, why).is_some(),
        };
    }
    if let Verdict::Actor { id, .. } = &carrier.verdict
        && policy.may(id, Action::Administer, None, None)
    {
        not_counted.remove(id);
        counted.insert(id.clone());
    }
    let mut required = policy.registry().policy_change.required.max(1);
    let concerned = new
        .registry()
        .and_then(|after| fast_path(replaced, after, new.value()));
    if let Some(concerned) = &concerned {
        required = 1;
        if let Verdict::Actor { id, .. } = &carrier.verdict
            && concerned.iter().all(|other| other == id)
            && !concerned.is_empty()
        {
            counted.insert(id.clone());
        }
    }
    Ok(PolicyTally {
        required,
        counted,
        not_counted,
        subject,
        fast_path: concerned.is_some(),
    })
}

/// The actors concerned, when the change does nothing but revoke keys or retire
/// actors and keys (and raise the serial).
pub fn fast_path(replaced: &Policy, after: &Registry, new: &Value) -> Option<BTreeSet<ActorId>> {
    let (before, old) = (replaced.registry(), replaced.source.value());
    let mut concerned = BTreeSet::new();
    // Everything but serial, actors and revoked must be the same.
    let rest = |value: &Value| {
        let mut members = value.as_object().cloned().unwrap_or_default();
        for key in ["serial", "actors", "revoked"] {
            members.remove(key);
        }
        members
    };
    if rest(old) != rest(new) || before.actors.len() != after.actors.len() {
        return None;
    }
    for (id, was) in &before.actors {
        let is = after.actors.get(id)?;
        let same_otherwise = {
            let mut undone = is.clone();
            undone.retired = was.retired;
            undone.keys.clone_from(&was.keys);
            undone == *was
        };
        let keys_only_retired =
            is.keys.len() == was.keys.len()
                && was.keys.iter().zip(&is.keys).all(|(was, is)| {
                    was == is || (was.text() == is.text() && is.retired() && !was.retired())
                });
        if !same_otherwise || !keys_only_retired || (was.retired && !is.retired) {
            return None;
        }
        if was != is {
            concerned.insert(id.clone());
        }
    }
    if after.revoked.len() < before.revoked.len()
        || after.revoked[..before.revoked.len()] != before.revoked[..]
    {
        return None;
    }
    let new = &after.revoked[before.revoked.len()..];
    // To accept what a key approved is no emergency.
    if new.iter().any(|revocation| !revocation.reaffirmed.is_empty()) {
        return None;
    }
    for revocation in new {
        // A key of nobody concerns nobody: then an administrator must do it.
        match replaced.keys.standing(&revocation.key) {
            super::KeyStanding::Good(id)
            | super::KeyStanding::RetiredKey(id)
            | super::KeyStanding::RetiredActor(id)
            | super::KeyStanding::Revoked(Some(id)) => concerned.insert(id),
            _ => return Some(BTreeSet::new()),
        };
    }
    (!concerned.is_empty()).then_some(concerned)
}
