//! `--fetch`: fetches the mainline from its remote, with all objects of the registry
//! that a partial clone lacks.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::{Wanted, Workspace, asked_mainline, known_mainline};
use crate::base::{Error, FullRef, Oid};
use crate::git::{Fetch, Head, Repo, kept_as};
use crate::judge::history;
use crate::object::{Mode, Objects, Tree};
use crate::record::kind::is_managed;

impl Workspace {
    /// Fetches the mainline from its remote, and finds the registry there. Returns it
    /// with notes on what is read.
    ///
    /// Reads the clone's own mainline if that has every commit of the remote's, else
    /// the remote-tracking branch.
    ///
    /// # Errors
    /// There is no registry, no remote, or the remote can't be reached.
    pub fn open_fetched(wanted: &Wanted) -> Result<(Workspace, Option<String>), Error> {
        let repo = Repo::open(&wanted.directory)?;
        let mainline = match known_mainline(&repo, wanted.mainline.as_deref())? {
            Some(mainline) => mainline,
            None => asked_mainline(&repo, None)?,
        };
        let Some((remote, there)) = repo.fetch_place(&mainline)? else {
            return Err(Error::msg("this clone has no remote to fetch from")
                .hint("leave `--fetch` away, or name the remote: `git remote add origin URL`"));
        };
        let kept = kept_at(&repo, &remote, &there, &mainline);
        let forced = if kept == mainline { "" } else { "+" };
        repo.carry_out(&Fetch {
            remote,
            refspecs: vec![format!("{forced}{there}:{kept}")],
            unshallow: repo.is_shallow(),
        })?;
        // Only a repository that is opened now sees the pack that was fetched.
        let repo = Repo::open(&wanted.directory)?;
        let (mainline, note) = newer(&repo, mainline, kept)?;
        repo.bring_promised()?;
        let tip = repo.reference(&mainline)?;
        if let Some(tip) = tip.filter(|_| repo.brings_promised())
            && !names_folder(wanted, &repo)?
        {
            // Without a known folder, every folder is searched.
            repo.bring_folders(history::read_commit(&repo.objects()?, tip)?.tree)?;
        }
        let mut workspace = Workspace::at(wanted, repo, mainline, tip)?;
        workspace.fetched = true;
        let mut read: Vec<Oid> = tip.into_iter().collect();
        if let Head::Branch { tip: Some(head), .. } | Head::Detached(head) = workspace.repo.head()? {
            read.push(head);
        }
        workspace.complete(&read)?;
        Ok((workspace, note))
    }

    /// Returns the full name of the remote-tracking branch of the mainline, with its
    /// commit where that is in the clone, or `None` without a remote.
    pub fn kept_mainline(&self) -> Result<Option<(FullRef, Option<Oid>)>, Error> {
        let Some((remote, there)) = self.repo.fetch_place(&self.mainline)? else {
            return Ok(None);
        };
        let kept = kept_at(&self.repo, &remote, &there, &self.mainline);
        let tip = self.repo.reference(&kept)?;
        Ok(Some((kept, tip)))
    }

    /// Returns the short name and the tip of the newest mainline in this clone: its own,
    /// or the remote-tracking branch if that has commits which its own lacks. A note
    /// then says so.
    ///
    /// # Errors
    /// The clone has no mainline.
    pub fn newest_mainline(&self) -> Result<(String, Oid, Option<String>), Error> {
        let tip = self.tip()?;
        let own = || (self.mainline_name().to_owned(), tip, None);
        let Ok(Some((kept, Some(there)))) = self.kept_mainline() else {
            return Ok(own());
        };
        let Ok((name, note @ Some(_))) = newer(&self.repo, self.mainline.clone(), kept) else {
            return Ok(own());
        };
        Ok((name.tracked().unwrap_or(name.as_str()).to_owned(), there, note))
    }

    /// Fetches what a partial clone lacks of the registry at these commits and in
    /// their history since the root: level by level, all missing objects of a level
    /// at once. Does nothing without `--fetch`, or in a complete clone.
    ///
    /// # Errors
    /// The remote can't be reached, or history can't be read.
    pub fn complete(&self, commits: &[Oid]) -> Result<(), Error> {
        if !self.repo.brings_promised() || commits.is_empty() {
            return Ok(());
        }
        let objects = self.repo.objects()?;
        let on_root = |root: &Oid| history::read_commit(&objects, *root).is_ok();
        let root = self.root.filter(on_root);
        let mut trees = Vec::new();
        for commit in self.repo.commits_after(root, commits)? {
            trees.push(history::read_commit(&objects, commit)?.tree);
        }
        let mut registries = self.level(&objects, trees)?;
        for name in self.folder.split('/').filter(|name| !name.is_empty()) {
            let below = registries.iter().filter_map(|tree| {
                let entry = tree.get(name).filter(|entry| entry.mode == Mode::Tree)?;
                Some(entry.id)
            });
            let below: Vec<Oid> = below.collect();
            registries = self.level(&objects, below)?;
        }
        let mut files = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut open = registries;
        let mut is_top = true;
        // Only the names of the files are judged in folders without records.
        let mut others = Vec::new();
        while !open.is_empty() {
            let mut below = Vec::new();
            for tree in &open {
                for entry in &tree.entries {
                    if is_top && !is_managed(&String::from_utf8_lossy(&entry.name)) {
                        if entry.mode == Mode::Tree && seen.insert(entry.id) {
                            others.push(entry.id);
                        }
                        continue;
                    }
                    match entry.mode {
                        Mode::Tree if seen.insert(entry.id) => below.push(entry.id),
                        Mode::Tree | Mode::Gitlink => {}
                        _ => {
                            files.insert(entry.id);
                        }
                    }
                }
            }
            is_top = false;
            open = self.level(&objects, below)?;
        }
        while !others.is_empty() {
            let folders = self.level(&objects, others)?;
            let entries = folders.iter().flat_map(|tree| &tree.entries);
            let below = entries.filter(|entry| entry.mode == Mode::Tree && seen.insert(entry.id));
            others = below.map(|entry| entry.id).collect();
        }
        self.repo.bring(files)?;
        Ok(())
    }

    /// Returns these trees, each once, after the missing ones were fetched.
    fn level(&self, objects: &dyn Objects, mut ids: Vec<Oid>) -> Result<Vec<Arc<Tree>>, Error> {
        ids.sort_unstable();
        ids.dedup();
        self.repo.bring(ids.iter().copied())?;
        ids.into_iter().map(|id| objects.tree(id)).collect()
    }
}

/// Whether the command line or a pin names the registry's folder.
fn names_folder(wanted: &Wanted, repo: &Repo) -> Result<bool, Error> {
    let pin = wanted.root.clone().or_else(|| repo.config("modelry.root"));
    let is_pinned = pin.is_some_and(|pin| pin.contains(':'));
    Ok(wanted.path.is_some() || is_pinned || repo.config("modelry.path").is_some())
}

/// Returns the remote-tracking branch of the mainline; in a bare repository, the
/// branch itself.
fn kept_at(repo: &Repo, remote: &str, there: &FullRef, mainline: &FullRef) -> FullRef {
    match there.is_branch() && (repo.workdir().is_some() || mainline.is_tracking()) {
        true => kept_as(remote, there),
        false => mainline.clone(),
    }
}

/// Returns the mainline's newest name: the clone's own, unless it lacks a commit of
/// the remote-tracking branch `kept`.
fn newer(repo: &Repo, mainline: FullRef, kept: FullRef) -> Result<(FullRef, Option<String>), Error> {
    let (own, there) = (repo.reference(&mainline)?, repo.reference(&kept)?);
    let (Some(own), Some(there)) = (own, there) else {
        return Ok(if own.is_some() {
            (mainline, None)
        } else {
            (kept, None)
        });
    };
    if own == there {
        return Ok((mainline, None));
    }
    let (ahead, behind) = repo.ahead_behind(own, there)?;
    if behind == 0 {
        return Ok((mainline, None));
    }
    let commits = match behind {
        1 => "1 commit".to_owned(),
        more => format!("{more} commits"),
    };
    let (own, there) = (mainline.shown(), kept.shown());
    let note = match ahead {
        0 => format!(
            "`{own}` lacks {commits} of `{there}`, which is read: `git pull --ff-only` brings it up to date"
        ),
        _ => format!(
            "`{own}` and `{there}` have diverged: `{there}` is read, of which `{own}` lacks {commits}"
        ),
    };
    Ok((kept, Some(note)))
}
