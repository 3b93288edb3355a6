//! A registry whose folder was moved: its new folder, and the records that moved along.

use std::collections::BTreeSet;

use super::bounded::Explains;
use super::place::{FOLDER, FROM_TOP};
use super::scene::Step;
use crate::base::{Error, Oid, shell_word};
use crate::judge::finding::{Anchor, Finding};
use crate::object::{self, Entry};
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{ENTRIES, REGISTRY_FILE, RecordPath};
use crate::record::snapshot::{Snapshot, registries};

/// The files beside a registry's entries, which move with them.
const BESIDE: [&str; 2] = [".modelry", ".gitattributes"];

/// A registry that a step moves to another folder.
pub(super) struct Moved {
    /// The folder that it is in after the step, from the repository's top; empty for the
    /// top.
    pub(super) to: String,
    /// The names in the folder that went along.
    names: Vec<&'static str>,
    /// The records that are the same in the new folder.
    same: BTreeSet<String>,
}

impl Explains for Moved {
    fn is(&self, finding: &Finding<Anchor>) -> bool {
        finding.rule.code == "MR404"
    }

    fn explains(&self, finding: &Finding<Anchor>) -> bool {
        finding.rule.code == "MR202" && self.same.contains(&finding.primary.at.path)
    }
}

impl Moved {
    /// Returns the line that moves the registry back, typed at the repository's top: a
    /// commit is reverted, files are moved.
    pub(super) fn put_back(&self, step: &Step<'_>) -> String {
        if let Some(line) = reverted(step, |change| change.path == REGISTRY_FILE) {
            return format!("put it back: {line}");
        }
        let here = |name: &&str| match self.to.as_str() {
            "" => (*name).to_owned(),
            to => shell_word(&format!("{to}/{name}")),
        };
        let names: Vec<String> = self.names.iter().map(here).collect();
        let own: Vec<String> = self
            .names
            .iter()
            .map(|name| format!("{FROM_TOP}{name}"))
            .collect();
        // The index forgets the move too, if it was staged.
        format!(
            "put it back: `mkdir -p {FOLDER} && mv {there} {FOLDER} && git reset -q -- {there} {}`",
            own.join(" "),
            there = names.join(" ")
        )
    }
}

/// Returns the line that reverts the commit of a change, or `None` if the change is not
/// committed yet.
pub(super) fn reverted(step: &Step<'_>, makes: impl Fn(&Change) -> bool) -> Option<String> {
    let index = step.changes().iter().position(makes)?;
    let commit = step.carriers.of(index).commit?;
    let is_merge = step.beside.is_some() && Some(commit) == step.carriers.own.commit;
    let parent = if is_merge { "-m 1 " } else { "" };
    Some(format!("`git revert -S --no-edit {parent}{commit}`"))
}

/// The entry of a name in a folder of a tree.
fn entry(snapshot: &Snapshot<'_>, tree: Option<Oid>, path: &str) -> Result<Option<Entry>, Error> {
    match tree {
        Some(tree) => object::lookup(snapshot.records.objects(), tree, path),
        None => Ok(None),
    }
}

fn below(folder: &str, path: &str) -> String {
    match folder {
        "" => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// Returns the folder that the step moves the registry to: one that had no registry
/// before and has the one that is gone. Returns `None` if the step keeps or removes the
/// registry.
pub(super) fn moved(step: &Step<'_>) -> Result<Option<Moved>, Error> {
    let is_gone =
        |change: &Change| change.kind == ChangeKind::Removed && change.record == Some(RecordPath::Registry);
    let (Some(policy), Some(top), true) = (
        step.policy,
        step.next.top,
        step.changes().iter().any(is_gone) && step.next.registry()?.is_none(),
    ) else {
        return Ok(None);
    };
    let records = step.next.records;
    for to in registries(records.objects(), top)? {
        let there = Snapshot::at(records, top, &to)?;
        let is_it = there
            .registry()?
            .and_then(|loaded| {
                loaded
                    .registry()
                    .map(|registry| registry.id.as_str() == policy.id())
            })
            .unwrap_or(false);
        if !is_it || entry(&step.prior, step.prior.top, &below(&to, REGISTRY_FILE))?.is_some() {
            continue;
        }
        let mut names = Vec::new();
        for name in ENTRIES.into_iter().chain(BESIDE) {
            let was_here = entry(&step.prior, step.prior.tree, name)?.is_some();
            let is_here = entry(&step.next, step.next.tree, name)?.is_some();
            let was_there = entry(&step.prior, step.prior.top, &below(&to, name))?.is_some();
            let is_there = entry(&step.next, Some(top), &below(&to, name))?.is_some();
            if was_here && !is_here && is_there && !was_there {
                names.push(name);
            }
        }
        let mut same = BTreeSet::new();
        for change in step.changes() {
            let (ChangeKind::Removed, Some(before)) = (&change.kind, &change.before) else {
                continue;
            };
            let is = entry(&step.next, there.tree, &change.path)?;
            if is.is_some_and(|is| is.id == before.id) {
                same.insert(change.path.clone());
            }
        }
        return Ok(Some(Moved { to, names, same }));
    }
    Ok(None)
}
