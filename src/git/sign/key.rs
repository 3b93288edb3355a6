//! The signing key's place, and the words for somebody who has none.

use std::path::{Path, PathBuf};

use crate::base::Error;

/// The lines that tell git to sign with an SSH key.
pub fn how_to() -> [&'static str; 2] {
    [
        "git config --global gpg.format ssh",
        "git config --global user.signingkey ~/.ssh/id_ed25519.pub",
    ]
}

/// The error of somebody who never named a key.
pub fn no_key() -> Error {
    Error::told("no signing key is configured")
        .hint("every decision is signed; make a key once: `ssh-keygen -t ed25519`")
        .hint(format!("then tell git: `{}`", how_to()[0]))
        .hint(format!("and: `{}`", how_to()[1]))
}

/// A path as git reads it: `~/` is the home.
pub fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}
