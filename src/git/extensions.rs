//! The extensions of a repository's format (`extensions.*` in its configuration).
//!
//! Git and libgit2 know different ones, and each refuses a repository with one that it
//! does not know. Both know `objectFormat`, `worktreeConfig`, `preciousObjects` and `noop`;
//! `relativeWorktrees` is known to libgit2 and to git from 2.48 on. The others are
//! refused, with the way out.
//!
//! Source: gitrepository-layout(5), "extensions" in git-config(1).

use super::config::Settings;
use crate::base::{Error, shell_word};

/// Returns the error for an extension that libgit2 does not know, where its message
/// names one.
pub(super) fn unknown(place: &str, said: &str, settings: Option<&Settings>) -> Option<Error> {
    let name = said.split("unsupported extension name extensions.").nth(1)?;
    let name = name.split([';', ' ', '\n']).next()?;
    let error = |shown: &str, why: &str| {
        Error::msg(format!(
            "can't open the repository at {place}: its format has the extension `{shown}`, {why}"
        ))
    };
    let value = settings.and_then(|settings| settings.get(&format!("extensions.{name}")));
    Some(match name {
        "partialclone" => {
            let remote = value.filter(|remote| !remote.is_empty()).unwrap_or("origin");
            error("partialClone", "the older mark of a partial clone, which is not read")
                .hint(format!(
                    "write the mark as git does since 2.24: `git config {} true && git config --unset extensions.partialClone`",
                    shell_word(&format!("remote.{remote}.promisor"))
                ))
        }
        "refstorage" if value == Some("files") => error("refStorage", "which is not read").hint(
            "`files` is git's default, and needs no mark: `git config --unset extensions.refStorage`",
        ),
        "refstorage" => error("refStorage", "and references in that format can't be read yet")
            .hint("convert them: `git refs migrate --ref-format=files`"),
        "compatobjectformat" => error(
            "compatObjectFormat",
            "a second name of each object in another hash, which is not read",
        )
        .hint("clone it without that: `git clone URL FOLDER`"),
        other => error(other, "which is not known").hint(
            "known are objectFormat, worktreeConfig, preciousObjects, relativeWorktrees and noop: `git config --show-origin --get-regexp '^extensions'` shows where the others are set",
        ),
    })
}
