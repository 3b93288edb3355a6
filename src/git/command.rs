//! The git command with a fixed environment, for every call of the git program.

use std::process::Command;

/// Variables that change which configuration `git config` lists, or what the paths of
/// a command mean. An outer `git --literal-pathspecs commit` passes them to its
/// hooks.
const ELSEWHERE: [&str; 5] = [
    "GIT_CONFIG",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// Returns a git command that does not depend on variables of the environment that
/// change its meaning.
pub(super) fn git() -> Command {
    let mut git = Command::new("git");
    for variable in ELSEWHERE {
        git.env_remove(variable);
    }
    git
}
