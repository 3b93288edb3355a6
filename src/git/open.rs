//! Opening a repository by git's own rules.
//!
//! libgit2 decides first. Where it refuses, the git program is asked: it knows
//! more of `safe.directory` (globs, the command line's configuration), and an
//! explicit `GIT_DIR` needs no owner. A refusal of git is
//! reported in git's words, with the command that helps.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use super::{Repo, failed};
use crate::error::{Error, shell_word};

impl Repo {
    /// The repository that `directory` is in. `GIT_DIR` and its kin count, so
    /// that a server's hook sees the objects in quarantine.
    ///
    /// # Errors
    /// When there is none, or git refuses it.
    pub fn open(directory: &Path) -> Result<Repo, Error> {
        let none: [&Path; 0] = [];
        let raw = match Repository::open_ext(directory, RepositoryOpenFlags::FROM_ENV, none) {
            // Git may refuse a bare repository that nobody named
            // (`safe.bareRepository`), and sees none where HEAD can't be read.
            Ok(raw)
                if raw.find_reference("HEAD").is_err()
                    || raw.is_bare() && std::env::var_os("GIT_DIR").is_none() =>
            {
                match ask(directory, &["rev-parse", "--git-dir"]) {
                    Asked::Refused(why) => return Err(refused(directory, &why)),
                    Asked::Answered(_) | Asked::NoGit => raw,
                }
            }
            Ok(raw) => raw,
            Err(source) => reopened(directory, source)?,
        };
        Ok(Repo {
            raw,
            directory: directory.to_owned(),
            connection: RefCell::default(),
            promised: RefCell::default(),
            filters: OnceCell::new(),
        })
    }
}

/// The answer of the git program.
enum Asked {
    /// The first line of its output.
    Answered(String),
    /// Its messages: it refused.
    Refused(String),
    /// There is no git program.
    NoGit,
}

fn ask(directory: &Path, arguments: &[&str]) -> Asked {
    let mut git = Command::new("git");
    git.arg("-C").arg(directory).args(arguments);
    // Its messages are read.
    match git.env("LC_ALL", "C").env("LANGUAGE", "C").output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Asked::Answered(text.trim_end_matches('\n').to_owned())
        }
        Ok(output) => Asked::Refused(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(_) => Asked::NoGit,
    }
}

/// Opens what libgit2 refused, where git takes it all the same.
fn reopened(directory: &Path, source: git2::Error) -> Result<Repository, Error> {
    let git_dir = match ask(directory, &["rev-parse", "--absolute-git-dir"]) {
        Asked::Answered(git_dir) => PathBuf::from(git_dir),
        Asked::Refused(why) => return Err(refused(directory, &why)),
        Asked::NoGit if source.code() == ErrorCode::NotFound => return Err(nowhere(directory)),
        Asked::NoGit => return Err(unreadable(directory)(source)),
    };
    if source.code() != ErrorCode::Owner {
        return Err(unreadable(directory)(source));
    }
    let raw = Repository::open_bare(&git_dir).map_err(unreadable(directory))?;
    if let Asked::Answered(top) = ask(directory, &["rev-parse", "--show-toplevel"])
        && !top.is_empty()
    {
        raw.set_workdir(Path::new(&top), false)
            .map_err(unreadable(directory))?;
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    // The environment's objects and index, as `FROM_ENV` takes them.
    let main = variable("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
    let others = variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    for place in main.into_iter().chain(std::env::split_paths(&others)) {
        if let Some(place) = place.to_str().filter(|place| !place.is_empty()) {
            let odb = raw.odb().map_err(unreadable(directory))?;
            odb.add_disk_alternate(place).map_err(unreadable(directory))?;
        }
    }
    Ok(raw)
}

fn unreadable(directory: &Path) -> impl FnOnce(git2::Error) -> Error {
    let what = format!("can't open the repository at {}", directory.display());
    move |source| {
        let error = failed(what)(source);
        match error.to_string().contains("refstorage") {
            true => error.hint(
                "references in the reftable format can't be read yet: `git refs migrate --ref-format=files`",
            ),
            false => error,
        }
    }
}

fn nowhere(directory: &Path) -> Error {
    Error::told(format!("{} is not in a Git repository", directory.display()))
        .hint("make one with `git init`, or name another folder with `-C DIR`")
}

/// The error for what git refuses, in git's words, with what helps.
fn refused(directory: &Path, said: &str) -> Error {
    let first = said.lines().find(|line| line.starts_with("fatal:"));
    let why = first.or(said.lines().next()).unwrap_or_default();
    let why = why.trim_start_matches("fatal:").trim();
    let error = || {
        Error::told(format!(
            "git can't open the repository at {}: {why}",
            directory.display()
        ))
    };
    if !directory.exists() {
        return Error::told(format!("there is no folder `{}`", directory.display()))
            .hint("name a folder that is there: `-C DIR`");
    }
    if why.contains("dubious ownership") {
        // Git spells the folder as it must be typed.
        let mut lines = said.lines().map(str::trim);
        let exception = lines.rfind(|line| line.starts_with("git config "));
        let exception = exception.unwrap_or("git config --global --add safe.directory DIR");
        return error().hint(format!(
            "it belongs to another user. Where you trust them: `{exception}`"
        ));
    }
    if let Some(place) = why.strip_prefix("invalid gitfile format: ") {
        return error().hint(format!(
            "the file {place} must hold one line, `gitdir: FOLDER`: write where its repository is, or clone again"
        ));
    }
    if why.starts_with("not a git repository (or any") {
        return damaged(directory).unwrap_or_else(|| nowhere(directory));
    }
    if let Some(place) = why.strip_prefix("not a git repository: ") {
        let top = top_of(directory).unwrap_or_else(|| directory.to_owned());
        let top = shell_word(&top.to_string_lossy());
        if std::env::var_os("GIT_DIR").is_some() {
            return error().hint("the environment names it: `unset GIT_DIR`, or set it to a repository");
        }
        return match place.contains("/worktrees/") {
            true => error()
                .hint("it is a linked worktree, and its main repository is not there any more")
                .hint(format!(
                    "where that was moved: `git -C MAIN worktree repair {top}`, with its folder of now for MAIN"
                )),
            false => error().hint(format!(
                "write into {top}/.git where the repository is now: `gitdir: FOLDER`"
            )),
        };
    }
    if why.contains("safe.bareRepository") {
        return error().hint(
            "name the repository: `GIT_DIR=DIR modelry …`, or `git config --global safe.bareRepository all`",
        );
    }
    error().hint(format!(
        "git says the same: `git -C {} status`",
        shell_word(&directory.to_string_lossy())
    ))
}

/// The nearest folder, upwards, that has a `.git`.
fn top_of(directory: &Path) -> Option<PathBuf> {
    let whole = directory.canonicalize().ok()?;
    let top = whole
        .ancestors()
        .find(|at| at.join(".git").symlink_metadata().is_ok());
    top.map(Path::to_owned)
}

/// The error for a `.git` folder that lacks what makes it a repository; none
/// where there is no such folder.
fn damaged(directory: &Path) -> Option<Error> {
    let top = top_of(directory)?;
    let git = top.join(".git");
    let shown = shell_word(&git.to_string_lossy());
    let error = |what: &str| {
        Error::told(format!(
            "{} is damaged, so git sees no repository there: {what}",
            git.display()
        ))
    };
    if git.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) && !git.exists() {
        return Some(error("it points nowhere").hint("point it to the repository, or clone again"));
    }
    if !git.join("objects").is_dir() {
        return Some(
            error("its folder `objects` is gone, and with it all of its history").hint(
                "clone again; `git config --get remote.origin.url --file .git/config` names the address",
            ),
        );
    }
    if !git.join("refs").is_dir() {
        return Some(
            error("its folder `refs` is gone")
                .hint(format!("make it: `mkdir -p {shown}/refs/heads`"))
                .hint("then look at what is left: `git status`; branches that are not in `packed-refs` are gone"),
        );
    }
    let branch = only_branch(&git).unwrap_or_else(|| "main".to_owned());
    let line = shell_word(&format!("ref: refs/heads/{branch}"));
    let hint = format!("name the branch that was checked out: `echo {line} > {shown}/HEAD`");
    match git.join("HEAD").symlink_metadata().is_ok() {
        true => Some(error("its file `HEAD` names no branch and no commit").hint(hint)),
        false => Some(error("its file `HEAD` is gone").hint(hint)),
    }
}

/// The name of the branch, where there is a single one.
fn only_branch(git: &Path) -> Option<String> {
    let heads = git.join("refs/heads");
    let loose = walkdir::WalkDir::new(&heads).into_iter().flatten();
    let loose = loose.filter(|entry| entry.file_type().is_file());
    let mut names: Vec<String> = loose
        .filter_map(|entry| Some(entry.path().strip_prefix(&heads).ok()?.to_str()?.to_owned()))
        .collect();
    let packed = std::fs::read_to_string(git.join("packed-refs")).unwrap_or_default();
    let packed = packed.lines().filter_map(|line| line.split_once(" refs/heads/"));
    names.extend(packed.map(|(_, name)| name.to_owned()));
    names.sort();
    names.dedup();
    match &names[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}
