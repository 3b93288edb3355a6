//! Derives events from judged steps.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::fields::{fields, is_imported};
use super::{Accepted, Approver, Authority, Event, Proof, id, kind};
use crate::base::{Error, Oid};
use crate::judge::finding::Report;
use crate::judge::history::{self, Dates, JudgedStep};
use crate::judge::rules::Decided;
use crate::object::Commit;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{ActorId, Decision, RecordPath, Status, VersionNumber};
use crate::record::snapshot::Snapshot;
use crate::report::audit::{Means, flags, from_top};
use crate::trust::{Counted, Policy, Verdict};

/// The state before the first derived step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The number of steps so far, from the root.
    pub steps: usize,
    /// The last event, or `None` if there is none.
    pub previous: Option<String>,
}

/// Derives events from the steps of one mainline, in their order.
pub struct Deriving<'a> {
    folder: &'a str,
    registry: String,
    before: Before,
}

impl<'a> Deriving<'a> {
    /// Starts after `before`, for the registry of this id in `folder`.
    pub fn new(folder: &'a str, registry: String, before: Before) -> Deriving<'a> {
        Deriving {
            folder,
            registry,
            before,
        }
    }

    /// Derives the events of the next step; `snapshot` is the registry after it.
    pub fn step(
        &mut self,
        commit: &Commit,
        step: &JudgedStep,
        snapshot: &Snapshot<'_>,
    ) -> Result<Vec<Event>, Error> {
        self.before.steps += 1;
        let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
        let flags = flags(step, self.folder);
        let root = match step.authors.is_empty() && !step.changes.is_empty() {
            true => root_signer(commit, snapshot)?,
            false => None,
        };
        let mut events = Vec::with_capacity(step.changes.len());
        for ((index, change), flags) in step.changes.iter().enumerate().zip(flags) {
            let word = kind::word(&change.kind);
            let nth = seen.entry((&change.path, word)).or_default();
            let id = id(
                &self.registry,
                commit.id,
                &from_top(self.folder, change),
                word,
                *nth,
            );
            *nth += 1;
            let (old, new) = values(change);
            let decision = authority(step, (index, change), snapshot)?;
            let reason = reason(commit, change, decision.as_ref(), snapshot)?;
            events.push(Event {
                previous: self.before.previous.replace(id.clone()),
                id,
                registry: self.registry.clone(),
                kind: word,
                subject: kind::subject(change),
                step: self.before.steps,
                ordinal: index + 1,
                mainline: commit.id,
                time: history::claimed(commit),
                claimed: None,
                path: from_top(self.folder, change),
                change: change.trailer(),
                group: change.group().map(str::to_owned),
                version: version(change),
                stage: match &change.record {
                    Some(RecordPath::Stage(_, stage)) => Some(stage.to_string()),
                    _ => None,
                },
                // A stage has its own member.
                name: change
                    .record
                    .as_ref()
                    .filter(|record| !matches!(record, RecordPath::Stage(..)))
                    .and_then(RecordPath::name)
                    .map(str::to_owned),
                old,
                new,
                fields: fields(change),
                proof: proof(commit.id, step, index, decision.is_some(), root.as_ref()),
                decision,
                reason,
                findings: flags
                    .into_iter()
                    .map(|flag| Accepted {
                        code: flag.code,
                        name: flag.name,
                        words: String::new(),
                    })
                    .collect(),
            });
        }
        Ok(events)
    }
}

/// Adds to these events the acknowledgements of their findings, from the report of the
/// whole history.
pub fn accept(events: &mut [Event], report: &Report) {
    let words: HashMap<(Oid, &str), &String> = report
        .findings
        .iter()
        .filter_map(|finding| Some(((finding.step?, finding.rule.code), finding.acknowledged.as_ref()?)))
        .collect();
    for event in events {
        for accepted in &mut event.findings {
            if let Some(words) = words.get(&(event.mainline, accepted.code)) {
                accepted.words.clone_from(words);
            }
        }
    }
}

/// Sets the effective dates of the events' steps.
pub fn date(events: &mut [Event], dates: &Dates) {
    let dates = dates.by_commit();
    for event in events {
        if let Some(dated) = dates.get(&event.mainline) {
            event.time = Some(dated.date);
            event.claimed = dated.claimed.filter(|_| dated.is_backdated());
        }
    }
}

fn version(change: &Change) -> Option<VersionNumber> {
    match &change.kind {
        ChangeKind::StageMoved { to, .. } => *to,
        _ => Some(change.record.as_ref()?.version()?.number),
    }
}

/// The old and the new value, if a single word or number describes the change.
pub(super) fn values(change: &Change) -> (Option<Value>, Option<Value>) {
    let serial = |file: &Option<_>| {
        let file: &std::sync::Arc<crate::record::snapshot::Loaded> = file.as_ref()?;
        Some(json!(file.registry()?.serial))
    };
    match &change.kind {
        ChangeKind::StatusMoved { from, to } => (Some(json!(from)), Some(json!(to))),
        ChangeKind::StageMoved { from, to } => (from.map(|n| json!(n)), to.map(|n| json!(n))),
        ChangeKind::Reviewed { before, decision } => (before.map(|it| json!(it)), Some(json!(decision))),
        ChangeKind::PolicyReviewed { decision } => {
            let before = change.before.as_ref().and_then(|file| file.review());
            (before.map(|review| json!(review.decision)), Some(json!(decision)))
        }
        ChangeKind::RegistryCreated | ChangeKind::PolicyChanged => {
            (serial(&change.before), serial(&change.after))
        }
        ChangeKind::VersionImported { status } => (None, Some(json!(status))),
        ChangeKind::VersionRegistered => (None, (!is_imported(change)).then(|| json!(Status::Pending))),
        _ => (None, None),
    }
}

/// Names the authority for a change of status, whoever committed it.
fn authority(
    step: &JudgedStep,
    (index, change): (usize, &Change),
    snapshot: &Snapshot<'_>,
) -> Result<Option<Authority>, Error> {
    let ChangeKind::StatusMoved { to, .. } = change.kind else {
        return Ok(None);
    };
    // The decisions have the order of the changes.
    let decided = step
        .decided
        .binary_search_by_key(&index, |decided| decided.change);
    let decided = decided.ok().and_then(|at| step.decided.get(at));
    if let Some(reviews) = decided.filter(|decided| decided.to == to).and_then(reviews) {
        return Ok(Some(reviews));
    }
    let version = change.record.as_ref().and_then(RecordPath::version);
    let Some(id) = version.filter(|_| to == Status::Archived) else {
        return Ok(None);
    };
    let archival = snapshot.read(&RecordPath::Archival(id.clone()))?;
    Ok(archival
        .as_ref()
        .and_then(|file| file.archival())
        .map(|archival| Authority::Archival(archival.by.clone())))
}

/// The reviews that decided, or `None` if they are not enough.
fn reviews(decided: &Decided) -> Option<Authority> {
    let voice = |review: &Counted| Approver {
        actor: review.actor.clone(),
        reported_by: review.reported_by.clone(),
    };
    let tally = &decided.tally;
    let (decision, by): (_, Vec<Approver>) = match decided.to {
        Status::Approved if tally.missing.is_empty() => {
            (Decision::Approved, tally.counting().map(voice).collect())
        }
        Status::Rejected => (Decision::Rejected, tally.rejections().map(voice).collect()),
        _ => return None,
    };
    (!by.is_empty()).then(|| Authority::Reviews {
        to: decided.to,
        decision,
        by,
        subject: tally.subject.to_string(),
    })
}

/// The signer of the root, according to the root's own policy. A reader who trusts the
/// root trusts that policy too.
fn root_signer(commit: &Commit, snapshot: &Snapshot<'_>) -> Result<Option<Verdict>, Error> {
    let policy = snapshot.registry()?.and_then(Policy::new);
    Ok(policy.map(|policy| history::verdict(&policy, commit)))
}

fn signer(verdict: Option<&Verdict>) -> (Option<ActorId>, Option<String>) {
    match verdict {
        Some(Verdict::Actor { id, key }) => (Some(id.clone()), Some(key.clone())),
        _ => (None, None),
    }
}

fn proof(mainline: Oid, step: &JudgedStep, index: usize, is_decided: bool, root: Option<&Verdict>) -> Proof {
    let Some(author) = step.authors.get(index) else {
        let (actor, key) = signer(root);
        return Proof {
            means: Means::Root,
            actor,
            key,
            commit: mainline,
        };
    };
    let (actor, key) = signer(Some(&author.verdict));
    Proof {
        means: match (&actor, author.by_record) {
            _ if is_decided => Means::Decision,
            (Some(_), true) => Means::Record,
            (Some(_), false) => Means::Commit,
            (None, _) => Means::Nobody,
        },
        actor,
        key,
        commit: author.commit.unwrap_or(mainline),
    }
}

/// The reason that the change's author gave; for a policy, the subject of the step's
/// commit.
fn reason(
    commit: &Commit,
    change: &Change,
    decision: Option<&Authority>,
    snapshot: &Snapshot<'_>,
) -> Result<Option<String>, Error> {
    if change.kind == ChangeKind::PolicyChanged {
        return Ok(Some(commit.subject().to_owned()));
    }
    if let Some(Authority::Archival(_)) = decision
        && let Some(id) = change.record.as_ref().and_then(RecordPath::version)
    {
        let archival = snapshot.read(&RecordPath::Archival(id.clone()))?;
        let archival = archival.as_ref().and_then(|file| file.archival());
        return Ok(archival.and_then(|archival| archival.reason.clone()));
    }
    let reason = change.after.as_ref().and_then(|file| file.value().get("reason"));
    Ok(reason.and_then(Value::as_str).map(str::to_owned))
}
