//! The uncommitted state: the work tree as `git add --all` would store it, with git's
//! attributes, filters, modes, ignore rules and index flags.

use std::collections::BTreeMap;
use std::path::Path;

use super::program::{Filter, Program, listed};
use super::{Repo, failed, oid};
use crate::base::{Error, ObjectKind, Oid, shell_word};
use crate::git::disk;
use crate::object::{self, Mode, Overlay};

/// The uncommitted state of a work tree.
#[derive(Debug)]
pub struct Uncommitted {
    /// The tree of a commit of everything, or `None` when it would be empty.
    pub tree: Option<Oid>,
    /// Notes on the programs that were not run.
    pub notes: Vec<String>,
}

/// Whether `git status` lists untracked files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untracked {
    All,
    No,
}

/// One line of `git status`.
pub(super) struct Line {
    pub path: Vec<u8>,
    /// Whether the work tree differs from the index, or the file is untracked.
    pub in_work_tree: bool,
    /// Whether it is an untracked repository inside this one.
    pub is_repository: bool,
}

impl Repo {
    /// Whether the work tree and the index hold the file at this path (from the top) as
    /// HEAD's `tree` does, in the bytes that git stores. Holds in a bare repository.
    ///
    /// # Errors
    /// Git fails, or would have to run a program.
    pub fn is_committed(&self, overlay: &Overlay<'_>, tree: Option<Oid>, path: &str) -> Result<bool, Error> {
        let Some(git) = self.program()? else {
            return Ok(true);
        };
        let within = [path.to_owned()];
        if let Some(tree) = tree
            && !git.staged_since(&tree.to_string(), &within)?.is_empty()
        {
            return Ok(false);
        }
        let stored = self.uncommitted(overlay, tree, &within, &|it| it == path)?;
        let id = |tree: Option<Oid>| -> Result<Option<Oid>, Error> {
            let Some(tree) = tree else { return Ok(None) };
            Ok(object::lookup(overlay, tree, path)?.map(|entry| entry.id))
        };
        Ok(id(stored.tree)? == id(tree)?)
    }

    /// Returns the tree that HEAD's `tree` becomes when everything that `git status`
    /// shows is committed, for the `wanted` paths (from the top). New objects go into
    /// the overlay, and nothing is written. `within` names the folders and files to
    /// look at; empty means all.
    ///
    /// # Errors
    /// Git fails, or would have to run a program.
    pub fn uncommitted(
        &self,
        overlay: &Overlay<'_>,
        tree: Option<Oid>,
        within: &[String],
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Uncommitted, Error> {
        let none = Uncommitted {
            tree,
            notes: Vec::new(),
        };
        let Some(git) = self.program()? else {
            return Ok(none);
        };
        // Files that the user hides from git's status do not count as changes.
        let shows = self
            .settings()
            .get("status.showUntrackedFiles")
            .map(str::to_ascii_lowercase);
        let untracked = match shows.as_deref() {
            Some("no" | "false" | "off" | "0") => Untracked::No,
            _ => Untracked::All,
        };
        let mut lines = git.status(within, untracked)?;
        lines.retain(|line| wanted(&String::from_utf8_lossy(&line.path)));
        let mut notes = git.read_again(within, wanted, &lines)?;
        if lines.is_empty() {
            return Ok(Uncommitted { tree, notes });
        }
        for line in lines.iter().filter(|line| line.is_repository) {
            let path = String::from_utf8_lossy(&line.path);
            let inner = git2::Repository::open(git.in_work_tree(&*path));
            if !inner.is_ok_and(|inner| inner.head().is_ok()) {
                return Err(Error::msg(format!(
                    "`{path}` is a Git repository of its own without a commit, so git can't store it here"
                ))
                .hint("move it out of the registry's folders, or remove it"));
            }
        }
        let mut changed: Vec<&[u8]> = lines
            .iter()
            .filter(|line| line.in_work_tree)
            .map(|line| line.path.as_slice())
            .collect();
        for (path, filter) in git.filtered(&changed)? {
            let shown = String::from_utf8_lossy(&path).into_owned();
            let Filter { name, program } = &filter;
            if !git.is_as_indexed(&path)? {
                return Err(not_run(&shown, &filter));
            }
            changed.retain(|it| *it != path);
            notes.push(format!(
                "`{shown}` has the attribute `filter={name}`, and `{program}` was not run: the file is as git last read it"
            ));
        }
        let folder = tempfile::tempdir().map_err(disk::io("create", &std::env::temp_dir()))?;
        let git = git.apart(folder.path())?;
        if !changed.is_empty() {
            git.run(
                &["update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
                &listed(&changed),
            )?;
        }
        let before = tree
            .unwrap_or_else(|| Oid::hash(self.format(), ObjectKind::Tree, b""))
            .to_string();
        let mut edits = git.staged_since(&before, within)?;
        edits.retain(|path, _| wanted(&String::from_utf8_lossy(path)));
        self.take_blobs(&folder.path().join("objects"), overlay, &edits)?;
        Ok(Uncommitted {
            tree: object::place(overlay, tree, &edits)?,
            notes,
        })
    }

    /// Copies the blobs that git wrote from `folder` into the overlay.
    fn take_blobs(&self, folder: &Path, overlay: &Overlay<'_>, edits: &Edits) -> Result<(), Error> {
        let apart = git2::Odb::new_ext(match self.format() {
            crate::base::ObjectFormat::Sha1 => git2::ObjectFormat::Sha1,
            crate::base::ObjectFormat::Sha256 => git2::ObjectFormat::Sha256,
        });
        let apart = apart.map_err(failed("can't open an object store"))?;
        let shown = folder
            .to_str()
            .ok_or_else(|| Error::msg(format!("the name of `{}` is not UTF-8", folder.display())))?;
        apart
            .add_disk_alternate(shown)
            .map_err(failed("can't read what git wrote"))?;
        for (mode, id) in edits.values().flatten() {
            let raw = git2::Oid::from_bytes(id.as_bytes()).map_err(failed("no id"))?;
            // A blob that git had already is in the repository; a submodule's commit
            // is elsewhere.
            if *mode == Mode::Gitlink || !apart.exists(raw) {
                continue;
            }
            let object = apart.read(raw).map_err(failed("can't read what git wrote"))?;
            debug_assert_eq!(oid(raw), *id);
            overlay.new.insert(ObjectKind::Blob, object.data().to_vec());
        }
        Ok(())
    }
}

/// Returns the error for a file whose filter program was not run.
fn not_run(path: &str, filter: &Filter) -> Error {
    let Filter { name, program } = filter;
    Error::msg(format!(
        "what git would store of `{path}` is not known: it has the attribute `filter={name}`, whose program `{program}` Modelry does not run"
    ))
    .hint(format!(
        "let git run it, and what is staged is judged: `git add {}`",
        shell_word(path)
    ))
}

/// Files that differ from a tree: their present content, or `None`.
type Edits = BTreeMap<Vec<u8>, Option<(Mode, Oid)>>;

impl Program<'_> {
    /// Returns the lines of `git status`, one for each file.
    pub fn status(&self, within: &[String], untracked: Untracked) -> Result<Vec<Line>, Error> {
        let arguments = [
            "status",
            "--porcelain=v2",
            "-z",
            match untracked {
                Untracked::All => "--untracked-files=all",
                Untracked::No => "--untracked-files=no",
            },
            "--no-renames",
            // Uncommitted files inside a submodule do not belong to this repository.
            "--ignore-submodules=dirty",
        ];
        let said = self.run_within(&arguments, within)?;
        let mut lines = Vec::new();
        for line in said.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            // A path may contain spaces; this many fields precede it.
            let before = match line[0] {
                b'1' => 8,
                b'u' => 10,
                b'?' => 1,
                _ => continue,
            };
            let Some(path) = line.splitn(before + 1, |byte| *byte == b' ').last() else {
                continue;
            };
            let is_clean = line[0] == b'1' && line.get(3) == Some(&b'.');
            // A nested repository is shown as a folder.
            let folder = path.strip_suffix(b"/");
            lines.push(Line {
                path: folder.unwrap_or(path).to_vec(),
                in_work_tree: !is_clean,
                is_repository: folder.is_some(),
            });
        }
        Ok(lines)
    }

    /// Names the filter programs that git would run on unchanged files: it reads a
    /// file again if its times differ from those in the index. The files of `lines`
    /// are handled elsewhere.
    fn read_again(
        &self,
        within: &[String],
        wanted: &dyn Fn(&str) -> bool,
        lines: &[Line],
    ) -> Result<Vec<String>, Error> {
        if !self.has_filter_programs() {
            return Ok(Vec::new());
        }
        let said = self.run_within(&["ls-files", "-z"], within)?;
        let is_other = |path: &[u8]| {
            wanted(&String::from_utf8_lossy(path)) && !lines.iter().any(|line| line.path == path)
        };
        let paths = said.split(|byte| *byte == 0);
        let paths: Vec<&[u8]> = paths.filter(|path| !path.is_empty() && is_other(path)).collect();
        let mut notes = Vec::new();
        for (path, Filter { name, program }) in self.filtered(&paths)? {
            let shown = String::from_utf8_lossy(&path).into_owned();
            let is_there = std::fs::symlink_metadata(self.in_work_tree(&*shown)).is_ok();
            if is_there && !self.is_as_indexed(&path)? {
                notes.push(format!(
                    "`{shown}` has the attribute `filter={name}`, and `{program}` was not run: the file has the bytes that git stored"
                ));
            }
        }
        Ok(notes)
    }

    /// Returns how the index differs from a tree.
    fn staged_since(&self, tree: &str, within: &[String]) -> Result<Edits, Error> {
        let arguments = [
            "diff-index",
            "--cached",
            "--raw",
            "-z",
            "--no-renames",
            "--no-abbrev",
            tree,
        ];
        let said = self.run_within(&arguments, within)?;
        let mut words = said.split(|byte| *byte == 0);
        let mut edits = Edits::new();
        while let (Some(entry), Some(path)) = (words.next(), words.next()) {
            let entry = String::from_utf8_lossy(entry);
            // `:100644 100755 OLD NEW M`
            let mut fields = entry.split(' ').skip(1);
            let (mode, _, id) = (fields.next(), fields.next(), fields.next());
            let unreadable = || Error::msg(format!("git diff-index said `{entry}`"));
            let mode = mode.and_then(|mode| u32::from_str_radix(mode, 8).ok());
            let mode = mode.ok_or_else(unreadable)?;
            let id = id.and_then(Oid::from_hex).ok_or_else(unreadable)?;
            edits.insert(path.to_vec(), (mode != 0).then_some((Mode::from_bits(mode), id)));
        }
        Ok(edits)
    }

    /// Whether a file still has the size, times and inode that git last recorded in
    /// the index, to the nanosecond.
    pub fn is_as_indexed(&self, path: &[u8]) -> Result<bool, Error> {
        let Ok(path) = std::str::from_utf8(path) else {
            return Ok(false);
        };
        let said = self.run(&["ls-files", "--debug", "-z", "--", path], &[])?;
        let said = String::from_utf8_lossy(&said);
        let field = |name: &str| {
            let rest = said.split_once(&format!("{name}: "))?.1;
            rest.split(char::is_whitespace).next().map(str::to_owned)
        };
        let Ok(meta) = std::fs::symlink_metadata(self.in_work_tree(path)) else {
            return Ok(false);
        };
        Ok(stamps(&meta)
            .into_iter()
            .all(|(name, value)| field(name) == Some(value)))
    }
}

/// Returns the attributes of a file on disk that git's index keeps, in the words of
/// `git ls-files --debug`.
#[cfg(unix)]
fn stamps(meta: &std::fs::Metadata) -> Vec<(&'static str, String)> {
    use std::os::unix::fs::MetadataExt;
    let time = |seconds: i64, nanoseconds: i64| format!("{}:{}", seconds as u32, nanoseconds);
    vec![
        ("ctime", time(meta.ctime(), meta.ctime_nsec())),
        ("mtime", time(meta.mtime(), meta.mtime_nsec())),
        ("ino", (meta.ino() as u32).to_string()),
        ("size", (meta.size() as u32).to_string()),
    ]
}

/// Returns the attributes of a file on disk that git's index keeps; this system has
/// none to compare.
#[cfg(not(unix))]
fn stamps(_: &std::fs::Metadata) -> Vec<(&'static str, String)> {
    vec![("mtime", String::new())]
}
