//! Compares the object of a decision with the mainline that this clone has fetched: a
//! base that lacks commits of it may show content that is already replaced.

use super::Target;
use super::attempt::{Attempt, Base};
use super::preview::Proposal;
use crate::act::{self, Object};
use crate::base::{Error, Oid, shell_word};
use crate::judge::history::{self, Graph};
use crate::record::change::Change;
use crate::record::snapshot::{Records, Snapshot};

/// The objects of a decision that are otherwise on the remote's mainline.
pub(super) struct Fetched {
    /// The remote-tracking branch: `origin/main`.
    pub mainline: String,
    /// The objects that changed there.
    pub moved: Vec<Object>,
    /// The changes in these objects.
    pub changes: Vec<Change>,
    /// The line that brings the base up to date.
    pub remedy: String,
}

/// Finds the objects of a decision that changed in commits of the mainline that were
/// fetched, and that the base lacks. Looks at nothing where the change is made on the
/// remote's tip.
pub(super) fn fetched(
    attempt: &Attempt<'_>,
    base: &Base<'_>,
    target: &Target,
    proposal: &Proposal,
) -> Result<Option<Fetched>, Error> {
    let workspace = attempt.workspace;
    if attempt.args.is_remote() {
        return Ok(None);
    }
    let Ok(Some((kept, Some(there)))) = workspace.kept_mainline() else {
        return Ok(None);
    };
    let (ahead, behind) = workspace.repo.ahead_behind(target.base, there)?;
    if behind == 0 {
        return Ok(None);
    }
    let since = match ahead {
        0 => Some(target.base),
        _ => {
            let sides = Graph::new(base.objects, None).sides(target.base, there)?;
            sides.shared.first().copied()
        }
    };
    let Some(since) = since else { return Ok(None) };
    let records = Records::new(base.objects);
    let at = |commit: Oid| -> Result<Snapshot<'_>, Error> {
        let tree = history::read_commit(base.objects, commit)?.tree;
        Snapshot::at(&records, tree, &workspace.folder)
    };
    let (before, after) = (at(since)?, at(there)?);
    let policy = |snapshot: &Snapshot<'_>| {
        let text = snapshot.registry()?;
        Ok::<_, Error>(text.map(|text| text.value().clone()))
    };
    let mut moved = act::contradicting_reviews(&proposal.changes, &before, &after)?;
    for object in act::objects(&proposal.changes) {
        let differs = match object {
            Object::Policy => policy(&before)? != policy(&after)?,
            _ => act::has_moved(base.policy.id(), &object, &before, &after)?,
        };
        if differs && !moved.contains(&object) {
            moved.push(object);
        }
    }
    if moved.is_empty() {
        return Ok(None);
    }
    let changes = act::moves(&moved, &before, &after)?;
    let mainline = kept.shown().to_owned();
    let remedy = match (target.is_mainline || target.tip.is_none(), ahead) {
        (true, 0) => "bring this clone up to date, look, and run it again: `git pull --ff-only`".to_owned(),
        (true, _) => {
            "bring this clone up to date, look, and run it again: `git pull --rebase --gpg-sign`".to_owned()
        }
        (false, _) => {
            let branch = target.branch.short();
            let switch = match target.follows {
                true => String::new(),
                false => format!("git switch {} && ", shell_word(branch)),
            };
            format!(
                "bring `{branch}` up to date, look, and run it again: `{switch}git merge -S --no-edit {}`",
                shell_word(&mainline)
            )
        }
    };
    Ok(Some(Fetched {
        mainline,
        moved,
        changes,
        remedy,
    }))
}
