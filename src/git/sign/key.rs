//! The user's signing key: its path, and the error for a missing one.

use std::path::{Path, PathBuf};

use crate::base::Error;

/// Returns the commands that make git sign with an SSH key.
pub fn how_to() -> [&'static str; 2] {
    [
        "git config --global gpg.format ssh",
        "git config --global user.signingkey ~/.ssh/id_ed25519.pub",
    ]
}

/// Returns the error for a missing signing key.
pub fn no_key() -> Error {
    Error::msg("no signing key is configured")
        .hint("every decision is signed; make a key once: `ssh-keygen -t ed25519`")
        .hint(format!("then tell git: `{}`", how_to()[0]))
        .hint(format!("and: `{}`", how_to()[1]))
}

/// Expands a path as git does: `~/` is the home.
pub fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}
