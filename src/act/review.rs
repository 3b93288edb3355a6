//! Decisions, and the moves that they authorise.

use serde_json::json;

use super::{Draft, Refusal, WriteContext, members};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding};
use crate::judge::rules;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{ActorId, Decision, Digest, HostReview, Kind, RecordPath, Status, VersionId};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::record::subject;
use crate::record::yaml::Edit;
use crate::trust::{self, GateResult};

/// Gives the actor's review of a version as it is now.
///
/// # Errors
/// The version does not exist, or it can no longer be decided.
pub fn review(
    desk: &WriteContext<'_>,
    id: &VersionId,
    decision: Decision,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    let version = desk.version(id)?;
    let path = RecordPath::Review(id.clone(), desk.actor.clone());
    let old = desk.snapshot.read(&path)?;
    let status = version
        .version()
        .map_or(Status::Pending, |version| version.status);
    let allows = |to| desk.policy.registry().allows(status, to);
    let subject = subject::version_subject(desk.policy.id(), id, &version, &desk.snapshot)?;
    // A review that a machine reported is not yet the actor's own.
    let unchanged = old.as_ref().and_then(|old| old.review()).is_some_and(|review| {
        review.decision == decision
            && (review.subject == subject || decision == Decision::Withdrawn)
            && !trust::is_reported(review)
    });
    if unchanged {
        let mut draft = Draft::new("", reason);
        if decision != Decision::Withdrawn && status == Status::Pending {
            draft
                .notes
                .push(format!("`modelry show {id}` says what is missing"));
        }
        draft.notes.push(format!(
            "`{}` has {} {id} already",
            desk.actor,
            match decision {
                Decision::Withdrawn => "withdrawn the review of".to_owned(),
                other => other.as_str().to_lowercase(),
            }
        ));
        draft.existing.push(path);
        return Ok(draft);
    }
    let refused = |why: String, remedy: String| {
        let mut draft = Draft::new("", reason);
        draft.refusal = Some(Refusal {
            why,
            remedies: vec![remedy],
        });
        Ok(draft)
    };
    let shows = format!("look: `modelry show {id}` lists the reviews");
    match decision {
        Decision::Approved if status == Status::Approved => {
            return refused(format!("{id} is Approved already"), shows);
        }
        Decision::Withdrawn if old.is_none() => {
            return refused(
                format!("`{}` has no review of {id} to withdraw", desk.actor),
                shows,
            );
        }
        Decision::Rejected if status == Status::Rejected => {
            return refused(format!("{id} is Rejected already"), shows);
        }
        Decision::Approved if !allows(Status::Approved) => {
            return Err(decided(desk, id, status, Status::Approved)?);
        }
        Decision::Rejected if !allows(Status::Rejected) => {
            return Err(decided(desk, id, status, Status::Rejected)?);
        }
        _ => {}
    }
    let verb = match decision {
        Decision::Approved => "Approve",
        Decision::Rejected => "Reject",
        Decision::Withdrawn => "Withdraw the review of",
    };
    let mut draft = Draft::new(format!("{verb} {id}"), reason);
    let given = Given {
        decision,
        subject: &subject,
        reason: draft.reason.as_deref(),
        reported: None,
    };
    let text = given.write(desk, id, &path, old.as_deref())?;
    draft.put(&path, text);
    if decision != Decision::Withdrawn {
        draft.settle.push(id.clone());
    }
    Ok(draft)
}

/// A review's content, without its place and author.
pub(super) struct Given<'g> {
    pub decision: Decision,
    pub subject: &'g Digest,
    pub reason: Option<&'g str>,
    /// The person for whom a machine writes it, and the host where it was given.
    pub reported: Option<(&'g ActorId, &'g HostReview)>,
}

impl Given<'_> {
    /// The text of the file, new or on top of the old one.
    pub fn write(
        &self,
        desk: &WriteContext<'_>,
        id: &VersionId,
        path: &RecordPath,
        old: Option<&Loaded>,
    ) -> Result<String, Error> {
        let Some(old) = old else {
            let record = members([
                ("group", Some(json!(id.group))),
                ("version", Some(json!(id.number))),
                ("by", Some(json!(desk.actor))),
                ("onBehalfOf", self.reported.map(|(person, _)| json!(person))),
                ("host", self.reported.map(|(_, host)| json!(host))),
                ("revision", Some(json!(1))),
                ("decision", Some(json!(self.decision.as_str()))),
                ("subject", Some(json!(self.subject))),
                ("reason", self.reason.map(|reason| json!(reason))),
            ]);
            return desk.new_record(Kind::Review, path, record);
        };
        let set = |pointer: &str, value| Edit::Set {
            pointer: pointer.into(),
            value,
        };
        let mut edits = vec![
            set("/revision", json!(old.revision().unwrap_or(0) + 1)),
            set("/decision", json!(self.decision.as_str())),
            set("/subject", json!(self.subject)),
        ];
        let optional = [
            ("/reason", self.reason.map(|reason| json!(reason))),
            ("/onBehalfOf", self.reported.map(|(person, _)| json!(person))),
            ("/host", self.reported.map(|(_, host)| json!(host))),
        ];
        for (pointer, value) in optional {
            match value {
                Some(value) => edits.push(set(pointer, value)),
                None if old.value().pointer(pointer).is_some() => edits.push(Edit::Remove {
                    pointer: pointer.into(),
                }),
                None => {}
            }
        }
        edits.push(set("/by", json!(desk.actor)));
        desk.edited(path, old, edits)
    }
}

/// The error for a version that can't be decided any more.
///
/// # Errors
/// A stage can't be read.
fn decided(desk: &WriteContext<'_>, id: &VersionId, status: Status, wanted: Status) -> Result<Error, Error> {
    let error = Error::msg(format!("{id} is {status}, and can't become {wanted} any more"));
    let ends = desk.policy.registry().allows(status, Status::Archived);
    Ok(match (status, wanted) {
        (Status::Approved, Status::Rejected) if ends => {
            let serves = desk.snapshot.bound_stages(desk.policy.registry(), id)?;
            error.hint(format!("to end its use: {}", super::archive::lines(id, &serves)))
        }
        (_, Status::Approved) => error.hint(format!(
            "to have the same model decided again: `modelry register {} --allow-duplicate --artifact FILE`",
            id.group
        )),
        _ => error.hint(format!("look at it: `modelry show {id}`")),
    })
}

/// Returns the move of status that the reviews at `after` authorise for a version, as an
/// edit of its file, or `None` when they authorise none.
pub fn settle(
    desk: &WriteContext<'_>,
    after: &Snapshot<'_>,
    id: &VersionId,
) -> Result<Option<(Status, String)>, Error> {
    let path = RecordPath::Version(id.clone());
    let Some(version) = after.read(&path)? else {
        return Ok(None);
    };
    let Some(status) = version.version().map(|version| version.status) else {
        return Ok(None);
    };
    let allows = |to| desk.policy.registry().allows(status, to);
    let tally = trust::tally(desk.policy, &desk.snapshot, after, id, &version, desk.past)?;
    let to = if tally.rejections().next().is_some() && allows(Status::Rejected) {
        Status::Rejected
    } else if tally.missing.is_empty() && allows(Status::Approved) && tally.counting().next().is_some() {
        Status::Approved
    } else {
        return Ok(None);
    };
    let edit = Edit::Set {
        pointer: "/status".into(),
        value: json!(to.as_str()),
    };
    Ok(Some((to, desk.edited(&path, &version, vec![edit])?)))
}

/// Returns the findings that refuse an approval which no review could complete. Gates
/// check the content, so a review of content that does not meet them approves nothing.
pub fn unmet_gates(changes: &[Change], gates: &[(VersionId, Vec<GateResult>)]) -> Vec<Finding<Anchor>> {
    let approving = |id: &VersionId| {
        changes.iter().any(|change| {
            matches!(
                change.kind,
                ChangeKind::Reviewed {
                    decision: Decision::Approved,
                    ..
                }
            ) && change.record.as_ref().and_then(RecordPath::version) == Some(id)
        })
    };
    let findings = |(id, results): &(VersionId, Vec<GateResult>)| {
        let at = Anchor::after(RecordPath::Version(id.clone()).to_string(), "/status");
        rules::gate_findings(id, &at, results)
    };
    gates
        .iter()
        .filter(|(id, _)| approving(id))
        .flat_map(findings)
        .collect()
}
