//! Judges files on disk against HEAD, or reads them without their history.

use std::path::Path;

use super::unproven;
use crate::base::{Error, ObjectFormat, Oid};
use crate::git::{Repo, Uncommitted, disk};
use crate::judge::finding::{Note, Report};
use crate::judge::history::{self, Past, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{self, Overlay};
use crate::record::change::{self, Differences};
use crate::record::kind::{ENTRIES, RecordPath, is_managed};
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::{Carrier, KeyStanding, Policy, Verdict};
use crate::workspace::Workspace;
use crate::workspace::identity::Identity;

/// Judges the files of the work tree against HEAD: all files of the registry, with
/// the findings in the commits below HEAD; or those at a path in its folder (empty
/// for the folder itself).
///
/// # Errors
/// A file can't be read, or there is no registry.
pub(super) fn judge(workspace: &Workspace, within: Option<&str>) -> Result<Report, Error> {
    let mut report = against_head(workspace, within)?;
    if within.is_none()
        && let Some(head) = workspace.repo.head()?.tip()
    {
        unproven::note_past(workspace, head, &mut report);
    }
    Ok(match within {
        Some(within) if !within.is_empty() => only(report, &workspace.from_top(within)),
        _ => report,
    })
}

/// Keeps the findings at this path, from the repository's top.
fn only(mut report: Report, at: &str) -> Report {
    report.findings.retain(|finding| {
        let path = &finding.primary.at.path;
        path == at || path.strip_prefix(at).is_some_and(|rest| rest.starts_with('/'))
    });
    report
}

/// Refuses a path in the registry's folder that no rule reads: without a finding it
/// would look clean.
fn must_be_read(within: &str) -> Result<(), Error> {
    if within.is_empty() || is_managed(within) {
        return Ok(());
    }
    Err(
        Error::msg(format!("no rule reads `{within}`: it is not a file of the registry"))
            .hint("those are `registry.yaml`, and all files below `groups/` and `policy/`; to judge all: `modelry validate`"),
    )
}

/// Judges the files of the work tree against HEAD.
fn against_head(workspace: &Workspace, within: Option<&str>) -> Result<Report, Error> {
    let repo = &workspace.repo;
    let objects = repo.objects()?;
    let head = repo.head()?.tip();
    let top = head
        .map(|head| history::read_commit(&objects, head))
        .transpose()?;
    let top = top.map(|commit| commit.tree);
    let overlay = Overlay::new(&objects);
    let records = Records::new(&overlay);
    let at = |top: Option<Oid>| match top {
        Some(top) => Snapshot::at(&records, top, &workspace.folder),
        None => Ok(Snapshot::empty(&records)),
    };
    let prior = at(top)?;
    let policy = match head {
        Some(head) if prior.registry()?.is_some() => {
            Some(history::policy_in_force(&records, &workspace.folder, head, "HEAD", None)?.0)
        }
        _ => None,
    };
    if let Some(within) = within {
        let at = workspace.from_top(within);
        let is_protected = |policy: &Policy| policy.protects(&at) || policy.may_protect_below(&at);
        if !policy.as_ref().is_some_and(is_protected) {
            must_be_read(within)?;
        }
    }
    let mut uncommitted = uncommitted(workspace, &overlay, top, policy.as_ref())?;
    let mut next = at(uncommitted.tree)?;
    if prior.registry()?.is_some() && next.registry()?.is_none() {
        // The file may have been moved to a folder outside the registry.
        let all = workspace.repo.uncommitted(&overlay, top, &[], &|_| true);
        if let Ok(all) = all {
            uncommitted.tree = all.tree;
            next = at(all.tree)?;
        }
    }
    if prior.registry()?.is_none() && next.registry()?.is_none() {
        return Err(match head {
            Some(head) => workspace.no_registry(&objects, head)?,
            None => Error::msg("the branch has no commit yet, and there is no `registry.yaml`")
                .hint("make the first one: `modelry init`"),
        });
    }
    let past = Past::new(&objects, &workspace.folder, head);
    let mut differences = change::diff(&prior.seeing(&past), &next)?;
    if let Some(policy) = &policy {
        let trees = (top, uncommitted.tree);
        history::add_protected(&mut differences, &overlay, policy, &workspace.folder, trees)?;
    }
    let verdict = policy
        .as_ref()
        .map_or(Verdict::Nobody, |policy| presumed(&workspace.repo, policy));
    let carrier = Carrier::new(None, verdict);
    let mut replay = match policy {
        Some(policy) => Replay::with_policy(&records, &workspace.folder, policy),
        None => Replay::from_root(&records, &workspace.folder),
    };
    let judged = replay.judge((prior, next), &carrier, &differences, &past, head)?;
    let mut report = Report {
        findings: judged.findings,
        notes: judged.notes,
        checked: replay.checked,
        ..Report::default()
    };
    let notes = uncommitted.notes.into_iter();
    report.notes.extend(notes.map(|message| Note {
        message,
        path: None,
        commit: None,
    }));
    standing_faults(
        &records,
        &prior,
        &next,
        &differences,
        &workspace.folder,
        &mut report,
    )?;
    report.checked.documents = records.documents();
    Ok(report)
}

/// Returns the registry's files, and those that the policy protects, as `git add`
/// would store them.
fn uncommitted(
    workspace: &Workspace,
    overlay: &Overlay<'_>,
    top: Option<Oid>,
    policy: Option<&Policy>,
) -> Result<Uncommitted, Error> {
    let within = match policy.is_some_and(Policy::protects_anything) {
        true => Vec::new(),
        false => ENTRIES.map(|path| workspace.from_top(path)).to_vec(),
    };
    let is_own = |path: &str| {
        let inside = match workspace.folder.as_str() {
            "" => Some(path),
            folder => path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
        };
        inside.is_some_and(is_managed)
    };
    // A link is protected in the place of any folder on the way to a protected file.
    let wanted = |path: &str| is_own(path) || policy.is_some_and(|policy| policy.protects_link(path));
    workspace.repo.uncommitted(overlay, top, &within, &wanted)
}

/// Returns the verdict that a signature of the configured key would have.
pub(super) fn presumed(repo: &Repo, policy: &Policy) -> Verdict {
    let Ok(me) = Identity::to_look(repo) else {
        return Verdict::Nobody;
    };
    match policy.keys.standing(&me.fingerprint) {
        KeyStanding::Good(id) => Verdict::Actor {
            id,
            key: me.fingerprint,
        },
        _ => Verdict::of_key(policy, me.fingerprint),
    }
}

/// Adds the faults in unchanged files, since a check of a folder should report all of
/// them.
fn standing_faults(
    records: &Records<'_>,
    prior: &Snapshot<'_>,
    next: &Snapshot<'_>,
    differences: &Differences,
    folder: &str,
    report: &mut Report,
) -> Result<(), Error> {
    let Some(tree) = next.tree else { return Ok(()) };
    let resolver = Resolver {
        prior: *prior,
        next: *next,
        folder,
        before: None,
        after: None,
    };
    let objects = records.objects();
    let mut files = Vec::new();
    for name in ENTRIES {
        match object::lookup(objects, tree, name)? {
            Some(entry) if entry.mode == object::Mode::Tree => {
                let below = object::files(objects, entry.id)?.into_iter();
                files.extend(below.map(|(path, mode, id)| (format!("{name}/{path}"), mode, id)));
            }
            Some(entry) => files.push((name.to_owned(), entry.mode, entry.id)),
            None => {}
        }
    }
    for (path, mode, id) in files {
        let Some(record) = RecordPath::parse(&path).filter(|_| mode == object::Mode::File) else {
            continue;
        };
        if differences.changes.iter().any(|change| change.path == path) {
            continue;
        }
        let loaded = records.load(&record, id)?;
        let found = rules::document_findings(&path, &loaded);
        report
            .findings
            .extend(found.into_iter().map(|finding| resolver.resolve(finding)));
    }
    Ok(())
}

/// Reads the files of a folder without their history: changes and their authors are
/// not judged.
///
/// # Errors
/// A file can't be read.
pub(super) fn alone(folder: &Path, within: Option<&str>) -> Result<Report, Error> {
    within.map_or(Ok(()), must_be_read)?;
    let (disk, tree) = disk::objects(folder, ObjectFormat::Sha1, is_managed)?;
    let records = Records::new(&disk);
    let next = Snapshot {
        records: &records,
        tree,
        top: None,
        earlier: None,
    };
    let prior = Snapshot::empty(&records);
    let differences = change::diff(&prior, &next)?;
    let resolver = Resolver {
        prior,
        next,
        folder: "",
        before: None,
        after: None,
    };
    let findings = rules::state_findings(&next, &differences)?;
    let mut report = Report {
        findings: findings
            .into_iter()
            .map(|finding| resolver.resolve(finding))
            .collect(),
        ..Report::default()
    };
    report.notes.push(Note {
        message:
            "files were read without their history (--no-history): no change was judged, and no signature"
                .into(),
        path: None,
        commit: None,
    });
    report.checked.documents = records.documents();
    report.checked.changes = 0;
    Ok(match within {
        Some(within) => only(report, within),
        None => report,
    })
}
