//! The command that starts the git program, for all who start it.

use std::process::Command;

/// Variables that change which configuration `git config` lists, or what the paths of a
/// command mean. An outer `git --literal-pathspecs commit` hands them to its hooks.
const ELSEWHERE: [&str; 5] = [
    "GIT_CONFIG",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// The git program, whose commands mean what they say whatever the environment has.
pub(super) fn git() -> Command {
    let mut git = Command::new("git");
    for variable in ELSEWHERE {
        git.env_remove(variable);
    }
    git
}
