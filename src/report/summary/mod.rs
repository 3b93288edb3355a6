//! A summary of a change for the person who decides about it: its content, the
//! comparison with the serving version, the results of the gates, the approvals given
//! and still needed. The summary is a value without layout, so that Markdown, terminal
//! and programs show the same.

mod fields;
mod metrics;
mod policy;
mod review_file;
mod version;
pub(crate) mod view;

use std::collections::BTreeMap;

use serde::Serialize;

pub use fields::{Field, differing_parts, fields, fields_of};
pub use metrics::{Comparison, Metric, Than, Why};
pub use policy::{PolicyLine, policy_lines};
pub use review_file::{REASON, ReviewFile, ReviewKey};
#[cfg(feature = "testing")]
pub use version::{Approval, EvidencePart, GatePart, ReviewPart};
pub use version::{Counting, VersionPart};

use crate::base::Error;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{ActorId, Decision, RecordPath, VersionId};
use crate::record::snapshot::Snapshot;
use crate::trust::{self, Carrier, HistoryView, Policy, Verdict};

/// The change to summarise.
pub struct Ask<'a> {
    /// The policy in force before, or `None` at the root.
    pub policy: Option<&'a Policy>,
    /// The registry before.
    pub prior: Snapshot<'a>,
    /// The registry after.
    pub next: Snapshot<'a>,
    /// The changes.
    pub changes: &'a [Change],
    /// The history up to `prior`.
    pub outside: &'a dyn HistoryView,
    /// The history up to `next`, for the signer of the commit that proposes a policy.
    pub proposed: &'a dyn HistoryView,
}

/// A summary of a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The change of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyPart>,
    /// Files outside the registry that the policy protects.
    pub protected: Vec<String>,
    /// The changed versions, by name.
    pub versions: Vec<VersionPart>,
    /// The changed stages.
    pub stages: Vec<StagePart>,
    /// Groups that are added, changed or deleted.
    pub groups: Vec<Phrase>,
    /// All other changes.
    pub others: Vec<Phrase>,
}

/// A change in words, with the changed values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phrase {
    /// `update group churn`.
    pub phrase: String,
    /// The changed values.
    pub fields: Vec<Field>,
}

/// A change of the policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyPart {
    /// The serial before.
    pub from: u64,
    /// The serial after, or `None` if the new policy can't be read.
    pub to: Option<u64>,
    /// The differences of the two policies, the weakening ones first.
    pub lines: Vec<PolicyLine>,
    /// The number of administrators who must agree.
    pub required: u32,
    /// The administrators who agreed.
    pub agreed: Vec<ActorId>,
    /// The administrator who agreed only by signing the commit. That agreement is lost
    /// if a Git host replaces the commit.
    pub signed: Option<ActorId>,
    /// The reviewers who do not count, with the reason.
    pub not_counted: BTreeMap<ActorId, String>,
    /// The actors who could still agree; empty if enough did.
    pub could_agree: Vec<ActorId>,
    /// The reason why all actors who could still agree are too few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// The digest that a review must name; empty if the new policy can't be read.
    pub subject: String,
    /// The review files that administrators could write by hand.
    pub files: Vec<ReviewFile>,
}

/// A change of a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StagePart {
    /// `churn@production`.
    pub stage: String,
    /// The version that served.
    pub from: Option<String>,
    /// The version that serves now.
    pub to: Option<String>,
    /// The actor who changed it.
    pub by: String,
    /// The reason.
    pub reason: Option<String>,
    /// The metrics of both versions.
    pub comparison: Option<Comparison>,
}

/// Summarises a change.
pub fn summarise(ask: &Ask<'_>) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let mut versions: BTreeMap<&VersionId, Vec<&Change>> = BTreeMap::new();
    for change in ask.changes {
        let phrase = || Phrase {
            phrase: change.phrase(),
            fields: fields_of(change),
        };
        match (&change.kind, &change.record) {
            (ChangeKind::PolicyChanged, _) => summary.policy = Some(policy_part(ask, change)?),
            (ChangeKind::PolicyReviewed { .. }, _) if summary.policy.is_some() => {}
            (ChangeKind::ProtectedChanged, _) => summary.protected.push(change.path.clone()),
            (ChangeKind::StageMoved { from, to }, Some(RecordPath::Stage(group, _))) => {
                let id = |number: &u64| VersionId {
                    group: group.clone(),
                    number: *number,
                };
                summary.stages.push(stage_part(
                    ask,
                    change,
                    from.as_ref().map(id),
                    to.as_ref().map(id),
                )?);
            }
            (ChangeKind::GroupCreated | ChangeKind::GroupUpdated | ChangeKind::GroupDeleted, _) => {
                summary.groups.push(phrase())
            }
            (
                ChangeKind::Unreadable
                | ChangeKind::Stray { .. }
                | ChangeKind::Removed
                | ChangeKind::Reformatted
                | ChangeKind::TombstoneChanged,
                _,
            ) => summary.others.push(phrase()),
            (_, Some(record)) if record.version().is_some() => {
                if let Some(id) = record.version() {
                    versions.entry(id).or_default().push(change);
                }
            }
            _ => summary.others.push(phrase()),
        }
    }
    for (id, changes) in versions {
        summary.versions.push(version::part(ask, id, &changes)?);
    }
    Ok(summary)
}

fn policy_part(ask: &Ask<'_>, change: &Change) -> Result<PolicyPart, Error> {
    let before = change.before.as_ref().and_then(|before| before.registry());
    let after = change.after.as_ref().and_then(|after| after.registry());
    let mut part = PolicyPart {
        from: before.map_or(0, |before| before.serial),
        to: after.map(|after| after.serial),
        lines: Vec::new(),
        required: 1,
        agreed: Vec::new(),
        signed: None,
        not_counted: BTreeMap::new(),
        could_agree: Vec::new(),
        blocked: None,
        subject: String::new(),
        files: Vec::new(),
    };
    let loaded =
        |side: &Option<std::sync::Arc<crate::record::snapshot::Loaded>>| side.clone().and_then(Policy::new);
    if let (Some(before), Some(after)) = (loaded(&change.before), loaded(&change.after)) {
        let mut groups = ask.prior.groups()?;
        groups.extend(ask.next.groups()?);
        part.lines = policy_lines(&before, &after, &groups);
    }
    let (Some(policy), Some(new), Some(after)) = (ask.policy, &change.after, after) else {
        return Ok(part);
    };
    let tally = |verdict| {
        let carrier = Carrier::new(None, verdict);
        trust::tally_policy(
            policy,
            policy,
            (&ask.prior, &ask.next),
            new,
            &carrier,
            ask.outside,
        )
    };
    let by_reviews = tally(Verdict::Nobody)?;
    let signer = match ask.proposed.signer_of(policy, &RecordPath::Registry) {
        // A shallow clone may lack the commit that proposed it.
        Err(Error::MissingObject { .. }) => None,
        known => known?,
    };
    let tally = tally(signer.unwrap_or(Verdict::Nobody))?;
    part.signed = tally.counted.difference(&by_reviews.counted).next().cloned();
    part.required = tally.required;
    part.subject = tally.subject.to_string();
    part.could_agree.clone_from(&tally.could_agree);
    part.blocked.clone_from(&tally.blocked);
    for id in &part.could_agree {
        let path = RecordPath::PolicyReview(after.serial, id.clone());
        part.files.push(ReviewFile::of(
            policy,
            &ask.next,
            path,
            id,
            &tally.subject,
            Decision::Approved,
        )?);
    }
    part.agreed = tally.counted.into_iter().collect();
    part.not_counted = tally.not_counted;
    Ok(part)
}

fn stage_part(
    ask: &Ask<'_>,
    change: &Change,
    from: Option<VersionId>,
    to: Option<VersionId>,
) -> Result<StagePart, Error> {
    let record = change.after.as_ref().and_then(|after| after.stage());
    let comparison = match (&from, &to) {
        (Some(from), Some(to)) if from != to => {
            let than = Than {
                version: from.to_string(),
                why: Why::ServedBefore,
            };
            metrics::compare(ask, to, from, than)?
        }
        _ => None,
    };
    Ok(StagePart {
        stage: change.target(),
        from: from.map(|id| id.to_string()),
        to: to.map(|id| id.to_string()),
        by: record.map(|record| record.by.to_string()).unwrap_or_default(),
        reason: record.and_then(|record| record.reason.clone()),
        comparison,
    })
}

impl PolicyPart {
    /// Whether enough administrators agreed.
    pub fn is_enough(&self) -> bool {
        u32::try_from(self.agreed.len()).unwrap_or(u32::MAX) >= self.required
    }
}
