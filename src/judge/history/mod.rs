//! The mainline: the chain of first parents from the root, each commit judged
//! against its predecessor by the policy in force before it.

mod acknowledged;
mod arrival;
mod crossings;
mod dates;
mod effort;
mod graph;
mod in_force;
mod landed;
mod landing;
mod onto;
mod past;
mod paths;
mod prefetch;
mod protected;
mod provenance;
mod registered;
mod replay;
mod revocation;
mod three_way;
mod trace;
mod undone;

pub use acknowledged::{Acknowledged, Reaffirmed};
pub use arrival::{Arrival, Stopped, scope_of};
pub use dates::{Dated, Dates, claimed, claims, moment};
pub use graph::Graph;
pub use in_force::policy_in_force;
#[cfg(feature = "testing")]
pub use landing::Planner;
pub use onto::{Onto, onto, outlook};
pub use past::Past;
pub use prefetch::{Prefetch, PrefetchGuard};
pub use protected::{add_protected, protected_changes};
pub use registered::registered;
pub use replay::{Faulty, JudgedStep, Replay};

use std::collections::HashSet;

use crate::base::{Error, ObjectKind, Oid, shell_word};
use crate::judge::rules;
use crate::object::{self, Commit, Objects, SignatureKind};
use crate::record::kind::REGISTRY_FILE;
use crate::record::snapshot::{Records, Snapshot, registries};
use crate::signature::{self, PublicKey, SignatureFault};
use crate::trust::{Policy, Verdict};

/// The namespace of Git's own SSH signatures.
pub const COMMIT_NAMESPACE: &str = "git";

/// Reads a commit.
pub fn read_commit(objects: &dyn Objects, id: Oid) -> Result<Commit, Error> {
    Commit::parse(id, &objects.read(id, ObjectKind::Commit)?)
}

/// Returns the first-parent chain from `tip` back to `from`, oldest first, without
/// `from`; to the first commit when `from` is `None`.
///
/// # Errors
/// [`Error::Message`] when `from` is not on the chain.
pub fn chain(objects: &dyn Objects, from: Option<Oid>, tip: Oid) -> Result<Vec<Commit>, Error> {
    if let Some(from) = from {
        return chain_if(objects, from, tip)?.ok_or_else(|| {
            Error::msg(format!(
                "commit {} is not among the first parents of {}",
                from.short(),
                tip.short()
            ))
            .hint("name a commit of the same mainline; `git log --first-parent` lists them")
        });
    }
    let mut commits = Vec::new();
    let mut at = Some(tip);
    while let Some(id) = at {
        let commit = read_commit(objects, id)?;
        at = commit.parents.first().copied();
        commits.push(commit);
    }
    commits.reverse();
    Ok(commits)
}

/// Returns the first parents from `tip` back to `from`, oldest first, without `from`, or
/// `None` when `from` is not one of them.
pub fn chain_if(objects: &dyn Objects, from: Oid, tip: Oid) -> Result<Option<Vec<Commit>>, Error> {
    let mut commits = Vec::new();
    let mut at = tip;
    while at != from {
        let commit = read_commit(objects, at)?;
        let Some(parent) = commit.parents.first().copied() else {
            return Ok(None);
        };
        commits.push(commit);
        at = parent;
    }
    commits.reverse();
    Ok(Some(commits))
}

/// Whether `tip` descends from `known`, through any parents.
pub fn reaches(objects: &dyn Objects, tip: Oid, known: Oid) -> Result<bool, Error> {
    let mut seen = HashSet::new();
    let mut open = vec![tip];
    while let Some(id) = open.pop() {
        if id == known {
            return Ok(true);
        }
        if seen.insert(id) {
            open.extend(read_commit(objects, id)?.parents);
        }
    }
    Ok(false)
}

/// Returns the signer of a commit, under one policy.
pub fn verdict(policy: &Policy, commit: &Commit) -> Verdict {
    verdict_given(policy, commit, || None)
}

/// As [`verdict`]; `known` may know who made an SSH signature.
fn verdict_given(
    policy: &Policy,
    commit: &Commit,
    known: impl FnOnce() -> Option<Result<PublicKey, SignatureFault>>,
) -> Verdict {
    if !commit.is_strict() {
        return Verdict::NotStrict(commit.faults.clone());
    }
    match &commit.signature {
        None => Verdict::Unsigned,
        Some(signature) => match signature.kind {
            SignatureKind::Unknown => Verdict::Bad("no known kind of signature".into()),
            SignatureKind::Ssh => {
                let work_out = || signature::verify(&signature.armor, COMMIT_NAMESPACE, &commit.payload);
                Verdict::of_ssh(policy, known().unwrap_or_else(work_out))
            }
            _ => Verdict::of_signature(policy, &signature.armor, COMMIT_NAMESPACE, &commit.payload),
        },
    }
}

/// Reads the policy at one tree.
///
/// # Errors
/// There is none, or it can't be read.
pub fn policy_at(snapshot: &Snapshot<'_>, place: &str) -> Result<Policy, Error> {
    let Some(loaded) = snapshot.registry()? else {
        return Err(Error::msg(format!("there is no `registry.yaml` at {place}"))
            .hint("make a registry with `modelry init`, or name its folder with `--path`"));
    };
    let faults = rules::document_findings(REGISTRY_FILE, &loaded);
    Policy::new(loaded).ok_or_else(|| {
        let first = faults
            .first()
            .map_or_else(String::new, |finding| format!(": {}", finding.message));
        Error::msg(format!("the policy at {place} can't be read{first}"))
            .hint("nothing can be judged without it: restore `registry.yaml`")
    })
}

/// Finds the root of the registry on the chain that ends at `tip`: the earliest of the
/// unbroken run of commits that hold `registry.yaml`.
///
/// # Errors
/// There is no registry at the tip.
pub fn find_root(objects: &dyn Objects, folder: &str, tip: Oid) -> Result<Oid, Error> {
    let path = match folder {
        "" => REGISTRY_FILE.to_owned(),
        folder => format!("{folder}/registry.yaml"),
    };
    let mut root = None;
    let mut at = Some(tip);
    while let Some(id) = at {
        let commit = read_commit(objects, id)?;
        if object::lookup(objects, commit.tree, &path)?.is_some() {
            root = Some(id);
        }
        at = commit.parents.first().copied();
    }
    let Some(root) = root else {
        let error = Error::msg(format!("there is no `{path}` in the history of {}", tip.short()));
        let elsewhere = elsewhere(objects, read_commit(objects, tip)?.tree)?;
        return Err(error.hint(elsewhere.unwrap_or_else(|| {
            "make a registry with `modelry init`, or name its folder with `--path`".to_owned()
        })));
    };
    match moved_by(objects, folder, root)? {
        Some(moved) => Err(moved),
        None => Ok(root),
    }
}

/// Returns the hint that names the folders of the tree's registries, or `None` where it has
/// none.
pub fn elsewhere(objects: &dyn Objects, tree: Oid) -> Result<Option<String>, Error> {
    /// The most folders that are named.
    const NAMED: usize = 10;
    let folders = registries(objects, tree)?;
    let shown: Vec<String> = folders
        .iter()
        .take(NAMED)
        .map(|folder| match folder.as_str() {
            "" => "`--path .`".to_owned(),
            folder => format!("`--path {}`", shell_word(folder)),
        })
        .collect();
    let shown = shown.join(", ");
    Ok(match (folders.len(), folders.len().saturating_sub(NAMED)) {
        (0, _) => None,
        (_, 0) => Some(format!("it has one elsewhere: {shown}")),
        (_, more) => Some(format!("it has others: {shown}, and {more} more")),
    })
}

/// Returns the error for a registry that this commit moved to this folder, or `None` where
/// it made another one there.
fn moved_by(objects: &dyn Objects, folder: &str, commit: Oid) -> Result<Option<Error>, Error> {
    let commit = read_commit(objects, commit)?;
    let Some(parent) = commit.parents.first() else {
        return Ok(None);
    };
    let before = match read_commit(objects, *parent) {
        Ok(parent) => parent.tree,
        // A shallow clone ends here.
        Err(Error::MissingObject { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let records = Records::new(objects);
    let id = |tree, folder: &str| -> Result<Option<String>, Error> {
        let file = Snapshot::at(&records, tree, folder)?.registry()?;
        Ok(file.and_then(|file| Some(file.registry()?.id.to_string())))
    };
    let Some(here) = id(commit.tree, folder)? else {
        return Ok(None);
    };
    for from in registries(objects, before)? {
        if from == folder || id(before, &from)?.as_ref() != Some(&here) || id(commit.tree, &from)?.is_some() {
            continue;
        }
        let name = |folder: &str| match folder {
            "" => "the repository's top".to_owned(),
            folder => format!("`{folder}`"),
        };
        let parent = if commit.parents.len() > 1 { "-m 1 " } else { "" };
        return Ok(Some(
            Error::msg(format!(
                "the registry is moved from {} to {}, and a registry can't be moved",
                name(&from),
                name(folder)
            ))
            .hint(format!(
                "put it back: `git revert -S --no-edit {parent}{}`",
                commit.id
            )),
        ));
    }
    Ok(None)
}
