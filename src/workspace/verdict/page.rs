//! Writes the summary for people: of steps, or of a branch as it would land.

use crate::base::{Error, Oid};
use crate::judge::finding::Report;
use crate::judge::history::{self, Onto, Past};
use crate::object::{Objects, Overlay};
use crate::record::change::{self, Change};
use crate::record::snapshot::{Records, Snapshot};
use crate::report::summary::{self, Ask, Summary};
use crate::report::{self, Page};
use crate::trust::Policy;
use crate::workspace::Workspace;

/// The two ends of a change: the trees that are compared, and the commits whose
/// history is read.
struct Ends {
    before: Option<Oid>,
    after: Oid,
    from: Option<Oid>,
    to: Oid,
}

/// Summarises the steps after `from`, or from the root, up to `to`.
pub(super) fn of_steps(
    records: &Records<'_>,
    workspace: &Workspace,
    from: Option<Oid>,
    to: Oid,
    report: &Report,
) -> Result<String, Error> {
    let objects = records.objects();
    let folder = &workspace.folder;
    let tree = |commit| history::read_commit(objects, commit).map(|commit| commit.tree);
    let ends = Ends {
        before: from.map(tree).transpose()?,
        after: tree(to)?,
        from,
        to,
    };
    let (prior, next) = snapshots(records, folder, &ends)?;
    let policy = prior.registry()?.and_then(Policy::new);
    let past = Past::new(objects, folder, from);
    let changes = change::diff(&prior.seeing(&past), &next)?.changes;
    let summary = summarised(records, folder, policy.as_ref(), &ends, changes)?;
    let first = from.map_or_else(|| "the root".to_owned(), |from| from.short().to_string());
    Ok(report::summary_markdown(&Page {
        summary: &summary,
        report: Some(report),
        folder,
        range: (&first, &to.short().to_string()),
        caution: None,
    }))
}

/// Summarises a branch, for the person who must decide.
pub(super) fn of_landing(objects: &dyn Objects, ask: &Onto<'_>, report: &Report) -> Result<String, Error> {
    let (summary, caution) = meaning(objects, ask)?;
    let (from, to) = (ask.base.short().to_string(), ask.tip.short().to_string());
    Ok(report::summary_markdown(&Page {
        summary: &summary,
        report: Some(report),
        folder: ask.folder,
        range: (&from, &to),
        caution: caution.as_deref(),
    }))
}

/// Summarises a branch as it would land, with a caution where it is in conflict.
pub fn meaning(objects: &dyn Objects, ask: &Onto<'_>) -> Result<(Summary, Option<String>), Error> {
    let overlay = Overlay::new(objects);
    let records = Records::new(&overlay);
    let outlook = history::outlook(&overlay, ask)?;
    let ends = Ends {
        before: Some(outlook.before),
        after: outlook.after,
        from: Some(ask.base),
        to: ask.tip,
    };
    let (prior, next) = snapshots(&records, ask.folder, &ends)?;
    let changes = change::diff(&prior, &next)?.changes;
    let summary = summarised(&records, ask.folder, Some(ask.policy), &ends, changes)?;
    let caution = outlook.in_conflict.then(|| {
        format!(
            "The branch is in conflict with {}: this tells what it changes by itself.",
            ask.base.short()
        )
    });
    Ok((summary, caution))
}

/// Returns the registry at both ends.
fn snapshots<'r>(
    records: &'r Records<'r>,
    folder: &str,
    ends: &Ends,
) -> Result<(Snapshot<'r>, Snapshot<'r>), Error> {
    let prior = match ends.before {
        Some(tree) => Snapshot::at(records, tree, folder)?,
        None => Snapshot::empty(records),
    };
    Ok((prior, Snapshot::at(records, ends.after, folder)?))
}

/// Summarises the changes, with those of the files that the policy protects.
fn summarised<'r>(
    records: &'r Records<'r>,
    folder: &str,
    policy: Option<&Policy>,
    ends: &Ends,
    mut changes: Vec<Change>,
) -> Result<Summary, Error> {
    let objects = records.objects();
    let (prior, next) = snapshots(records, folder, ends)?;
    if let Some(policy) = policy {
        let trees = (ends.before, Some(ends.after));
        changes.extend(history::protected_changes(objects, policy, folder, trees)?);
    }
    let past = Past::new(objects, folder, ends.from);
    let proposed = Past::new(objects, folder, Some(ends.to));
    summary::summarise(&Ask {
        policy,
        prior,
        next,
        changes: &changes,
        outside: &past,
        proposed: &proposed,
    })
}
