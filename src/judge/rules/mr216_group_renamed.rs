//! MR216 group-renamed: the folder of a group has another name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

use super::bounded::Explains;
use super::moved::reverted;
use super::place::FROM_TOP;
use super::scene::{Findings, Renamed, Step};
use super::{Check, Rule};
use crate::base::{Error, Oid, shell_word};
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::object::{self, Mode};
use crate::record::change::ChangeKind;
use crate::record::kind::{GROUPS_FOLDER, GroupName, RecordPath, group_in};
use crate::record::snapshot::Snapshot;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR216",
        name: "group-renamed",
        summary: "the folder of a group has another name",
        docs: DOCS,
    },
    check: Check::Step(check),
};

impl Renamed {
    /// The name before.
    pub(super) fn from(&self) -> &str {
        &self.from
    }

    /// The name after.
    pub(super) fn to(&self) -> &str {
        &self.to
    }
}

impl Explains for Renamed {
    fn is(&self, finding: &Finding<Anchor>) -> bool {
        std::ptr::eq(finding.rule, &raw const RULE.info) && finding.group.as_deref() == Some(&self.from)
    }

    fn explains(&self, finding: &Finding<Anchor>) -> bool {
        let path = &finding.primary.at.path;
        let mut folders = [&self.from, &self.to].into_iter();
        !std::ptr::eq(finding.rule, &raw const RULE.info)
            && folders.any(|group| {
                let inside = path.strip_prefix(&format!("{GROUPS_FOLDER}/{group}/"));
                inside.is_some_and(|inside| self.same.contains(inside))
            })
    }
}

/// The most pairs of a removed and a new group that are compared. The others are reported
/// file by file.
const MOST_PAIRS: usize = 100;

/// A group with more files is not compared either.
const MOST_FILES: u64 = 10_000;

/// Lists the groups that the step renames, which are searched once.
pub(super) fn renamed(step: &Step<'_>) -> Result<Rc<Vec<Renamed>>, Error> {
    if let Some(renamed) = step.renamed.get() {
        return Ok(renamed.clone());
    }
    let found = Rc::new(search(step)?);
    Ok(step.renamed.get_or_init(|| found).clone())
}

/// Searches the groups that the step renames: all files of a group are gone, and exist under
/// one new name. A version, or the group's own file, is the same there.
fn search(step: &Step<'_>) -> Result<Vec<Renamed>, Error> {
    let gone = |path: &str| {
        let group = group_in(path)?;
        (path == format!("{GROUPS_FOLDER}/{group}/group.yaml")).then(|| group.to_owned())
    };
    let removed = step
        .changes()
        .iter()
        .filter(|change| change.kind == ChangeKind::Removed);
    let gone: BTreeSet<String> = removed.filter_map(|change| gone(&change.path)).collect();
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let (before, after) = (folders(&step.prior)?, folders(&step.next)?);
    let mut changed = HashMap::new();
    for (index, change) in step.changes().iter().enumerate() {
        changed.entry(change.path.as_str()).or_insert(index);
    }
    let mut renamed = Vec::new();
    let mut pairs = MOST_PAIRS;
    for from in gone.into_iter().filter(|group| !after.contains_key(group)) {
        let Some(old) = before.get(&from) else { continue };
        let mut best: Option<Renamed> = None;
        for (to, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            if pairs == 0 {
                break;
            }
            pairs -= 1;
            let mut same = same_files(step, (&from, *old), (to, *new))?;
            same.retain(|path| is_moved(step, &changed, [&from, to], path));
            let is_told = |path: &String| path == "group.yaml" || path.ends_with("/version.yaml");
            let is_better = best.as_ref().is_none_or(|best| best.same.len() < same.len());
            if same.iter().any(is_told) && is_better {
                best = Some(Renamed {
                    from: from.clone(),
                    to: to.clone(),
                    same,
                });
            }
        }
        renamed.extend(best);
    }
    Ok(renamed)
}

/// Whether one commit removes the file here and adds it there. In a merge, a group that
/// one side deletes and a like one that the other side creates are two changes.
fn is_moved(step: &Step<'_>, changed: &HashMap<&str, usize>, [from, to]: [&str; 2], path: &str) -> bool {
    let commit = |group: &str| {
        let index = changed.get(format!("{GROUPS_FOLDER}/{group}/{path}").as_str())?;
        Some(step.carriers.of(*index).commit)
    };
    match (commit(from), commit(to)) {
        (Some(from), Some(to)) => from == to,
        // A change that is reported with another file's.
        _ => true,
    }
}

/// The folders of groups, well named or not, with their trees.
fn folders(snapshot: &Snapshot<'_>) -> Result<BTreeMap<String, Oid>, Error> {
    let objects = snapshot.records.objects();
    let Some(tree) = snapshot.tree else {
        return Ok(BTreeMap::new());
    };
    let groups = object::lookup(objects, tree, GROUPS_FOLDER)?.filter(|entry| entry.mode == Mode::Tree);
    let Some(groups) = groups else {
        return Ok(BTreeMap::new());
    };
    let tree = objects.tree(groups.id)?;
    let folders = tree.entries.iter().filter(|entry| entry.mode == Mode::Tree);
    Ok(folders
        .map(|entry| (String::from_utf8_lossy(&entry.name).into_owned(), entry.id))
        .collect())
}

/// Lists the files of two folders that differ only by the group's name.
fn same_files(
    step: &Step<'_>,
    (from, old): (&String, Oid),
    (to, new): (&String, Oid),
) -> Result<BTreeSet<String>, Error> {
    let objects = step.next.records.objects();
    let mut counter = object::Counter::default();
    for tree in [old, new] {
        let count = counter.count(objects, None, Some(tree))?;
        if count.more || count.plain.saturating_add(count.odd) > MOST_FILES {
            return Ok(BTreeSet::new());
        }
    }
    let listed = object::files(objects, old)?.into_iter();
    let before: BTreeMap<String, (Mode, Oid)> = listed.map(|(path, mode, id)| (path, (mode, id))).collect();
    let mut same = BTreeSet::new();
    for (path, mode, id) in object::files(objects, new)? {
        let Some(was) = before.get(&path) else { continue };
        let is_same = *was == (mode, id)
            || (was.0, mode) == (Mode::File, Mode::File)
                && names_alone(step, &path, (from, was.1), (to, id))?;
        if is_same {
            same.insert(path);
        }
    }
    Ok(same)
}

/// Whether two records differ only in the group that they name.
fn names_alone(
    step: &Step<'_>,
    path: &str,
    (from, old): (&str, Oid),
    (to, new): (&str, Oid),
) -> Result<bool, Error> {
    // A folder whose name no group may have is read under its old name.
    let place = |group: &str| RecordPath::parse(&format!("{GROUPS_FOLDER}/{group}/{path}"));
    let Some(was) = place(from) else { return Ok(false) };
    let is = place(to).unwrap_or_else(|| was.clone());
    let (old, new) = (
        step.prior.records.load(&was, old)?,
        step.next.records.load(&is, new)?,
    );
    if old.record.is_none() || new.record.is_none() {
        return Ok(false);
    }
    let key = match was {
        RecordPath::Group(_) if old.tombstone().is_none() => "name",
        _ => "group",
    };
    let without = |value: &Value| {
        let mut members = value.as_object().cloned().unwrap_or_default();
        let name = members.remove(key);
        (members, name)
    };
    let ((old, _), (new, name)) = (without(old.value()), without(new.value()));
    Ok(old == new && name.is_some_and(|name| name == from || name == to))
}

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    for Renamed { from, to, same } in renamed(step)?.iter() {
        let first = match same.contains("group.yaml") {
            true => "group.yaml",
            false => same.iter().next().map_or("group.yaml", String::as_str),
        };
        let mut finding = Finding::new(
            &RULE.info,
            Anchor::file(format!("{GROUPS_FOLDER}/{to}/{first}")),
            format!("the folder of group `{from}` is renamed to `{to}`, and groups can't be renamed"),
        )
        .label("it is here")
        .related(Anchor::before(format!("{GROUPS_FOLDER}/{from}/{first}"), ""), "it was here")
        .why(format!(
            "what people signed names `{from}`, and so does whatever deploys it"
        ))
        .help(match (reverted(step, |change| change.path == format!("{GROUPS_FOLDER}/{from}/{first}")), to.parse::<GroupName>()) {
            (Some(line), Ok(_)) => format!(
                "put it back: {line}, or, for another name, `modelry group create {to}` after that, and register there again"
            ),
            (Some(line), Err(_)) => format!("put it back under its name: {line}"),
            (None, Ok(_)) => format!(
                "put it back: `mv {FROM_TOP}{GROUPS_FOLDER}/{to} {FROM_TOP}{GROUPS_FOLDER}/{from} && git reset -q -- {FROM_TOP}{GROUPS_FOLDER}/{to} {FROM_TOP}{GROUPS_FOLDER}/{from}`, or, for another name, `modelry group create {to}` after that, and register there again"
            ),
            (None, Err(_)) => format!(
                "put it back under its name: `mv {FROM_TOP}{there} {FROM_TOP}{GROUPS_FOLDER}/{from} && git reset -q -- {FROM_TOP}{there} {FROM_TOP}{GROUPS_FOLDER}/{from}`",
                there = shell_word(&format!("{GROUPS_FOLDER}/{to}"))
            ),
        });
        finding.group = Some(from.clone());
        finding.also = Some(to.clone());
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A group keeps its name. A folder below `groups/` that got another name, with the group's files in it,
is one finding. The moved records are not reported one by one; a record that also changed is.

## Why it matters
Signatures, approvals and deployments name the group. None of them is valid under another name.

## Example
`git mv groups/fraud-detector groups/fraud`.

## How to fix
Give the folder its name back. For another name, create a group (`modelry group create NAME`) and
register the versions there again; archive the old ones.
"#;
