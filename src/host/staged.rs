//! What is staged, judged before it is committed.

use crate::access::{Carrier, Policy, Verdict};
use crate::change;
use crate::error::Error;
use crate::finding::Report;
use crate::git::{Head, Repo};
use crate::history::{self, Past, Replay};
use crate::raw::{self, Kept, Oid};
use crate::snapshot::{Records, Snapshot};
use crate::workspace::{Wanted, Workspace};

/// Judges what is staged against HEAD; `signer` says who would sign, under the
/// policy at HEAD. None when there is nothing to judge: no registry at HEAD, or a
/// merge, where only the commit says who wrote what.
///
/// # Errors
/// When the index or HEAD can't be read.
pub fn staged(
    wanted: &Wanted,
    signer: &dyn Fn(&Repo, &Policy) -> Verdict,
) -> Result<Option<Report>, Error> {
    let repo = Repo::open(&wanted.directory)?;
    let head = match repo.head()? {
        Head::Branch { tip, .. } => tip,
        Head::Detached(tip) => Some(tip),
    };
    let Some(head) = head.filter(|_| !repo.is_merging()) else {
        return Ok(None);
    };
    if !has_registry(&repo, head)? {
        return Ok(None);
    }
    let tree = repo.staged_tree()?;
    // Any branch may be checked out, or none: HEAD says where the registry is.
    let workspace = Workspace::at(wanted, repo, "HEAD".into(), Some(head))?;
    let objects = workspace.repo.objects()?;
    let kept = Kept::new(&objects);
    let records = Records::new(&kept);
    let folder = &workspace.folder;
    let top = history::read_commit(&kept, head)?.tree;
    let prior = Snapshot::at(&records, top, folder)?;
    let next = Snapshot::at(&records, tree, folder)?;
    let policy = history::policy_at(&prior, "HEAD")?;
    let mut differences = change::diff(&prior, &next)?;
    let files = raw::diff(&kept, Some(top), Some(tree))?;
    let protected = history::protected_changes(&policy, folder, &files.changes);
    differences.changes.extend(protected);
    let carrier = Carrier::new(None, signer(&workspace.repo, &policy));
    let mut replay = Replay::with_policy(&records, folder, policy);
    let past = Past::new(&kept, folder, Some(head));
    let judged = replay.judge(prior, next, &carrier, &differences, &past, Some(head))?;
    let mut report = Report {
        findings: judged.findings,
        notes: judged.notes,
        checked: replay.checked,
        ..Report::default()
    };
    report.checked.documents = records.documents();
    Ok(Some(report))
}

/// Whether there is a registry at HEAD, in whichever folder.
fn has_registry(repo: &Repo, head: Oid) -> Result<bool, Error> {
    let objects = repo.objects()?;
    let top = history::read_commit(&objects, head)?.tree;
    for path in repo.staged_registries()? {
        if raw::lookup(&objects, top, &path)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
