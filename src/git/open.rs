//! Opens a repository by git's own rules.
//!
//! The git program decides which repository a folder is in, and reports its
//! configuration. libgit2 reads the objects of that repository only. Where the two
//! see different repositories, nothing is read. A refusal of git is reported in git's
//! words, with the command that helps.
//!
//! A bare repository below a work tree is refused, regardless of
//! `safe.bareRepository`: it may consist of ordinary files that somebody pushed, and
//! its configuration would decide what is trusted. Source: `safe.bareRepository` in
//! git-config(1).

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use super::config::Settings;
use super::{Repo, command, extensions, failed};
use crate::base::{Error, FullRef, HEADS, shell_word};

impl Repo {
    /// Opens the repository around `directory`. `GIT_DIR` and related variables
    /// count, so that a server's hook sees the objects in quarantine.
    ///
    /// # Errors
    /// There is no repository, or git refuses it.
    pub fn open(directory: &Path) -> Result<Repo, Error> {
        let (asked, settings) = ask(directory);
        if let Asked::Refused(why) = &asked {
            return Err(refused(directory, why));
        }
        let raw = match &asked {
            Asked::Answered(seen) => opened(directory, seen, settings.as_ref())
                .map_err(|error| misled(directory).unwrap_or(error))?,
            _ => match Repository::open_ext(directory, RepositoryOpenFlags::FROM_ENV, NO_CEILING) {
                Ok(raw) => raw,
                Err(source) if source.code() == ErrorCode::NotFound => return Err(nowhere(directory)),
                Err(source) => return Err(unreadable(directory, settings.as_ref())(source)),
            },
        };
        if std::env::var_os("GIT_DIR").is_none() {
            is_not_embedded(directory, raw.path())?;
        }
        let settings = match settings {
            Some(settings) => settings,
            None => Settings::of_libgit2(&raw)?,
        };
        Ok(Repo::of(raw, directory.to_owned(), Arc::new(settings)))
    }

    /// Returns a handle with which another thread can open the repository.
    pub fn door(&self) -> Door {
        Door {
            git_dir: self.raw.path().to_owned(),
            directory: self.directory.clone(),
            settings: self.settings.borrow().clone(),
        }
    }

    fn of(raw: Repository, directory: PathBuf, settings: Arc<Settings>) -> Repo {
        Repo {
            raw,
            directory,
            connection: RefCell::default(),
            promised: RefCell::default(),
            settings: RefCell::new(settings),
        }
    }
}

/// A repository that was located once, so that it can be opened again without another
/// search.
#[derive(Clone, Debug)]
pub struct Door {
    git_dir: PathBuf,
    directory: PathBuf,
    settings: Arc<Settings>,
}

impl Door {
    /// Opens the repository again.
    ///
    /// # Errors
    /// The repository was removed meanwhile.
    pub fn open(&self) -> Result<Repo, Error> {
        let raw = at(&self.directory, &self.git_dir, Some(&self.settings))?;
        Ok(Repo::of(raw, self.directory.clone(), self.settings.clone()))
    }
}

/// Only the environment's folders end the search early.
const NO_CEILING: [&Path; 0] = [];

/// The answer of the git program.
enum Asked {
    /// The repository that it sees.
    Answered(Seen),
    /// Git's messages: it refused.
    Refused(String),
    /// There is no git program.
    NoGit,
}

/// A repository as the git program sees it.
struct Seen {
    /// The git directory.
    git_dir: PathBuf,
    /// The folder that all work trees share.
    common_dir: PathBuf,
    /// The top of the work tree, where the folder is in one.
    top: Option<PathBuf>,
}

/// Asks git which repository a folder is in, and for its configuration, in parallel.
fn ask(directory: &Path) -> (Asked, Option<Settings>) {
    let mut git = command::git();
    git.arg("-C").arg(directory).args([
        "rev-parse",
        "--absolute-git-dir",
        "--git-common-dir",
        "--is-inside-work-tree",
        "--show-cdup",
    ]);
    // The messages are parsed, so they must be in English.
    git.env("LC_ALL", "C").env("LANGUAGE", "C");
    git.stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(place) = git.spawn() else {
        return (Asked::NoGit, None);
    };
    let listing = Settings::command(directory).output();
    let Ok(place) = place.wait_with_output() else {
        return (Asked::NoGit, None);
    };
    if !place.status.success() {
        let why = String::from_utf8_lossy(&place.stderr).into_owned();
        return (Asked::Refused(why), None);
    }
    let listing = match listing {
        Ok(output) if output.status.success() => Settings::read(&output.stdout),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return (Asked::Refused(why), None);
        }
        Err(_) => return (Asked::NoGit, None),
    };
    match seen(directory, &place.stdout) {
        Some(seen) => (Asked::Answered(seen), Some(listing)),
        None => {
            let why = "fatal: a path of the repository has a line end in it".to_owned();
            (Asked::Refused(why), None)
        }
    }
}

/// Parses the lines of `git rev-parse`. The last one exists only in work trees.
fn seen(directory: &Path, said: &[u8]) -> Option<Seen> {
    let lines: Vec<&[u8]> = said.strip_suffix(b"\n")?.split(|byte| *byte == b'\n').collect();
    let (git_dir, common_dir, is_inside, up) = match lines[..] {
        [git_dir, common_dir, is_inside, up] => (git_dir, common_dir, is_inside, up),
        [git_dir, common_dir, b"false"] => (git_dir, common_dir, &b"false"[..], &b""[..]),
        _ => return None,
    };
    Some(Seen {
        git_dir: path_of(git_dir),
        // The path is relative to the folder that git was started in.
        common_dir: directory.join(path_of(common_dir)),
        top: (is_inside == b"true").then(|| directory.join(path_of(up))),
    })
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Refuses to read where libgit2 has opened another repository than git sees.
fn agreed(directory: &Path, raw: &Repository, seen: &Seen) -> Result<(), Error> {
    let top_differs = match (&seen.top, raw.workdir()) {
        (Some(top), Some(workdir)) => real(top) != real(workdir),
        (Some(_), None) => true,
        (None, _) => false,
    };
    let pairs = [(&*seen.git_dir, raw.path()), (&*seen.common_dir, raw.commondir())];
    let differing = pairs.into_iter().find(|(one, other)| real(one) != real(other));
    let (one, other) = match (differing, &seen.top) {
        (Some((one, other)), _) => (one, other),
        (None, Some(top)) if top_differs => (&**top, raw.workdir().unwrap_or(raw.path())),
        _ => return Ok(()),
    };
    Err(Error::msg(format!(
        "which repository {} is in is not clear: git says {}, and libgit2 says {}",
        directory.display(),
        one.display(),
        other.display()
    ))
    .hint("the variables GIT_DIR, GIT_WORK_TREE and GIT_COMMON_DIR, or `core.worktree`, can be the cause: `env | grep ^GIT_` and `git config --show-origin core.worktree` show them"))
}

/// Refuses a git directory that is a plain folder inside a work tree.
fn is_not_embedded(directory: &Path, git_dir: &Path) -> Result<(), Error> {
    let git_dir = real(git_dir);
    // The folder `.git`, and git's own files in it: no commit can add a file of that
    // name.
    if git_dir.components().any(|part| part.as_os_str() == ".git") {
        return Ok(());
    }
    // A `.git` file may name a git directory anywhere, so it does not count as a
    // folder's content.
    let directory = real(directory);
    if !directory.starts_with(&git_dir) {
        return Ok(());
    }
    let around = git_dir.ancestors().skip(1);
    let Some(top) = around
        .into_iter()
        .find(|at| at.join(".git").symlink_metadata().is_ok())
    else {
        return Ok(());
    };
    let inside = git_dir.strip_prefix(top).unwrap_or(&git_dir);
    let (top, inside) = (top.to_string_lossy(), inside.to_string_lossy());
    Err(Error::msg(format!(
        "the folder `{inside}` looks like a bare repository, and stands inside the work tree {top}: its files can be somebody's ordinary content, and its configuration is not believed"
    ))
    .hint(format!(
        "to read the registry of the work tree: `modelry -C {0} list`",
        shell_word(&top)
    ))
    .hint(format!(
        "if you made this bare repository yourself: `GIT_DIR={} modelry list`",
        shell_word(&git_dir.to_string_lossy())
    )))
}

/// Opens exactly the repository that git sees.
fn opened(directory: &Path, seen: &Seen, settings: Option<&Settings>) -> Result<Repository, Error> {
    let raw = at(directory, &seen.git_dir, settings)?;
    let is_named = settings.is_some_and(|settings| settings.get("core.worktree").is_some())
        || std::env::var_os("GIT_WORK_TREE").is_some();
    if let (None, false, Some(workdir)) = (&seen.top, is_named, raw.workdir()) {
        leads_back(workdir, &seen.git_dir)?;
    }
    // Where the git directory is elsewhere (a `.git` file, GIT_DIR alone), libgit2
    // can't derive the work tree from it.
    let differs = |top: &&Path| raw.workdir().is_none_or(|workdir| real(workdir) != real(top));
    if let Some(top) = seen.top.as_deref().filter(differs) {
        raw.set_workdir(&real(top), false)
            .map_err(unreadable(directory, None))?;
    }
    agreed(directory, &raw, seen)?;
    Ok(raw)
}

/// Refuses the folder around a git directory as its work tree if that folder's `.git`
/// is another git directory. libgit2 takes it from the configuration alone.
fn leads_back(workdir: &Path, git_dir: &Path) -> Result<(), Error> {
    let dot = workdir.join(".git");
    let text = std::fs::read_to_string(&dot).unwrap_or_default();
    let led = text
        .trim_end()
        .strip_prefix("gitdir: ")
        .map(|to| workdir.join(to));
    if real(&led.unwrap_or(dot)) == real(git_dir) {
        return Ok(());
    }
    Err(Error::msg(format!(
        "nothing in the git directory {} says where its work tree is",
        git_dir.display()
    ))
    .hint("work in the folder whose `.git` leads to it: `modelry -C FOLDER list`")
    .hint(format!(
        "or write it down: `git -C {} config core.worktree FOLDER`",
        shell_word(&git_dir.to_string_lossy())
    )))
}

/// Opens a git directory. Its owner is not checked again: git has checked it, and
/// supports more of `safe.directory` than libgit2.
fn at(directory: &Path, git_dir: &Path, settings: Option<&Settings>) -> Result<Repository, Error> {
    let unreadable = || unreadable(directory, settings);
    let flags =
        RepositoryOpenFlags::FROM_ENV | RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
    let raw = match Repository::open_ext(git_dir, flags, NO_CEILING) {
        Err(source) if source.code() == ErrorCode::Owner => {
            let raw = Repository::open_bare(git_dir).map_err(unreadable())?;
            with_environment(directory, &raw)?;
            raw
        }
        raw => raw.map_err(unreadable())?,
    };
    // GIT_NAMESPACE limits what a pusher or fetcher sees (gitnamespaces(7)). A push
    // to a namespace is refused before anything is read.
    raw.remove_namespace().map_err(unreadable())?;
    Ok(raw)
}

/// Adds the environment's object folders, as `FROM_ENV` does.
fn with_environment(directory: &Path, raw: &Repository) -> Result<(), Error> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let main = variable("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
    let others = variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    for place in main.into_iter().chain(std::env::split_paths(&others)) {
        if let Some(place) = place.to_str().filter(|place| !place.is_empty()) {
            let odb = raw.odb().map_err(unreadable(directory, None))?;
            odb.add_disk_alternate(place)
                .map_err(unreadable(directory, None))?;
        }
    }
    Ok(())
}

fn unreadable(directory: &Path, settings: Option<&Settings>) -> impl FnOnce(git2::Error) -> Error {
    let place = directory.display().to_string();
    move |source| {
        let unknown = extensions::unknown(&place, source.message(), settings);
        unknown.unwrap_or_else(|| failed(format!("can't open the repository at {place}"))(source))
    }
}

fn nowhere(directory: &Path) -> Error {
    Error::msg(format!("{} is not in a Git repository", directory.display()))
        .hint("make one with `git init`, or name another folder with `-C DIR`")
}

/// Returns the error for git's refusal, in git's words, with a remedy.
fn refused(directory: &Path, said: &str) -> Error {
    let first = said.lines().find(|line| line.starts_with("fatal:"));
    let why = first.or(said.lines().next()).unwrap_or_default();
    let mut why = why.trim_start_matches("fatal:").trim().to_owned();
    if why.ends_with(':') {
        // The details follow on lines of their own.
        let more = said.lines().skip_while(|line| !line.contains(&why)).skip(1);
        let more: Vec<&str> = more.filter_map(|line| line.strip_prefix('\t')).collect();
        why = format!("{why} {}", more.join(", "));
    }
    let why = why.as_str();
    let error = || {
        Error::msg(format!(
            "git can't open the repository at {}: {why}",
            directory.display()
        ))
    };
    if !directory.exists() {
        return Error::msg(format!("there is no folder `{}`", directory.display()))
            .hint("name a folder that is there: `-C DIR`");
    }
    if why.contains("dubious ownership") {
        // Git prints the folder in the form to type.
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
    if let Some(misled) = misled(directory) {
        return misled;
    }
    if why.starts_with("not a git repository (or any") {
        // The user may have forbidden a search further up.
        let ends = std::env::var_os("GIT_CEILING_DIRECTORIES").is_some_and(|ends| !ends.is_empty());
        return match (ends, top_of(directory)) {
            (true, Some(top)) => Error::msg(format!("{} is not in a Git repository", directory.display()))
                .hint(format!(
                    "GIT_CEILING_DIRECTORIES may end the search before {}: `unset GIT_CEILING_DIRECTORIES`",
                    top.display()
                )),
            (true, None) => nowhere(directory),
            (false, _) => damaged(directory).unwrap_or_else(|| nowhere(directory)),
        };
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

/// Variables of the environment that name a part of every repository.
const PARTS: [&str; 3] = ["GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"];

/// Returns the error for a variable of the environment that names a folder which is not
/// there, or `None` where each folder is there.
fn misled(directory: &Path) -> Option<Error> {
    let (name, place) = PARTS.iter().find_map(|name| {
        let place = PathBuf::from(std::env::var_os(name).filter(|value| !value.is_empty())?);
        let full = directory.join(&place);
        let is_part = match *name {
            "GIT_COMMON_DIR" => full.join("objects").is_dir() && full.join("refs").is_dir(),
            _ => full.is_dir(),
        };
        (!is_part).then_some((name, place))
    })?;
    let what = match *name {
        "GIT_COMMON_DIR" => "holds no repository",
        _ => "is not there",
    };
    Some(
        Error::msg(format!(
            "the variable {name} of the environment names {}, which {what}: git sees no repository with it",
            place.display()
        ))
        .hint(format!("`unset {name}`, or set it to the folder that is meant")),
    )
}

/// Returns the nearest folder, upwards, that has a `.git`.
fn top_of(directory: &Path) -> Option<PathBuf> {
    let whole = directory.canonicalize().ok()?;
    let top = whole
        .ancestors()
        .find(|at| at.join(".git").symlink_metadata().is_ok());
    top.map(Path::to_owned)
}

/// Returns the error for a `.git` folder that is not a complete repository, or `None`
/// where there is no such folder.
fn damaged(directory: &Path) -> Option<Error> {
    let top = top_of(directory)?;
    let git = top.join(".git");
    let shown = shell_word(&git.to_string_lossy());
    let error = |what: &str| {
        Error::msg(format!(
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
                .hint(format!("make it: `mkdir -p {shown}/{HEADS}`"))
                .hint("then look at what is left: `git status`; branches that are not in `packed-refs` are gone"),
        );
    }
    let branch = only_branch(&git).unwrap_or_else(|| "main".to_owned());
    let line = shell_word(&format!("ref: {}", FullRef::of_branch(&branch)));
    let hint = format!("name the branch that was checked out: `echo {line} > {shown}/HEAD`");
    match git.join("HEAD").symlink_metadata().is_ok() {
        true => Some(error("its file `HEAD` names no branch and no commit").hint(hint)),
        false => Some(error("its file `HEAD` is gone").hint(hint)),
    }
}

/// Returns the name of the branch, if there is exactly one.
fn only_branch(git: &Path) -> Option<String> {
    let heads = git.join(HEADS);
    let loose = walkdir::WalkDir::new(&heads).into_iter().flatten();
    let loose = loose.filter(|entry| entry.file_type().is_file());
    let mut names: Vec<String> = loose
        .filter_map(|entry| Some(entry.path().strip_prefix(&heads).ok()?.to_str()?.to_owned()))
        .collect();
    let packed = std::fs::read_to_string(git.join("packed-refs")).unwrap_or_default();
    let packed = packed
        .lines()
        .filter_map(|line| FullRef::new(line.split_once(' ')?.1));
    names.extend(packed.filter_map(|name| name.branch().map(str::to_owned)));
    names.sort();
    names.dedup();
    match &names[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}
