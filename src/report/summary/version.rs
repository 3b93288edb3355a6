//! The part of a summary about one version.

use serde::Serialize;

use super::metrics::{self, Comparison};
use super::{Ask, Field, ReviewFile, fields_of};
use crate::base::Error;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{
    Action, ActorId, CardSection, Decision, Metrics, ModelVersion, RecordKind, RecordPath, Status, VersionId,
};
use crate::record::snapshot::Loaded;
use crate::trust::{self, Policy, Shortfall, Standing, Tally};

/// One changed version.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionPart {
    /// `churn/3`.
    pub version: String,
    /// Whether the version is new.
    pub registered: bool,
    /// Whether the version is deleted, and a tombstone replaces it.
    pub deleted: bool,
    /// The actor who registered it.
    pub by: String,
    /// The status after the change, or `None` if the version is deleted or can't be
    /// read.
    pub status: Option<String>,
    /// The imported status and the registry that it comes from, if the version is
    /// imported with its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<(String, String)>,
    /// The changes of status, each from and to.
    pub moves: Vec<(String, String)>,
    /// The author's description.
    pub description: Option<String>,
    /// For a new version: the artifacts, each with its digest.
    pub artifacts: Vec<(String, Option<String>)>,
    /// For a new version: the container images.
    pub images: Vec<String>,
    /// Its metrics next to those of the serving version.
    pub comparison: Option<Comparison>,
    /// The results of the gates.
    pub gates: Vec<GatePart>,
    /// Evaluations that are added or changed.
    pub evidence: Vec<EvidencePart>,
    /// The card, if it is added or changed.
    pub card: Option<CardPart>,
    /// Changed labels, annotations and description.
    pub notes: Vec<Field>,
    /// Frozen members that changed nevertheless.
    pub frozen: Vec<Field>,
    /// The actor who retires the version, and the reason.
    pub archival: Option<(String, Option<String>)>,
    /// Its reviews.
    pub reviews: Vec<ReviewPart>,
    /// The requirements of an approval, or `None` if the change does not concern one.
    pub approval: Option<Approval>,
}

/// A gate, and its result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatePart {
    /// The gate's name.
    pub name: String,
    /// Whether the gate is met.
    pub met: bool,
    /// The values that the gate used.
    pub saw: String,
    /// The version that the gate calls champion.
    pub champion: Option<String>,
    /// The reason if the gate has no result, and the gate's own message.
    pub why: Vec<String>,
    /// The condition.
    pub require: String,
}

/// An evaluation that is added or changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidencePart {
    /// The evaluation's name.
    pub name: String,
    /// Whether it was added after the decision, which does not cover it.
    pub observation: bool,
    /// Whether the evaluation is new.
    pub added: bool,
    /// The actor who made it.
    pub by: String,
    /// The measured values.
    pub metrics: Metrics,
    /// A short note of the author.
    pub notes: Option<String>,
    /// The changed values.
    pub fields: Vec<Field>,
}

/// A card that is added or changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardPart {
    /// Whether the card is new.
    pub added: bool,
    /// The sections that are filled.
    pub filled: Vec<CardSection>,
    /// The changed values.
    pub fields: Vec<Field>,
}

/// Whether a review counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Counting {
    /// The review counts.
    Yes,
    /// The review does not count, for this reason.
    No(String),
}

/// One actor's review.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewPart {
    /// The reviewer.
    pub actor: String,
    /// The decision of the reviewer.
    pub decision: String,
    /// Whether the review counts.
    pub counts: Counting,
    /// The reason for the decision.
    pub reason: Option<String>,
    /// Whether this change adds the review.
    pub new: bool,
}

/// The requirements of an approval, and the missing ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The requirements of the policy.
    pub need: String,
    /// The missing requirements.
    pub missing: Vec<String>,
    /// The next action, and its actor.
    pub turn: String,
    /// The actors who could give the missing approvals.
    pub could_approve: Vec<ActorId>,
    /// The digest that a review must name.
    pub subject: String,
    /// The review files that reviewers could write by hand.
    pub files: Vec<ReviewFile>,
}

/// Summarises the changes of one version.
pub(super) fn part(ask: &Ask<'_>, id: &VersionId, changes: &[&Change]) -> Result<VersionPart, Error> {
    let mut part = VersionPart {
        version: id.to_string(),
        ..VersionPart::default()
    };
    let mut in_question = false;
    for change in changes {
        enter(&mut part, change);
        in_question |= match &change.kind {
            ChangeKind::VersionAnnotated { .. } | ChangeKind::VersionDeleted => false,
            kind => kind.whole().is_none_or(|row| row.approved),
        };
    }
    let loaded = ask.next.read(&RecordPath::Version(id.clone()))?;
    let Some((loaded, version)) = loaded.as_ref().and_then(|it| Some((it, it.version()?))) else {
        return Ok(part);
    };
    about(&mut part, version);
    let approved = part.moves.iter().any(|(_, to)| to == Status::Approved.as_str());
    let decides = version.status == Status::Pending || approved;
    if !in_question {
        return Ok(part);
    }
    part.comparison = match metrics::rival(ask, id)? {
        Some((other, than)) => metrics::compare(ask, id, &other, than)?,
        None => metrics::alone(ask, id)?,
    };
    if let Some(policy) = ask.policy {
        let tally = trust::tally(policy, &ask.prior, &ask.next, id, loaded, ask.outside)?;
        part.reviews = reviews(ask, &tally, changes)?;
        if decides {
            part.gates = tally.gates.iter().map(gate).collect();
            part.approval = Some(approval(ask, policy, id, version.status, &tally)?);
        }
    }
    Ok(part)
}

/// Adds one change to the version's summary.
fn enter(part: &mut VersionPart, change: &Change) {
    let after = change.after.as_deref();
    match &change.kind {
        ChangeKind::VersionRegistered => part.registered = true,
        ChangeKind::VersionImported { status } => {
            let imported = after
                .and_then(Loaded::version)
                .and_then(|it| it.imported.as_ref());
            part.imported = imported.map(|it| (status.to_string(), it.from.clone()));
        }
        ChangeKind::VersionDeleted => part.deleted = true,
        ChangeKind::StatusMoved { from, to } => part.moves.push((from.to_string(), to.to_string())),
        ChangeKind::VersionAnnotated { pointers } => {
            let nothing = serde_json::Value::Null;
            let before = change.before.as_deref().map_or(&nothing, Loaded::value);
            let now = after.map_or(&nothing, Loaded::value);
            part.notes = super::fields(before, now, pointers.clone());
        }
        ChangeKind::FrozenChanged { .. } => part.frozen = fields_of(change),
        ChangeKind::Added(RecordKind::Card) | ChangeKind::Changed(RecordKind::Card) => {
            let card = after.and_then(Loaded::card);
            let sections = CardSection::ALL.iter().copied();
            part.card = Some(CardPart {
                added: change.kind == ChangeKind::Added(RecordKind::Card),
                filled: sections
                    .filter(|section| card.is_some_and(|card| card.filled(*section)))
                    .collect(),
                fields: fields_of(change),
            });
        }
        ChangeKind::Added(kind @ (RecordKind::Evidence | RecordKind::Observation))
        | ChangeKind::Changed(kind @ (RecordKind::Evidence | RecordKind::Observation)) => {
            if let Some(evaluation) = after.and_then(Loaded::evaluation) {
                part.evidence.push(EvidencePart {
                    name: evaluation.name.to_string(),
                    observation: *kind == RecordKind::Observation,
                    added: change.before.is_none(),
                    by: evaluation.by.to_string(),
                    metrics: evaluation.metrics.clone(),
                    notes: evaluation.notes.clone(),
                    fields: fields_of(change),
                });
            }
        }
        ChangeKind::Added(RecordKind::Archival) | ChangeKind::Changed(RecordKind::Archival) => {
            let archival = after.and_then(Loaded::archival);
            part.archival = archival.map(|archival| (archival.by.to_string(), archival.reason.clone()));
        }
        _ => {}
    }
}

/// Adds the version's own description and content.
fn about(part: &mut VersionPart, version: &ModelVersion) {
    part.by = version.by.to_string();
    part.status = Some(version.status.to_string());
    if !part.registered {
        return;
    }
    part.description.clone_from(&version.description);
    let artifacts = version.spec.all_artifacts().into_iter();
    part.artifacts = artifacts
        .map(|(_, artifact)| {
            (
                artifact.uri.to_string(),
                artifact.digest.as_ref().map(ToString::to_string),
            )
        })
        .collect();
    let containers = version.spec.containers().into_iter();
    part.images = containers
        .filter_map(|(_, container)| Some(container.image.as_ref()?.to_string()))
        .collect();
    // Lists each pair separately if all of them are new.
    let noted = |what: &str, pairs: &crate::record::kind::Labels| -> Vec<Field> {
        let one = |(key, value): (&crate::record::kind::Key, &String)| Field {
            field: format!("{what}.{key}"),
            before: "absent".into(),
            after: value.clone(),
        };
        pairs.iter().map(one).collect()
    };
    part.notes = noted("labels", &version.labels);
    part.notes.extend(noted("annotations", &version.annotations));
}

fn gate(result: &trust::GateResult) -> GatePart {
    let why = result.reason.iter().chain(&result.placed.gate.message);
    GatePart {
        name: result.name().to_string(),
        met: result.met,
        saw: result.seen(),
        champion: result.champion.as_ref().map(ToString::to_string),
        why: why.filter(|_| !result.met).cloned().collect(),
        require: result.placed.gate.require.clone(),
    }
}

fn reviews(ask: &Ask<'_>, tally: &Tally, changes: &[&Change]) -> Result<Vec<ReviewPart>, Error> {
    let mut out = Vec::new();
    for counted in &tally.reviews {
        let record = ask.next.read(&counted.path)?;
        out.push(ReviewPart {
            actor: counted.voice(),
            decision: counted.decision.as_str().to_owned(),
            counts: match &counted.standing {
                Standing::Counts => Counting::Yes,
                Standing::Not(why) => Counting::No(why.clone()),
            },
            reason: record.and_then(|record| record.review().and_then(|review| review.reason.clone())),
            new: changes
                .iter()
                .any(|change| change.record.as_ref() == Some(&counted.path)),
        });
    }
    Ok(out)
}

fn approval(
    ask: &Ask<'_>,
    policy: &Policy,
    id: &VersionId,
    status: Status,
    tally: &Tally,
) -> Result<Approval, Error> {
    let pending = status == Status::Pending;
    // A review completes the approval only if no other requirement is missing.
    let only_reviews = tally
        .missing
        .iter()
        .all(|missing| matches!(missing, Shortfall::Approvals { .. } | Shortfall::Team { .. }));
    let could_approve = match pending && only_reviews {
        true => tally.could_approve.clone(),
        false => Vec::new(),
    };
    let mut files = Vec::new();
    for actor in &could_approve {
        let path = RecordPath::Review(id.clone(), actor.clone());
        let may_reject = policy.may(actor, Action::Reject, Some(id.group.as_str()), None);
        for decision in [Decision::Approved, Decision::Rejected] {
            if decision == Decision::Approved || may_reject {
                let path = path.clone();
                files.push(ReviewFile::of(
                    policy,
                    &ask.next,
                    path,
                    actor,
                    &tally.subject,
                    decision,
                )?);
            }
        }
    }
    Ok(Approval {
        need: trust::need_words(&tally.need),
        missing: tally.missing.iter().map(trust::shortfall_words).collect(),
        turn: trust::turn(id, status, tally),
        could_approve,
        subject: tally.subject.to_string(),
        files,
    })
}

impl VersionPart {
    /// Reviews that count towards an approval.
    pub fn approvals(&self) -> usize {
        let approved = |review: &&ReviewPart| {
            review.decision == Decision::Approved.as_str() && review.counts == Counting::Yes
        };
        self.reviews.iter().filter(approved).count()
    }
}
