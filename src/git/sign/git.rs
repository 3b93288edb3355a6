//! Chooses the signing program and key, as git does.
//!
//! Source: gpg-interface.c of git, and the documentation of `gpg.format`,
//! `user.signingKey` and `gpg.program`.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use super::Signer;
use super::gpg::GpgSigner;
use super::key::{expanded, how_to, no_key};
use super::run::missing;
use super::ssh::SshSigner;
use crate::base::Error;

/// A signer that is configured as git's.
pub struct GitSigner(Box<dyn Signer>);

impl GitSigner {
    /// Returns the signer that git's configuration (key in lower case, value) selects
    /// in this folder. git's default is OpenPGP, by the committer's name and address.
    ///
    /// # Errors
    /// No key is configured, or the format is X.509.
    pub fn from_config(config: &HashMap<String, String>, directory: &Path) -> Result<GitSigner, Error> {
        let get = |key: &str| config.get(key).cloned().filter(|value| !value.is_empty());
        let program = |key: &str| get(key).map(|program| expanded(&program).to_string_lossy().into_owned());
        let key = get("user.signingkey");
        match get("gpg.format").as_deref() {
            Some("ssh") => {
                let command = get("gpg.ssh.defaultkeycommand");
                let signer = SshSigner::new(key, command, program("gpg.ssh.program"), directory)?;
                Ok(GitSigner(Box::new(signer)))
            }
            Some("x509") => Err(Error::msg(
                "git signs with x509 here, and X.509 signatures are not supported: sign with SSH or OpenPGP",
            )
            .hint(format!("sign with an SSH key: `{}`", how_to()[0]))
            .hint(format!("and name it: `{}`", how_to()[1]))),
            Some(other) if other != "openpgp" => Err(Error::msg(format!(
                "git's `gpg.format` is `{other}`, which nobody knows"
            ))
            .hint(how_to()[0])
            .hint(how_to()[1])),
            format => {
                let program = program("gpg.openpgp.program").unwrap_or_else(|| "gpg".into());
                let key = match key {
                    Some(key) => key,
                    // A user without an OpenPGP key of that name never chose OpenPGP.
                    None if format.is_none() && !has_secret_key(&program, directory) => return Err(no_key()),
                    None => committer(directory)?,
                };
                Ok(GitSigner(Box::new(GpgSigner { key, program })))
            }
        }
    }
}

impl Signer for GitSigner {
    fn sign(&self, namespace: &str, payload: &[u8]) -> Result<String, Error> {
        self.0.sign(namespace, payload)
    }

    fn public_key(&self) -> Result<String, Error> {
        self.0.public_key()
    }
}

/// Whether gpg has a secret key by the committer's name and address.
fn has_secret_key(program: &str, directory: &Path) -> bool {
    let program = program.to_owned();
    committer(directory).is_ok_and(|key| GpgSigner { key, program }.public_key().is_ok())
}

/// Returns the committer's name and address, by which git selects gpg's key when none
/// is configured.
fn committer(directory: &Path) -> Result<String, Error> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["var", "GIT_COMMITTER_IDENT"])
        .output()
        .map_err(|error| missing("git", "PATH", &error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.rfind('>') {
        Some(end) if output.status.success() => Ok(text[..=end].to_owned()),
        _ => Err(no_key()),
    }
}
