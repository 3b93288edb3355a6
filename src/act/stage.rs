//! Stages: which version serves, and the way back.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Draft, WriteContext, archive, members, review};
use crate::base::Error;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{
    Decision, GroupName, Kind, RecordPath, StageName, Status, VersionId, VersionNumber,
};
use crate::record::yaml::Edit;

/// Where a rollback goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackTo {
    /// The version that served before.
    Before,
    /// To this version.
    Version(VersionNumber),
    /// To nothing: the stage is emptied.
    Empty,
}

/// A way back.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// The group.
    pub group: GroupName,
    /// The stage.
    pub stage: StageName,
    /// Where to.
    pub to: RollbackTo,
    /// Whether the replaced version is retired.
    pub archive: bool,
    /// Whether the replaced version is rejected.
    pub reject: bool,
}

/// The current content of a stage's record.
struct Assignment {
    version: Option<VersionNumber>,
    previous: Option<VersionNumber>,
}

/// Puts each version on each stage, in one draft.
///
/// # Errors
/// A version or stage does not exist, or two versions want one stage.
pub fn promote(
    desk: &WriteContext<'_>,
    versions: &[VersionId],
    stages: &[StageName],
    archive_previous: bool,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    let list = |items: Vec<String>| items.join(", ");
    let subject = format!(
        "Promote {} to {}",
        list(versions.iter().map(ToString::to_string).collect()),
        list(stages.iter().map(ToString::to_string).collect())
    );
    let mut draft = Draft::new(subject, reason);
    let mut groups = BTreeSet::new();
    for id in versions {
        if !groups.insert(&id.group) {
            return Err(
                Error::msg(format!("two versions of `{}` can't serve one stage", id.group))
                    .hint("name one version of each group"),
            );
        }
        desk.version(id)?;
        let mut replaced = BTreeSet::new();
        for stage in stages {
            known_stage(desk, stage)?;
            let now = assignment(desk, &id.group, stage)?;
            if now.version == Some(id.number) {
                draft.notes.push(format!("{id} serves `{stage}` already"));
                draft
                    .existing
                    .push(RecordPath::Stage(id.group.clone(), stage.clone()));
                continue;
            }
            replaced.extend(now.version);
            assign(desk, &mut draft, &id.group, stage, Some(id.number))?;
        }
        if archive_previous {
            for number in replaced {
                let old = VersionId {
                    group: id.group.clone(),
                    number,
                };
                retire(desk, &mut draft, &old, stages, "--archive-previous", reason)?;
            }
        }
    }
    Ok(draft)
}

/// Retires the replaced version, as `option` asks, unless another stage still needs it.
fn retire(
    desk: &WriteContext<'_>,
    draft: &mut Draft,
    old: &VersionId,
    moved: &[StageName],
    option: &str,
    reason: Option<&str>,
) -> Result<(), Error> {
    for stage in desk.snapshot.stages(&old.group)? {
        if !moved.contains(&stage) && assignment(desk, &old.group, &stage)?.version == Some(old.number) {
            return Err(
                Error::msg(format!("{old} can't be archived: it still serves `{stage}`")).hint(format!(
                    "put another version on `{stage}` too, or leave out `{option}`"
                )),
            );
        }
    }
    let status = desk.version(old)?.version().map(|version| version.status);
    if status == Some(Status::Archived) {
        return Ok(());
    }
    draft.absorb(archive(desk, old, reason)?);
    draft.notes.push(format!("{old} is archived: it served before"));
    Ok(())
}

/// Takes a stage back to the version that served before.
///
/// # Errors
/// No earlier version is known, or history that it needs is missing.
pub fn rollback(desk: &WriteContext<'_>, request: &Rollback, reason: Option<&str>) -> Result<Draft, Error> {
    let (group, stage) = (&request.group, &request.stage);
    let groups = desk.snapshot.groups()?;
    if !groups.contains(group) {
        return Err(crate::record::snapshot::unknown_group(&groups, group.as_str()));
    }
    known_stage(desk, stage)?;
    let now = assignment(desk, group, stage)?;
    let id = |number| VersionId {
        group: group.clone(),
        number,
    };
    let (to, why) = match request.to {
        RollbackTo::Empty if now.version.is_none() => {
            return stands(request, format!("nothing serves `{stage}` in `{group}`"), reason);
        }
        RollbackTo::Empty => (None, None),
        RollbackTo::Version(number) if now.version == Some(number) => {
            return stands(
                request,
                format!("{} serves `{stage}` already", id(number)),
                reason,
            );
        }
        RollbackTo::Version(number) => {
            desk.version(&id(number))?;
            (Some(number), None)
        }
        RollbackTo::Before => {
            let (number, why) = before(desk, group, stage, &now)?;
            (Some(number), Some(why))
        }
    };
    let subject = match to {
        Some(number) => format!("Roll {group}@{stage} back to {number}"),
        None => format!("Empty {group}@{stage}"),
    };
    let mut draft = Draft::new(subject, reason);
    if let (Some(number), Some(why)) = (to, why) {
        draft.notes.push(format!("{} was chosen: {why}", id(number)));
    }
    assign(desk, &mut draft, group, stage, to)?;
    let Some(left) = now.version.map(id) else {
        return match request.archive || request.reject {
            true => Err(Error::msg(format!(
                "nothing serves `{stage}`, so there is nothing to retire"
            ))),
            false => Ok(draft),
        };
    };
    if request.archive {
        retire(
            desk,
            &mut draft,
            &left,
            std::slice::from_ref(stage),
            "--archive",
            reason,
        )?;
    }
    if request.reject {
        if !desk.policy.registry().allows(Status::Approved, Status::Rejected) {
            return Err(
                Error::msg(format!("{left} can't be rejected: the policy has no way from Approved to Rejected"))
                    .hint("use `--archive`; or have an administrator add `lifecycle: {transitions: {Approved: [Rejected]}}`"),
            );
        }
        draft.absorb(review(desk, &left, Decision::Rejected, reason)?);
    }
    Ok(draft)
}

/// Returns the draft of a rollback to the version that serves already.
///
/// # Errors
/// The user asked to retire the version that served: no version stops serving.
fn stands(request: &Rollback, words: String, reason: Option<&str>) -> Result<Draft, Error> {
    if request.archive || request.reject {
        return Err(Error::msg(format!("{words}, so there is nothing to retire")));
    }
    let mut draft = Draft::new("", reason);
    draft.notes.push(words);
    draft
        .existing
        .push(RecordPath::Stage(request.group.clone(), request.stage.clone()));
    Ok(draft)
}

/// Returns the version that served before, as far back as needed, and why it was chosen.
/// Skips versions that an earlier rollback moved away from.
fn before(
    desk: &WriteContext<'_>,
    group: &GroupName,
    stage: &StageName,
    now: &Assignment,
) -> Result<(VersionNumber, String), Error> {
    let id = |number| VersionId {
        group: group.clone(),
        number,
    };
    let mut skipped = Vec::new();
    // If numbers grow, `previous` alone decides. A higher one was left by a rollback, and
    // only history knows the one before that.
    if let Some(previous) = now.previous
        && now.version.is_none_or(|version| previous < version)
    {
        match unfit(desk, &id(previous), stage)? {
            None => return Ok((previous, "it served before (`previous`)".into())),
            Some(why) => skipped.push((previous, why)),
        }
    }
    let mut served = served(desk, group, stage)?;
    if served.last().copied() == now.version {
        served.pop();
    }
    while let Some(number) = served.pop() {
        if skipped.iter().any(|(other, _)| *other == number) {
            continue;
        }
        match unfit(desk, &id(number), stage)? {
            None => {
                let passed: Vec<String> = skipped
                    .iter()
                    .map(|(number, why)| format!("{} is {why}", id(*number)))
                    .collect();
                let why = match passed.is_empty() {
                    true => "it served before, by the history of the stage".to_owned(),
                    false => format!("it served before, and {}", passed.join(", ")),
                };
                return Ok((number, why));
            }
            Some(why) => skipped.push((number, why)),
        }
    }
    let mut error = Error::msg(format!(
        "there is nothing that `{stage}` of `{group}` could go back to"
    ));
    // Going there would be going forward again, which is for a person to say.
    if let Some(left) = now.previous
        && let Some(version) = now.version
        && !skipped.iter().any(|(number, _)| *number == left)
        && unfit(desk, &id(left), stage)?.is_none()
    {
        error = error.hint(format!(
            "{} served directly before, and was left for {}, which had served earlier: `modelry rollback {group} {stage} --to {left} -m REASON` puts it back",
            id(left),
            id(version)
        ));
    }
    for (number, why) in skipped {
        error = error.hint(format!("{} served before, and is {why}", id(number)));
    }
    Err(error.hint(format!(
        "name a version: `modelry rollback {group} {stage} --to N`, or empty the stage: `modelry rollback {group} {stage} --empty`"
    )))
}

/// Lists the versions that the stage went through, oldest first, without those that an
/// earlier rollback moved away from.
fn served(
    desk: &WriteContext<'_>,
    group: &GroupName,
    stage: &StageName,
) -> Result<Vec<VersionNumber>, Error> {
    let mut line: Vec<VersionNumber> = Vec::new();
    for version in desk.past.assignments(desk.snapshot.records, group, stage)? {
        let Some(version) = version else { continue };
        match line.iter().position(|other| *other == version) {
            Some(place) => line.truncate(place + 1),
            None => line.push(version),
        }
    }
    Ok(line)
}

/// Returns why a version can't serve a stage again, or `None` when it can.
fn unfit(desk: &WriteContext<'_>, id: &VersionId, stage: &StageName) -> Result<Option<String>, Error> {
    let loaded = desk.snapshot.read(&RecordPath::Version(id.clone()))?;
    let Some(status) = loaded.and_then(|loaded| loaded.version().map(|version| version.status)) else {
        return Ok(Some("deleted".into()));
    };
    let requires = desk
        .policy
        .registry()
        .stage(stage)
        .is_some_and(|stage| stage.requires.is_some());
    Ok(match status {
        Status::Approved => None,
        Status::Pending if !requires => None,
        other => Some(other.to_string()),
    })
}

/// Lists the stages that still serve versions whose status a change moves, each with the
/// command that ends it: as of `desk` after the change. If the stage requires Approved,
/// MR211 refuses the change.
pub fn still_served(desk: &WriteContext<'_>, changes: &[Change]) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for change in changes {
        let id = change.record.as_ref().and_then(RecordPath::version);
        let (ChangeKind::StatusMoved { to, .. }, Some(id)) = (&change.kind, id) else {
            continue;
        };
        if *to == Status::Approved {
            continue;
        }
        let group = &id.group;
        for stage in desk.snapshot.stages(group)? {
            let path = RecordPath::Stage(group.clone(), stage.clone());
            let now = desk.snapshot.read(&path)?;
            let Some(now) = now.as_ref().and_then(|now| now.stage()) else {
                continue;
            };
            if now.version != Some(id.number) {
                continue;
            }
            let now = Assignment {
                version: now.version,
                previous: now.previous,
            };
            // Missing history leads nowhere either.
            notes.push(match before(desk, group, &stage, &now) {
                Ok(_) => format!(
                    "{id} still serves `{stage}`: `modelry rollback {group} {stage} -m REASON` puts back the version before it"
                ),
                Err(_) => format!(
                    "{id} still serves `{stage}`, and no version before it can: `modelry rollback {group} {stage} --empty -m REASON` empties the stage"
                ),
            });
        }
    }
    Ok(notes)
}

fn known_stage(desk: &WriteContext<'_>, stage: &StageName) -> Result<(), Error> {
    crate::record::snapshot::listed_stage(desk.policy.registry(), stage)
}

fn assignment(desk: &WriteContext<'_>, group: &GroupName, stage: &StageName) -> Result<Assignment, Error> {
    let path = RecordPath::Stage(group.clone(), stage.clone());
    let loaded = desk.snapshot.read(&path)?;
    if loaded.as_ref().is_some_and(|loaded| loaded.stage().is_none()) {
        return Err(Error::msg(format!("`{path}` can't be read")).hint("`modelry validate` says why"));
    }
    let record = loaded.as_ref().and_then(|loaded| loaded.stage());
    Ok(Assignment {
        version: record.and_then(|record| record.version),
        previous: record.and_then(|record| record.previous),
    })
}

/// Writes the stage's record: new, or as its next revision.
fn assign(
    desk: &WriteContext<'_>,
    draft: &mut Draft,
    group: &GroupName,
    stage: &StageName,
    to: Option<VersionNumber>,
) -> Result<(), Error> {
    let path = RecordPath::Stage(group.clone(), stage.clone());
    let reason = draft.reason.as_ref().map(|reason| json!(reason));
    let Some(old) = desk.snapshot.read(&path)? else {
        let record = members([
            ("group", Some(json!(group))),
            ("stage", Some(json!(stage))),
            ("version", to.map(|to| json!(to))),
            ("by", Some(json!(desk.actor))),
            ("revision", Some(json!(1))),
            ("reason", reason),
        ]);
        draft.put(&path, desk.new_record(Kind::StageAssignment, &path, record)?);
        return Ok(());
    };
    let before = old.stage().and_then(|record| record.version);
    let wanted = [
        ("/version", to.map(|to| json!(to))),
        ("/previous", before.map(|before| json!(before))),
        ("/by", Some(json!(desk.actor))),
        ("/revision", Some(json!(old.revision().unwrap_or(0) + 1))),
        ("/reason", reason),
    ];
    let mut edits = Vec::new();
    for (pointer, value) in wanted {
        let pointer = pointer.to_owned();
        match value {
            Some(value) => edits.push(Edit::Set { pointer, value }),
            None if old.value().pointer(&pointer).is_some() => edits.push(Edit::Remove { pointer }),
            None => {}
        }
    }
    draft.put(&path, desk.edited(&path, &old, edits)?);
    Ok(())
}
