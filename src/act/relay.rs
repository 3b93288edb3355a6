//! Reviews that were given on a Git host's page, which a machine records for the
//! reviewers.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::host_verdict::{Click, HostVerdict, WholeList, time_of};
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
    /// The time of a later answer that is written down, where this one is a whole list.
    later: Option<Timestamp>,
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
    let later = match request.whole {
        Some(whole) => later_list(desk, request, whole)?,
        None => None,
    };
    for verdict in request.verdicts {
        let Some(mut voice) = voice(desk, request, verdict, &mut draft.notes) else {
            continue;
        };
        voice.later = later;
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
                later: None,
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

/// Returns the time of an answer about the same merge request that is written down and
/// later than this list. An approval in the list may have been taken back before that.
fn later_list(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
    whole: &WholeList,
) -> Result<Option<Timestamp>, Error> {
    let Some(at) = whole.at.filter(|_| whole.review.starts_with('!')) else {
        return Ok(None);
    };
    let all = relayed(desk, request)?;
    let hosts = all.iter().filter_map(|(.., review)| review.host.as_ref());
    let of_list = hosts.filter(|host| host.name == *request.host && host.review == whole.review);
    Ok(of_list.filter_map(time_of).max().filter(|latest| *latest > at))
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
        if !is_of_list || is_there {
            continue;
        }
        // A later list takes back once more what was taken back before, so that no
        // answer between the two counts.
        let is_later = whole
            .at
            .zip(time_of(host))
            .is_some_and(|(this, known)| this > known);
        if review.decision == Decision::Withdrawn && !is_later {
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
        later: None,
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
///
/// The last answer of the host is kept by the record that it leads to. One that takes
/// back leads to a record even where nothing was written before, if an approval by the
/// person could count: otherwise an older answer that is read later would.
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
        ..
    } = voice;
    let path = RecordPath::Review(id.clone(), (*person).clone());
    let old = desk.snapshot.read(&path)?;
    let before = old.as_ref().and_then(|old| old.review());
    let Some(decision) = decision(desk, request, voice, id, before, &mut draft.notes)? else {
        return Ok(None);
    };
    let version = desk.version(id)?;
    let now = subject::version_subject(desk.policy.id(), id, &version, &desk.snapshot)?;
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
            && !verdict.is_newer_than(known)
    };
    let same = before.is_some_and(|before: &Review| {
        before.decision == decision
            && (before.subject == now || decision == Decision::Withdrawn)
            && before.host.as_ref().is_some_and(is_of_it)
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

/// Returns the decision to write down for the host's answer, or `None` where nothing is
/// written. A note says why one is left out or weakened.
fn decision(
    desk: &WriteContext<'_>,
    request: &RelayRequest<'_>,
    voice: &Approver<'_>,
    id: &VersionId,
    before: Option<&Review>,
    notes: &mut Vec<String>,
) -> Result<Option<Decision>, Error> {
    let Approver { person, verdict, .. } = voice;
    let mut note = |what: &str, why: String| {
        notes.push(format!("the review of {id} by `{person}` is {what}: {why}"));
    };
    if before.is_some_and(|before| !trust::is_reported(before)) {
        let why = format!("`{person}` has reviewed it with an own key, which holds");
        note("not relayed", why);
        return Ok(None);
    }
    let known = before.and_then(|before| Some((before.decision, before.host.as_ref()?)));
    let known = known.filter(|(_, known)| known.name == *request.host);
    if let Some((_, known)) = known.filter(|(decision, known)| verdict.is_older_than(known, *decision)) {
        let why = format!(
            "the host said it before review {}, which is written down",
            known.review
        );
        note("not relayed", why);
        return Ok(None);
    }
    let mut decision = match verdict.click {
        Click::Approved => Decision::Approved,
        Click::ChangesRequested if request.rejects => Decision::Rejected,
        Click::ChangesRequested | Click::Dismissed => Decision::Withdrawn,
    };
    if decision != Decision::Withdrawn
        && let Some(why) = not_counted(desk, voice, id, decision)?
    {
        if decision == Decision::Approved || !takes_back(desk, person, id, before)? {
            note("not relayed", why);
            return Ok(None);
        }
        note("relayed as a withdrawal, not as a rejection", why);
        decision = Decision::Withdrawn;
    }
    let is_written = decision != Decision::Withdrawn || takes_back(desk, person, id, before)?;
    Ok(is_written.then_some(decision))
}

/// Returns why an approval or a rejection would not count, or `None` where it would.
fn not_counted(
    desk: &WriteContext<'_>,
    voice: &Approver<'_>,
    id: &VersionId,
    decision: Decision,
) -> Result<Option<String>, Error> {
    let (person, seen) = (voice.person, voice.seen);
    let version = desk.version(id)?;
    let status = version
        .version()
        .map_or(Status::Pending, |version| version.status);
    if status != Status::Pending {
        return Ok(Some(format!("it is {status} already")));
    }
    if let Some(later) = voice.later {
        return Ok(Some(format!(
            "the host sent a later answer, of {later}, which is written down: ask it again"
        )));
    }
    let now = subject::version_subject(desk.policy.id(), id, &version, &desk.snapshot)?;
    if subject_at(desk, id, seen)?.as_ref() != Some(&now) {
        return Ok(Some(format!(
            "what was seen at {} is not what is there now",
            seen.short()
        )));
    }
    let (action, may_not) = match decision {
        Decision::Approved => (Action::Approve, "approve"),
        _ => (Action::Reject, "reject"),
    };
    if !desk.policy.may(person, action, Some(id.group.as_str()), None) {
        return Ok(Some(format!("`{person}` may not {may_not} in `{}`", id.group)));
    }
    if desk.policy.need(&id.group).delegated == 0 {
        return Ok(Some(format!(
            "the policy counts no reported reviews in `{}` (`delegated`)",
            id.group
        )));
    }
    Ok(None)
}

/// Whether a withdrawal says something: an approval or rejection is written down, or a
/// reported approval by the person could count now.
fn takes_back(
    desk: &WriteContext<'_>,
    person: &ActorId,
    id: &VersionId,
    before: Option<&Review>,
) -> Result<bool, Error> {
    if before.is_some_and(|before| before.decision != Decision::Withdrawn) {
        return Ok(true);
    }
    let version = desk.snapshot.read(&RecordPath::Version(id.clone()))?;
    let status = version.as_ref().and_then(|loaded| Some(loaded.version()?.status));
    let may = |actor| {
        let group = Some(id.group.as_str());
        desk.policy.may(actor, Action::Approve, group, None)
    };
    Ok(status == Some(Status::Pending)
        && may(person)
        && may(&desk.actor)
        && desk.policy.need(&id.group).delegated > 0)
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
