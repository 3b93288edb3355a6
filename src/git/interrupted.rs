//! Recovers from a killed command. If the branch had moved, the index is brought up
//! to date; if not, the files are restored. Files that somebody has changed since
//! stay as they are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Repo;
use super::moving::{Journal, Places, Way, put_in_place};
use super::program::{Program, listed};
use crate::base::{Error, FullRef, Oid};
use crate::git::disk::{self, io};

/// Whether a command was killed in the work tree around this directory, as far as the
/// disk shows.
pub fn is_interrupted(directory: &Path) -> bool {
    let journal = |git: &Path| git.join("modelry/moving/journal.json").exists();
    if let Some(git) = std::env::var_os("GIT_DIR").filter(|path| !path.is_empty()) {
        return journal(&directory.join(git));
    }
    if journal(directory) {
        return true;
    }
    let Ok(directory) = directory.canonicalize() else {
        return false;
    };
    let found = directory.ancestors().map(|folder| folder.join(".git"));
    let Some(found) = found.into_iter().find(|path| path.exists()) else {
        return false;
    };
    match std::fs::read_to_string(&found) {
        // A linked worktree has a file that names its git directory.
        Ok(text) => match text.trim().strip_prefix("gitdir: ") {
            Some(git) => journal(&found.parent().unwrap_or(Path::new(".")).join(git)),
            None => false,
        },
        Err(_) => journal(&found),
    }
}

impl Repo {
    /// Completes or undoes what a killed command began in this work tree. Returns
    /// messages about what was done.
    ///
    /// # Errors
    /// The recovery fails; nothing is lost.
    pub fn settle_interrupted(&self) -> Result<Vec<String>, Error> {
        let places = self.places();
        match disk::try_lock(&places.guard)? {
            Some(_guard) => settle(self, &places),
            // Another command is still running.
            None => Ok(Vec::new()),
        }
    }
}

/// Does the work of [`Repo::settle_interrupted`]; the caller holds the guard.
pub(super) fn settle(repo: &Repo, places: &Places) -> Result<Vec<String>, Error> {
    // A journal that another user wrote is ignored.
    let Some(journal) = places.read() else {
        return Ok(Vec::new());
    };
    let Some(full) = FullRef::new(&journal.branch) else {
        return Ok(Vec::new());
    };
    let branch = full.short();
    let short: String = journal.new.chars().take(10).collect();
    // A git process of the killed command may still be writing.
    let mut writing = places.index.clone().into_os_string();
    writing.push(".lock");
    wait_for(Path::new(&writing));
    let _ = std::fs::remove_file(&writing);
    unlock_references(repo, &journal);
    let tip = repo.reference(&full)?.map(|id| id.to_string());
    if tip.as_deref() == Some(&journal.new) && journal.ready {
        put_in_place(repo, places)?;
        return Ok(vec![format!(
            "a command was ended after `{branch}` moved to {short}: the index follows now"
        )]);
    }
    if journal.way == Way::Forward {
        return go_forward(repo, places, &journal, &full).map(|()| {
            vec![format!(
                "a command was ended while `{branch}` followed the remote to {short}: it is there now"
            )]
        });
    }
    if journal.way == Way::Branch {
        let_go(places, &journal)?;
        let notes = match tip == journal.old {
            true => vec![format!(
                "a command was ended before `{branch}` moved to {short}: run it again"
            )],
            false => Vec::new(),
        };
        return Ok(notes);
    }
    if tip == journal.old {
        let mut notes = vec![format!(
            "a command was ended before `{branch}` moved to {short}: its files are taken back; run it again"
        )];
        notes.extend(take_back(repo, places, &journal)?);
        return Ok(notes);
    }
    let_go(places, &journal)?;
    Ok(vec![format!(
        "a command was ended while it moved `{branch}` to {short}, and the branch moved on since: look at `git status`"
    )])
}

/// Restores the files that were written in part, and then lets git move the branch
/// forward once more.
fn go_forward(repo: &Repo, places: &Places, journal: &Journal, branch: &FullRef) -> Result<(), Error> {
    wait_for(&places.index_lock);
    let _ = std::fs::remove_file(&places.index_lock);
    let new = Oid::from_hex(&journal.new).ok_or_else(|| Error::msg("the journal names no commit"))?;
    if repo.reference(branch)? != Some(new) {
        if let Some(git) = repo.program()? {
            restore(&git, journal)?;
        }
        repo.merge_forward(new)?;
    }
    places.forget()
}

/// Restores the files of a move whose branch has not moved. Returns the files that
/// stay, since somebody has changed them.
pub(super) fn take_back(repo: &Repo, places: &Places, journal: &Journal) -> Result<Vec<String>, Error> {
    let Some(git) = repo.program()? else {
        let_go(places, journal)?;
        return Ok(Vec::new());
    };
    if journal.ready && places.index.exists() {
        let scratch = git.on_as_it_is(&places.index);
        let back = ["read-tree", "-m", "-u", &journal.to, &journal.from];
        if scratch.run(&back, &[]).is_ok() {
            let_go(places, journal)?;
            return Ok(Vec::new());
        }
    }
    release(&places.index_lock, &journal.mark);
    let notes = restore(&git, journal)?;
    let_go(places, journal)?;
    Ok(notes)
}

/// Restores from the index the files that the move wrote, whole or in part. Returns
/// the files that stay, since somebody has changed them.
fn restore(git: &Program<'_>, journal: &Journal) -> Result<Vec<String>, Error> {
    let (mut restored, mut notes) = (Vec::new(), Vec::new());
    let indexed = git.run(&["ls-files", "-s", "-z"], &[])?;
    let indexed = String::from_utf8_lossy(&indexed);
    // `100644 ID 0<tab>PATH`
    let indexed: HashMap<&str, &str> = indexed
        .split('\0')
        .filter_map(|line| {
            let (entry, path) = line.split_once('\t')?;
            Some((path, entry.split(' ').nth(1)?))
        })
        .collect();
    for file in changed_files(git, journal)? {
        if indexed.get(file.path.as_str()).copied() != file.old.as_deref() {
            continue;
        }
        let at = git.in_work_tree(&file.path);
        match file.is_of_the_move(git, &at)? {
            Some(true) if file.old.is_some() => restored.push(file.path.clone()),
            Some(true) => remove(git, &at)?,
            Some(false) => {}
            None => notes.push(format!(
                "`{}` has other content by now, and stays as it is",
                file.path
            )),
        }
    }
    let paths: Vec<&[u8]> = restored.iter().map(|path| path.as_bytes()).collect();
    if !paths.is_empty() {
        git.run(&["checkout-index", "--force", "-z", "--stdin"], &listed(&paths))?;
    }
    Ok(notes)
}

/// A file that differs between the two trees of a move.
struct Changed {
    path: String,
    old: Option<String>,
    new: Option<String>,
}

impl Changed {
    /// Whether the file on disk is missing, or is as the move wrote it, whole or in
    /// part, or `None` when it is neither that nor as it was before.
    fn is_of_the_move(&self, git: &Program<'_>, at: &Path) -> Result<Option<bool>, Error> {
        if std::fs::symlink_metadata(at).is_err() {
            return Ok(Some(self.old.is_some()));
        }
        let shown = format!("--path={}", self.path);
        let hashed = at.to_string_lossy();
        let said = git.run(&["hash-object", &shown, "--", &hashed], &[])?;
        let id = String::from_utf8_lossy(&said).trim().to_owned();
        if Some(&id) == self.old.as_ref() {
            return Ok(Some(false));
        }
        if Some(&id) == self.new.as_ref() {
            return Ok(Some(true));
        }
        let bytes = std::fs::read(at).map_err(io("read", at))?;
        for id in [&self.new, &self.old].into_iter().flatten() {
            let whole = git.run(&["cat-file", "--filters", &shown, id], &[])?;
            if whole.starts_with(&bytes) {
                return Ok(Some(true));
            }
        }
        Ok(None)
    }
}

/// Returns the files that a move changes on disk.
fn changed_files(git: &Program<'_>, journal: &Journal) -> Result<Vec<Changed>, Error> {
    let arguments = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-renames",
        "--no-abbrev",
        &journal.from,
        &journal.to,
    ];
    let said = git.run(&arguments, &[])?;
    let mut words = said.split(|byte| *byte == 0);
    let mut files = Vec::new();
    while let (Some(entry), Some(path)) = (words.next(), words.next()) {
        let entry = String::from_utf8_lossy(entry);
        // `:100644 100755 OLD NEW M`
        let fields: Vec<&str> = entry.split(' ').collect();
        let &[_, _, old, new, _] = &fields[..] else {
            continue;
        };
        let id = |text: &str| (!text.bytes().all(|byte| byte == b'0')).then(|| text.to_owned());
        let path = String::from_utf8_lossy(path).into_owned();
        if !journal.left.contains(&path) {
            files.push(Changed {
                old: id(old),
                new: id(new),
                path,
            });
        }
    }
    Ok(files)
}

/// Removes a file, and the folders that become empty.
fn remove(git: &Program<'_>, at: &Path) -> Result<(), Error> {
    std::fs::remove_file(at).map_err(io("remove", at))?;
    let mut folder = at.parent();
    while let Some(at) = folder.filter(|at| *at != git.top()) {
        if std::fs::remove_dir(at).is_err() {
            break;
        }
        folder = at.parent();
    }
    Ok(())
}

/// Removes the files and locks of a move.
fn let_go(places: &Places, journal: &Journal) -> Result<(), Error> {
    release(&places.index_lock, &journal.mark);
    let _ = std::fs::remove_file(&places.index);
    places.forget()
}

/// Removes a lock of the move itself; another process's lock stays.
fn release(lock: &Path, mark: &str) {
    match std::fs::read(lock) {
        Ok(bytes) if bytes == mark.as_bytes() => drop(std::fs::remove_file(lock)),
        // The process was killed before it wrote its mark; git would have written
        // something within that time.
        Ok(bytes) if bytes.is_empty() => {
            wait_for(lock);
            if std::fs::metadata(lock).is_ok_and(|meta| meta.len() == 0) {
                let _ = std::fs::remove_file(lock);
            }
        }
        _ => {}
    }
}

/// Removes the locks of the references that the move held when it was killed.
fn unlock_references(repo: &Repo, journal: &Journal) {
    let common = repo.common_dir();
    let mut locks: Vec<PathBuf> = Vec::new();
    for folder in [common, repo.raw.path()] {
        for name in [journal.branch.as_str(), "HEAD"] {
            locks.push(folder.join(format!("{name}.lock")));
            locks.push(folder.join("logs").join(format!("{name}.lock")));
        }
    }
    for lock in locks {
        release(&lock, &format!("{}\n", journal.new));
    }
}

/// Waits for a file that another process is about to rename or remove. Two seconds
/// after its last change the file counts as abandoned.
fn wait_for(file: &Path) {
    let age = |meta: std::fs::Metadata| SystemTime::now().duration_since(meta.modified().ok()?).ok();
    while let Ok(meta) = std::fs::symlink_metadata(file) {
        if age(meta).is_none_or(|age| age > Duration::from_secs(2)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Repo {
    /// Returns the id of the empty tree.
    pub(super) fn empty_tree(&self) -> Oid {
        Oid::hash(self.format(), crate::base::ObjectKind::Tree, b"")
    }
}
