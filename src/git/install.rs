//! Installs hooks. An existing hook is kept under another name; Modelry's hook runs
//! first, and then the existing one.

use std::path::{Path, PathBuf};

use crate::base::Error;
use crate::git::{Repo, disk};

/// The git hooks that Modelry provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Runs in a clone, before a commit.
    PreCommit,
    /// Runs on a server, before the references of a push move.
    PreReceive,
}

impl Hook {
    /// Returns the hook's file name, which is also the command's name.
    pub fn name(self) -> &'static str {
        match self {
            Hook::PreCommit => "pre-commit",
            Hook::PreReceive => "pre-receive",
        }
    }
}

/// The result of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The path of the hook.
    pub hook: PathBuf,
    /// The path to which the earlier hook was moved.
    pub chained: Option<PathBuf>,
    /// Whether everything was installed already.
    pub unchanged: bool,
}

/// A line that only Modelry's own hooks contain.
const MARK: &str = "# Made by `modelry hook install`, which writes it anew.";

/// Returns the path of the earlier hook. It stays in its folder, since many hooks
/// need files beside them.
fn chained(hook: &Path) -> PathBuf {
    let mut name = hook.as_os_str().to_owned();
    name.push(".chained");
    PathBuf::from(name)
}

/// Quotes a path as one word of a shell.
fn quoted(path: &Path) -> Result<String, Error> {
    let text = path.to_str().ok_or_else(|| {
        Error::msg(format!("the name of `{}` is not UTF-8", path.display())).hint("move the program")
    })?;
    Ok(format!("'{}'", text.replace('\'', "'\\''")))
}

/// Returns the text of the hook. Git may run it with an empty environment, so it
/// names the program by its absolute path. If the program is missing, every push or
/// commit is refused.
fn script(hook: Hook, program: &Path) -> Result<String, Error> {
    let program = quoted(program)?;
    let name = hook.name();
    let run = match hook {
        Hook::PreCommit => format!(
            "{program} hook {name} || exit\n\
             if [ -x \"$0.chained\" ]; then exec \"$0.chained\" \"$@\"; fi\n"
        ),
        // Both hooks read all of git's input.
        Hook::PreReceive => format!(
            "updates=$(cat) || exit\n\
             printf '%s\\n' \"$updates\" | {program} hook {name} || exit\n\
             if [ -x \"$0.chained\" ]; then printf '%s\\n' \"$updates\" | \"$0.chained\" \"$@\" || exit; fi\n"
        ),
    };
    Ok(format!(
        "#!/bin/sh\n{MARK}\n# A hook of yours goes into {name}.chained beside it, and runs after it.\n{run}"
    ))
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Returns the hook's path, in a folder that belongs to this repository alone.
fn place(repo: &Repo, hook: Hook) -> Result<PathBuf, Error> {
    let folder = repo.hooks_folder()?;
    if !repo.owns(&folder) {
        return Err(Error::msg(format!(
            "git runs this repository's hooks from {}, which others share (core.hooksPath)",
            folder.display()
        ))
        .hint(format!(
            "give the repository a folder of its own: `git config core.hooksPath hooks`; or call `modelry hook {}` from the hook there",
            hook.name()
        )));
    }
    Ok(folder.join(hook.name()))
}

/// Installs a hook that runs `program`.
///
/// # Errors
/// The hooks folder is shared with other repositories, there are two hooks to chain,
/// or a file can't be written.
pub fn install(repo: &Repo, hook: Hook, program: &Path) -> Result<Installed, Error> {
    let path = place(repo, hook)?;
    let script = script(hook, program)?;
    let waiting = chained(&path);
    let there = read(&path)?;
    let is_ours = there.as_ref().is_some_and(|text| text.contains(MARK));
    let unchanged = there.as_ref() == Some(&script) && is_executable(&path);
    if there.is_some() && !is_ours {
        if waiting.exists() {
            return Err(Error::msg(format!(
                "there are two hooks to keep: {} and {}",
                path.display(),
                waiting.display()
            ))
            .hint("put them into one, or remove the one that is not needed"));
        }
        disk::rename(&path, &waiting)?;
    }
    if !unchanged {
        disk::write_program(&path, script.as_bytes())?;
    }
    Ok(Installed {
        hook: path,
        chained: waiting.exists().then_some(waiting),
        unchanged,
    })
}

/// Uninstalls a hook, and moves the earlier hook back. Returns `None` when it was not
/// installed.
pub fn uninstall(repo: &Repo, hook: Hook) -> Result<Option<Installed>, Error> {
    let path = place(repo, hook)?;
    if !read(&path)?.is_some_and(|text| text.contains(MARK)) {
        return Ok(None);
    }
    let waiting = chained(&path);
    let back = waiting.exists();
    if back {
        disk::rename(&waiting, &path)?;
    } else if let Some(folder) = path.parent() {
        disk::remove_file(&path, folder)?;
    }
    Ok(Some(Installed {
        chained: back.then(|| path.clone()),
        hook: path,
        unchanged: false,
    }))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}
