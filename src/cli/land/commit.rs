//! Signs a change that was agreed to, and commits it. No reference leads to the
//! commit yet.

use std::collections::BTreeMap;

use super::Target;
use super::attempt::{Attempt, Base};
use super::preview::Proposal;
use crate::act;
use crate::base::{Error, Oid};
use crate::git::Following;
use crate::git::sign::Signer;
use crate::judge::history;
use crate::object::{self, Overlay};
use crate::record::subject::RECORD_NAMESPACE;
use crate::workspace::prove::Point;

/// A change that is stored as a commit.
pub(super) struct Signed {
    pub made: Proposal,
    pub commit: Oid,
    pub base: Oid,
    /// The changed files, by their path from the repository's top: the new content,
    /// or `None` for a removed file.
    pub edits: BTreeMap<String, Option<Vec<u8>>>,
    /// How the work tree follows, if there is one.
    pub following: Option<Following>,
    /// The proof of the base, to be stored when the mainline reaches the commit.
    pub point: Option<Point>,
}

impl Signed {
    /// Returns the entry for the log of a reference.
    pub fn log(&self) -> String {
        format!(
            "modelry: {}",
            self.made.message.lines().next().unwrap_or_default()
        )
    }
}

/// Signs the records and the commit, and stores them.
///
/// # Errors
/// A signature can't be made or is not the author's, or these files have uncommitted
/// changes.
pub(super) fn commit(
    attempt: &Attempt<'_>,
    base: &Base<'_>,
    target: &Target,
    mut made: Proposal,
    point: Option<Point>,
) -> Result<Signed, Error> {
    let Attempt { workspace, args, .. } = *attempt;
    let repo = &workspace.repo;
    let from_top = |edits: &BTreeMap<String, Option<Vec<u8>>>| -> BTreeMap<String, Option<Vec<u8>>> {
        edits
            .iter()
            .map(|(path, content)| (workspace.from_top(path), content.clone()))
            .collect()
    };
    let following = match target.follows {
        true => Some(repo.check_clean(&from_top(&made.edits))?),
        false => None,
    };
    let signer = |bytes: &[u8]| base.me.signer.sign(RECORD_NAMESPACE, bytes);
    for path in &made.to_sign {
        if let Some(Some(text)) = made.edits.get_mut(&path.to_string()) {
            *text = act::sign(&base.policy, &base.actor, path, text, &signer)?;
        }
    }
    let edits = from_top(&made.edits);
    let overlay = Overlay::new(base.objects);
    let tree = history::read_commit(&overlay, target.base)?.tree;
    let top =
        object::edit(&overlay, Some(tree), &edits)?.ok_or_else(|| Error::msg("nothing would be left"))?;
    let buffer = repo.commit_buffer(top, &[target.base], &made.message)?;
    let signature = match args.no_commit_signature {
        true => None,
        false => Some(base.me.sign_commit(&base.policy, &base.actor, &buffer)?),
    };
    let objects = overlay.new.reachable(top);
    let mut ids: Vec<Oid> = objects.iter().map(|(id, ..)| *id).collect();
    repo.write_objects(objects.into_iter())?;
    let commit = repo.store_commit(&buffer, signature.as_deref())?;
    ids.push(commit);
    repo.sync_objects(&ids)?;
    Ok(Signed {
        made,
        commit,
        base: target.base,
        edits,
        following,
        point,
    })
}
