//! The index, judged before it is committed.

use super::files::presumed;
use super::judgement::Judgement;
use crate::base::{Error, FullRef, Oid};
use crate::git::{Head, Repo};
use crate::judge::finding::Report;
use crate::judge::history::{self, Past, Replay};
use crate::object::{self, CachedObjects};
use crate::record::change;
use crate::record::kind::{API_VERSION, REGISTRY_FILE};
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::{Carrier, Policy, Verdict};
use crate::workspace::{self, Wanted, Workspace};

/// Judges the index against HEAD.
///
/// # Errors
/// The index or HEAD can't be read.
pub(super) fn judge(wanted: &Wanted) -> Result<Judgement, Error> {
    let repo = Repo::open(&wanted.directory)?;
    let head = match repo.head()? {
        Head::Branch { tip, .. } => tip,
        Head::Detached(tip) => Some(tip),
    };
    // Without a commit there is no policy to judge by: the index would be a root.
    let Some(head) = head else {
        return Ok(begun(&repo, wanted, true)?.map_or_else(Judgement::default, Judgement::of));
    };
    if !has_registry(&repo, head)? {
        if let Some(report) = begun(&repo, wanted, false)? {
            return Ok(Judgement::of(report));
        }
        return match &wanted.path {
            Some(path) => Err(Error::msg(format!(
                "there is no registry at `{path}` in HEAD: nothing was judged"
            ))
            .hint("name its folder from the repository's top: `--path FOLDER`")),
            None => Ok(Judgement::idle("HEAD holds no registry, so nothing was judged")),
        };
    }
    // Only the merge's commit says who wrote what.
    if repo.is_merging() {
        return Ok(Judgement::idle(
            "a merge is judged once it is made: `modelry validate HEAD~1..HEAD`",
        ));
    }
    let tree = repo.staged_tree()?;
    let folders = workspace::guarded(&repo, wanted)?;
    if folders.is_empty() {
        return judged(wanted, repo, (head, tree)).map(Judgement::of);
    }
    // A commit may touch several registries.
    let mut report = Report::default();
    for folder in folders {
        let one = Wanted {
            path: Some(folder),
            ..wanted.clone()
        };
        let one = judged(&one, Repo::open(&wanted.directory)?, (head, tree))?;
        report.findings.extend(one.findings);
        report.notes.extend(one.notes);
        report.checked.changes += one.checked.changes;
        report.checked.documents += one.checked.documents;
    }
    Ok(Judgement::of(report))
}

/// Judges one registry of the staged tree against HEAD.
fn judged(wanted: &Wanted, repo: Repo, (head, tree): (Oid, Oid)) -> Result<Report, Error> {
    // HEAD locates the registry, since any branch may be checked out, or none.
    let workspace = Workspace::at(wanted, repo, FullRef::head(), Some(head))?;
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let folder = &workspace.folder;
    let top = history::read_commit(&kept, head)?.tree;
    let prior = Snapshot::at(&records, top, folder)?;
    let next = Snapshot::at(&records, tree, folder)?;
    if prior.registry()?.is_none() {
        return Err(workspace.no_registry(&kept, head)?);
    }
    let (policy, _) = history::policy_in_force(&records, folder, head, "HEAD", None)?;
    let past = Past::new(&kept, folder, Some(head));
    let mut differences = change::diff(&prior.seeing(&past), &next)?;
    history::add_protected(&mut differences, &kept, &policy, folder, (Some(top), Some(tree)))?;
    let carrier = Carrier::new(None, presumed(&workspace.repo, &policy));
    let mut replay = Replay::with_policy(&records, folder, policy);
    let judged = replay.judge((prior, next), &carrier, &differences, &past, Some(head))?;
    let mut report = Report {
        findings: judged.findings,
        notes: judged.notes,
        checked: replay.checked,
        ..Report::default()
    };
    report.checked.documents = records.documents();
    Ok(report)
}

/// Judges newly staged registries as roots, and returns the findings, if there are any.
/// A branch that has commits may get a registry piece by piece: of that, only the secrets
/// are findings, which would stay in the root for good.
fn begun(repo: &Repo, wanted: &Wanted, is_whole: bool) -> Result<Option<Report>, Error> {
    let paths = repo.staged_registries()?;
    if paths.is_empty() {
        return Ok(None);
    }
    let objects = repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let tree = repo.staged_tree()?;
    let own = workspace::guarded(repo, wanted)?;
    let mut report = Report::default();
    for path in paths {
        let folder = path.trim_end_matches(REGISTRY_FILE).trim_end_matches('/');
        let next = Snapshot::at(&records, tree, folder)?;
        // Another program's file may have this name.
        let is_own = own.iter().any(|own| own == folder) || wanted.path.as_deref() == Some(folder);
        let is_policy = next.registry()?.is_some_and(|file| {
            let is_meant = file.value()["apiVersion"] == API_VERSION || is_own;
            (is_whole && is_meant) || Policy::new(file).is_some()
        });
        if !is_policy {
            continue;
        }
        let prior = Snapshot::empty(&records);
        let past = Past::new(&kept, folder, None);
        let mut replay = Replay::from_root(&records, folder);
        let carrier = Carrier::new(None, Verdict::Unsigned);
        let differences = change::diff(&prior, &next)?;
        let judged = replay.judge((prior, next), &carrier, &differences, &past, None)?;
        let mut findings = judged.findings;
        findings.retain(|finding| is_whole || finding.rule.code == "MR112");
        report.findings.extend(findings);
        report.checked.changes += replay.checked.changes;
    }
    report.checked.documents = records.documents();
    Ok(Some(report).filter(|report| !report.findings.is_empty()))
}

/// Whether there is a registry at HEAD, in any folder.
fn has_registry(repo: &Repo, head: Oid) -> Result<bool, Error> {
    let objects = repo.objects()?;
    let top = history::read_commit(&objects, head)?.tree;
    for path in repo.staged_registries()? {
        if object::lookup(&objects, top, &path)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
