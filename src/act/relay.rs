//! Reviews that were given on a Git host's page, which a machine records for the
//! reviewers.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::review::Given;
use super::{Draft, WriteContext};
use crate::base::{Error, Oid};
use crate::record::change::{self, ChangeKind};
use crate::record::kind::{
    Action, ActorId, ActorKind, CommitId, Decision, Digest, HostReview, Key, RecordPath, Review, Status,
    VersionId,
};
use crate::record::snapshot::Snapshot;
use crate::record::subject;
use crate::trust::{self, Policy};

/// A reviewer's decision on a host's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// Approved.
    Approved,
    /// The reviewer asked for changes.
    ChangesRequested,
    /// The review was dismissed, or withdrawn.
    Dismissed,
}

/// The last decisive review of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostVerdict {
    /// The account's number on the host.
    pub account: String,
    /// The host's id of the review.
    pub review: String,
    /// The decision.
    pub click: Click,
    /// The commit that the reviewer saw, or `None` if the host does not say.
    pub commit: Option<Oid>,
    /// The time when it was given, or last changed, or `None` if the host does not say.
    pub at: Option<Timestamp>,
}

impl HostVerdict {
    /// Whether the host's decision is older than the recorded one. The host numbers
    /// reviews in order; a dismissed review does not reappear, unless it changed since.
    pub fn is_older_than(&self, record: &HostReview, decision: Decision) -> bool {
        let number = |id: &str| id.parse::<u64>().ok();
        let known = record.at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        let times = self.at.zip(known);
        let is_taken_back = decision == Decision::Withdrawn && self.click != Click::Dismissed;
        match (number(&self.review), number(&record.review)) {
            (Some(this), Some(other)) if this != other => this < other,
            (Some(_), Some(_)) => match times {
                Some((this, other)) => this < other || (this == other && is_taken_back),
                None => is_taken_back,
            },
            _ => times.is_some_and(|(this, other)| this < other),
        }
    }
}

/// A complete list: an approval that it lacks was withdrawn, or never given. GitLab sends
/// one, and does not list withdrawals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeList {
    /// The host's review id of each approval in the list.
    pub review: String,
    /// The accounts whose approvals it holds.
    pub accounts: BTreeSet<String>,
    /// The time when the merge request last changed, or `None` if the host does not say.
    pub at: Option<Timestamp>,
}

/// The reviews in an answer of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostReviews {
    /// The last decision of each account.
    pub verdicts: Vec<HostVerdict>,
    /// The whole list, where the answer is one.
    pub whole: Option<WholeList>,
}

/// A request to relay decisions.
pub struct RelayRequest<'r> {
    /// The host, as in the actors' `accounts`.
    pub host: &'r Key,
    /// The decisions of the host's accounts.
    pub verdicts: &'r [HostVerdict],
    /// The complete list, if the host sent one: an approval that it lacks was withdrawn.
    pub whole: Option<&'r WholeList>,
    /// The reviewed commit, if the command line names it.
    pub reviewed: Option<Oid>,
    /// The versions that were reviewed. If none is named, those whose content differs
    /// between the base and the commit that the reviewer saw.
    pub versions: &'r [VersionId],
    /// The tip of the target branch, as it was before the reviewed branch landed.
    pub base: Oid,
    /// Whether asking for changes rejects, instead of withdrawing an approval.
    pub rejects: bool,
}

/// One verdict, of one person.
struct Approver<'v> {
    person: &'v ActorId,
    verdict: &'v HostVerdict,
    seen: Oid,
}

/// Writes down the decisions made on the host, as far as the policy lets them count. The
/// notes of the draft list the decisions that are not written, each with the reason. A
/// draft without edits has nothing to relay.
///
/// # Errors
/// An object can't be read, other than a commit that a reviewer saw.
pub fn relay(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    let who = desk.policy.actor(desk.actor.as_str());
    if who.is_none_or(|who| who.kind != ActorKind::Machine) {
        return Err(Error::msg(format!(
            "`{}` is no machine, and only machines relay what others decided",
            desk.actor
        ))
        .hint("run it with the key of a machine: `modelry actor add relay --kind machine --owner ID --key FILE`"));
    }
    let mut draft = Draft::new("", reason);
    let mut told = Vec::new();
    for verdict in request.verdicts {
        let Some(voice) = voice(desk, request, verdict, &mut draft.notes) else {
            continue;
        };
        let versions = match reviewed(desk, request, &voice)? {
            Ok(versions) => versions,
            Err(why) => {
                draft.notes.push(format!(
                    "review {} of `{}` is not relayed: {why}",
                    verdict.review, voice.person
                ));
                continue;
            }
        };
        for id in versions {
            told.extend(write(desk, request, &voice, &id, &mut draft)?);
        }
    }
    if let Some(whole) = request.whole {
        for (id, person, verdict) in taken_back(desk, request, whole, &mut draft.notes)? {
            let Some(seen) = verdict.commit else { continue };
            let voice = Approver {
                person: &person,
                verdict: &verdict,
                seen,
            };
            told.extend(write(desk, request, &voice, &id, &mut draft)?);
        }
    }
    draft.subject = match &told[..] {
        [one] => one.clone(),
        many => format!("Relay {} reviews from {}", many.len(), request.host.as_str()),
    };
    Ok(draft)
}

/// Lists the approvals that were relayed from this list and that it lacks now.
///
/// A list that is older than an approval says nothing about it. Neither does a list
/// without a time about an approval that has one.
fn taken_back(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
    whole: &WholeList,
    notes: &mut Vec<String>,
) -> Result<Vec<(VersionId, ActorId, HostVerdict)>, Error> {
    let mut out = Vec::new();
    for (id, person, review) in relayed(desk, request)? {
        let Some(host) = review.host.as_ref().filter(|host| host.name == *request.host) else {
            continue;
        };
        let commit = Oid::from_hex(host.commit.as_str());
        // A list that names no merge request is of the commit that was named with it.
        let is_of_list =
            host.review == whole.review && (whole.review.starts_with('!') || commit == request.reviewed);
        let accounts = accounts_of(desk, request.host, &person, host);
        let is_there = accounts.iter().any(|account| whole.accounts.contains(account));
        if review.decision == Decision::Withdrawn || !is_of_list || is_there {
            continue;
        }
        if whole.at.is_none() && host.at.is_some() {
            notes.push(format!(
                "the list lacks the approval of {id} by `{person}` and has no `updated_at`: whether it was taken back is not known, and it stays"
            ));
            continue;
        }
        let Some(account) = accounts.into_iter().next() else {
            continue;
        };
        let verdict = HostVerdict {
            account,
            review: host.review.clone(),
            click: Click::Dismissed,
            commit,
            at: whole.at,
        };
        out.push((id, person, verdict));
    }
    Ok(out)
}

/// The account that gave a reported review, then the others of the person.
fn accounts_of(desk: &WriteContext<'_>, name: &Key, person: &ActorId, host: &HostReview) -> Vec<String> {
    let person = desk.policy.actor(person.as_str()).into_iter();
    let others = person.flat_map(|actor| actor.accounts_on(name).map(|(_, account)| account.to_owned()));
    host.account.clone().into_iter().chain(others).collect()
}

/// The reported reviews of the versions that were named, else of all.
fn relayed(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
) -> Result<Vec<(VersionId, ActorId, Review)>, Error> {
    let snapshot = &desk.snapshot;
    let mut versions = request.versions.to_vec();
    if versions.is_empty() {
        for group in snapshot.groups()? {
            let numbers = snapshot.versions(&group)?.into_iter();
            let group = |number| VersionId {
                group: group.clone(),
                number,
            };
            versions.extend(numbers.map(group));
        }
    }
    let mut out = Vec::new();
    for id in versions {
        for person in snapshot.reviewers(&id)? {
            let loaded = snapshot.read(&RecordPath::Review(id.clone(), person.clone()))?;
            let review = loaded.as_ref().and_then(|loaded| loaded.review());
            if let Some(review) = review.filter(|review| trust::is_reported(review)) {
                out.push((id.clone(), person, review.clone()));
            }
        }
    }
    Ok(out)
}

/// Refuses a host on which no actor lists an account: its name is mistyped, or nothing
/// could ever count.
pub fn has_account_on(policy: &Policy, host: &Key) -> Result<(), Error> {
    let actors = &policy.registry().actors;
    if actors
        .values()
        .any(|actor| actor.accounts_on(host).next().is_some())
    {
        return Ok(());
    }
    let hosts: BTreeSet<&str> = actors
        .values()
        .flat_map(|actor| actor.accounts.keys().map(Key::as_str))
        .collect();
    let hosts: Vec<&str> = hosts.into_iter().collect();
    let name = host.as_str();
    let error = Error::msg(format!("no actor lists an account on `{name}`"));
    Err(match super::nearest(&hosts, name) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!(
            "an administrator adds those of the reviewers: `modelry actor add-account ID {name}=NUMBER`"
        )),
    })
}

/// Finds the person behind a verdict, and the commit that the person saw; notes a missing
/// one.
fn voice<'v>(
    desk: &'v WriteContext<'_>,
    request: &RelayRequest<'_>,
    verdict: &'v HostVerdict,
    notes: &mut Vec<String>,
) -> Option<Approver<'v>> {
    let host = request.host.as_str();
    let account = &verdict.account;
    let holds = |actor: &&ActorId| {
        let mut accounts = desk.policy.registry().actors[*actor].accounts_on(request.host);
        accounts.any(|(_, listed)| listed == account)
    };
    let Some(person) = desk.policy.registry().actors.keys().find(holds) else {
        notes.push(format!(
            "review {} is by account {account} on {host}, which no actor lists: not relayed",
            verdict.review
        ));
        return None;
    };
    if desk.policy.registry().actors[person].retired {
        notes.push(format!(
            "review {} is by `{person}`, who is retired: not relayed",
            verdict.review
        ));
        return None;
    }
    let Some(seen) = verdict.commit else {
        notes.push(format!(
            "review {} of `{person}` does not say which commit was seen: not relayed",
            verdict.review
        ));
        return None;
    };
    Some(Approver {
        person,
        verdict,
        seen,
    })
}

/// Returns the versions that were reviewed, or why they can't be determined. A review of
/// a commit that a push removed does not spoil the others.
fn reviewed(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
    voice: &Approver<'_>,
) -> Result<Result<BTreeSet<VersionId>, String>, Error> {
    let seen = voice.seen;
    let records = desk.snapshot.records;
    let after = match desk.past.at(records, seen) {
        Ok(after) => after,
        Err(Error::MissingObject { id, .. }) if id == seen => {
            return Ok(Err(format!(
                "commit {}, which was reviewed, is not here: fetch it, or another push took its place",
                seen.short()
            )));
        }
        Err(error) => return Err(error),
    };
    if !request.versions.is_empty() {
        return Ok(Ok(request.versions.iter().cloned().collect()));
    }
    let name_them = "name the versions that were reviewed, `modelry relay … GROUP/N`";
    let fork = match desk.past.fork(request.base, seen)?[..] {
        [fork] if fork != seen => fork,
        [_] => {
            return Ok(Err(format!(
                "commit {}, which was reviewed, is in {} already: say what the branch was to land on, `--base REV`, the mainline before it landed; or {name_them}",
                seen.short(),
                request.base.short()
            )));
        }
        _ => {
            return Ok(Err(format!(
                "commit {}, which was reviewed, left {} in no single place: {name_them}",
                seen.short(),
                request.base.short()
            )));
        }
    };
    let before = desk.past.at(records, fork)?;
    let changes = change::diff(&before, &after)?.changes;
    let content = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::VersionRegistered || change.kind.is_of_approved());
    let versions = content.filter_map(|change| change.record.as_ref()?.version().cloned());
    Ok(Ok(versions.collect()))
}

/// Writes one review and adds its line to the commit message; otherwise adds a note with
/// the reason.
fn write(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
    voice: &Approver<'_>,
    id: &VersionId,
    draft: &mut Draft,
) -> Result<Option<String>, Error> {
    let Approver {
        person,
        verdict,
        seen,
    } = voice;
    let path = RecordPath::Review(id.clone(), (*person).clone());
    let old = desk.snapshot.read(&path)?;
    let before = old.as_ref().and_then(|old| old.review());
    let decision = match verdict.click {
        Click::Approved => Decision::Approved,
        Click::ChangesRequested if request.rejects => Decision::Rejected,
        Click::ChangesRequested | Click::Dismissed => Decision::Withdrawn,
    };
    let mut skip = |why: String| {
        draft
            .notes
            .push(format!("the review of {id} by `{person}` is not relayed: {why}"));
        Ok(None)
    };
    if before.is_some_and(|before| !trust::is_reported(before)) {
        return skip(format!("`{person}` has reviewed it with an own key, which holds"));
    }
    if let Some(before) = before
        && let Some(known) = before.host.as_ref().filter(|known| known.name == *request.host)
        && verdict.is_older_than(known, before.decision)
    {
        return skip(format!(
            "the host said it before review {}, which is written down",
            known.review
        ));
    }
    if decision == Decision::Withdrawn {
        // There is nothing to withdraw; a comment on the host is not a decision.
        let stands = before.is_some_and(|before| before.decision != Decision::Withdrawn);
        if !stands {
            return Ok(None);
        }
    }
    let version = desk.version(id)?;
    let status = version
        .version()
        .map_or(Status::Pending, |version| version.status);
    let now = subject::version_subject(desk.policy.id(), id, &version, &desk.snapshot)?;
    if decision != Decision::Withdrawn {
        if status != Status::Pending {
            return skip(format!("it is {status} already"));
        }
        if subject_at(desk, id, *seen)?.as_ref() != Some(&now) {
            return skip(format!(
                "what was seen at {} is not what is there now",
                seen.short()
            ));
        }
        let (action, may_not) = match decision {
            Decision::Approved => (Action::Approve, "approve"),
            _ => (Action::Reject, "reject"),
        };
        if !desk.policy.may(person, action, Some(id.group.as_str()), None) {
            return skip(format!("`{person}` may not {may_not} in `{}`", id.group));
        }
        if desk.policy.need(&id.group).delegated == 0 {
            return skip(format!(
                "the policy counts no reported reviews in `{}` (`delegated`)",
                id.group
            ));
        }
    }
    let host = HostReview {
        name: request.host.clone(),
        account: Some(verdict.account.clone()),
        review: verdict.review.clone(),
        at: verdict.at.map(|at| at.to_string()),
        commit: seen.to_string().parse::<CommitId>().map_err(Error::msg)?,
    };
    let is_of_it = |known: &HostReview| {
        (&known.name, &known.account, &known.review, &known.commit)
            == (&host.name, &host.account, &host.review, &host.commit)
    };
    let same = before.is_some_and(|before: &Review| {
        before.decision == decision && before.subject == now && before.host.as_ref().is_some_and(is_of_it)
    });
    if same {
        return Ok(None);
    }
    let given = Given {
        decision,
        subject: &now,
        reason: draft.reason.as_deref(),
        reported: Some((person, &host)),
    };
    let text = given.write(desk, id, &path, old.as_deref())?;
    draft.put(&path, text);
    if decision != Decision::Withdrawn && !draft.settle.contains(id) {
        draft.settle.push(id.clone());
    }
    let done = match decision {
        Decision::Approved => "approval",
        Decision::Rejected => "rejection",
        Decision::Withdrawn => "withdrawal",
    };
    Ok(Some(format!(
        "Relay the {done} of {id} by {person} on {}",
        request.host.as_str()
    )))
}

/// Returns the digest of a version's content at another commit, or `None` if it is not
/// there.
fn subject_at(desk: &WriteContext<'_>, id: &VersionId, commit: Oid) -> Result<Option<Digest>, Error> {
    let there: Snapshot<'_> = desk.past.at(desk.snapshot.records, commit)?;
    match there.read(&RecordPath::Version(id.clone()))? {
        Some(version) if version.version().is_some() => {
            subject::version_subject(desk.policy.id(), id, &version, &there).map(Some)
        }
        _ => Ok(None),
    }
}
