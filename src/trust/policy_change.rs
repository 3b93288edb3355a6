//! The authorisation of a policy change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::delegation::is_reported;
use super::{Carrier, HistoryView, Policy, Verdict, unproven};
use crate::base::Error;
use crate::record::kind::{Action, ActorId, Decision, RecordPath, Registry, Revocation};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::record::subject;

/// The administrators who agree to a change of the policy.
#[derive(Clone, Debug)]
pub struct PolicyTally {
    /// How many are needed.
    pub required: u32,
    /// The actors who count.
    pub counted: BTreeSet<ActorId>,
    /// The actors who reviewed and do not count, with the reason.
    pub not_counted: BTreeMap<ActorId, String>,
    /// The digest that a review must name.
    pub subject: crate::record::kind::Digest,
    /// Whether one administrator, or the actor concerned, is enough: the change
    /// only revokes or retires.
    pub fast_path: bool,
    /// The actors who can still agree so that it counts: each has a key in force. Empty
    /// if enough agreed, or if all of them would not be enough.
    pub could_agree: Vec<ActorId>,
    /// The reason for which even all remaining reviewers would not be enough, or `None` if
    /// they would, or if enough agreed already.
    pub blocked: Option<String>,
}

impl PolicyTally {
    /// Whether the change is authorised.
    pub fn is_enough(&self) -> bool {
        u32::try_from(self.counted.len()).unwrap_or(u32::MAX) >= self.required
    }
}

/// Counts the actors who agree to the policy in `new`, by the policy in force before. It
/// counts the reviews at `next`; those at `prior` are older than the step. The new policy
/// replaces `replaced`: the one in force, or behind a merge the one before it on its
/// side.
pub fn tally_policy(
    policy: &Policy,
    replaced: &Policy,
    (prior, next): (&Snapshot<'_>, &Snapshot<'_>),
    new: &Loaded,
    carrier: &Carrier,
    outside: &dyn HistoryView,
) -> Result<PolicyTally, Error> {
    let subject = subject::policy_subject(policy.id(), new.value());
    let mut counted = BTreeSet::new();
    let mut not_counted = BTreeMap::new();
    let mut stand_ins = BTreeSet::new();
    let concerned = new.registry().and_then(|after| fast_path(replaced, after, new));
    // An actor may end its own keys and rights, by a review as well as by a commit.
    let ends_itself = |by: &ActorId| is_only(concerned.as_ref(), by);
    let counts = |by: &ActorId| policy.may(by, Action::Administer, None, None) || ends_itself(by);
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
        } else if !counts(by) && !policy.is_recovery(by) {
            Some(format!("`{by}` is no administrator"))
        } else {
            unproven(policy, prior, &path, &loaded, by, outside)?
        };
        match why {
            None if counts(by) => counted.insert(actor),
            None => stand_ins.insert(actor),
            Some(why) => not_counted.insert(actor, why).is_some(),
        };
    }
    if let Verdict::Actor { id, .. } = &carrier.verdict {
        if counts(id) {
            not_counted.remove(id);
            counted.insert(id.clone());
        } else if policy.is_recovery(id) {
            not_counted.remove(id);
            stand_ins.insert(id.clone());
        }
    }
    let mut required = policy.policy_quorum();
    let able = policy.administrators().len();
    // A thief of one administrator's key must not end the keys of those who would repair
    // it.
    let is_guarded = |ends: &Ends| ends.actors.iter().any(|id| policy.is_recovery(id));
    let fast_path = concerned
        .as_ref()
        .is_some_and(|ends| !is_guarded(ends) || counted.union(&stand_ins).any(|id| is_only(Some(ends), id)));
    if fast_path {
        required = 1;
        counted.append(&mut stand_ins);
    } else if able < required
        && let Some(stand_in) = stand_ins.pop_first()
    {
        required = able + 1;
        counted.insert(stand_in);
    }
    for actor in stand_ins {
        let why = format!("`{actor}` stands in only where too few administrators are left");
        not_counted.insert(actor, why);
    }
    let mut tally = PolicyTally {
        required: u32::try_from(required).unwrap_or(u32::MAX),
        counted,
        not_counted,
        subject,
        fast_path,
        could_agree: Vec::new(),
        blocked: None,
    };
    if !tally.is_enough() {
        ask(policy, concerned.as_ref(), &mut tally);
    }
    Ok(tally)
}

/// Names the actors who can still agree, or the reason for which they would not be
/// enough.
fn ask(policy: &Policy, concerned: Option<&Ends>, tally: &mut PolicyTally) {
    let able = policy.administrators();
    let quorum = policy.policy_quorum();
    let is_new = |id: &&ActorId| !tally.counted.contains(*id);
    let mut could: Vec<ActorId> = able.iter().filter(is_new).cloned().collect();
    let alone = policy.registry().actors.keys();
    let alone = alone.filter(|id| is_only(concerned, id) && policy.has_key(id));
    // With a recovery actor among them, `required` is lower already.
    let stands_in = tally.fast_path || (able.len() < quorum && tally.required as usize == quorum);
    let stand_ins: Vec<ActorId> = match stands_in {
        true => policy.recovery().into_iter().filter(|id| is_new(&id)).collect(),
        false => Vec::new(),
    };
    let required = match tally.fast_path || stand_ins.is_empty() {
        true => tally.required as usize,
        false => able.len() + 1,
    };
    let reach = tally.counted.len() + could.len() + usize::from(!stand_ins.is_empty());
    let own: Vec<ActorId> = alone.cloned().collect();
    if reach < required && own.is_empty() {
        let names: Vec<String> = able.iter().map(|id| format!("`{id}`")).collect();
        let has = match names.is_empty() {
            true => "no administrator has a key in force".to_owned(),
            false => format!("only {} can sign with a key in force", names.join(" and ")),
        };
        tally.blocked = Some(format!(
            "{} needed, {has}, and no stand-in of `policyChange.recovery` has one",
            match required {
                1 => "1 administrator is".to_owned(),
                some => format!("{some} administrators are"),
            }
        ));
        return;
    }
    for id in stand_ins.into_iter().chain(own) {
        if !could.contains(&id) {
            could.push(id);
        }
    }
    tally.could_agree = could;
}

/// The actors whose keys or rights a change ends, if it does nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The actors concerned.
    pub actors: BTreeSet<ActorId>,
    /// Whether it also revokes a key that is not an actor's: then an administrator must
    /// do it.
    pub of_nobody: bool,
}

/// Whether a change ends keys or rights of this actor and of no other.
fn is_only(ends: Option<&Ends>, actor: &ActorId) -> bool {
    ends.is_some_and(|ends| !ends.of_nobody && ends.actors.iter().eq([actor]))
}

/// Whether the policy in `new` ends keys and rights of this actor, and does nothing else.
pub fn ends_only_own(replaced: &Policy, new: &Loaded, actor: &ActorId) -> bool {
    let concerned = new.registry().and_then(|after| fast_path(replaced, after, new));
    is_only(concerned.as_ref(), actor)
}

/// Returns the actors concerned, when the change only revokes keys, moves their last
/// trusted commits back, or retires actors and keys (and raises the serial).
pub fn fast_path(replaced: &Policy, after: &Registry, file: &Loaded) -> Option<Ends> {
    // Reaffirming the approvals of a key is not an emergency.
    let old = replaced.registry().revoked.iter();
    let is_kept = old
        .zip(&after.revoked)
        .all(|(was, is)| was.reaffirmed == is.reaffirmed);
    let mut new = after.revoked.iter().skip(replaced.registry().revoked.len());
    if !is_kept || new.any(|revocation| !revocation.reaffirmed.is_empty()) {
        return None;
    }
    ends(replaced, after, file)
}

/// Whether the change only revokes keys, retires actors and keys, and reaffirms versions.
/// It then asks for nothing that the policy before did not ask for.
pub fn only_ends(replaced: &Policy, after: &Registry, file: &Loaded) -> bool {
    ends(replaced, after, file).is_some()
}

/// Returns the actors concerned, when the change only revokes, retires and reaffirms.
fn ends(replaced: &Policy, after: &Registry, file: &Loaded) -> Option<Ends> {
    let (before, old, new) = (replaced.registry(), replaced.source.value(), file.value());
    let (old_value, new_value) = (old, new);
    let mut ends = Ends::default();
    // Changes that can be made once for each key, actor and revocation.
    let mut ended_for_good = 0_usize;
    // Everything except serial, actors and revoked must be the same.
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
            ends.actors.insert(id.clone());
            let keys = was.keys.iter().zip(&is.keys).filter(|(was, is)| was != is);
            ended_for_good += keys.count() + usize::from(was.retired != is.retired);
        }
    }
    let (old, new) = after.revoked.split_at_checked(before.revoked.len())?;
    let mut ended: Vec<&Revocation> = Vec::new();
    for (was, is) in before.revoked.iter().zip(old) {
        let moved = Revocation {
            since: is.since.clone(),
            reaffirmed: is.reaffirmed.clone(),
            ..was.clone()
        };
        // MR419 checks whether `since` moves to an earlier commit.
        if moved != *is || (was.since.is_some() && is.since.is_none()) {
            return None;
        }
        if was.since != is.since {
            ended_for_good += usize::from(was.since.is_none());
            ended.push(is);
        }
    }
    ended.extend(new);
    for revocation in ended {
        match replaced.keys.standing(&revocation.key) {
            super::KeyStanding::Good(id)
            | super::KeyStanding::RetiredKey(id)
            | super::KeyStanding::RetiredActor(id)
            | super::KeyStanding::Revoked(Some(id)) => {
                ends.actors.insert(id);
            }
            super::KeyStanding::Revoked(None) | super::KeyStanding::Unknown => ends.of_nobody = true,
        }
    }
    ended_for_good += new.len();
    let is_bounded = spare_revocations(replaced, after) <= MOST_SPARE
        && length(new_value) <= length(old_value) + MOST_GROWTH * (1 + ends.actors.len() + new.len())
        && layout(file)
            <= layout(&replaced.source)
                + MOST_QUOTES
                + MOST_LAYOUT * isize::try_from(ended_for_good).unwrap_or(0);
    (is_bounded && (ends.of_nobody || !ends.actors.is_empty())).then_some(ends)
}

/// The revocations that a policy may hold beyond one for each of its keys, for a change
/// to count as one that only revokes. One administrator may make such a change alone.
/// Without this limit, one could fill the file up until no revocation fits any more.
const MOST_SPARE: usize = 64;

/// Bytes of canonical JSON that such a change may add for each key or actor it ends.
const MOST_GROWTH: usize = 2048;

/// Bytes of layout and comments that such a change may add for each key or actor that it
/// ends for ever: indentation and quotes. A last trusted commit may move back often, so
/// it adds none.
const MOST_LAYOUT: isize = 256;

/// Bytes that any such change may add: quotes that its new values need.
const MOST_QUOTES: isize = 16;

/// Counts the bytes of a file beyond its canonical JSON, below zero where the JSON is
/// longer.
fn layout(file: &Loaded) -> isize {
    let bytes = |length: usize| isize::try_from(length).unwrap_or(isize::MAX);
    bytes(file.text.as_ref().map_or(0, |text| text.len())) - bytes(length(file.value()))
}

/// Counts the revocations that end no key of the policy, or end it again.
fn spare_revocations(policy: &Policy, registry: &Registry) -> usize {
    let mut known = BTreeSet::new();
    for revocation in &registry.revoked {
        let is_known = !matches!(
            policy.keys.standing(&revocation.key),
            super::KeyStanding::Revoked(None) | super::KeyStanding::Unknown
        );
        if is_known {
            known.insert(super::fingerprint(&revocation.key));
        }
    }
    registry.revoked.len() - known.len()
}

fn length(value: &Value) -> usize {
    value.to_string().len()
}
